"""The figure of a generator of pictures from noise."""

import json
import pathlib

import numpy as np
import pytest

from tests.codecs import small_generators
from tfpercept import training
from tfpercept.data import examples
from trainers import gan_training


@pytest.fixture
def judged(tmp_path):
  own = gan_training.Settings(side=32, channels=3)
  run = training.Run(out=tmp_path, steps=1, settings=own)
  network = small_generators.make("dcgan")

  def judge(held_out):
    data, unseen = (
      examples.Examples(small_generators.pictures(count, seed=seed))
      for seed, count in enumerate((9, held_out))
    )
    gan_training._judge(run, network, data, unseen)
    path = pathlib.Path(tmp_path / "samples.json")
    return json.loads(path.read_bytes()) if path.exists() else None

  return judge


def test_the_figure_is_written_with_its_floor_and_samples(judged, capsys):
  alex, pim = judged(5)
  assert [alex["name"], pim["name"]] == ["frechet_alex", "frechet_pim"]
  sizes = alex["samples"], alex["trained"], alex["held_out"]
  assert sizes == (9, 9, 5)
  # The weights are random.
  assert alex["value"] > alex["floor"] > 0
  said = capsys.readouterr().out
  assert said.startswith("frechet_alex ")
  assert "9 samples against 5 pictures held out; floor " in said
  assert judged(5) == [alex, pim]


def test_no_figure_is_made_of_too_few_pictures(judged, caplog):
  assert judged(1) is None
  assert "choose a larger --held_out" in caplog.text


def test_at_most_so_many_pictures_are_judged(judged, monkeypatch):
  monkeypatch.setattr(gan_training, "_JUDGED", 3)
  sizes = {(f["samples"], f["trained"], f["held_out"]) for f in judged(5)}
  assert sizes == {(3, 3, 3)}
  assert np.isfinite([f["value"] for f in judged(5)]).all()

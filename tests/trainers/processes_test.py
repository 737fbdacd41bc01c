"""What a table trains once is not taken for another training."""

import numpy as np
import pytest

from tfpercept import training
from tfpercept.data import identity
from tfpercept.io import files
from trainers import processes, super_resolution


@pytest.fixture
def trained(tmp_path, monkeypatch):
  """Trains nothing, but leaves what a trainer leaves."""
  data, out = tmp_path / "data", tmp_path / "out" / "srcnn"
  files.write_image(data / "a.png", np.zeros((4, 4, 3), np.uint8))
  preset = tmp_path / "preset.flags"
  preset.write_text(f"\ufeff# as published\n--data={data}\n--steps=3\n")
  calls = []

  def run(command, **options):
    calls.append(command)
    own = super_resolution.Settings(data=(str(data),))
    run = training.Run(out=out, steps=3, settings=own)
    run.on(data=lambda: identity.of([str(data)])).claim()
    (out / "model").mkdir()

  monkeypatch.setattr(processes.subprocess, "run", run)

  def train(*more):
    processes.train("srcnn", out, *more, preset=preset)
    return len(calls)

  assert train(f"--initial={out.parent}/initial") == 1
  return tmp_path, train


def test_what_is_trained_is_not_trained_again(trained):
  folder, train = trained
  assert train(f"--initial={folder}/out/initial") == 1


def test_other_flags_are_another_training(trained):
  folder, train = trained
  with pytest.raises(ValueError, match=r"then none, now --seed=1\)"):
    train(f"--initial={folder}/out/initial", "--seed=1")
  (folder / "preset.flags").write_text(f"--data={folder}/data\n--steps=4\n")
  with pytest.raises(ValueError, match="then --steps=3, now --steps=4"):
    train(f"--initial={folder}/out/initial")


def test_other_data_are_another_training(trained):
  folder, train = trained
  files.write_image(folder / "data/b.png", np.zeros((4, 4, 3), np.uint8))
  with pytest.raises(ValueError, match=r"other data.*b\.png was added"):
    train(f"--initial={folder}/out/initial")


def test_what_has_no_notes_is_taken_as_it_is(trained):
  folder, train = trained
  for name in (processes.FLAGS, "data.json", "run.json"):
    (folder / "out/srcnn" / name).unlink()
  assert train("--seed=1") == 1

"""`tfpercept compress` with generators: the bar and the budget of a search."""

import sys

import pytest

from tests.codecs import small_generators
from tfpercept import cli
from tfpercept.io import files


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
  root = tmp_path_factory.mktemp("generators")
  return {
    name: small_generators.save(name, root / name) for name in ("dcgan", "pca")
  }


@pytest.fixture
def compress(tmp_path):
  for i, picture in enumerate(small_generators.pictures(2)):
    files.write_image(tmp_path / "in" / f"{i}.png", picture)
  words = [str(tmp_path / "in"), f"--out={tmp_path / 'out'}"]
  words += ["--lossless=never", "--quality=2", "--overwrite"]
  return lambda *more: cli.main(["compress", *words, *more])


def test_the_bar_shows_the_steps_of_a_search(
  runs, compress, capsys, monkeypatch
):
  monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)
  assert compress(f"--model={runs['dcgan']}", "--effort=1") == 0
  drawn = capsys.readouterr().err
  # Two pictures of 50 steps each.
  for place, name in ((1, "0.png"), (50, "0.png"), (51, "1.png")):
    found = [line for line in drawn.split("\r") if f"] {place}/100 " in line]
    assert len(found) == 1
    assert found[0].endswith(name)


def test_a_search_ends_at_its_time(runs, compress, capsys, monkeypatch):
  monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)
  assert compress(f"--model={runs['dcgan']}", "--seconds=1e-6") == 0
  drawn = capsys.readouterr().err
  assert "] 1/600 " in drawn
  assert "] 2/600 " not in drawn


def test_seconds_without_a_search_are_refused(runs, compress, capsys):
  pca = f"--model={runs['pca']}"
  for flags, why in (
    (["--seconds=0", pca], "--seconds is a number above 0; got 0"),
    (["--seconds=1", "--codec=png"], "does not go with --codec:"),
    (["--seconds=1", pca], "has an encoder, which needs none; give --effort"),
    (["--seconds=1", "--model=photo_mse"], "photo_mse is no generator"),
  ):
    assert compress(*flags) == 2
    assert why in capsys.readouterr().err
  assert compress("--seconds=1e-6", "--effort=1", pca) == 0

"""`tfpercept realism` on pictures that were decoded before."""

import json

import numpy as np
import pytest

from tfpercept import cli
from tfpercept.io import files


def scene(seed):
  random = np.random.default_rng(seed)
  coarse = random.integers(0, 256, (8, 16, 3))
  return np.kron(coarse, np.ones((8, 8, 1))).astype(np.uint8)


@pytest.fixture
def place(tmp_path):
  for seed in range(2):
    files.write_image(tmp_path / "originals" / f"p{seed}.png", scene(seed))
    files.write_image(
      tmp_path / "dark" / f"p{seed}.png", np.uint8(0.8 * scene(seed))
    )
  return tmp_path


def test_decoded_folders_are_judged_and_written(place, capsys):
  status = cli.main(
    [
      "realism",
      str(place / "originals"),
      f"--decoded=same={place / 'originals'}",
      f"--decoded={place / 'dark'}",
      "--metric=mse",
      f"--out={place / 'out'}",
    ]
  )
  assert status == 0
  shown = capsys.readouterr().out
  assert shown.splitlines()[0].split() == ["same", "dark"]
  made = json.loads((place / "out" / "realism.json").read_text())
  assert made["bits_per_pixel"] is None
  by_name = {row["decoder"]: row["measures"] for row in made["decoders"]}
  assert by_name["same"]["mse"]["value"] == 0
  expected = np.mean(
    [
      np.square((scene(s) - np.floor(0.8 * scene(s))) / 255).mean()
      for s in range(2)
    ]
  )
  assert by_name["dark"]["mse"]["value"] == pytest.approx(expected, rel=1e-5)
  assert by_name["dark"]["patch_frechet_pim"]["patches"] == 4
  assert (place / "out" / "realism.txt").read_text() == shown
  assert "<h1>" in (place / "out" / "realism.html").read_text()


@pytest.mark.parametrize(
  ("more", "message"),
  [
    (["--decoded=dark", "--quality=1"], "drop --model, --head, --strength"),
    (["--decoded=dark", "--model=photo_mse"], "drop --model, --head"),
    (["--decoded=dark", "--quality=0"], "drop --model, --head"),
    (["--quality=0"], "qualities from 1 to 8; got 0"),
    (["--strength=0.5", "--strength=0.50000001"], "differ in six digits"),
    (["--decoded=a=dark", "--decoded=a=dark"], "two folders are called 'a'"),
    (["--strength=2"], "above 0, up to 1"),
    (["--side=0"], "--side is above 0"),
    (["--model=emoji"], "inversion(model='emoji')"),
    (
      ["--head=a=photo_ms_ssim_realism", "--head=b=photo_mse_realism"],
      "given: photo_ms_ssim_realism (for photo_ms_ssim",
    ),
  ],
)
def test_mistakes_are_told(more, message, place, capsys, monkeypatch):
  monkeypatch.chdir(place)
  assert cli.main(["realism", "originals", *more]) == 2
  assert message in capsys.readouterr().err


def test_one_picture_is_too_few(place, capsys):
  path = place / "originals" / "p0.png"
  assert cli.main(["realism", str(path)]) == 2
  assert "two pictures or more; got 1" in capsys.readouterr().err


def test_a_rate_that_no_quality_keeps_is_an_error(place, capsys):
  words = [str(place / "originals"), "--bpp=0.0001", "--metric=mse"]
  assert cli.main(["realism", *words, "--side=16"]) == 2
  message = capsys.readouterr().err
  assert "no quality of photo_mse takes at most 0.0001" in message

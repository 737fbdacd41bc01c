"""The trainer of codecs from its flags to files that decode."""

import numpy as np
import pytest

from tests.smoke import runs
from tfpercept import codecs, models
from tfpercept.io import files

TRAINING = ("--patch=64", "--batch=2", "--precision=float32")
SMALL = (
  *TRAINING,
  "--widths=4,4,4", "--latents=8", "--hyper_width=6", "--hyper_latents=4",
)  # fmt: skip


@pytest.fixture
def folder(tmp_path, photograph):
  (tmp_path / "photos").mkdir()
  for i in range(3):
    path = tmp_path / "photos" / f"{i}.png"
    files.write_image(path, photograph(140, 160, seed=i))
  return tmp_path / "photos"


def _codes(run, folder):
  """A run folder is a codec, whatever it has trained."""
  codec = codecs.get(f"hyperprior(model={str(run)!r})")
  picture = files.read_image(folder / "0.png")
  again = codec.decompress(codec.compress(picture, quality=8))
  assert np.mean((again - picture.astype(float)) ** 2) < 2000


def test_a_run_folder_codes_and_another_loss_goes_on_from_it(tmp_path, folder):
  first, second = tmp_path / "first", tmp_path / "second"
  common = (f"--data={folder}", "--sides=150,100", *SMALL, "--steps=2")
  network = "--architecture=channel_wise_hyperprior"
  done = runs.run("compression", *common, network, f"--out={first}")
  assert done.returncode == 0, done.stderr
  _codes(first, folder)
  done = runs.run(
    "compression", *TRAINING, "--steps=2", f"--data={folder}",
    f"--initial={first}", "--loss=ms_ssim(scales=3)",
    "--lmbda=3,200", "--learning_rate=1e-9", f"--out={second}",
  )  # fmt: skip
  assert done.returncode == 0, done.stderr
  assert done.stderr.count("hardly sees the borders") == 1
  (one, before), (other, after) = models.load(first), models.load(second)
  for a, b in zip(one.get_weights(), other.get_weights(), strict=True):
    np.testing.assert_allclose(a, b, atol=1e-6)
  assert before["training"]["settings"]["sides"] == [150, 100]
  assert after["training"]["settings"]["initial"] == before["sha256"]
  assert after["objective"] == "ms_ssim(scales=3)"


def test_slices_start_from_a_mean_scale_hyperprior(tmp_path, folder):
  first, second = tmp_path / "first", tmp_path / "second"
  done = runs.run(
    "compression", f"--data={folder}", *SMALL, "--steps=2", f"--out={first}"
  )
  assert done.returncode == 0, done.stderr
  network = "--architecture=channel_wise_hyperprior"
  command = (
    "compression", *TRAINING, f"--data={folder}", f"--initial={first}",
    "--steps=2",
  )  # fmt: skip
  done = runs.run(*command, network, f"--out={second}")
  assert done.returncode == 0, done.stderr
  assert models.load(second)[1]["model"] == "channel_wise_hyperprior"
  _codes(second, folder)
  other = "--architecture=scale_hyperprior"
  done = runs.run(*command, other, f"--out={tmp_path / 'third'}")
  assert done.returncode == 1
  assert "cannot start from a mean_scale_hyperprior" in done.stderr


@pytest.mark.parametrize(
  ("flags", "message"),
  [
    (["--patch=100"], "--patch is a multiple of 64"),
    (["--lmbda=2,1"], "the smaller one first"),
    (["--blocks=2", "--initial=photo_mse"], "drop --hyper_width"),
  ],
)
def test_a_mistake_is_answered_in_a_line(tmp_path, folder, flags, message):
  out = tmp_path / "run"
  done = runs.run(
    "compression", f"--data={folder}", *SMALL, *flags, "--steps=2",
    f"--out={out}",
  )  # fmt: skip
  assert done.returncode == 1
  last = done.stderr.strip().splitlines()[-1]
  assert last.startswith("error: ")
  assert message in last
  assert not (out / "model").exists()

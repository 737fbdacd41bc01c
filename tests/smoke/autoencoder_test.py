"""The trainer of autoencoders from its flags to the models it writes."""

import numpy as np
import pytest

from tests.smoke import runs
from tfpercept import models


@pytest.fixture
def flags(tmp_path):
  random = np.random.default_rng(0)
  np.savez(
    tmp_path / "faces.npz",
    images=random.integers(0, 256, (20, 40, 40), np.uint8),
    identity=np.arange(20) % 4,
  )
  lines = [f"--data={tmp_path}/faces.npz", "--side=32", "--batch=4"]
  lines += ["--widths=4,6", "--code=5", "--held_out=0.2"]
  (tmp_path / "small.flags").write_text("\n".join(lines))
  return f"--flagfile={tmp_path}/small.flags"


def test_a_killed_training_of_two_losses_ends_as_an_unbroken_one(
  tmp_path, flags
):
  losses = ["--loss=mse", "--loss=ms_ssim(scales=2)"]
  folders = runs.unbroken_and_killed(
    tmp_path, "autoencoder", flags, *losses, "--steps=5", "--interval=2"
  )
  manifests = {
    name: [models.load(folder / name)[1] for folder in folders]
    for name in ("mse", "ms_ssim_scales_2")
  }
  for one, other in manifests.values():
    assert one["sha256"] == other["sha256"]
  assert manifests["mse"][0]["objective"] == "mse"
  assert (
    manifests["mse"][0]["sha256"]
    != (manifests["ms_ssim_scales_2"][0]["sha256"])
  )


def test_one_loss_trains_into_the_folder_given(tmp_path, flags):
  out = tmp_path / "run"
  done = runs.run("autoencoder", flags, "--steps=2", f"--out={out}")
  assert done.returncode == 0, done.stderr
  network, manifest = models.load(out)
  assert network.code == 5
  assert manifest["training"]["settings"]["model"]["kind"] == "convolutional"


@pytest.mark.parametrize("border", ["valid", "mirror"])
def test_a_loss_that_ignores_the_border_is_told_once(tmp_path, flags, border):
  loss = f"--loss=ms_ssim(scales=2, border='{border}')"
  out = tmp_path / "run"
  done = runs.run("autoencoder", flags, loss, "--steps=1", f"--out={out}")
  assert done.returncode == 0, done.stderr
  told = done.stderr.count("hardly sees the borders of the pictures")
  assert told == (border == "valid")
  if told:
    assert "53 % of 32x32 pixels" in done.stderr


@pytest.mark.parametrize(
  ("more", "message"),
  [
    (["--loss=ms_ssim"], "161x161 for 5 scales; got 32x32"),
    (["--loss=mse", "--loss=sim"], "Did you mean"),
    (["--widths=4,4,4,4,4,4"], "halves 32 pixels 6 times"),
    (["--batch=17"], "at most all 16; got 17"),
    (["--data=no.npz"], "no.npz"),
  ],
)
def test_a_mistake_is_answered_in_a_line_and_leaves_no_folder(
  tmp_path, flags, more, message
):
  out = tmp_path / "run"
  done = runs.run("autoencoder", flags, *more, "--steps=2", f"--out={out}")
  assert done.returncode == 1
  last = done.stderr.strip().splitlines()[-1]
  assert last.startswith("error: ")
  assert message in last
  assert not out.exists()

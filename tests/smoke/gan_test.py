"""The trainer of generators from its flags to files of its models."""

import json

import numpy as np
import pytest
import tensorflow as tf

from tests.codecs import small_generators
from tests.smoke import runs
from tfpercept import models
from tfpercept.codecs.inversion import inversion_codec
from trainers import training_chart

SMALL = ["--side=32", "--channels=3", "--batch=4", "--latent=4"]
SMALL += ["--held_out=0.4", "--critic_widths=4,4", "--widths=4,4,4"]


@pytest.fixture
def data(tmp_path):
  path = tmp_path / "pictures.npz"
  np.savez(path, images=small_generators.pictures(24))
  return f"--data={path}"


def test_a_killed_training_ends_with_the_weights_of_an_unbroken_one(
  tmp_path, data
):
  folders = runs.unbroken_and_killed(
    tmp_path, "gan", data, *SMALL, "--network=klt_generator", "--loss=mae",
    "--critic_warm_up=2", "--steps=3", "--interval=2",
  )  # fmt: skip
  manifests = [models.load(folder)[1] for folder in folders]
  assert manifests[0]["sha256"] == manifests[1]["sha256"]
  assert manifests[0]["objective"] == "mae"
  assert (folders[1] / "samples" / "step_000003.png").is_file()
  drawn = [(run / training_chart.FILE).read_bytes() for run in folders]
  assert drawn[0] == drawn[1]
  codec = inversion_codec.Inversion(model=str(folders[1]))
  picture = small_generators.pictures(1, seed=4)[0]
  assert codec.decompress(codec.compress(picture)).shape == picture.shape


def test_a_killed_dcgan_ends_with_the_weights_and_the_figure_of_an_unbroken_one(
  tmp_path, data
):
  """Its statistics of batch normalization are taken anew after training."""
  folders = runs.unbroken_and_killed(
    tmp_path, "gan", data, *SMALL, "--network=dcgan", "--steps=3",
    "--interval=2",
  )  # fmt: skip
  manifests = [models.load(folder)[1] for folder in folders]
  assert manifests[0]["sha256"] == manifests[1]["sha256"]
  network, _ = models.load(folders[1])
  z = network.draw(64, tf.constant([0, 1]))
  kept = network.decode(z, 0.0).numpy()
  network.calibrate()  # by the averaged weights that were saved
  np.testing.assert_allclose(kept, network.decode(z, 0.0), atol=2 / 255)
  figures = [
    json.loads((folder / "samples.json").read_bytes()) for folder in folders
  ]
  assert figures[0] == figures[1]
  sizes = {(f["samples"], f["trained"], f["held_out"]) for f in figures[0]}
  assert sizes == {(14, 14, 10)}


def test_settings_that_do_not_go_together_are_refused(tmp_path, data):
  for flag, why in (
    ("--adversarial_weight=0", "learns from the critic alone"),
    ("--batch=6", "--batch is a multiple of 4"),
    ("--widths=4,4", "3 widths above 0"),
    ("--network=vae_gan", "--initial=RUN"),
  ):
    out = f"--out={tmp_path}/{why[:4]}"
    done = runs.run("gan", data, *SMALL, flag, out)
    assert done.returncode == 1
    assert why in done.stderr.strip().splitlines()[-1]


def test_a_loss_that_ignores_the_border_is_told_once(tmp_path, data):
  done = runs.run(
    "gan", data, *SMALL, "--network=klt_generator", "--loss=ssim",
    "--adversarial_weight=0", "--steps=1", "--interval=1",
    f"--out={tmp_path / 'run'}",
  )  # fmt: skip
  assert done.returncode == 0, done.stderr
  assert done.stderr.count("hardly sees the borders of the pictures") == 1

"""The trainer of VAEs from its flags to the models it writes."""

import json

import numpy as np
import pytest

from tests.smoke import runs
from tfpercept import models


@pytest.fixture
def flags(tmp_path):
  random = np.random.default_rng(0)
  np.savez(
    tmp_path / "digits.npz",
    x_train=random.integers(0, 256, (24, 28, 28), np.uint8),
    y_train=np.arange(24) % 10,
  )
  lines = [f"--data={tmp_path}/digits.npz", "--side=32", "--fit=pad"]
  lines += ["--batch=4", "--widths=4,6", "--latent=3", "--held_out=0.2"]
  (tmp_path / "small.flags").write_text("\n".join(lines))
  return f"--flagfile={tmp_path}/small.flags"


def test_a_killed_training_ends_with_the_weights_of_an_unbroken_one(
  tmp_path, flags
):
  """Killed in its calibration, which draws random shifts as well."""
  loss = "--loss=watson_dft(channels=1, shift='random')"
  folders = runs.unbroken_and_killed(
    tmp_path,
    "vae",
    flags,
    loss,
    "--calibration_steps=5",
    "--steps=3",
    "--interval=2",
    watched="calibration/checkpoints",
  )
  manifests = [models.load(folder)[1] for folder in folders]
  assert manifests[0]["sha256"] == manifests[1]["sha256"]
  found = json.loads((folders[0] / "beta.json").read_text())
  assert found["beta"] == manifests[0]["beta"] > 0
  assert (folders[0] / "beta.json").read_bytes() == (
    folders[1] / "beta.json"
  ).read_bytes()


def test_beta_may_be_given_and_a_collapse_is_written_down(tmp_path, flags):
  out = tmp_path / "run"
  done = runs.run(
    "vae", flags, "--beta=1e6", "--steps=150", f"--out={out}",
    "--learning_rate=1e-2",
  )  # fmt: skip
  assert done.returncode == 0, done.stderr
  manifest = models.load(out)[1]
  assert manifest["beta"] == 1e6
  assert manifest["collapsed"] is True
  assert "the posterior collapsed" in done.stderr
  assert not (out / "beta.json").exists()


@pytest.mark.parametrize(("nats", "told"), [(1.7, True), (1.6, False)])
def test_more_nats_than_tell_the_pictures_apart_are_told(
  tmp_path, flags, nats, told
):
  # 3 latents and 19 pictures: log 19 = 2.94 and 2 to spare.
  out = tmp_path / "run"
  done = runs.run(
    "vae", flags, f"--nats_per_latent={nats}", "--calibration_steps=1",
    "--steps=1", f"--out={out}",
  )  # fmt: skip
  assert done.returncode == 0, done.stderr
  assert (
    "asks for 5.1 nats a picture in 3 latents, but 2.94 nats tell 19 pictures "
    "apart" in done.stderr
  ) is told
  assert models.load(out)[1]["pictures"] == 19


def test_training_may_start_from_another_run(tmp_path, flags):
  first, second = tmp_path / "first", tmp_path / "second"
  common = [flags, "--beta=0.1", "--steps=2"]
  done = runs.run("vae", *common, f"--out={first}")
  assert done.returncode == 0, done.stderr
  # At so low a rate what it starts from is what it ends with.
  done = runs.run(
    "vae", *common, "--loss=mae", "--learning_rate=1e-9",
    f"--initial={first}", f"--out={second}",
  )  # fmt: skip
  assert done.returncode == 0, done.stderr
  (one, before), (other, after) = models.load(first), models.load(second)
  for a, b in zip(one.get_weights(), other.get_weights(), strict=True):
    np.testing.assert_allclose(a, b, atol=1e-7)
  assert after["training"]["settings"]["initial"] == before["sha256"]
  refused = runs.run(
    "vae", *common, "--latent=4", f"--initial={first}", f"--out={tmp_path}/c"
  )
  assert refused.returncode == 1
  assert "whose weights do not fit" in refused.stderr


@pytest.mark.parametrize(
  ("more", "message"),
  [
    (["--beta=much"], "--beta is a number or 'auto'; got 'much'"),
    (["--beta=-1"], "beta is 0 or more; got -1.0"),
    (["--nats_per_latent=0"], "nats_per_latent is above 0; got 0"),
    (["--loss=watson_dct", "--side=36"], "multiple"),
  ],
)
def test_a_mistake_is_answered_in_a_line(tmp_path, flags, more, message):
  out = tmp_path / "run"
  done = runs.run("vae", flags, *more, "--steps=2", f"--out={out}")
  assert done.returncode == 1
  last = done.stderr.strip().splitlines()[-1]
  assert last.startswith("error: ")
  assert message in last
  assert not (out / "model").exists()

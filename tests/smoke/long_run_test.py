"""A training of days: averaged weights, its curve, and what is kept of it."""

import csv
import json
import os
import pathlib
import subprocess

import numpy as np
import pytest
import tensorflow as tf

from tests.smoke import runs
from tfpercept import models
from tfpercept.data import identity
from tfpercept.io import files
from trainers import compression_validation

ROOT = pathlib.Path(__file__).parents[2]
SMALL = (
  "--patch=64", "--batch=2", "--precision=float32", "--widths=4,4,4",
  "--latents=8", "--hyper_width=6", "--hyper_latents=4",
)  # fmt: skip


@pytest.fixture(scope="module")
def photos(photograph):
  """Writes some photographs into a new folder."""

  def write(folder, count):
    folder.mkdir()
    for i in range(count):
      path = folder / f"{i}.png"
      files.write_image(path, photograph(140, 160, seed=i))
    return folder

  return write


@pytest.fixture(scope="module")
def place(tmp_path_factory):
  return tmp_path_factory.mktemp("long_run")


@pytest.fixture(scope="module")
def folder(place, photos):
  return photos(place / "photos", 2)


@pytest.fixture(scope="module")
def unseen(place, photos):
  return photos(place / "unseen", 1)


@pytest.fixture(scope="module")
def trained(place, folder, unseen):
  """Folders of a training that was never killed, and of one that was."""
  return runs.unbroken_and_killed(
    place, "compression", f"--data={folder}", *SMALL, "--steps=6",
    "--interval=2", "--ema=0.9", f"--validation={unseen}",
    "--validation_interval=4",
  )  # fmt: skip


@pytest.fixture(scope="module")
def snapshot(place, trained):
  out = place / "snapshot"
  done = runs.run("codec_snapshot", f"--run={trained[1]}", f"--out={out}")
  assert done.returncode == 0, done.stderr
  return out


def test_a_killed_run_ends_with_the_averages_of_an_unbroken_one(trained):
  manifests = [models.load(run)[1] for run in trained]
  assert manifests[0]["sha256"] == manifests[1]["sha256"]
  assert manifests[0]["files"] == manifests[1]["files"]
  # The model has the averages, and the training goes on from other weights.
  killed = trained[1]
  kept = tf.train.load_checkpoint(str(killed / "checkpoints"))
  averages, last = (
    kept.get_tensor(f"{name}/.ATTRIBUTES/VARIABLE_VALUE")
    for name in ("averages/values/0", "network/analysis/_hidden/0/0/kernel")
  )
  kernel = models.load(killed)[0].trainable_variables[0]
  np.testing.assert_array_equal(kernel, averages)
  assert not np.array_equal(kernel, last)


def test_a_killed_run_has_the_curve_of_an_unbroken_one(trained):
  curves = [(run / "validation.csv").read_text() for run in trained]
  assert curves[0] == curves[1]
  (row,) = csv.DictReader(curves[0].splitlines())
  assert row["step"] == "4"
  assert float(row["bpp_8"]) > float(row["bpp_1"]) > 0
  assert float(row["psnr_8"]) > float(row["psnr_1"]) > 5


def test_the_program_draws_the_curve_as_the_training_did(trained, tmp_path):
  drawn = (trained[1] / "validation.png").read_bytes()
  again, shown = tmp_path / "curve.png", "--tags=validation"
  done = runs.run("curves", f"--run={trained[1]}", shown, f"--out={again}")
  assert done.returncode == 0, done.stderr
  assert again.read_bytes() == drawn
  both = [f"--run={run}" for run in trained]
  done = runs.run("curves", *both, shown, f"--out={tmp_path / 'both.png'}")
  assert done.returncode == 0, done.stderr
  assert (tmp_path / "both.png").read_bytes() != drawn
  done = runs.run("curves", f"--run={tmp_path}", f"--out={again}")
  assert f"{tmp_path} has no curves" in done.stderr


def test_a_snapshot_has_the_weights_and_the_curve(trained, snapshot, unseen):
  network, manifest = models.load(snapshot)
  whole, kept = models.load(trained[1])
  assert manifest["dtype"] == "float16"
  assert manifest["training"] == kept["training"]
  curve = (trained[1] / "validation.csv").read_text()
  assert (snapshot / "validation.csv").read_text() == curve
  # The pictures of the curve, but for the place that they have here.
  pictures = identity.of([str(unseen)])
  note = json.loads((snapshot / "validation.json").read_text())
  assert note == {"validation": [{**pictures[0], "source": "unseen"}]}
  for one, other in zip(
    network.get_weights(), whole.get_weights(), strict=True
  ):
    # Eight binary digits, and twice as coarse where integers are told apart.
    np.testing.assert_allclose(one, other, rtol=2**-8, atol=2e-2)


def test_a_snapshot_is_of_a_codec_and_replaces_nothing_else(trained, tmp_path):
  (tmp_path / "mine.txt").write_text("mine")
  done = runs.run("codec_snapshot", f"--run={trained[1]}", f"--out={tmp_path}")
  assert done.returncode == 1
  assert "holds something that is not a model" in done.stderr
  out = tmp_path / "snapshot"
  done = runs.run("codec_snapshot", "--run=srcnn_x4_mse", f"--out={out}")
  assert done.returncode == 1 and not out.exists()
  assert "srcnn_x4_mse holds a srcnn, and a snapshot is of a codec" in (
    done.stderr
  )


def test_a_training_goes_on_from_a_snapshot_with_a_wider_network(
  snapshot, folder, tmp_path
):
  wider = tmp_path / "wider"
  done = runs.run(
    "compression", *SMALL[:3], f"--data={folder}", f"--initial={snapshot}",
    "--loss=mse()", "--lmbda=0.0002,0.4", "--latents=12", "--widths=4,6,8",
    "--steps=2", f"--out={wider}",
  )  # fmt: skip
  assert done.returncode == 0, done.stderr
  network, _ = models.load(wider)
  assert network.ends == (0.0002, 0.4)
  config = network.get_config()
  assert (config["latents"], config["widths"]) == (12, [4, 6, 8])


def test_an_interval_that_is_never_looked_at_is_named(tmp_path, folder):
  done = runs.run(
    "compression", f"--data={folder}", *SMALL, "--steps=4", "--interval=2",
    f"--validation={folder}", "--validation_interval=3",
    f"--out={tmp_path / 'run'}",
  )  # fmt: skip
  assert done.returncode == 1
  assert "a multiple of --interval" in done.stderr


def test_the_flags_of_a_long_run_are_those_it_began_with(tmp_path):
  """The script itself, with an interpreter that only tells its flags."""
  for name in (
    "tools", "trainers/presets", ".venv/bin", "tfpercept/pretrained/one",
  ):  # fmt: skip
    (tmp_path / name).mkdir(parents=True)
  script = tmp_path / "tools" / "long_run.sh"
  script.write_bytes((ROOT / "tools" / "long_run.sh").read_bytes())
  script.chmod(0o755)
  (tmp_path / "runs" / "photographs" / "debian").mkdir(parents=True)
  preset = tmp_path / "trainers" / "presets" / "one.flags"
  preset.write_text("--steps=9\n")
  python = tmp_path / ".venv" / "bin" / "python"
  python.write_text('#!/bin/sh\ncat "${3#--flagfile=}"\n')
  python.chmod(0o755)

  def run(name="one", **variables):
    return subprocess.run(
      ["tools/long_run.sh", name],
      cwd=tmp_path,
      env={**os.environ, **variables},
      capture_output=True,
      text=True,
      check=True,
    ).stdout.split()

  flags = run(PHOTOS="one two", VALIDATION="three")
  assert flags == [
    "--steps=9",
    "--data=runs/photographs/debian",
    "--data=one",
    "--data=two",
    "--validation=three",
    "--initial=runs/long/one.initial",
    "--out=runs/long/one",
  ]
  # Neither a newer preset nor a newer model changes what has begun.
  (tmp_path / "tfpercept/pretrained/one/manifest.json").write_text("newer")
  preset.write_text("--steps=10\n")
  assert run() == flags
  assert not list((tmp_path / "runs/long/one.initial").iterdir())

  # A twin begins at the best weights that the long run of its origin has.
  twin = tmp_path / "trainers" / "presets" / "two.flags"
  twin.write_text("--initial=one\n")
  assert run(name="two")[-2] == "--initial=runs/long/two.initial"
  assert not list((tmp_path / "runs/long/two.initial").glob("best"))
  (tmp_path / "runs/long/two.flags").unlink()
  model = tmp_path / "runs/long/one/model"
  model.mkdir(parents=True)
  (model / "best").write_text("weights")
  assert run(name="two")[-2] == "--initial=runs/long/two.initial"
  assert (tmp_path / "runs/long/two.initial/best").read_text() == "weights"


def test_a_curve_on_other_pictures_is_not_gone_on_with(tmp_path, photos):
  folder = photos(tmp_path / "photos", 2)
  what = identity.of([str(folder)])
  compression_validation._require_same(tmp_path, what)
  (tmp_path / compression_validation.FILE).write_text("step\n")
  note = {"validation": what}
  files.write_json(tmp_path / compression_validation.NOTE, note)
  compression_validation._require_same(tmp_path, what)
  (folder / "0.png").unlink()
  with pytest.raises(ValueError, match=r"other pictures \(.*0\.png is gone\)"):
    compression_validation._require_same(tmp_path, identity.of([str(folder)]))

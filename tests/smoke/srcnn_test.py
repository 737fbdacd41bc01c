"""The trainer of SRCNN from its flags to the model it writes."""

import json

import numpy as np
import pytest

from tests.smoke import runs
from tfpercept import models
from tfpercept.io import files


def run_flags(tmp_path):
  folder = tmp_path / "pictures"
  if not folder.exists():
    random = np.random.default_rng(0)
    for name in "ab":
      picture = random.integers(0, 256, (60, 70, 3), np.uint8)
      files.write_image(folder / f"{name}.png", picture)
    # Too small for 4x, and last: it can neither be trained on nor be shown.
    files.write_image(folder / "c.png", np.zeros((20, 20, 3), np.uint8))
    preset = ["--loss=ms_ssim(scales=2)", "--patch=32", "--batch=2"]
    preset += ["--filters=4,3", "--kernels=5,3,3", f"--data={folder}"]
    (tmp_path / "small.flags").write_text("\n".join(preset))
  return f"--flagfile={tmp_path / 'small.flags'}"


def test_a_killed_training_ends_with_the_weights_of_an_unbroken_one(tmp_path):
  flags = ["--steps=5", "--interval=2", "--skip_nonfinite=1"]
  folders = runs.unbroken_and_killed(
    tmp_path, "srcnn", run_flags(tmp_path), *flags
  )
  digests = [models.load(folder)[1]["sha256"] for folder in folders]
  assert digests[0] == digests[1]
  manifest = models.load(folders[0])[1]
  assert manifest["objective"] == "ms_ssim(scales=2)"
  assert manifest["scale"] == 4
  run = json.loads((folders[0] / "run.json").read_text())
  assert run["skip_nonfinite"] == 1


@pytest.mark.parametrize(
  ("flags", "message"),
  [
    (["--loss=ms_ssim"], r"161x161 for 5 scales; got 32x32. Use ms_ssim(sc"),
    (["--loss=ms_sim"], "Did you mean 'ms_ssim'"),
    (["--kernels=3,2,3"], "odd kernel sizes"),
    (["--scale=16"], "none of 3 pictures is large enough for --scale=16"),
    (["--data=no/such/folder"], "no/such/folder"),
  ],
)
def test_a_mistake_is_answered_in_a_line_and_leaves_no_folder(
  tmp_path, flags, message
):
  done = runs.run(
    "srcnn", run_flags(tmp_path), *flags, "--steps=2", f"--out={tmp_path / 'a'}"
  )
  assert done.returncode == 1
  last = done.stderr.strip().splitlines()[-1]
  assert last.startswith("error: ")
  assert message in last
  assert not (tmp_path / "a").exists()

"""The trainer of the digit classifier from its flags to the model."""

import numpy as np
import pytest

from tests.smoke import runs
from tfpercept import models


def run_flags(tmp_path, **changed):
  random = np.random.default_rng(0)
  arrays = {}
  for split in ("train", "test"):
    arrays[f"x_{split}"] = random.integers(0, 256, (20, 28, 28), np.uint8)
    arrays[f"y_{split}"] = np.arange(20, dtype=np.uint8) % 10
  arrays = {k: a for k, a in {**arrays, **changed}.items() if a is not None}
  np.savez(tmp_path / "digits.npz", **arrays)
  lines = [f"--data={tmp_path / 'digits.npz'}", "--batch=4", "--width=8"]
  (tmp_path / "small.flags").write_text(
    "\n".join([*lines, "--filters=2,2,2,4,4"])
  )
  return f"--flagfile={tmp_path / 'small.flags'}"


def test_a_killed_training_ends_with_the_weights_of_an_unbroken_one(tmp_path):
  flags = ["--steps=5", "--interval=2"]
  folders = runs.unbroken_and_killed(
    tmp_path, "digit_classifier", run_flags(tmp_path), *flags
  )
  manifests = [models.load(folder)[1] for folder in folders]
  assert manifests[0]["sha256"] == manifests[1]["sha256"]
  assert manifests[0]["objective"] == "cross-entropy"
  # Of 20 digits.
  assert manifests[0]["test_accuracy"] * 20 == pytest.approx(
    round(manifests[0]["test_accuracy"] * 20)
  )


@pytest.mark.parametrize(
  ("changed", "message"),
  [
    ({"y_test": None}, "needs labels y_test from 0 to 9"),
    ({"y_train": np.full(20, 10)}, "needs labels y_train from 0 to 9"),
    ({"x_test": None}, "has no part 'test'"),
  ],
)
def test_a_mistake_is_answered_in_a_line_and_leaves_no_folder(
  tmp_path, changed, message
):
  flagfile = run_flags(tmp_path, **changed)
  out = tmp_path / "a"
  done = runs.run("digit_classifier", flagfile, "--steps=2", f"--out={out}")
  assert done.returncode == 1
  last = done.stderr.strip().splitlines()[-1]
  assert last.startswith("error: ")
  assert message in last
  assert not out.exists()

"""The benchmark runs; how fast is for people to read, never for a test."""

import pathlib
import subprocess
import sys

ROOT = pathlib.Path(__file__).parents[2]


def test_the_losses_are_timed_beside_their_peers():
  command = [sys.executable, "-m", "benchmarks.losses"]
  command += ["--shapes=1x164x170x3", "--rounds=1"]
  printed = subprocess.run(
    command, cwd=ROOT, capture_output=True, text=True, check=True
  ).stdout
  rows = [line for line in printed.splitlines() if "1x164x170x3" in line]
  assert [row.split(" | ")[1] for row in rows] == [
    "`tf.image.ssim`",
    "`tf.image.ssim_multiscale`",
  ]
  for row in rows:
    ours, theirs = row.rsplit(" | ", 1)[1].removesuffix(" |").split(", ")
    assert float(ours) < float(theirs)  # float32 against float64

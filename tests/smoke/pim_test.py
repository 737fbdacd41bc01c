"""The trainer of PIM from its flags to weights that the distance takes."""

import os
import pathlib
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

from tfpercept import distances, files, models

ROOT = pathlib.Path(__file__).parents[2]
TRAINER = (sys.executable, "-m", "trainers.pim")


def command(tmp_path, *flags):
  frames, photos = tmp_path / "frames", tmp_path / "photos"
  if not frames.exists():
    random = np.random.default_rng(0)
    scene = random.integers(90, 120, (40, 60, 3), np.uint8)  # without cuts
    for i in range(4):
      files.write_image(frames / f"{i}.png", np.roll(scene, i, axis=1))
    picture = random.integers(0, 256, (80, 90, 3), np.uint8)
    files.write_image(photos / "a.png", picture)
    preset = [f"--clips={frames}", f"--photos={photos}", "--patch=16"]
    preset += ["--batch=5", "--width=3", "--z_dim=4", "--front_end=single"]
    (tmp_path / "small.flags").write_text("\n".join(preset))
  return [*TRAINER, f"--flagfile={tmp_path / 'small.flags'}", *flags]


def run(command):
  return subprocess.run(
    command, cwd=ROOT, capture_output=True, text=True, check=False
  )


def test_a_killed_training_ends_with_the_weights_of_an_unbroken_one(tmp_path):
  flags = ["--steps=8", "--interval=2"]
  unbroken = run(command(tmp_path, *flags, f"--out={tmp_path / 'a'}"))
  assert unbroken.returncode == 0, unbroken.stderr
  again = command(tmp_path, *flags, f"--out={tmp_path / 'b'}")
  process = subprocess.Popen(
    again, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
  )
  while process.poll() is None and not any(tmp_path.glob("b/checkpoints/*.i*")):
    time.sleep(0.01)
  os.kill(process.pid, signal.SIGKILL)
  process.wait()
  resumed = run(again)
  assert resumed.returncode == 0, resumed.stderr
  digests = [models.load(tmp_path / n)[1]["sha256"] for n in "ab"]
  assert digests[0] == digests[1]
  path = tmp_path / "a" / "model" / "weights.npz"
  distance = distances.get(f"pim(weights={str(path)!r})")
  assert distance.network.get_config()["z_dim"] == 4
  random = np.random.default_rng(1)
  pair = random.uniform(size=(2, 1, 24, 24, 3)).astype("float32")
  assert distance(*pair).numpy() > 0


@pytest.mark.parametrize(
  ("flags", "message"),
  [
    (["--gap=4"], "4 frames apart need clips of more than 4 frames"),
    (["--patch=48"], "as large; got 40x60"),
    (["--clips=no/such/file.mp4"], "no/such/file.mp4 does not exist"),
    (["--out=a", "--width=0"], "--width"),
  ],
)
def test_a_mistake_is_answered_in_a_line_and_leaves_no_folder(
  tmp_path, flags, message
):
  done = run(command(tmp_path, f"--out={tmp_path / 'a'}", "--steps=2", *flags))
  assert done.returncode != 0
  assert message in done.stderr.strip()
  assert not (tmp_path / "a").exists()

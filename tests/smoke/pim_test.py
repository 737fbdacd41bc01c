"""The trainer of PIM from its flags to weights that the distance takes."""

import numpy as np
import pytest

from tests.smoke import runs
from tfpercept import distances, models
from tfpercept.io import files


def run_flags(tmp_path):
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
  return f"--flagfile={tmp_path / 'small.flags'}"


def test_a_killed_training_ends_with_the_weights_of_an_unbroken_one(tmp_path):
  flags = ["--steps=5", "--interval=2"]
  folders = runs.unbroken_and_killed(
    tmp_path, "pim", run_flags(tmp_path), *flags
  )
  digests = [models.load(folder)[1]["sha256"] for folder in folders]
  assert digests[0] == digests[1]
  path = folders[0] / "model" / "weights.npz"
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
  done = runs.run(
    "pim", run_flags(tmp_path), f"--out={tmp_path / 'a'}", "--steps=2", *flags
  )
  assert done.returncode != 0
  assert message in done.stderr.strip()
  assert not (tmp_path / "a").exists()

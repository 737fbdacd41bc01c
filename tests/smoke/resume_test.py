"""A resume is this run, on this data, or is refused with the way out."""

import json

import numpy as np

from tests.smoke import runs
from tfpercept import models
from tfpercept.io import files

NAME = "[a]*?\\{x}"


def test_a_run_is_resumed_on_its_own_data_only(tmp_path, monkeypatch):
  monkeypatch.setenv("HOME", str(tmp_path))
  data = tmp_path / "data[1]"
  random = np.random.default_rng(0)
  for name in "ab":
    picture = random.integers(0, 256, (40, 40, 3), np.uint8)
    files.write_image(data / f"{name}.png", picture)
  flags = ["--kernels=3,1,3", "--filters=3,3", "--patch=16", "--batch=2"]
  flags += ["--scale=2", "--interval=1"]

  def train(*more):
    done = runs.run("srcnn", *flags, *more)
    return done.returncode, done.stderr.strip().splitlines()[-1]

  mine = ["--data=~/data[1]", f"--out=~/{NAME}"]
  status, said = train("--steps=2", *mine)
  assert status == 0, said
  assert (tmp_path / NAME / "model").is_dir()

  status, said = train("--steps=3", *mine)
  assert status == 1
  assert f"give --initial={tmp_path / NAME} and a new --out" in said
  files.write_image(data / "c.png", picture)
  status, said = train("--steps=2", *mine)
  assert status == 1
  assert said.startswith("error: ")
  assert "c.png was added" in said
  (data / "bad.png").write_bytes(b"x")
  (data / "worse.png").write_bytes(b"x")
  further = [mine[0], f"--initial=~/{NAME}", "--out=~/further", "--steps=1"]
  status, said = train(*further)
  assert status == 1
  assert "bad.png" in said and "worse.png" in said
  assert "--skip_damaged" in said

  status, said = train(*further, "--skip_damaged", "--learning_rate=1e-9")
  assert status == 0, said
  before, after = (models.load(tmp_path / n) for n in (NAME, "further"))
  settings = json.loads((tmp_path / "further/run.json").read_text())["settings"]
  assert settings["initial"] == before[1]["sha256"]
  for one, other in zip(
    before[0].get_weights(), after[0].get_weights(), strict=True
  ):
    np.testing.assert_allclose(one, other, atol=1e-6)

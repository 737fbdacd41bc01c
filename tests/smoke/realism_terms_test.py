"""The table of perceptual terms is made of heads that are there."""

import json

import pytest

from tests.codecs import small_models
from tests.codecs.learned import small_heads
from tests.smoke import runs
from tfpercept.io import files


@pytest.fixture(scope="module")
def done(tmp_path_factory, photograph):
  root = tmp_path_factory.mktemp("terms")
  codec = root / "codec"
  small_models.save(codec, photograph(64, 96))
  for i in range(2):
    picture = photograph(96, 128, seed=i)
    files.write_image(root / "pictures" / f"{i}.png", picture)
  for seed, arm in enumerate(("none", "none+critic")):
    place = root / "out" / arm / "seed_0" / "model"
    small_heads.save(place, codec, highest=5.0, seed=seed)
  command = (
    f"--codec={codec}", f"--pictures={root / 'pictures'}", "--terms=none",
    "--seeds=0", "--notrain", f"--out={root / 'out'}",
  )  # fmt: skip
  return root / "out", command, runs.run("realism_terms", *command)


def test_arms_are_judged_and_a_page_is_made(done):
  out, _, first = done
  assert first.returncode == 0, first.stderr
  made = json.loads((out / "table.json").read_bytes())
  assert [arm["arm"] for arm in made["arms"]] == ["none", "none+critic"]
  values = {made["faithful"]["mse"]}
  values |= {arm["values"]["mse"][0] for arm in made["arms"]}
  assert len(values) == 3  # each head adds its own noise
  assert "of 4 patches of 2 pictures" in first.stdout.replace("\n", " ")
  key = json.loads((out / "ranking.key.json").read_bytes())
  assert "none+critic" in json.dumps(key)
  assert (out / "ranking.html").exists()


def test_a_head_that_is_not_trained_to_its_end_is_left_out(done):
  out, command, _ = done
  run = out / "none" / "seed_0"
  files.write_json(run / "run.json", {"steps": 4})
  manifest = run / "model" / "manifest.json"
  told = json.loads(manifest.read_bytes())
  files.write_json(manifest, {**told, "step": 2})
  again = runs.run("realism_terms", *command)
  assert again.returncode == 0, again.stderr
  assert f"{run}: left out" in again.stderr
  assert "judged now" not in again.stderr  # nothing else has changed
  made = json.loads((out / "table.json").read_bytes())
  assert [arm["arm"] for arm in made["arms"]] == ["none+critic"]

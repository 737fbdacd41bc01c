"""The trainer on people's choices, from its flags to weights that load."""

import dataclasses
import json
import shutil

import numpy as np
import pytest
import tensorflow as tf

from tests.smoke import runs
from tfpercept import distances, training, weights
from tfpercept.data import identity, judgement_layouts, judgements
from tfpercept.io import files
from trainers import (
  preference_choices,
  preference_curve,
  preference_training,
  tuned_distances,
)

SMALL = ("--patch=16", "--batch=2", "--steps=6", "--interval=2")


@pytest.fixture(scope="module")
def data(tmp_path_factory):
  """Choices on three contents between noise and a change of brightness."""
  folder = tmp_path_factory.mktemp("judged") / "choices"
  random = np.random.default_rng(0)
  lines = ["reference,first,second,share"]
  for name in "abc":
    base = random.integers(60, 190, (24, 32, 3))
    made = {
      "reference": base,
      "noise": base + random.normal(0, 8, base.shape),
      "light": base + 8,
    }
    for role, image in made.items():
      files.write_image(
        folder / f"{name}_{role}.png", image.clip(0, 255).astype(np.uint8)
      )
    lines += [
      f"{name}_reference.png,{name}_noise.png,{name}_light.png,0.9",
      f"{name}_reference.png,{name}_light.png,{name}_noise.png,0.2",
    ]
  (folder / judgement_layouts.CHOICES).write_text("\n".join(lines))
  return folder


def test_a_killed_training_ends_with_the_weights_of_an_unbroken_one(
  data, tmp_path
):
  flags = [
    *SMALL,
    f"--data={data}",
    "--distance=1.0*mse + 1.0*mae",
    f"--judge_by={data}",
  ]
  folders = runs.unbroken_and_killed(tmp_path, "watson", *flags)
  for name in ("agreement.json", "curve.json"):
    one, other = (json.loads((f / name).read_text()) for f in folders)
    assert one == other
  assert list(one) == ["0", "2", "4", "6"]
  # Killed after a checkpoint and before the curve's point: so after the last.
  path = folders[0] / "curve.json"
  path.write_text(json.dumps({k: v for k, v in one.items() if k != "6"}))
  done = runs.run("watson", *flags, f"--out={folders[0]}")
  assert done.returncode == 0, done.stderr
  assert json.loads(path.read_text()) == one
  (spec,) = json.loads((folders[0] / "agreement.json").read_text())["trained"][
    "1.0*mse + 1.0*mae"
  ]
  weights = distances.get(spec).weights_of_terms
  assert weights != (1.0, 1.0)
  assert repr(spec) in (folders[0] / "README.md").read_text()


def test_parameters_are_written_where_the_spec_finds_them(tmp_path):
  distance = distances.get("0.5*watson_dct(pool='mean') + 0.5*mae")
  (part, _) = distance.distances
  changed = {k: v + 0.125 for k, v in part.checkpoint().items()}
  np.savez(tmp_path / "changed.npz", **changed)
  path = (tmp_path / "changed.npz").as_posix()
  distance = distances.get(
    f"0.5*watson_dct(weights={path!r}, pool='mean') + 0.5*mae"
  )
  spec = tuned_distances.write(distance, tmp_path)
  assert (tmp_path / "weights_0.npz").exists()
  again = distances.get(spec)
  (part, _) = again.distances
  for name, value in part.checkpoint().items():
    np.testing.assert_allclose(value, changed[name], rtol=1e-6)
  assert part.pooling == "mean"


@pytest.mark.parametrize(
  "spec",
  [
    "pim(weights=None, width=2)",
    "robust(adaptive=True, size=(16, 16, 3), levels=2)",
    "lpips(weights='deeploss_x')",
  ],
)
def test_what_was_trained_comes_back_by_the_spec(spec, tmp_path, monkeypatch):
  load, alex = weights.load, weights.load("lpips_alex")
  monkeypatch.setattr(
    weights, "load", lambda s: alex if s == "deeploss_x" else load(s)
  )
  distance = distances.get(spec)
  distance.trainable = True
  for weight in distance.trainable_weights:
    weight.assign(0.5 * tf.convert_to_tensor(weight) + 0.25)
  again = distances.get(tuned_distances.write(distance, tmp_path))
  side = max(distance.min_size, 16)
  pair = np.random.default_rng(0).uniform(size=(2, 1, side, side, 3))
  np.testing.assert_allclose(again(*pair), distance(*pair), rtol=1e-6)


def test_what_no_file_would_hold_is_not_trained(tmp_path, monkeypatch):
  monkeypatch.setattr(distances.LPIPS, "checkpoint", lambda self: {})
  distance = distances.get("mse + lpips")
  distance.trainable = True
  with pytest.raises(ValueError, match=r"lpips can be trained but its check"):
    tuned_distances.write(distance, tmp_path)
  assert not list(tmp_path.iterdir())


def test_choices_are_known_by_what_they_are(data, tmp_path):
  copy = shutil.copytree(data, tmp_path / "copy")
  before = preference_choices.identity_of([str(data)], "auto")
  assert (
    identity.changes(
      before, preference_choices.identity_of([f"{copy}/"], "auto")
    )
    == []
  )
  table = copy / judgement_layouts.CHOICES
  table.write_text(table.read_text().replace("0.2", "0.3", 1))
  files.write_image(copy / "b_noise.png", np.zeros((24, 32, 3), np.uint8))
  assert identity.changes(
    before, preference_choices.identity_of([str(copy)], "auto")
  ) == [
    f"{copy}/(the choices) has changed",
    f"{copy}/b_noise.png has changed",
  ]


def test_all_pictures_that_can_not_be_used_are_named(data, tmp_path):
  copy = shutil.copytree(data, tmp_path / "copy")
  (copy / "a_noise.png").write_bytes(b"x")
  files.write_image(copy / "c_light.png", np.zeros((9, 9, 3), np.uint8))
  choices = preference_choices.load([str(copy)], "auto")
  own = preference_training.Settings(data=(str(copy),), patch=16, batch=2)
  run = training.Run(out=tmp_path / "run", steps=1, settings=own)
  cache = judgements.Cache()
  with pytest.raises(ValueError, match="4 of 6 choices can not be") as caught:
    preference_training._crops(choices, run, cache)
  for words in ("a_noise.png", "(9, 9, 3)", "--skip_damaged"):
    assert words in str(caught.value)
  own = dataclasses.replace(own, skip_damaged=True)
  run = dataclasses.replace(run, settings=own)
  assert preference_training._crops(choices, run, cache).steps_per_epoch == 1
  kept = preference_training._readable(choices, cache, skip=True)
  assert len(kept.items) == 4  # of unlike sizes, which is no damage


def test_a_damaged_curve_is_named(tmp_path):
  for text in ("{", "[1]", '{"a": 1}', '{"1": null}'):
    (tmp_path / "curve.json").write_text(text)
    with pytest.raises(ValueError, match=r"curve\.json is damaged"):
      preference_curve._read_curve(tmp_path / "curve.json")


def test_one_content_is_left_out_at_a_time(data, tmp_path):
  done = runs.run(
    "watson",
    *SMALL, f"--data={data}", "--distance=1.0*mse + 1.0*mae",
    "--leave_one_out", "--head=ranking", f"--out={tmp_path / 'run'}",
  )  # fmt: skip
  assert done.returncode == 0, done.stderr
  assert "not trained on, n = 3 contents" in done.stdout
  text = (tmp_path / "run" / "agreement.txt").read_text()
  assert done.stdout.endswith(text)
  assert [line.split()[0] for line in text.splitlines()[2:6]] == [
    "before", "1.0*mse", "people,", "people,",
  ]  # fmt: skip
  page = (tmp_path / "run" / "report.html").read_text()
  assert "agreement on a_reference.png" in page
  folders = [p.name for p in (tmp_path / "run").iterdir() if p.is_dir()]
  assert sorted(folders) == [f"without_{n}_reference.png" for n in "abc"]


@pytest.mark.parametrize(
  ("held_out", "message"),
  [
    (["d.png"], "there is no content d.png to hold out; the contents are a_"),
    ([f"{n}_reference.png" for n in "abc"], "nothing is left to train on"),
  ],
)
def test_what_is_held_out_has_to_be_a_part(data, held_out, message):
  choices = preference_choices.load([str(data)], "auto")
  with pytest.raises(ValueError, match=message):
    preference_choices.split(choices, held_out)


def test_nothing_is_trained_on_that_is_held_out(data):
  choices = preference_choices.load([str(data)], "auto")
  train_on, judge_by = preference_choices.split(choices, ["b_reference.png"])
  assert train_on.contents == ("a_reference.png", "c_reference.png")
  assert judge_by.contents == ("b_reference.png",)


def test_a_fifth_of_the_contents_is_held_out_by_default(data):
  choices = preference_choices.load([str(data)], "auto")
  (held_out,) = preference_choices.some_contents(choices, seed=0)
  assert held_out in choices.contents
  alone = choices.only(lambda item: item.content == held_out)
  with pytest.raises(ValueError, match="shows one content"):
    preference_choices.some_contents(alone, seed=0)


@pytest.mark.parametrize(
  ("flags", "message"),
  [
    (["--distance=mse"], "mse has no parameters to train"),
    (["--distance=watson_dct", "--patch=12"], "multiples of 8; got 12x12"),
  ],
)
def test_a_mistake_is_answered_in_a_line(data, tmp_path, flags, message):
  done = runs.run(
    "watson", *SMALL, f"--data={data}", *flags, f"--out={tmp_path / 'a'}"
  )
  assert done.returncode == 1
  last = done.stderr.strip().splitlines()[-1]
  assert last.startswith("error: ")
  assert message in last
  assert not (tmp_path / "a").exists()

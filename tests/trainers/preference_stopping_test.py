"""A training on choices ends with the weights of its best step."""

import json

import numpy as np
import pytest
import tensorflow as tf

from tests import forced_choices
from tfpercept import distances, training
from tfpercept.io import files, npz_reader
from trainers import (
  preference_choices,
  preference_parts,
  preference_settings,
  preference_stopping,
  preference_training,
)

SUM = "1.0*mse + 1.0*mae"


@pytest.fixture(scope="module")
def data(tmp_path_factory):
  return forced_choices.write(tmp_path_factory.mktemp("judged") / "choices")


def run_of(data, out, **options):
  own = preference_settings.Settings(
    data=(str(data),), by_content=True, patch=16, batch=2, stop_by=1, **options
  )
  return training.Run(
    out=out, steps=6, interval=2, loss=SUM, learning_rate=0.3, settings=own
  )


def split(data):
  choices = preference_choices.load([str(data)], "auto")
  return preference_choices.folds(choices, 3, seed=0)["fold_0"]


@pytest.fixture(scope="module")
def trained(data, tmp_path_factory):
  run = run_of(data, tmp_path_factory.mktemp("run"), tile=8, dropout=False)
  return preference_training.train(run, *split(data))


def test_the_weights_are_those_of_the_step_that_predicts_best(trained):
  out = trained.run.out
  losses = json.loads((out / preference_stopping.LOSSES).read_text())
  assert list(losses) == ["0", "2", "4", "6"] == [str(s) for s in trained.curve]
  assert str(trained.step) == min(losses, key=losses.get)
  kept = npz_reader.read(out / preference_stopping.BEST)
  weights = distances.get(trained.spec).weights_of_terms
  np.testing.assert_allclose(
    weights,
    np.exp(kept["weight_000"]),
    rtol=1e-6,  # digits of a float32
  )
  assert (
    f"| Weights of | step {trained.step} |" in (out / "README.md").read_text()
  )


def test_the_weights_of_a_step_before_the_last_are_given_back(
  data, tmp_path, monkeypatch
):
  losses = iter([0.9, 0.1, 0.5, 0.6])  # of steps 0, 2, 4 and 6
  monkeypatch.setattr(
    preference_stopping.Best,
    "_loss_and_agreement",
    lambda self: (next(losses), 0.5),
  )
  run = run_of(data, tmp_path, tile=8, dropout=False)
  stopped = preference_training.train(run, *split(data))
  assert stopped.step == 2
  kept = npz_reader.read(tmp_path / preference_stopping.BEST)["weight_000"]
  weights = distances.get(stopped.spec).weights_of_terms
  np.testing.assert_allclose(weights, np.exp(kept), rtol=1e-6)
  assert stopped.watched != tuple(stopped.held_out.contents)


def test_each_content_is_held_out_by_one_of_the_folds(data):
  choices = preference_choices.load([str(data)], "auto")
  found = preference_choices.folds(choices, 3, seed=0).values()
  held = [name for _, part in found for name in part.contents]
  assert sorted(held) == sorted(choices.contents)
  for train_on, part in found:
    assert not set(train_on.contents) & set(part.contents)


def test_a_folder_of_a_training_on_other_contents_is_refused(data, trained):
  """Folds of another number have the same folders."""
  choices = preference_choices.load([str(data)], "auto")
  others = preference_choices.folds(choices, 3, seed=0)["fold_1"]
  assert others[1].contents != trained.held_out.contents
  with pytest.raises(ValueError, match=r"on other data \(contents: .*changed"):
    preference_training.train(trained.run, *others)


def test_the_values_before_and_after_are_kept(trained):
  told = json.loads((trained.run.out / preference_training.VALUES).read_text())
  for name, values in (("before", trained.before), ("after", trained.after)):
    assert {(r, p): v for r, p, v in told[name]} == values


def test_contents_are_learned_from_or_stop_or_judge(data):
  train_on, held_out = split(data)
  learn, stop = preference_choices.some_for_stopping(train_on, 1, seed=0)
  shown = [set(part.contents) for part in (learn, stop, held_out)]
  assert [len(part) for part in shown] == [1, 1, 1]
  assert len(set.union(*shown)) == 3
  with pytest.raises(ValueError, match="leaves nothing to learn from of 2"):
    preference_choices.some_for_stopping(train_on, 2, seed=0)
  with pytest.raises(ValueError, match="from 2 to the number of contents, 2"):
    preference_choices.folds(train_on, 3, seed=0)


def test_weights_of_a_sum_are_learned_from_whole_pictures(data, tmp_path):
  run = run_of(data, tmp_path, whole_pictures=True)
  (outcome,) = preference_training.train_all(run, {"fold_0": split(data)})
  # The values come from parts that were measured once.
  spec = distances.get(outcome.spec)
  item = outcome.held_out.items[0]
  pair = [
    tf.constant(p.read()[None] / 255, tf.float32)
    for p in (item.reference, item.images[0])
  ]
  key = item.reference.key, item.images[0].key
  assert outcome.after[key] == pytest.approx(float(spec(*pair)[0]), rel=1e-5)
  choices = preference_choices.load([str(data)], "auto")
  again = preference_parts.measure(SUM, choices, tmp_path)
  assert set(outcome.after) <= set(again)
  changed = choices.items[0].images[0].key
  picture = files.read_image(changed)
  files.write_image(changed, 255 - picture)
  anew = preference_parts.measure(SUM, choices, tmp_path)
  files.write_image(changed, picture)
  differ = {
    pair for pair in again if not np.array_equal(again[pair], anew[pair])
  }
  assert differ == {pair for pair in again if changed in pair}
  weights = tmp_path / "watson.npz"
  spec = f"1.0*watson_dft(weights={str(weights)!r}) + 1.0*mse"
  found = []
  for factor in (1.0, 1.5):
    initial = distances.get("watson_dft").checkpoint()
    np.savez(weights, **{k: v * factor for k, v in initial.items()})
    found.append(preference_parts.measure(spec, choices, tmp_path))
  pair = next(iter(found[0]))
  assert found[0][pair][0] != found[1][pair][0]
  assert found[0][pair][1] == found[1][pair][1]
  (tmp_path / "parts.npz").write_bytes(b"PK")
  with pytest.raises(ValueError, match=r"parts\.npz is damaged"):
    preference_parts.measure(SUM, choices, tmp_path)


def test_a_distance_that_is_not_linear_needs_crops(data, tmp_path):
  with pytest.raises(ValueError, match="mse is not linear"):
    preference_parts.make("mse")
  for options, words in (
    ({"tile": 8, "whole_pictures": True}, "leave --tile out"),
    ({"by_content": False, "tile": 8}, "add --by_content"),
  ):
    with pytest.raises(ValueError, match=words):
      preference_settings.Settings(
        data=("a",), **{"by_content": True} | options
      )

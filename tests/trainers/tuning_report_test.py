"""Tables of tuning: held-out values are pooled, and compared pair by pair."""

import json

import numpy as np
import pytest

from tests import forced_choices
from tfpercept import distances
from tfpercept.data import judgement_layouts, judgements
from tfpercept.evaluation.core import runner
from tfpercept.io import files
from trainers import preference_training, tuning_report


@pytest.fixture(scope="module")
def data(tmp_path_factory):
  return forced_choices.write(tmp_path_factory.mktemp("judged") / "choices")


@pytest.fixture(scope="module")
def folder(data, tmp_path_factory):
  """Two folds in which the trained distance is right, and before wrong."""
  out = tmp_path_factory.mktemp("tuned") / "mse"
  (choices,) = judgement_layouts.load(data)
  contents = choices.contents
  for i, names in enumerate((contents[:1], contents[1:])):
    part = choices.only(lambda item, names=names: item.content in names)
    # People find the brighter picture nearer than the noisy one.
    right = {
      (r.key, p.key): 1.0 if "light" in p.key else 2.0 for r, p in part.pairs
    }
    values = {
      "before": [[*pair, 3 - v] for pair, v in right.items()],
      "after": [[*pair, v] for pair, v in right.items()],
    }
    fold = out / f"fold_{i}"
    fold.mkdir(parents=True)
    (fold / preference_training.VALUES).write_text(json.dumps(values))
    told = {"settings": {"data": [str(data)]}}
    (fold / "run.json").write_text(json.dumps(told))
  return out


def test_the_table_pools_the_folds_and_pairs_the_gains(folder):
  data = tuning_report.trained_on(folder)
  before, after = tuning_report.held_out(folder)
  assert len(after) == len(data.pairs)
  base = dict.fromkeys(after, 1.0)  # undecided, so a half of people agree
  lines = tuning_report.gains(
    data, {"x": before}, {tuning_report.BASELINE: base, "x": after}
  )
  # 0.9 and 0.8 of people choose the brighter one.
  (row,) = [line for line in lines if line.startswith("| `x` |")]
  cells = [cell.strip() for cell in row.split("|")[2:-1]]
  assert [cell.split()[0] for cell in cells] == [
    "0.150", "0.850", "+0.700", "+0.350",
  ]  # fmt: skip
  (row,) = [line for line in lines if line.startswith("| `mse` |")]
  assert row.split("|")[2].split()[0] == "0.500"


def test_values_are_scaled_by_the_mean_of_their_own_training(folder):
  _, plain = tuning_report.held_out(folder)
  _, scaled = tuning_report.held_out(folder, is_scaled=True)
  assert np.mean(list(scaled.values())) == pytest.approx(1)
  assert scaled.keys() == plain.keys()


def test_a_fold_that_is_not_finished_is_named(folder):
  (folder / "fold_2").mkdir()
  with pytest.raises(ValueError, match="fold_2 is not finished"):
    tuning_report.held_out(folder)
  (folder / "fold_2").rmdir()


def test_terms_are_added_in_units_of_their_means():
  first = {("r", "a"): 1.0, ("r", "b"): 3.0}
  second = {("r", "a"): 300.0, ("r", "b"): 100.0}
  assert tuning_report.added(
    [tuning_report.scaled(first), tuning_report.scaled(second)]
  ) == {
    ("r", "a"): 2.0,
    ("r", "b"): 2.0,
  }


def test_other_data_are_measured_once(data, tmp_path, monkeypatch):
  (choices,) = judgement_layouts.load(data)
  choices = tuning_report.normal(choices)
  told = {"trained": {"mse": ["mae"]}}
  (tmp_path / "agreement.json").write_text(json.dumps(told))
  lines = tuning_report.elsewhere({"mse": tmp_path}, choices)
  assert lines[0].startswith("choices: 2afc on 6 judgements, 3 contents")
  assert lines[-1].startswith("| `mse` | ")

  def fails(*arguments):
    raise AssertionError("it was measured before")

  monkeypatch.setattr(runner.Compiled, "__call__", fails)
  assert tuning_report.elsewhere({"mse": tmp_path}, choices) == lines


def test_pictures_that_were_changed_are_measured_anew(data, tmp_path):
  (choices,) = judgement_layouts.load(data)
  choices = tuning_report.normal(choices)
  values = tmp_path / "values.jsonl"
  before = tuning_report.measured("mse", choices, values)
  changed = choices.items[0].images[0].key
  picture = files.read_image(changed)
  files.write_image(changed, 255 - picture)
  after = tuning_report.measured("mse", choices, values)
  files.write_image(changed, picture)
  assert {pair for pair in before if before[pair] != after[pair]} == {
    pair for pair in before if changed in pair
  }


def test_judgements_without_a_gain_are_refused_beforehand():
  data = judgements.Judgements("seen", "jnd", ())
  with pytest.raises(ValueError, match="seen has just noticeable differences"):
    tuning_report.require_scores(data)


def test_weights_that_were_trained_again_are_measured_anew(data, tmp_path):
  (choices,) = judgement_layouts.load(data)
  choices = tuning_report.normal(choices)
  weights, values = tmp_path / "weights.npz", tmp_path / "values.jsonl"
  found = []
  for scale in (1.0, 2.0):
    arrays = distances.get("watson_dct").checkpoint()
    for name in arrays:  # the logarithms of thresholds
      arrays[name] += np.log(scale) * name.endswith("t_tild")
    np.savez(weights, **arrays)
    spec = f"watson_dct(weights={str(weights)!r})"
    found.append(tuning_report.measured(spec, choices, values))
  assert found[0].keys() == found[1].keys()
  assert all(found[1][pair] < found[0][pair] for pair in found[0])

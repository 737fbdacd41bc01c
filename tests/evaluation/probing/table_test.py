"""Intervals and verdicts of probes."""

import math

import pytest

from tfpercept.evaluation.probing import table as probing_table
from tfpercept.evaluation.probing.probe import Scores


def _runs(*folds, question="identity"):
  return {seed: {question: Scores(f)} for seed, f in enumerate(folds)}


def test_the_interval_over_seeds_is_student_s():
  found = probing_table.over_seeds([1.0, 2.0, 3.0, 4.0, 5.0])
  # t of 4 degrees of freedom is 2.7764, the standard error sqrt(2.5 / 5).
  assert found.value == 3
  assert found.high - found.value == pytest.approx(2.7764 * 0.70711, rel=1e-4)
  assert found.low + found.high == pytest.approx(6)
  assert found.over == "5 seeds"


def test_folds_widen_their_interval_as_nadeau_and_bengio_say():
  values = [1.0, 2.0, 3.0, 4.0, 5.0]
  plain = probing_table.over_seeds(values)
  found = probing_table.over_folds(values)
  # 1/5 + 1/4 in the place of 1/5.
  ratio = (found.high - found.value) / (plain.high - plain.value)
  assert ratio == pytest.approx(math.sqrt(0.45 / 0.2))
  assert found.over == "5 folds"


def test_several_networks_vary_by_seed_and_one_by_fold():
  several = _runs((1.0, 3.0), (3.0, 5.0))
  found = probing_table.estimate(several, "identity")
  assert (found.value, found.over) == (3, "2 seeds")
  found = probing_table.estimate(_runs((1.0, 3.0)), "identity")
  assert (found.value, found.over) == (2, "2 folds")


def test_differences_are_between_networks_of_one_seed():
  """Seeds differ a lot, the two losses by one everywhere."""
  first = _runs((1.0, 2.0), (11.0, 12.0), (31.0, 32.0))
  second = _runs((2.0, 3.0), (12.0, 13.0), (32.0, 33.0))
  seeds, folds = probing_table.differences(first, second, "identity")
  assert (seeds.value, seeds.low, seeds.high) == (-1, -1, -1)
  assert (folds.value, folds.low, folds.high) == (-1, -1, -1)
  assert seeds.verdict == "wins"


def test_differences_leave_out_seeds_that_only_one_has():
  first = {0: {"q": Scores((1.0, 1.0))}, 7: {"q": Scores((90.0, 90.0))}}
  second = {0: {"q": Scores((2.0, 2.0))}}
  seeds, _ = probing_table.differences(first, second, "q")
  assert (seeds.value, seeds.over) == (-1, "1 seeds")
  with pytest.raises(ValueError, match=r"no seed in common: \[0\] and \[7\]"):
    probing_table.differences(second, {7: first[7]}, "q")


@pytest.mark.parametrize(
  ("low", "high", "verdict"),
  [
    (-2.0, -1.0, "wins"),
    (1.0, 2.0, "loses"),
    (-1.0, 1.0, "undecided"),
    (0.0, 0.0, "undecided"),
    (math.nan, math.nan, "undecided"),
  ],
)
def test_a_difference_wins_where_its_whole_interval_is_below_zero(
  low, high, verdict
):
  assert probing_table.MeanError(0.0, low, high).verdict == verdict


def test_an_answer_rests_on_seeds_or_on_folds_where_there_is_one():
  table = {
    "a": _runs((1.0, 1.5), (1.2, 1.4), (1.1, 1.3)),
    "b": _runs((4.0, 4.2), (4.1, 4.3), (4.2, 4.4)),
  }
  word, sentence = probing_table.answer(table, "a", "b", "identity")
  assert word == "wins"
  assert sentence.startswith("identity: a against b: wins, -2.95 % (95 % ")
  assert "over 3 seeds; " in sentence
  assert sentence.endswith("over 2 folds)")
  one = {name: {0: runs[0]} for name, runs in table.items()}
  word, sentence = probing_table.answer(one, "a", "b", "identity")
  assert word == "undecided"  # two folds, one degree of freedom: t is 12.7
  assert "seeds" not in sentence


def test_what_is_published_stands_beside_what_is_measured():
  table = {"mse": _runs((1.0, 3.0), (1.0, 3.0)), "pixels": _runs((5.0, 5.0))}
  lines = probing_table.markdown(
    table, ["identity"], {"identity": {"mse": 5.6}}
  )
  assert lines[0] == "| codes | interval over | identity, % | published |"
  assert lines[2] == "| mse | 2 seeds | 2.00 [2.00, 2.00] | 5.60 |"
  assert lines[3] == "| pixels | 2 folds | 5.00 [5.00, 5.00] |  |"


def test_budgets_make_a_line_for_each_method():
  budgets = {
    "mse": {s: {1: Scores((50.0, 60.0)), 5: Scores((5.0, 6.0))} for s in (0, 1)}
  }
  lines = probing_table.budget_markdown(budgets)
  assert lines[0] == "| labels a person | 1 | 5 |"
  assert lines[2] == "| mse | 55.0 [55.0, 55.0] | 5.5 [5.5, 5.5] |"


def test_json_has_each_fold_and_no_nan():
  values = probing_table.to_json({"a": _runs((1.0,))}, ["identity"])
  found = values["a"]["identity"]
  assert found["folds"] == {"0": (1.0,)}
  assert found["low"] is None
  assert found["unit"] == "%"

"""Tables of probes: means, intervals, and which codes win.

Two things vary: the network, with the seed of its training, and the test
pictures, with the fold. An interval over seeds says what another training
would give on these pictures and folds; one over folds says, roughly, what other
pictures would. Folds share most of what they are fitted on, so the plain
t interval over them is too narrow and the corrected one is used.

Source of the correction: Nadeau, Bengio, "Inference for the generalization
error", Machine Learning 52, 2003, section 3; the share of test to training
pictures is that of one fold to the rest.
"""

import dataclasses
import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from tfpercept import extras
from tfpercept.evaluation.core.statistics import Estimate
from tfpercept.evaluation.probing.probe import IDENTITY, Scores

Runs = Mapping[int, Mapping[str, Scores]]
"""Scores by question of each network of one kind, by its seed."""


@dataclasses.dataclass(frozen=True)
class MeanError(Estimate):
  """A mean error, or a difference of two, and its interval of 95 %.

  Attributes:
    over: Unit that varied, with its number: `"5 seeds"` or `"5 folds"`.
  """

  over: str = ""

  @property
  def verdict(self) -> str:
    """Sign of a difference in errors: wins, loses or undecided."""
    if self.high < 0:
      return "wins"
    return "loses" if self.low > 0 else "undecided"


def over_seeds(means: Sequence[float]) -> MeanError:
  """Returns the t interval of numbers of independent trainings."""
  return _t_interval(means, 1 / len(means), f"{len(means)} seeds")


def over_folds(errors: Sequence[float]) -> MeanError:
  """Returns the corrected resampled t interval of errors of folds."""
  count = len(errors)
  share = 1 / count + 1 / (count - 1) if count > 1 else math.nan
  return _t_interval(errors, share, f"{count} folds")


def estimate(runs: Runs, question: str) -> MeanError:
  """Returns a mean error: over seeds, or folds where there is one network."""
  if len(runs) > 1:
    return over_seeds([scores[question].mean for scores in runs.values()])
  (scores,) = runs.values()
  return over_folds(scores[question].folds)


def differences(first: Runs, second: Runs, question: str) -> list[MeanError]:
  """Returns by how much `first` errs more: over common seeds, and over folds.

  Networks of one seed start alike and see the same batches, so they are
  compared with each other. Over folds the mean of all seeds is. The first has
  no interval where there is only one seed.

  Raises:
    ValueError: if the two have no seed in common.
  """
  common = [seed for seed in first if seed in second]
  if not common:
    raise ValueError(
      f"no seed in common: {sorted(first)} and {sorted(second)}; train both "
      "with the same seeds"
    )
  gaps = np.array(
    [
      np.subtract(first[s][question].folds, second[s][question].folds)
      for s in common
    ]
  )  # [seeds, folds]
  return [over_seeds(gaps.mean(axis=1)), over_folds(gaps.mean(axis=0))]


def answer(
  table: Mapping[str, Runs], method: str, baseline: str, question: str
) -> tuple[str, str]:
  """Returns whether a method errs less than another, as a word and a sentence.

  The word rests on the interval over seeds, or that over folds where there is
  one seed.
  """
  seeds, folds = differences(table[method], table[baseline], question)
  deciding = seeds if math.isfinite(seeds.low) else folds
  digits = _digits(question)
  told = [
    f"{e.low:+.{digits}f} to {e.high:+.{digits}f} over {e.over}"
    for e in (seeds, folds)
    if math.isfinite(e.low)
  ]
  sentence = (
    f"{question}: {method} against {baseline}: {deciding.verdict}, "
    f"{seeds.value:+.{digits}f} {unit(question)} (95 % intervals: "
    f"{'; '.join(told)})"
  )
  return deciding.verdict, sentence


def markdown(
  table: Mapping[str, Runs],
  questions: Sequence[str],
  published: Mapping[str, Mapping[str, float]] | None = None,
) -> list[str]:
  """Returns the lines of a table of means and intervals.

  Args:
    table: Scores by method and seed, one row for each method.
    questions: Names of the targets, one column each.
    published: Published errors by question and method; each question in it gets
      a column.
  """
  published = published or {}
  heads = ["codes", "interval over"]
  for question in questions:
    heads.append(f"{question}, {unit(question)}")
    heads += ["published"] if question in published else []
  lines = [heads, ["---", "---"] + ["---:"] * (len(heads) - 2)]
  for method, runs in table.items():
    cells = [method, estimate(runs, questions[0]).over]
    for question in questions:
      digits = _digits(question)
      cells.append(_cell(estimate(runs, question), digits))
      if question in published:
        theirs = published[question].get(method)
        cells.append("" if theirs is None else f"{theirs:.2f}")
    lines.append(cells)
  return [f"| {' | '.join(cells)} |" for cells in lines]


def budget_markdown(
  budgets: Mapping[str, Mapping[int, Mapping[int, Scores]]],
) -> list[str]:
  """Returns the lines of a table of identity's error by labels a person.

  Args:
    budgets: Results of `probe.label_budget`, by method and seed.
  """
  counts = list(next(iter(next(iter(budgets.values())).values())))
  lines = [
    ["labels a person", *map(str, counts)],
    ["---"] + ["---:"] * len(counts),
  ]
  for method, runs in budgets.items():
    cells = [_cell(e, 1) for e in budget_estimates(runs).values()]
    lines.append([method, *cells])
  return [f"| {' | '.join(cells)} |" for cells in lines]


def budget_estimates(
  runs: Mapping[int, Mapping[int, Scores]],
) -> dict[int, MeanError]:
  """Returns the mean error and interval for each number of labels."""
  counts = next(iter(runs.values()))
  asked = {
    seed: {str(count): scores for count, scores in found.items()}
    for seed, found in runs.items()
  }
  return {count: estimate(asked, str(count)) for count in counts}


def to_json(
  table: Mapping[str, Runs], questions: Sequence[str]
) -> dict[str, Any]:
  """Returns means, intervals and the error of each fold as JSON values."""
  return {
    method: {
      question: {
        **_json(estimate(runs, question)),
        "unit": unit(question),
        "folds": {str(s): found[question].folds for s, found in runs.items()},
        "chosen": {str(s): found[question].chosen for s, found in runs.items()},
      }
      for question in questions
    }
    for method, runs in table.items()
  }


def unit(question: str) -> str:
  """Returns what an error is counted in."""
  return "%" if question == IDENTITY else "degrees²"


def _digits(question: str) -> int:
  return 2 if question == IDENTITY else 1


def _json(found: MeanError) -> dict[str, Any]:
  values = {k: getattr(found, k) for k in ("value", "low", "high", "over")}
  return {
    k: None if isinstance(v, float) and not math.isfinite(v) else v
    for k, v in values.items()
  }


def _cell(found: MeanError, digits: int) -> str:
  value = f"{found.value:.{digits}f}"
  if not math.isfinite(found.low):
    return value
  return f"{value} [{found.low:.{digits}f}, {found.high:.{digits}f}]"


def _t_interval(values: Sequence[float], share: float, over: str) -> MeanError:
  """The interval whose standard error is the root of `share` times variance."""
  with extras.needed("intervals of probes"):
    from scipy import stats

  mean = float(np.mean(values))
  if len(values) < 2:
    return MeanError(mean, over=over)
  error = math.sqrt(share * float(np.var(values, ddof=1)))
  reach = float(stats.t.ppf(0.975, len(values) - 1)) * error
  return MeanError(mean, mean - reach, mean + reach, over=over)

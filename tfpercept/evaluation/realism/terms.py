"""Which perceptual term serves realism best: arms, ranks and their table.

An arm is a way to train a realism head: a perceptual term of the loss, or none,
with a critic or without. All arms decode the same files. An arm is judged by
the measures that are not in its loss: no distance of pairs that it minimised,
and no set of patches in features of such a distance. DISTS is in no arm's loss,
so it judges all.
"""

import dataclasses
import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from tfpercept.evaluation.core import text_tables
from tfpercept.evaluation.realism import patches

TERMS: dict[str, str] = {
  "none": "",
  "lpips": "lpips",
  "watson_dft": 'watson_dft(pad="reflect", pool="mean")',
  "ms_ssim": "ms_ssim(scales=4)",
  "nlpd": "nlpd",
  "pim": "pim",
}
"""Specs of the perceptual terms by name; none has an empty one."""
REALISM = tuple(
  f"{score}_{space}"
  for score in ("patch_frechet", "patch_mmd", "linear_critic")
  for space in patches.SPACES
)
"""Measures of realism, each smaller where pictures look more real."""
OUTSIDE = "dists"
"""Spec of a distance of pairs that is in no arm's loss."""
RANKED = (*REALISM, OUTSIDE)
"""Measures that give arms their ranks."""

_CRITIC = "+critic"


@dataclasses.dataclass(frozen=True)
class Arm:
  """A way to train a head.

  Attributes:
    term: Name of the perceptual term, a key of `TERMS`.
    has_critic: True if a critic judges the pictures in training.
  """

  term: str
  has_critic: bool

  @property
  def name(self) -> str:
    """Name of the arm in tables and folders."""
    return self.term + _CRITIC * self.has_critic

  def trained_on(self, measure: str) -> bool:
    """Returns True if a measure is, or sees features of, the arm's term."""
    if measure == self.term or measure == TERMS[self.term]:
      return True
    return any(
      space.spec == self.term and measure.endswith(f"_{space.name}")
      for space in patches.SPACES.values()
    )


def arms(terms: Sequence[str]) -> list[Arm]:
  """Returns two arms for each term: without a critic and with one.

  Raises:
    ValueError: if a term is unknown.
  """
  unknown = [term for term in terms if term not in TERMS]
  if unknown:
    raise ValueError(f"terms are {', '.join(TERMS)}; got {', '.join(unknown)}")
  return [Arm(term, critic) for term in terms for critic in (False, True)]


@dataclasses.dataclass(frozen=True)
class Result:
  """The measures of an arm, one number for each seed.

  Attributes:
    arm: The arm.
    values: Values of the seeds, `[seeds]`, by the name of the measure.
    grids: For each seed, True if its pictures have a grid.
  """

  arm: Arm
  values: dict[str, np.ndarray]
  grids: tuple[bool, ...]


def ranks(results: Sequence[Result]) -> dict[str, float]:
  """Returns the mean rank of each arm over the measures of `RANKED`.

  What was not measured counts for no one. In a measure, arms that were trained
  on it have no rank and count for no one else's. A rank is the share of the
  other arms that are better, from 0, the best, to 1; ties count half. NaN where
  every measure was trained on.

  Args:
    results: Results of all arms. The mean over seeds is ranked.
  """
  found: dict[str, list[float]] = {r.arm.name: [] for r in results}
  for measure in RANKED:
    fair = {
      r.arm.name: float(np.mean(r.values[measure]))
      for r in results
      if measure in r.values and not r.arm.trained_on(measure)
    }
    for name, value in fair.items():
      others = [v for other, v in fair.items() if other != name]
      if others:
        better = sum(v < value for v in others)
        ties = sum(v == value for v in others)
        found[name].append((better + ties / 2) / len(others))
  return {
    name: float(np.mean(shares)) if shares else math.nan
    for name, shares in found.items()
  }


def to_text(
  results: Sequence[Result], faithful: Mapping[str, float], *, sample: str
) -> str:
  """Returns the table: a line for each arm, the best rank first.

  Args:
    results: Results of the arms.
    faithful: Values of the faithful decoder by measure.
    sample: Sentence on the patches, pictures and steps behind the numbers.
  """
  order = ranks(results)
  measures = list(faithful)
  also = f" and in {OUTSIDE}" if OUTSIDE in measures else ""
  found = [["", "rank", *measures, "grid"]]
  found.append(["faithful", "", *(_number(faithful[m]) for m in measures), ""])
  for result in sorted(results, key=lambda r: _last(order[r.arm.name])):
    cells = [_cell(result, measure) for measure in measures]
    grids = f"{sum(result.grids)}/{len(result.grids)}"
    rank = order[result.arm.name]
    shown = "-" if math.isnan(rank) else f"{rank:.2f}"
    found.append([result.arm.name, shown, *cells, grids])
  return (
    f"{text_tables.aligned(found)}\n\n"
    "Values are means over seeds, with half of the range between seeds after "
    "+-. An asterisk marks a measure that is, or sees features of, the arm's "
    "own loss. The rank is the share of the other arms that are better in the "
    f"measures of sets{also}, without those marked: 0 is best. {sample}"
  )


def to_json(
  results: Sequence[Result], faithful: Mapping[str, float]
) -> dict[str, Any]:
  """Returns the numbers as JSON holds them."""
  order = ranks(results)
  return {
    "faithful": {k: text_tables.json_number(v) for k, v in faithful.items()},
    "arms": [
      {
        "arm": result.arm.name,
        "term": TERMS[result.arm.term],
        "critic": result.arm.has_critic,
        "rank": text_tables.json_number(order[result.arm.name]),
        "values": {k: v.tolist() for k, v in result.values.items()},
        "trained_on": [k for k in result.values if result.arm.trained_on(k)],
        "grids": list(result.grids),
      }
      for result in results
    ],
  }


def _last(rank: float) -> float:
  return math.inf if math.isnan(rank) else rank


def _cell(result: Result, measure: str) -> str:
  values = result.values[measure]
  spread = (values.max() - values.min()) / 2
  text = _number(float(values.mean()))
  if len(values) > 1:
    text += f"+-{spread:.1g}"
  return text + "*" * result.arm.trained_on(measure)


def _number(value: float) -> str:
  return f"{value:.4g}"

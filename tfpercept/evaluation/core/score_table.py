"""Tables of scores: one row for each picture and method."""

import dataclasses
import math
from collections.abc import Callable
from typing import Any

import numpy as np

from tfpercept import distances
from tfpercept.evaluation.core import statistics, text_tables

Footnotes = text_tables.Footnotes
aligned = text_tables.aligned
DECIMALS = {"psnr": 2}
"""Digits after the point that a score is printed with; 4 if not named."""


@dataclasses.dataclass(frozen=True)
class Row:
  """The scores of one method on one picture.

  Attributes:
    group: Group of the picture, such as the name of its folder.
    picture: Name of the picture, unique within the group.
    method: Name of the method that made the image.
    scores: Scores by spec; `inf` where PSNR meets an identical pair.
  """

  group: str
  picture: str
  method: str
  scores: dict[str, float]


@dataclasses.dataclass(frozen=True)
class Table:
  """Rows of scores, and the pictures that have none.

  Attributes:
    specs: Specs of the scored distances, in the order of columns.
    rows: All rows; each picture has one for every method.
    failures: Reasons for missing rows, by path or name of the picture.
  """

  specs: tuple[str, ...]
  rows: tuple[Row, ...]
  failures: dict[str, str] = dataclasses.field(default_factory=dict)

  @property
  def groups(self) -> tuple[str, ...]:
    """Groups in the order of their first row."""
    return tuple(dict.fromkeys(row.group for row in self.rows))

  @property
  def methods(self) -> tuple[str, ...]:
    """Methods in the order of their first row."""
    return tuple(dict.fromkeys(row.method for row in self.rows))

  def pictures(self, group: str) -> tuple[str, ...]:
    """Pictures of a group in the order of their first row."""
    return tuple(
      dict.fromkeys(row.picture for row in self.rows if row.group == group)
    )

  def scores(self, group: str, picture: str, method: str) -> dict[str, float]:
    """Returns the scores of one method on one picture, by spec."""
    for row in self.rows:
      if (row.group, row.picture, row.method) == (group, picture, method):
        return row.scores
    raise ValueError(f"no scores of {method!r} on {picture!r} in {group!r}")

  def values(
    self, method: str, spec: str, group: str | None = None
  ) -> np.ndarray:
    """Returns the scores of a method over pictures, `[P]`, in row order."""
    return np.array(
      [
        row.scores[spec]
        for row in self.rows
        if row.method == method and group in (None, row.group)
      ]
    )

  def mean(self, method: str, spec: str, group: str | None = None) -> float:
    """Returns the mean over pictures.

    Infinite scores (PSNR of identical images) are left out; if there is nothing
    else the mean is the infinity, and NaN without any row.
    """
    values = self.values(method, spec, group)
    finite = values[np.isfinite(values)]
    if finite.size:
      return float(finite.mean())
    return float(values[0]) if values.size else math.nan

  def estimate(
    self, method: str, spec: str, group: str | None = None
  ) -> statistics.Estimate:
    """Returns the mean over finite scores with its interval."""
    values = self.values(method, spec, group)
    return statistics.mean(values[np.isfinite(values)])


@dataclasses.dataclass(frozen=True)
class Difference:
  """Mean of paired differences, with a bootstrap interval of 95 %.

  The interval is NaN where one picture or equal differences show none.
  """

  mean: float
  low: float
  high: float
  pictures: int


def paired_difference(
  table: Table,
  spec: str,
  *,
  method: str,
  baseline: str,
  group: str | None = None,
  resamples: int = 10_000,
  seed: int = 0,
) -> Difference:
  """Returns by how much `method` scores above `baseline` on the same pictures.

  The interval is the expanded percentile bootstrap over pictures, which is
  about as wide as Student's (`statistics.expanded_tail`), and Student's itself
  for fewer than 5 pictures.

  Raises:
    ValueError: if there is no picture with finite scores of both.
  """
  pairs = np.stack([table.values(m, spec, group) for m in (method, baseline)])
  scored, base = pairs[:, np.isfinite(pairs).all(axis=0)]
  difference = scored - base
  if not difference.size:
    raise ValueError(
      f"no picture has finite {spec} scores of both {method!r} and "
      f"{baseline!r}; the methods are {', '.join(table.methods)}"
    )
  low = high = math.nan
  if not statistics.is_point(difference.min(), difference.max()):
    low, high = _interval_of_mean(difference, resamples, seed)
  return Difference(
    float(difference.mean()), float(low), float(high), difference.size
  )


def _interval_of_mean(
  values: np.ndarray, resamples: int, seed: int
) -> tuple[float, float]:
  count = values.size
  if count < statistics.FEWEST:
    return statistics.student(values)
  random = np.random.default_rng(seed)
  drawn = values[random.integers(count, size=(resamples, count))].mean(axis=1)
  tail = statistics.expanded_tail(count)
  low, high = np.quantile(drawn, (tail, 1 - tail))
  return float(low), float(high)


def number(spec: str, value: float) -> str:
  """Formats a score with as many decimals as papers print."""
  return f"{value:.{DECIMALS.get(spec, 4)}f}"


def interval(
  spec: str, estimate: statistics.Estimate, footnotes: Footnotes
) -> str:
  """Formats the interval of a mean score, or the dash in its place."""
  if not math.isfinite(estimate.low):
    return footnotes.dash(estimate.why)
  return f"[{number(spec, estimate.low)}, {number(spec, estimate.high)}]"


def better(metric: distances.Distance) -> str:
  """Returns "larger" or "smaller": which score of a distance is better.

  Of its value the smaller is, always.
  """
  return {"max": "larger", "min": "smaller"}[metric.direction]


def has_score(metric: distances.Distance) -> bool:
  """Whether the score, which papers print, is not the value."""
  base, cls = distances.Distance, type(metric)
  return cls.score_of is not base.score_of or cls.score is not base.score


def to_text(table: Table) -> str:
  """Formats a table for a terminal: a block for each group."""
  return "\n\n".join(_block(table, group) for group in table.groups)


def to_csv(table: Table) -> str:
  """Formats a table as CSV in full precision, without means."""
  lines = [["group", "picture", "method", *table.specs]]
  for row in table.rows:
    values = [repr(row.scores[spec]) for spec in table.specs]
    lines.append([row.group, row.picture, row.method, *values])
  return text_tables.csv_text(lines)


def to_json(table: Table) -> dict[str, Any]:
  """Returns a table as JSON values; an infinite score is the string "inf"."""
  return {
    "rows": [
      {
        "group": row.group,
        "picture": row.picture,
        "method": row.method,
        **{
          spec: text_tables.json_number(row.scores[spec])
          for spec in table.specs
        },
      }
      for row in table.rows
    ],
    "means": _by_method(
      table, lambda *of: text_tables.json_number(table.mean(*of))
    ),
    "intervals": _by_method(
      table, lambda *of: json_interval(table.estimate(*of))
    ),
    "better": {spec: better(distances.get(spec)) for spec in table.specs},
    "failures": table.failures,
  }


def _by_method(
  table: Table, value: Callable[[str, str, str], Any]
) -> list[dict[str, Any]]:
  """Returns a value for each method, spec and group, as JSON values."""
  return [
    {
      "group": group,
      "method": method,
      **{spec: value(method, spec, group) for spec in table.specs},
    }
    for group in table.groups
    for method in table.methods
  ]


def json_interval(estimate: statistics.Estimate) -> dict[str, Any]:
  """Returns an interval as JSON values; null where there is none, and why."""
  ends = {"low": estimate.low, "high": estimate.high}
  found = {k: v if math.isfinite(v) else None for k, v in ends.items()}
  return {**found, "why": estimate.why}


def _block(table: Table, group: str) -> str:
  """One group as aligned columns: pictures down, methods and specs across."""
  columns = [(m, s) for m in table.methods for s in table.specs]
  first = [m if s == table.specs[0] else "" for m, s in columns]
  lines = [[group, *first], ["", *(s for _, s in columns)]]
  lines.append(["better", *(better(distances.get(s)) for _, s in columns)])
  for picture in table.pictures(group):
    values = [number(s, table.scores(group, picture, m)[s]) for m, s in columns]
    lines.append([picture, *values])
  means = [number(s, table.mean(m, s, group)) for m, s in columns]
  lines.append(["mean", *means])
  count = len(table.pictures(group))
  if count < 2:
    return aligned(lines)
  footnotes = Footnotes()
  estimates = [(s, table.estimate(m, s, group)) for m, s in columns]
  lines.append(["95 %", *(interval(s, e, footnotes) for s, e in estimates)])
  notes = [*footnotes.lines, statistics.warning(count, "pictures")]
  return "\n".join([aligned(lines), *filter(None, notes)])

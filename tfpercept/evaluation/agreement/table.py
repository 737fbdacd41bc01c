"""Tables of agreement with people: every distance on every data set."""

import csv
import dataclasses
import functools
import io
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from tfpercept import distances, weights
from tfpercept.data import judgements
from tfpercept.evaluation.agreement import published, scores
from tfpercept.evaluation.core import (
  correlation,
  kept_values,
  runner,
  score_table,
  statistics,
)
from tfpercept.evaluation.core.settings import Agreement as Options
from tfpercept.evaluation.core.statistics import Estimate


@dataclasses.dataclass(frozen=True)
class Row:
  """Scores of one distance on one data set.

  Attributes:
    measure: Spec of the distance, or the name of a row of people or of
      published scores.
    scores: Estimates by column.
    items: Number of judgements used; 0 for published scores.
    seconds: Mean wall time of a pair in seconds; NaN where nothing was
      measured.
    note: Remark on the row, such as a crop; may be empty.
  """

  measure: str
  scores: dict[str, Estimate]
  items: int = 0
  seconds: float = math.nan
  note: str = ""


@dataclasses.dataclass(frozen=True)
class Block:
  """All rows of one data set, and the conditions of the measurement.

  Attributes:
    data: Judgements that were used.
    rows: Rows of distances, of people and of published values.
    conditions: Sentence about the measurement.
    failures: Reasons for what is left out, by name.
    values: Values of each distance by the keys of reference and image.
  """

  data: judgements.Judgements
  rows: tuple[Row, ...]
  conditions: str
  failures: dict[str, str]
  values: dict[str, dict[judgements.PairKey, float]] = dataclasses.field(
    default_factory=dict
  )

  @property
  def columns(self) -> tuple[str, ...]:
    """Columns in the order of their first row."""
    return tuple(dict.fromkeys(c for row in self.rows for c in row.scores))

  @property
  def warning(self) -> str:
    """A warning about the intervals, or an empty string."""

    def contents_of(subset: str) -> int:
      part = self.data.only(lambda item: item.subset == subset)
      return len(part.contents)

    contents = min(map(contents_of, self.data.subsets))
    of = "contents in a subset" if len(self.data.subsets) > 1 else "contents"
    return statistics.warning(contents, of)


def load(
  specs: Iterable[str],
) -> tuple[dict[str, distances.Distance], dict[str, str]]:
  """Makes distances, and reports those whose weights are missing.

  Raises:
    ValueError: if a spec is malformed or unknown.
  """
  found, failures = {}, {}
  for spec in specs:
    try:
      found[spec] = distances.get(spec)
    except weights.MissingWeights as error:
      failures[spec] = str(error)
  return found, failures


def require(data: Iterable[judgements.Judgements]) -> None:
  """Raises ValueError if scores of these sets cannot be computed here."""
  if any(found.kind == "mos" for found in data):
    correlation.require()


def block(
  data: judgements.Judgements,
  metrics: Mapping[str, distances.Distance],
  options: Options | None = None,
  *,
  kept: kept_values.KeptValues | None = None,
  progress: Callable[[str, int, int], None] = lambda spec, done, of: None,
) -> Block:
  """Measures distances on a data set, and adds published scores.

  A distance that fails on all pairs is listed under `failures`; where it fails
  on some, so are their images, its score rests on the others and the row says
  on how many.

  Args:
    data: Judgements of people.
    metrics: Distances to measure, by the name of their row.
    options: Settings; None takes the defaults.
    kept: Values of earlier calls, which are not measured again; new ones are
      added.
    progress: Function called with the row's name, the number of pairs done and
      the number of all.
  """
  options = Options() if options is None else options
  part = _spread(data, options.max_pairs)
  rows, failures = (
    [],
    {f"{data.name}: {k}": v for k, v in data.failures.items()},
  )
  cache = judgements.Cache()
  before = 0 if kept is None else kept.used
  values = {}
  for spec, distance in metrics.items():
    measured = runner.measure(
      distance,
      part,
      downscale=options.downscale,
      cache=cache,
      kept=kept,
      progress=functools.partial(progress, spec),
    )
    row = _row(spec, part, measured, options)
    if row is None:
      why = next(iter(measured.failures.values()))
      failures[f"{spec} on {data.name}"] = why
    else:
      rows.append(row)
      values[spec] = measured.values
      failures |= measured.failures
  if data.kind == "2afc":
    people = scores.people(part, resamples=options.resamples, seed=options.seed)
    rows += [Row(k, v, len(part.items)) for k, v in people.items()]
  rows += _published(part, options)
  conditions = _conditions(data, part, options)
  if kept is not None and kept.used > before:
    count = kept.used - before
    conditions += f"; {count} values, and their times, are of earlier runs"
  return Block(part, tuple(rows), conditions, failures, values)


def to_text(blocks: Sequence[Block]) -> str:
  """Formats blocks for a terminal."""
  return "\n\n".join(_block_text(block) for block in blocks)


def to_csv(blocks: Sequence[Block]) -> str:
  """Formats blocks as CSV in full precision, one line a score."""
  text = io.StringIO()
  writer = csv.DictWriter(text, _FIELDS, lineterminator="\n")
  writer.writeheader()
  writer.writerows(_records(blocks))
  return text.getvalue()


def to_json(blocks: Sequence[Block]) -> list[dict[str, Any]]:
  """Returns blocks as JSON values; what is not there is null."""
  return [
    {
      "data": block.data.name,
      "kind": block.data.kind,
      "conditions": block.conditions,
      "note": block.data.note,
      "warning": block.warning,
      "scores": [
        {
          k: None if v == "" else v
          for k, v in record.items()
          if k not in ("data", "warning")
        }
        for record in _records([block])
      ],
      "failures": block.failures,
    }
    for block in blocks
  ]


_FIELDS = (
  "data", "measure", "score", "value", "low", "high", "items", "seconds",
  "note", "why", "warning",
)  # fmt: skip


def _records(blocks: Sequence[Block]) -> list[dict[str, Any]]:
  return [
    {
      "data": block.data.name,
      "measure": row.measure,
      "score": column,
      "value": _finite(estimate.value),
      "low": _finite(estimate.low),
      "high": _finite(estimate.high),
      "items": row.items,
      "seconds": _finite(row.seconds),
      "note": row.note,
      "why": estimate.why,
      "warning": block.warning if row.items else "",
    }
    for block in blocks
    for row in block.rows
    for column, estimate in row.scores.items()
  ]


def _finite(value: float) -> float | str:
  return value if math.isfinite(value) else ""


def _row(
  name: str,
  data: judgements.Judgements,
  measured: runner.Measured,
  options: Options,
) -> Row | None:
  """Scores the judgements whose pairs all have a value; None if none has."""
  usable = data.only(
    lambda item: all(
      (item.reference.key, p.key) in measured.values for p in item.images
    )
  )
  if not usable.items:
    return None
  found = scores.agreement(
    usable,
    measured.values,
    resamples=options.resamples,
    seed=options.seed,
    parameters=options.parameters,
  )
  notes = [measured.note] if measured.note else []
  if len(usable.items) < len(data.items):
    notes.append(f"on {len(usable.items)} of {len(data.items)}")
    notes += list(dict.fromkeys(measured.failures.values()))[:1]
  return Row(name, found, len(usable.items), measured.seconds, "; ".join(notes))


def _published(data: judgements.Judgements, options: Options) -> list[Row]:
  rows = []
  for name, by_image in data.published.items():
    values = {
      (r.key, p.key): by_image[p.key]
      for r, p in data.pairs
      if p.key in by_image
    }
    measured = runner.Measured(values)
    row = _row(f"published values: {name}", data, measured, options)
    rows += [row] if row else []
  subsets = data.subsets if data.origin == published.ORIGIN else ()
  for name, found in published.rows(data.kind, subsets).items():
    estimates = {column: Estimate(value) for column, value in found.items()}
    rows.append(Row(name, estimates))
  return rows


def _spread(data: judgements.Judgements, most: int) -> judgements.Judgements:
  count = len(data.items)
  if not most or count <= most:
    return data
  kept = tuple(data.items[i * count // most] for i in range(most))
  return dataclasses.replace(data, items=kept)


def _conditions(
  data: judgements.Judgements, part: judgements.Judgements, options: Options
) -> str:
  parts = [f"n = {len(part.items)} judgements on {len(part.contents)} contents"]
  if len(part.items) < len(data.items):
    parts[0] += f" (of {len(data.items)}, evenly spread)"
  if options.downscale > 1:
    parts.append(f"pictures reduced {options.downscale}x")
  if len(part.contents) > 1:
    parts.append(
      f"95 % bootstrap over contents, {options.resamples} samples, seed "
      f"{options.seed}"
    )
  if data.kind == "mos":
    parts.append(f"plcc after a logistic of {options.parameters} parameters")
  return "; ".join(parts)


def cells(block: Block) -> tuple[list[list[str]], list[str]]:
  """Returns the lines of a table with its head, and the footnotes below it."""
  columns = block.columns
  lines, footnotes = [["", *columns, "s/pair", ""]], score_table.Footnotes()
  for row in block.rows:
    shown = [_cell(row.scores.get(column), footnotes) for column in columns]
    seconds = f"{row.seconds:.3g}" if math.isfinite(row.seconds) else ""
    lines.append([row.measure, *shown, seconds, row.note])
  return lines, footnotes.lines


def _block_text(block: Block) -> str:
  lines, footnotes = cells(block)
  widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
  table = [
    "  ".join(
      [line[0].ljust(widths[0])]
      + [c.rjust(w) for c, w in zip(line[1:-1], widths[1:-1], strict=True)]
      + [line[-1]]
    ).rstrip()
    for line in lines
  ]
  head = [f"{block.data.name} ({block.data.kind}): {block.conditions}"]
  head += filter(None, [block.data.note])
  notes = [*footnotes, *filter(None, [block.warning])]
  return "\n".join([*head, *table, *notes])


def _cell(estimate: Estimate | None, footnotes: score_table.Footnotes) -> str:
  """Formats a score; a dash leads to the footnote that says why."""
  if estimate is None or not math.isfinite(estimate.value):
    why = "not published" if estimate is None else estimate.why
    return footnotes.dash(why)
  if not math.isfinite(estimate.low):
    return f"{estimate.value:.3f}"
  return f"{estimate.value:.3f} [{estimate.low:.3f}, {estimate.high:.3f}]"

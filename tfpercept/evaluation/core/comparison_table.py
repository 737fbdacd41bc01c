"""Tables of distances between picture files, as text, CSV and JSON values.

One table for each folder of pictures that was compared with the same reference.
"""

import math
from collections.abc import Iterator, Sequence
from typing import Any

from tfpercept.evaluation.core import (
  comparison,
  score_table,
  statistics,
  text_tables,
  tiled,
)


def to_text(tables: Sequence[comparison.Table]) -> str:
  """Formats tables as one for a terminal, with means and notes.

  A distance has a column of scores only where a score is not its value. Means
  of several folders are over the pictures that all of them have. Pictures that
  could not be measured have a line of dashes, and below is why.
  """
  columns = [
    (spec, what)
    for spec, metric in tables[0].metrics.items()
    for what in ("value", "score")[: 2 if score_table.has_score(metric) else 1]
  ]
  footnotes = score_table.Footnotes()
  with_folders = len(tables) > 1
  lines = _heads(tables[0], columns, with_folders=with_folders)
  for name, table in _rows(tables):
    cells = [_cell(table, name, *column, footnotes) for column in columns]
    lines.append([name, *([table.folder] * with_folders), *cells])
  kept = _in_all(tables)
  for label, cell in (("mean", _mean), ("95 %", _interval)):
    if label == "95 %" and max(len(table.rows) for table in tables) < 2:
      continue  # of a single picture nobody expects one
    for table in tables:
      cells = [cell(table, *column, kept, footnotes) for column in columns]
      lines.append([label, *([table.folder] * with_folders), *cells])
  notes = [*footnotes.lines, *_notes(tables, kept)]
  return "\n".join([score_table.aligned(lines), *[""] * bool(notes), *notes])


def to_csv(tables: Sequence[comparison.Table]) -> str:
  """Formats tables as CSV in full precision: a line a pair and distance.

  `score_better` says whether the larger or the smaller score is better; of
  values the smaller is. What could not be measured, be it a whole picture or
  one without a counterpart, has no number but a reason.
  """
  lines: list[list[Any]] = [
    ["picture", "metric", "value", "score", "tiles", "exact", "folder",
     "score_better", "why"]
  ]  # fmt: skip
  for table in tables:
    for name in table.pictures():
      row = table.rows.get(name, {})
      for spec, metric in table.metrics.items():
        numbers: list[Any] = [""] * 4
        if m := row.get(spec):
          numbers = [repr(m.value), repr(m.score), m.tiles, int(m.is_exact)]
        more = [table.folder, score_table.better(metric), table.why(name, spec)]
        lines.append([name, spec, *numbers, *more])
  return text_tables.csv_text(lines)


def to_json(tables: Sequence[comparison.Table]) -> dict[str, Any]:
  """Returns tables as JSON values; an infinite score is the string "inf".

  Means of several folders are over the pictures that all of them have.
  """
  kept = _in_all(tables)
  failures: dict[str, str] = {}
  for table in tables:
    start = f"{table.folder}: " if table.folder else ""
    failures |= {f"{start}{name}": w for name, w in table.failures.items()}
  return {
    "rows": [
      {
        "picture": name,
        "metric": spec,
        "value": m.value,
        "score": text_tables.json_number(m.score),
        "tiles": m.tiles,
        "exact": m.is_exact,
        "folder": table.folder,
      }
      for table in tables
      for name, row in table.rows.items()
      for spec, m in row.items()
    ],
    "means": [
      _json_mean(table, spec, kept[spec])
      for table in tables
      for spec in table.metrics
    ],
    "failures": failures,
  }


def _json_mean(
  table: comparison.Table, spec: str, among: set[str] | None
) -> dict[str, Any]:
  value, score = table.mean(spec, among)
  of_value, of_score = table.estimates(spec, among)
  return {
    "metric": spec,
    "value": text_tables.json_number(value),
    "score": text_tables.json_number(score),
    "value_interval": score_table.json_interval(of_value),
    "score_interval": score_table.json_interval(of_score),
    "score_better": score_table.better(table.metrics[spec]),
    "pictures": len(table.of(spec, among)),
    "infinite": table.infinite(spec, among),
    "folder": table.folder,
  }


def _heads(
  table: comparison.Table,
  columns: Sequence[tuple[str, str]],
  *,
  with_folders: bool,
) -> list[list[str]]:
  specs = [spec if what == "value" else "" for spec, what in columns]
  better = [
    score_table.better(table.metrics[spec]) if what == "score" else "smaller"
    for spec, what in columns
  ]
  blank, head = [""] * with_folders, ["folder"] * with_folders
  return [
    ["", *blank, *specs],
    ["picture", *head, *(what for _, what in columns)],
    ["better", *blank, *better],
  ]


def _rows(
  tables: Sequence[comparison.Table],
) -> Iterator[tuple[str, comparison.Table]]:
  """Yields pictures by name, those of several folders beside each other."""
  by_stem: dict[str, list[tuple[str, comparison.Table]]] = {}
  known = {_stem(table, name) for table in tables for name in table.rows}
  for table in tables:
    for name in table.pictures():
      stem = _stem(table, name)
      if stem not in known:  # it lacks here, and is named by its whole path
        ends = [s for s in known if stem.endswith(f"/{s}")]
        stem = max(ends, key=len, default=stem)
      by_stem.setdefault(stem, []).append((name, table))
  stems = by_stem if len(tables) == 1 else sorted(by_stem)
  for stem in stems:
    yield from by_stem[stem]


def _stem(table: comparison.Table, name: str) -> str:
  return comparison.without_suffix(name) if table.folder else name


def _in_all(tables: Sequence[comparison.Table]) -> dict[str, set[str] | None]:
  """Returns the pictures that have a value in all tables, by spec."""
  if len(tables) == 1:
    return dict.fromkeys(tables[0].metrics)
  return {
    spec: set.intersection(
      *(
        {_stem(table, name) for name, row in table.rows.items() if spec in row}
        for table in tables
      )
    )
    for spec in tables[0].metrics
  }


def _cell(
  table: comparison.Table,
  name: str,
  spec: str,
  what: str,
  footnotes: score_table.Footnotes,
) -> str:
  measured: tiled.Measured | None = table.rows.get(name, {}).get(spec)
  if measured is None:
    return footnotes.dash(table.why(name, spec))
  return _number(spec, what, getattr(measured, what))


def _mean(
  table: comparison.Table,
  spec: str,
  what: str,
  kept: dict[str, set[str] | None],
  footnotes: score_table.Footnotes,
) -> str:
  mean = table.mean(spec, kept[spec])[what == "score"]
  if math.isnan(mean):
    return footnotes.dash(
      "no picture has a value in every folder"
      if table.folder
      else "no picture has a value"
    )
  return _number(spec, what, mean)


def _interval(
  table: comparison.Table,
  spec: str,
  what: str,
  kept: dict[str, set[str] | None],
  footnotes: score_table.Footnotes,
) -> str:
  estimate = table.estimates(spec, kept[spec])[what == "score"]
  if not math.isfinite(estimate.low):
    return footnotes.dash(estimate.why)
  ends = (_number(spec, what, end) for end in (estimate.low, estimate.high))
  return f"[{', '.join(ends)}]"


def _number(spec: str, what: str, number: float) -> str:
  return (
    f"{number:.4g}" if what == "value" else score_table.number(spec, number)
  )


def _notes(
  tables: Sequence[comparison.Table], kept: dict[str, set[str] | None]
) -> list[str]:
  notes, warnings = [], []
  for table in tables:
    start = f"{table.folder}: " if table.folder else ""
    for spec in table.metrics:
      among = kept[spec]
      count = len(table.of(spec, among))
      if infinite := table.infinite(spec, among):
        notes.append(
          f"{start}{spec}: {infinite} of {count} scores infinite (equal "
          "pictures), not in the mean"
        )
      in_tiles = sum(not m.is_exact for m in table.of(spec))
      if in_tiles:
        notes.append(
          f"{start}{spec}: mean over tiles of {tiled.TILE_SIDE} pixels in "
          f"{in_tiles} large pictures"
        )
      if left := len(table.of(spec)) - count:
        notes.append(
          f"{start}{spec}: the mean leaves out {left} pictures that have no "
          "value in every folder"
        )
      if count > 1:
        warnings.append(statistics.warning(count, "pictures"))
  return notes + list(dict.fromkeys(filter(None, warnings)))

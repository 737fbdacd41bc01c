"""Tables of decoders: as text, CSV and JSON."""

import math
from collections.abc import Sequence
from typing import Any

from tfpercept.evaluation.core import statistics, text_tables
from tfpercept.evaluation.core.statistics import Estimate
from tfpercept.evaluation.realism import measure, patches

_FOOT = """\
Each distance is 0 at best; psnr is in dB. Below the distances of pairs stand
the scores of sets: Fréchet distance and MMD of patches, and the share of
held-out patches that a linear critic tells apart (0.5 at best). They come from
{patches} patches of {side}x{side} of {pictures} pictures, and compare with
values of the same pictures only. After x: the ratio to the first decoder. In
brackets: an interval of 95 % over pictures.
{spaces}"""


def to_text(rows: Sequence[measure.Row], *, side: int = patches.SIDE) -> str:
  """Returns a line for each measure, with a column for each decoder."""
  table = text_tables.aligned(lines(rows))
  grids = "\n".join(f"grid of {row.decoder}: {row.grid}" for row in rows)
  return f"{table}\n\n{grids}\n\n{foot(rows, side=side)}"


def lines(rows: Sequence[measure.Row]) -> list[list[str]]:
  """Returns the cells of the table, with its heads."""
  found = [["", *(row.decoder for row in rows)]]
  for name in names(rows):
    first = _estimate(rows[0], name)
    found.append([name, *(_cell(_estimate(r, name), first) for r in rows)])
  return found


def foot(rows: Sequence[measure.Row], *, side: int = patches.SIDE) -> str:
  """Returns what a reader of the numbers has to know, with their sample."""
  scores = [score for row in rows for score in row.realism.values()]
  used = [
    space
    for space in patches.SPACES.values()
    if any(name.endswith(f"_{space.name}") for name in rows[0].realism)
  ]
  text = _FOOT.format(
    patches=scores[0].patches if scores else 0,
    side=side,
    pictures=rows[0].pictures,
    spaces="\n".join(f"{space.name}: {space.about}." for space in used),
  )
  count = rows[0].pictures
  if count < statistics.FEW:
    text += f"\n{count} pictures are few, so the intervals are rough."
  return text.rstrip()


def to_csv(rows: Sequence[measure.Row]) -> str:
  """Returns a line for each decoder and measure."""
  lines: list[list[Any]] = [
    ["decoder", "measure", "value", "low", "high", "patches", "pictures"]
  ]
  for row in rows:
    for name in names([row]):
      found = _estimate(row, name)
      assert found is not None  # it is one of this row
      score = row.realism.get(name)
      sample = [score.patches if score else "", row.pictures]
      lines.append(
        [row.decoder, name, found.value, found.low, found.high, *sample]
      )
    lines.append(
      [row.decoder, "grid_decibels", row.grid.decibels, "", "",
       row.grid.patches, row.pictures]
    )  # fmt: skip
  return text_tables.csv_text(lines)


def to_json(rows: Sequence[measure.Row]) -> list[dict[str, Any]]:
  """Returns the rows as JSON holds them."""
  return [
    {
      "decoder": row.decoder,
      "pictures": row.pictures,
      "measures": {
        name: _numbers(_estimate(row, name), row, name) for name in names([row])
      },
      "grid": {
        "found": row.grid.is_found,
        "period": row.grid.period,
        "decibels": text_tables.json_number(row.grid.decibels),
        "levels": text_tables.json_number(row.grid.amplitude),
        "patches": row.grid.patches,
      },
    }
    for row in rows
  ]


def names(rows: Sequence[measure.Row]) -> list[str]:
  """Returns the names of all measures, distances of pairs first."""
  found = dict.fromkeys(name for row in rows for name in row.fidelity)
  found |= dict.fromkeys(name for row in rows for name in row.realism)
  return list(found)


def _estimate(row: measure.Row, name: str) -> Estimate | None:
  if name in row.fidelity:
    return row.fidelity[name]
  return row.realism[name].estimate if name in row.realism else None


def _cell(found: Estimate | None, first: Estimate | None) -> str:
  if found is None:
    return "-"
  interval = ""
  if not math.isnan(found.low):
    interval = f" [{found.low:.3g}, {found.high:.3g}]"
  ratio = ""
  if first is not None and found is not first and first.value > 0:
    ratio = f" x{found.value / first.value:.2f}"
  return f"{found.value:.4g}{ratio}{interval}"


def _numbers(
  found: Estimate | None, row: measure.Row, name: str
) -> dict[str, Any]:
  assert found is not None  # it is one of this row
  numbers: dict[str, Any] = {
    "value": text_tables.json_number(found.value),
    "low": text_tables.json_number(found.low),
    "high": text_tables.json_number(found.high),
  }
  score = row.realism.get(name)
  return numbers | ({"patches": score.patches} if score else {})

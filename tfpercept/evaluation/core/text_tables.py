"""Text and numbers of tables, free of TensorFlow."""

import csv
import io
import math
from collections.abc import Iterable, Sequence


class Footnotes:
  """Numbers the reasons of dashes in a table; `lines` go below it."""

  def __init__(self) -> None:
    self._numbers: dict[str, int] = {}

  def dash(self, why: str) -> str:
    """Returns the cell that stands for a value that is not there."""
    return f"- ({self._numbers.setdefault(why, len(self._numbers) + 1)})"

  @property
  def lines(self) -> list[str]:
    """Notes that explain the dashes."""
    return [f"- ({number}) {why}" for why, number in self._numbers.items()]


def json_number(value: float | None) -> float | str | None:
  """Returns a number as JSON can hold it.

  Infinite ones are "inf" and "-inf"; NaN, which nothing was measured for, is
  null.
  """
  if value is None or math.isnan(value):
    return None
  return value if math.isfinite(value) else str(value)


def csv_text(lines: Iterable[Sequence[object]]) -> str:
  """Returns lines of cells as CSV, each ended by a line feed."""
  text = io.StringIO()
  csv.writer(text, lineterminator="\n").writerows(lines)
  return text.getvalue()


def aligned(lines: Sequence[Sequence[str]]) -> str:
  """Formats cells as columns: the first to the left, others to the right."""
  widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
  return "\n".join(
    "  ".join(
      [line[0].ljust(widths[0])]
      + [c.rjust(w) for c, w in zip(line[1:], widths[1:], strict=True)]
    ).rstrip()
    for line in lines
  )

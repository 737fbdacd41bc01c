"""Charts of a ranking report, as SVG in the colours of the page."""

import math
from collections.abc import Callable, Sequence

import numpy as np

from tfpercept.evaluation.core.statistics import Estimate
from tfpercept.reports import markup

_WIDTH, _ROW, _LABEL, _NUMBER = 720, 34, 150, 150
_FIRST, _LAST = "#1f5fd0", "#7a8591"  # the first rank, and the last


def ranks(names: Sequence[str], counts: np.ndarray) -> str:
  """Draws the counts of ranks, one bar for each method.

  Args:
    names: Names of the methods.
    counts: Counts of ranks, `[methods, ranks]`.
  """
  height = _ROW * len(names) + 30
  span = _WIDTH - _LABEL
  places = counts.shape[1]
  parts = []
  for row, (name, count) in enumerate(zip(names, counts, strict=True)):
    top = row * _ROW + 30
    parts.append(_label(name, top))
    left = float(_LABEL)
    for place, share in enumerate(count / max(1, count.sum())):
      width = span * float(share)
      parts.append(
        f'<rect x="{left:.1f}" y="{top}" width="{width:.1f}" '
        f'height="{_ROW - 8}" style="fill:{_shade(place, places)};'
        f'stroke:var(--page);stroke-width:1">'
        f"<title>{markup.escape(name)}: rank {place + 1}, {count[place]} times"
        f" ({share:.0%})</title></rect>"
      )
      if width > 38:
        parts.append(
          f'<text x="{left + width / 2:.1f}" y="{top + _ROW / 2 + 1}" '
          f'text-anchor="middle" style="fill:#fff;font-weight:600">'
          f"{share:.0%}</text>"
        )
      left += width
  parts += _legend(places)
  return _svg(
    parts, height, "Share of each rank by method: " + ", ".join(names)
  )


def intervals(names: Sequence[str], values: Sequence[Estimate]) -> str:
  """Draws estimates with their intervals, a line for each name."""
  height = _ROW * len(names) + 26
  numbers = [n for v in values for n in (v.value, v.low, v.high)]
  ends = [0.0, *filter(math.isfinite, numbers)]
  pad = 0.06 * (max(ends) - min(ends)) or 1.0
  low, high = min(ends) - pad, max(ends) + pad
  span = _WIDTH - _LABEL - _NUMBER

  def at(value: float) -> float:
    return _LABEL + span * (value - low) / (high - low)

  parts = [
    f'<line x1="{at(0):.1f}" x2="{at(0):.1f}" y1="0" y2="{height - 22}" '
    'style="stroke:currentColor;opacity:.35;stroke-dasharray:3 4"/>',
    f'<text x="{at(0):.1f}" y="{height - 6}" text-anchor="middle" '
    'style="fill:currentColor;opacity:.7">0</text>',
  ]
  for row, (name, value) in enumerate(zip(names, values, strict=True)):
    parts.append(_label(name, row * _ROW))
    if math.isfinite(value.value):
      parts += _whisker(value, at, row * _ROW + (_ROW - 8) / 2)
  return _svg(parts, height, "Estimates with intervals: " + ", ".join(names))


def _whisker(
  value: Estimate, at: Callable[[float], float], middle: float
) -> list[str]:
  """A dot on the line of its interval, if it has one, and its figures."""
  parts = []
  if math.isfinite(value.low):
    parts.append(
      f'<line x1="{at(value.low):.1f}" x2="{at(value.high):.1f}" '
      f'y1="{middle}" y2="{middle}" '
      f'style="stroke:{_FIRST};stroke-width:3;stroke-linecap:round"/>'
    )
  return [
    *parts,
    f'<circle cx="{at(value.value):.1f}" cy="{middle}" r="6" '
    f'style="fill:{_FIRST}"/>',
    f'<text x="{_WIDTH}" y="{middle + 5}" text-anchor="end" '
    f'style="fill:currentColor">{markup.escape(interval(value, 2))}</text>',
  ]


def interval(value: Estimate, decimals: int) -> str:
  """Formats an estimate as `1.20 [1.05, 1.34]`; `-` if there is none."""
  if not math.isfinite(value.value):
    return "-"
  numbers = [f"{v:.{decimals}f}" for v in (value.value, value.low, value.high)]
  if not math.isfinite(value.low):
    return numbers[0]
  return f"{numbers[0]} [{numbers[1]}, {numbers[2]}]"


def _label(name: str, top: float) -> str:
  shown = name if len(name) <= 20 else f"{name[:19]}\N{HORIZONTAL ELLIPSIS}"
  return (
    f'<text x="{_LABEL - 12}" y="{top + _ROW / 2 + 1}" text-anchor="end" '
    f'style="fill:currentColor">{markup.escape(shown)}'
    f"<title>{markup.escape(name)}</title></text>"
  )


def _legend(places: int) -> list[str]:
  parts = []
  for place in range(places):
    left = _LABEL + place * 62
    parts.append(
      f'<rect x="{left}" y="4" width="13" height="13" '
      f'style="fill:{_shade(place, places)}"/>'
      f'<text x="{left + 19}" y="15" style="fill:currentColor;opacity:.8">'
      f"{place + 1}</text>"
    )
  return parts


def _shade(place: int, places: int) -> str:
  """A colour from that of the first rank to that of the last."""
  part = place / max(1, places - 1)
  ends = [
    [int(color[i : i + 2], 16) for i in (1, 3, 5)] for color in (_FIRST, _LAST)
  ]
  mixed = [round(a + part * (b - a)) for a, b in zip(*ends, strict=True)]
  return "#" + "".join(f"{value:02x}" for value in mixed)


def _svg(parts: Sequence[str], height: float, label: str) -> str:
  return (
    f'<figure><div class="scroll"><svg role="img" '
    f'aria-label="{markup.escape(label)}" viewBox="0 0 {_WIDTH} {height}" '
    f'width="{_WIDTH}" height="{height}" style="min-width:34rem;max-width:100%;'
    f'height:auto;font-size:14px">{"".join(parts)}</svg></div></figure>'
  )

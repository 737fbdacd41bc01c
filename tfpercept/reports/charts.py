"""Numbers as pictures: error maps, matrices and curves, by matplotlib."""

import contextlib
import dataclasses
import io
import math
from collections.abc import Iterator, Mapping, Sequence
from types import ModuleType
from typing import Any

import numpy as np

from tfpercept import extras
from tfpercept.reports import markup

COLORMAP = "inferno"
"""Color map of error maps: black, violet, orange, yellow."""
_INK = "#010203"  # matplotlib draws with it; replaced by the colour of text
_COLORS = (0, 1, 2, 3, 4, 5, 6, 8, 9)  # of matplotlib; 7 is the faint grey
_Numbers = Sequence[float] | np.ndarray
_IN_A_ROW = 4  # axes of `panels`
_SHEET_GAP, _SHEET_LINE = 8, 15  # pixels
_FAINT = ("--", ":", "-.", (0, (5, 1, 1, 1, 1, 1)), (0, (1, 4)), (0, (7, 5)))


@dataclasses.dataclass(frozen=True)
class Line:
  """A curve of `lines`.

  Attributes:
    name: Name in the legend.
    x: Abscissae, `[n]`.
    y: Values, `[n]`.
    is_behind: Whether the curve is drawn faintly, behind the others.
  """

  name: str
  x: Sequence[float]
  y: Sequence[float]
  is_behind: bool = False


def lines(
  drawn: Sequence[Line],
  *,
  x: str,
  y: str,
  title: str,
  span: tuple[float, float] | None = None,
) -> str:
  """Draws curves as an SVG element, in the colour of the text around it.

  Args:
    drawn: The curves, in the order of the legend.
    x: Name of the abscissa.
    y: Name of the values.
    title: Title above the chart, also its label for screen readers.
    span: Range of the abscissae shown; None shows all.

  Raises:
    ValueError: if matplotlib is not installed.
  """
  _matplotlib()
  with ink():
    from matplotlib import figure

    chart = figure.Figure(figsize=(9, 4.8), layout="constrained")
    axis = chart.add_subplot()
    for place, line in enumerate([li for li in drawn if li.is_behind]):
      style = _FAINT[place % len(_FAINT)]
      axis.plot(
        line.x, line.y, label=line.name, color="#888888", lw=1.1, ls=style
      )
    for place, line in enumerate([li for li in drawn if not li.is_behind]):
      axis.plot(
        line.x,
        line.y,
        label=line.name,
        lw=1.7,
        ms=4.5,
        color=f"C{_COLORS[place % len(_COLORS)]}",
        marker="os^Dv<>"[place % 7],
      )
    if span:
      axis.set_xlim(*span)
      axis.set_ylim(*_heights(drawn, span))
    axis.set_xlabel(x)
    axis.set_ylabel(y)
    axis.set_title(title, fontsize=11)
    axis.grid(color="#888888", alpha=0.25)
    chart.legend(loc="outside right upper", frameon=False, fontsize=9)
    return svg(chart, title)


@dataclasses.dataclass(frozen=True)
class Plane:
  """A chart of `planes`: points by two numbers, better nearer to 0.

  Attributes:
    x: Name of the abscissa.
    y: Name of the ordinate.
    series: Points (label, x, y) by the name of what they belong to. Those of a
      series are joined in their order.
  """

  x: str
  y: str
  series: Mapping[str, Sequence[tuple[str, float, float]]]


def planes(drawn: Sequence[Plane], *, title: str, columns: int = 3) -> str:
  """Draws planes of points in rows, as an SVG element.

  Args:
    drawn: The planes.
    title: Label for screen readers.
    columns: Number of planes in a row.

  Raises:
    ValueError: if there is none, or matplotlib is not installed.
  """
  if not drawn:
    raise ValueError("planes needs at least one plane")
  _matplotlib()
  with ink():
    from matplotlib import figure

    rows = -(-len(drawn) // columns)
    size = (4.2 * columns, 3.4 * rows)
    chart = figure.Figure(figsize=size, layout="constrained")
    for place, plane in enumerate(drawn, 1):
      axis = chart.add_subplot(rows, columns, place)
      for number, points in enumerate(plane.series.values()):
        _, x, y = zip(*points, strict=True)
        color = f"C{_COLORS[number % len(_COLORS)]}"
        axis.plot(x, y, color=color, marker="o", ms=5, lw=1.2)
        for label, left, up in points:
          axis.annotate(
            label, (left, up), (5, 4), textcoords="offset points", fontsize=8
          )
      axis.set_xlabel(plane.x)
      axis.set_ylabel(plane.y)
      axis.margins(x=0.3, y=0.18)
      axis.grid(color="#888888", alpha=0.25)
      axis.ticklabel_format(scilimits=(-3, 4))
    return svg(chart, title)


@contextlib.contextmanager
def ink() -> Iterator[None]:
  """A context in which charts are drawn as `svg` needs them."""
  matplotlib = _matplotlib()
  style = {
    "svg.fonttype": "none",  # text stays text
    "svg.hashsalt": "tfpercept",  # ids, and so the bytes, repeat
    "font.family": "sans-serif",
    "axes.spines.top": False,
    "axes.spines.right": False,
    **dict.fromkeys(
      ("text.color", "axes.labelcolor", "axes.edgecolor", "axes.titlecolor",
       "xtick.color", "ytick.color"),
      _INK,
    ),
  }  # fmt: skip
  with matplotlib.rc_context(style):
    yield


def svg(chart: Any, label: str) -> str:
  """Returns a matplotlib figure as an SVG element with a label for readers."""
  _take_literally(chart)
  text = io.StringIO()
  chart.savefig(text, format="svg", transparent=True, metadata={"Date": None})
  found = text.getvalue()
  found = found[found.index("<svg") :].replace(_INK, "currentColor")
  label = markup.escape(label)
  return found.replace("<svg ", f'<svg role="img" aria-label="{label}" ', 1)


def _heights(
  drawn: Sequence[Line], span: tuple[float, float]
) -> tuple[float, float]:
  """The range of values within a span of abscissae, with a margin."""
  shown = [
    y
    for line in drawn
    for x, y in zip(line.x, line.y, strict=True)
    if span[0] <= x <= span[1] and math.isfinite(y)
  ] or [0.0, 1.0]
  margin = 0.04 * (max(shown) - min(shown)) or 1.0
  return min(shown) - margin, max(shown) + margin


def colored(values: np.ndarray) -> np.ndarray:
  """Maps `[H, W]` in [0, 1] to uint8 colours `[H, W, 3]`.

  Raises:
    ValueError: if matplotlib is not installed.
  """
  colors = _matplotlib().colormaps[COLORMAP](np.clip(values, 0, 1))
  return np.round(colors[..., :3] * 255).astype(np.uint8)


def heat_map(
  values: np.ndarray,
  rows: Sequence[str],
  columns: Sequence[str],
  *,
  span: tuple[float, float],
  title: str,
) -> np.ndarray:
  """Draws a matrix `[R, C]` with its numbers, as uint8 `[H, W, 3]`.

  Args:
    values: The matrix; NaN stays blank.
    rows: Names of its rows.
    columns: Names of its columns.
    span: The values of the first and the last colour.
    title: Title above the matrix.

  Raises:
    ValueError: if matplotlib is not installed.
  """
  _matplotlib()
  from matplotlib import figure
  from matplotlib.backends import backend_agg

  size = (0.55 * len(columns) + 2.2, 0.4 * len(rows) + 1.8)
  chart = figure.Figure(figsize=size, dpi=100, layout="constrained")
  canvas = backend_agg.FigureCanvasAgg(chart)
  axis = chart.add_subplot()
  low, high = span
  axis.imshow(values, cmap="viridis", vmin=low, vmax=high, aspect="auto")
  axis.set_xticks(range(len(columns)), columns, rotation=50, ha="right")
  axis.set_yticks(range(len(rows)), rows)
  axis.set_title(title, fontsize=11)
  for (row, column), value in np.ndenumerate(values):
    if np.isfinite(value):
      ink = "black" if value > (low + 2 * high) / 3 else "white"
      text = f"{round(value, 2) + 0:.2f}"  # no -0.00
      axis.text(column, row, text, ha="center", va="center", c=ink, fontsize=8)
  return _pixels(canvas)


def bands(series: Mapping[str, np.ndarray], *, x: str, y: str) -> np.ndarray:
  """Draws curves with their intervals, as uint8 `[H, W, 3]`.

  Args:
    series: Abscissa above 0, value, and both ends of its interval, which may be
      NaN, `[4, n]`, by name. The abscissa has a logarithmic scale.
    x: Name of the abscissa.
    y: Name of the values.

  Raises:
    ValueError: if matplotlib is not installed.
  """
  _matplotlib()
  from matplotlib import figure, ticker
  from matplotlib.backends import backend_agg

  chart = figure.Figure(figsize=(7.5, 4.8), dpi=120, layout="constrained")
  canvas = backend_agg.FigureCanvasAgg(chart)
  axis = chart.add_subplot()
  for place, (name, (at, value, low, high)) in enumerate(series.items()):
    color, marker = f"C{place % 10}", "os^Dv<>"[place % 7]
    axis.plot(at, value, label=name, lw=1.6, ms=4, color=color, marker=marker)
    axis.fill_between(at, low, high, color=color, alpha=0.15, lw=0)
  axis.set_xscale("log")
  shown = sorted({float(n) for at, *_ in series.values() for n in at})
  axis.set_xticks(shown, [f"{n:g}" for n in shown])
  axis.xaxis.set_minor_locator(ticker.NullLocator())
  axis.set_ylim(bottom=0)
  axis.set_xlabel(x)
  axis.set_ylabel(y)
  axis.grid(color="#888888", alpha=0.25)
  axis.spines[["top", "right"]].set_visible(False)
  axis.legend(frameon=False)
  return _pixels(canvas)


def panels(
  drawn: Mapping[str, Mapping[str, tuple[_Numbers, _Numbers]]],
  *,
  x: str,
) -> np.ndarray:
  """Draws axes in rows, each with its curves, as uint8 `[H, W, 3]`.

  Args:
    drawn: Abscissae `[n]` and values `[n]` by the name of the curve, by the
      title of the axes; NaN leaves a gap. A name is a line of the legend, and a
      curve without one has none. A name has one color on all axes.
    x: Name of the abscissa.

  Raises:
    ValueError: if there is nothing to draw, or matplotlib is not installed.
  """
  if not drawn:
    raise ValueError("panels needs at least one series")
  _matplotlib()
  from matplotlib import figure
  from matplotlib.backends import backend_agg

  columns = min(len(drawn), _IN_A_ROW)
  rows = -(-len(drawn) // columns)
  names = list(
    dict.fromkeys(name for lines in drawn.values() for name in lines)
  )
  size = (5.0 * columns, 3.4 * rows)
  chart = figure.Figure(figsize=size, dpi=120, layout="constrained")
  canvas = backend_agg.FigureCanvasAgg(chart)
  for place, (title, curves) in enumerate(drawn.items(), 1):
    axis = chart.add_subplot(rows, columns, place)
    for name, (at, values) in curves.items():
      color = f"C{_COLORS[names.index(name) % len(_COLORS)]}"
      axis.plot(
        at, values, lw=1.6, ms=3, color=color, marker="o", label=name or None
      )
    axis.set_title(title, fontsize=11)
    axis.set_xlabel(x)
    axis.grid(color="#888888", alpha=0.25)
    axis.spines[["top", "right"]].set_visible(False)
    if any(curves):
      axis.legend(frameon=False, fontsize=8)
  return _pixels(canvas)


def sheet(title: str, shown: Mapping[str, np.ndarray]) -> np.ndarray:
  """Sets pictures of one size side by side, each below its name.

  The pixels of the pictures are those given: none is scaled.

  Args:
    title: Text above all.
    shown: Pictures by their texts, uint8 `[H, W, 1 or 3]`, of one size; a text
      may have several lines.

  Returns:
    The sheet, uint8 `[H, W, 3]`.

  Raises:
    ValueError: if there is no picture, their sizes differ, or matplotlib is not
      installed.
  """
  sizes = {image.shape[:2] for image in shown.values()}
  if len(sizes) != 1:
    raise ValueError(f"a sheet has pictures of one size; got {sorted(sizes)}")
  _matplotlib()
  from matplotlib import figure
  from matplotlib.backends import backend_agg

  ((height, width),) = sizes
  lines = max(text.count("\n") for text in shown) + 1
  top = _SHEET_LINE * (lines + 1) + _SHEET_GAP
  full = (
    top + height + _SHEET_GAP,
    len(shown) * (width + _SHEET_GAP) + _SHEET_GAP,
  )
  chart = figure.Figure(figsize=(full[1] / 100, full[0] / 100), dpi=100)
  canvas = backend_agg.FigureCanvasAgg(chart)
  places = [_SHEET_GAP + n * (width + _SHEET_GAP) for n in range(len(shown))]
  for left, text in zip(places, shown, strict=True):
    at = left / full[1], 1 - (_SHEET_LINE + _SHEET_GAP) / full[0]
    chart.text(*at, text, fontsize=8, va="top", linespacing=1.2)
  chart.text(places[0] / full[1], 1 - 4 / full[0], title, fontsize=9, va="top")
  drawn = _pixels(canvas)
  for left, image in zip(places, shown.values(), strict=True):
    drawn[top : top + height, left : left + width] = image
  return drawn


def _pixels(canvas: Any) -> np.ndarray:
  """Returns what a canvas shows, uint8 `[H, W, 3]`."""
  _take_literally(canvas.figure)
  canvas.draw()
  return np.asarray(canvas.buffer_rgba())[..., :3].copy()


def _take_literally(chart: Any) -> None:
  """Keeps matplotlib from reading names of files, as `$5_$6`, as formulas."""
  from matplotlib import text

  for found in chart.findobj(text.Text):
    found.set_parse_math(False)


def require() -> None:
  """Raises ValueError if nothing can be drawn here."""
  _matplotlib()


def _matplotlib() -> ModuleType:
  with extras.needed("error maps and pages"):
    import matplotlib
  return matplotlib

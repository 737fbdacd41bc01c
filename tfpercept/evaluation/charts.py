"""Numbers as pictures: error maps, matrices and curves, by matplotlib."""

from collections.abc import Mapping, Sequence
from types import ModuleType

import numpy as np

COLORMAP = "inferno"
"""Of error maps: black, violet, orange, yellow."""


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
    title: Stands above.

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
  canvas.draw()
  return np.asarray(canvas.buffer_rgba())[..., :3].copy()


def bands(series: Mapping[str, np.ndarray], *, x: str, y: str) -> np.ndarray:
  """Draws curves with their intervals, as uint8 `[H, W, 3]`.

  Args:
    series: Abscissa above 0, value, and both ends of its interval, which may be
      NaN, `[4, n]`, by name. The abscissa is drawn in logarithms.
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
    style = {"color": f"C{place % 10}", "marker": "os^Dv<>"[place % 7]}
    axis.plot(at, value, label=name, linewidth=1.6, markersize=4, **style)
    axis.fill_between(at, low, high, color=style["color"], alpha=0.15, lw=0)
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
  canvas.draw()
  return np.asarray(canvas.buffer_rgba())[..., :3].copy()


def _matplotlib() -> ModuleType:
  try:
    import matplotlib
  except ImportError as error:
    raise ValueError(
      "error maps and pages need matplotlib, which is not installed: "
      "pip install 'tfpercept[report]'"
    ) from error
  return matplotlib

"""Numbers as colours: error maps and matrices, by matplotlib."""

from collections.abc import Sequence
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


def _matplotlib() -> ModuleType:
  try:
    import matplotlib
  except ImportError as error:
    raise ValueError(
      "error maps and pages need matplotlib, which is not installed: "
      "pip install 'tfpercept[report]'"
    ) from error
  return matplotlib

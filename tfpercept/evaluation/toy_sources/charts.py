"""Drawings of codecs of toy sources, by matplotlib."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from tfpercept import extras
from tfpercept.evaluation.toy_sources import transform_gains
from tfpercept.evaluation.toy_sources.cells import Cells

_LINES = ("#2f7ed8", "#e07b39", "#4c9f70", "#b0529f", "#8a8a3a", "#c0392b")


def cells(found: Cells) -> np.ndarray:
  """Draws cells over the density, as uint8 `[H, W, 3]`.

  Borders are dark lines, reproductions dots whose areas grow with their use.
  """

  def draw(axis: Any) -> None:
    left, right, bottom, top = found.extent
    density = np.log1p(found.density)
    axis.imshow(
      density,
      extent=found.extent,
      origin="lower",
      cmap="Blues",
      vmin=0,
      vmax=1.4 * density.max(),  # no blue so dark that lines are lost on it
      aspect="auto",
    )
    side = len(found.labels)
    columns = np.linspace(left, right, side)
    rows = np.linspace(bottom, top, side)
    # Neighbours that differ: contours of labels would draw borders many times.
    borders = np.zeros([side, side], bool)
    borders[:-1] |= found.labels[:-1] != found.labels[1:]
    borders[:, :-1] |= found.labels[:, :-1] != found.labels[:, 1:]
    axis.contour(
      columns, rows, borders, [0.5], colors="#30343a", linewidths=0.6
    )
    axis.scatter(
      *found.points.T,
      s=3 + 400 * found.shares,
      color=_LINES[1],
      edgecolors="white",
      linewidths=0.4,
      zorder=3,
    )
    axis.set_xlim(left, right)
    axis.set_ylim(bottom, top)

  return _picture(draw, size=(4.6, 4.6))


def transfer(curves: Mapping[str, np.ndarray], x: np.ndarray) -> np.ndarray:
  """Draws reproductions `[N]` by method over the coded values, `[N]`."""

  def draw(axis: Any) -> None:
    axis.plot(x, x, color="#888888", linewidth=0.8)
    for color, (name, x_hat) in zip(_LINES, curves.items(), strict=False):
      axis.plot(x, x_hat, label=name, color=color, linewidth=1.6)
    axis.set_xlabel("value")
    axis.set_ylabel("reproduction")
    axis.legend(frameon=False)

  return _picture(draw, size=(7.5, 4.8))


def functions(rows: np.ndarray) -> np.ndarray:
  """Draws functions on [0, 1], `[n, D]`."""

  def draw(axis: Any) -> None:
    t = np.linspace(0, 1, rows.shape[1])
    for place, row in enumerate(rows):
      axis.plot(t, row, color=_LINES[place % len(_LINES)], linewidth=1.3)
    axis.set_xlabel("t")

  return _picture(draw, size=(4.6, 3.4))


def rate_distortion(
  curves: Mapping[str, transform_gains.Curve],
  *,
  dashed: Mapping[str, transform_gains.Curve],
) -> np.ndarray:
  """Draws signal to noise ratios over rates, as uint8 `[H, W, 3]`.

  Args:
    curves: Curves by name, drawn solid.
    dashed: Further curves by name, drawn dashed in the color of the solid curve
      of the same name.
  """

  def draw(axis: Any) -> None:
    for color, (name, curve) in zip(
      _colors(len(curves)), curves.items(), strict=True
    ):
      axis.plot(curve.rate, curve.snr, label=name, color=color, linewidth=1.5)
      if name in dashed:
        axis.plot(
          dashed[name].rate, dashed[name].snr, "--", color=color, linewidth=1.1
        )
    axis.set_xlim(0, 3)
    axis.set_ylim(0, 25)
    axis.set_xlabel("bits a sample")
    axis.set_ylabel("SNR in dB")
    axis.legend(frameon=False, loc="lower right")

  return _picture(draw, size=(7.5, 4.8))


def _colors(count: int) -> list[str]:
  return [*_LINES, "#1d232b"][:count]


def _picture(
  draw: Callable[..., None], *, size: tuple[float, float]
) -> np.ndarray:
  """Returns the drawing of a function on an axis, as uint8 `[H, W, 3]`.

  Raises:
    ValueError: if matplotlib is not installed.
  """
  with extras.needed("drawings"):
    from matplotlib import figure
    from matplotlib.backends import backend_agg
  chart = figure.Figure(figsize=size, dpi=110, layout="constrained")
  canvas = backend_agg.FigureCanvasAgg(chart)
  axis = chart.add_subplot()
  axis.grid(color="#888888", alpha=0.2)
  axis.spines[["top", "right"]].set_visible(False)
  draw(axis)
  canvas.draw()
  return np.asarray(canvas.buffer_rgba())[..., :3].copy()

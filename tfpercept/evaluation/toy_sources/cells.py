"""Quantization cells of codecs of toy sources."""

import dataclasses

import numpy as np
import tensorflow as tf

from tfpercept.data import toy
from tfpercept.evaluation.toy_sources import theory

_RANGE = (0.002, 0.998)  # quantiles at the edges of a picture
_DENSITY_BINS = 120
_BATCH = 10_000


@dataclasses.dataclass(frozen=True)
class Cells:
  """Quantization cells in a plane, or on a sphere by longitude and height.

  That map of the sphere keeps areas. Reproductions, which lie inside it, are
  shown in their directions.

  Attributes:
    extent: Left, right, bottom and top of the grid.
    labels: Index of the cell at each grid point, int `[S, S]`, the first row at
      the bottom.
    points: Reproductions that the test set uses, `[K, 2]`.
    shares: Share of the test set in the cell of each reproduction, `[K]`.
    density: Histogram of the test set, `[B, B]`, the first row at the bottom.
  """

  extent: tuple[float, float, float, float]
  labels: np.ndarray
  points: np.ndarray
  shares: np.ndarray
  density: np.ndarray


def has_cells(source: toy.Source) -> bool:
  """Whether cells of a source can be drawn: in a plane, or on a sphere."""
  return source.dimensions == 2 or _on_sphere(source)


def cells(
  codec: theory.Codec,
  source: toy.Source,
  *,
  side: int = 500,
  count: int = 200_000,
  seed: int = 0,
) -> Cells:
  """Finds the cells of a codec by coding a grid of points.

  Args:
    codec: Codec of two dimensions, or of three for the sphere.
    source: Source that the codec was trained on.
    side: Number of grid points along each axis.
    count: Number of vectors in the test set.
    seed: Seed of the test set.

  Raises:
    ValueError: if the source has other dimensions.
  """
  if not has_cells(source):
    raise ValueError(
      f"cells are drawn in a plane or on a sphere of 3 dimensions; "
      f"{source.spec} has {source.dimensions}"
    )
  x = source.test_set(count, seed).numpy()
  flat = _flat(source, x)
  extent = _extent(source, flat)
  left, right, bottom, top = extent
  columns, rows = np.meshgrid(
    np.linspace(left, right, side), np.linspace(bottom, top, side)
  )
  grid = _unflat(source, np.stack([columns.ravel(), rows.ravel()], axis=-1))
  _, symbols = _code(codec, grid)
  _, labels = np.unique(symbols, axis=0, return_inverse=True)
  x_hat, symbols = _code(codec, x)
  _, first, uses = np.unique(
    symbols, axis=0, return_index=True, return_counts=True
  )
  density, _, _ = np.histogram2d(
    flat[:, 1],
    flat[:, 0],
    bins=_DENSITY_BINS,
    range=[[bottom, top], [left, right]],
  )
  return Cells(
    extent,
    labels.reshape([side, side]),
    _flat(source, x_hat[first]),
    uses / count,
    density,
  )


def transfer(codec: theory.Codec, x: np.ndarray) -> np.ndarray:
  """Returns the reproductions of values `[N]` by a codec of one dimension."""
  return _code(codec, x[:, None].astype(np.float32))[0][:, 0]


def functions(
  codec: theory.Codec, source: toy.Source, *, most: int, seed: int = 0
) -> np.ndarray:
  """Returns the reproductions that a test set uses most, `[n, D]`."""
  x_hat, symbols = _code(codec, source.test_set(_BATCH, seed).numpy())
  _, first, uses = np.unique(
    symbols, axis=0, return_index=True, return_counts=True
  )
  return x_hat[first[np.argsort(-uses, kind="stable")[:most]]]


def _code(codec: theory.Codec, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
  coded = [
    codec.code(tf.constant(x[i : i + _BATCH], tf.float32))
    for i in range(0, len(x), _BATCH)
  ]
  return (
    np.concatenate([part.x_hat.numpy() for part in coded]),
    np.concatenate([part.symbols.numpy() for part in coded]),
  )


def _on_sphere(source: toy.Source) -> bool:
  return source.spec.startswith("sphere") and source.dimensions == 3


def _flat(source: toy.Source, x: np.ndarray) -> np.ndarray:
  """Points of a plane: the vectors, or longitude in degrees and height."""
  if not _on_sphere(source):
    return x
  longitude = np.degrees(np.arctan2(x[:, 1], x[:, 0]))
  height = x[:, 2] / np.linalg.norm(x, axis=1)
  return np.stack([longitude, height], axis=-1)


def _unflat(source: toy.Source, points: np.ndarray) -> np.ndarray:
  if not _on_sphere(source):
    return points
  longitude, height = np.radians(points[:, 0]), points[:, 1]
  radius = np.sqrt(1 - height**2)
  return np.stack(
    [radius * np.cos(longitude), radius * np.sin(longitude), height], axis=-1
  )


def _extent(
  source: toy.Source, flat: np.ndarray
) -> tuple[float, float, float, float]:
  """A square around nearly all of the source, or the whole sphere."""
  if _on_sphere(source):
    return -180.0, 180.0, -1.0, 1.0
  low, high = np.quantile(flat, _RANGE, axis=0)
  half = 0.55 * (high - low).max()
  (x, y) = (low + high) / 2
  left, right, bottom, top = x - half, x + half, y - half, y + half
  return float(left), float(right), float(bottom), float(top)

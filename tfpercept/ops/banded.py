"""Halving and doubling of pictures as banded matrices, applied fast.

`pyramids.reduce` and `pyramids.expand` with their mirrored borders are linear:
along each axis they are a matrix, D for halving and U for doubling, and their
gradient is the transposed matrix. A picture is flattened to rows,
`[N, H, W * C]`. Along the rows a banded matrix is a sum of shifted, contiguous
slices. Along the columns, between which the channels lie, a loop over such
slices would not vectorize; there the matrix is applied as a product with dense
blocks along the diagonal.
"""

import functools

import numpy as np
import tensorflow as tf

from tfpercept.ops import pyramids

BLOCK = 16  # columns of the smaller side in one block
_REACH = 2  # places that the five taps reach to either side


@functools.lru_cache(maxsize=64)
def halving(size: int) -> np.ndarray:
  """Returns D `[ceil(size / 2), size]`, which smooths and halves an axis."""
  places = np.arange(-_REACH, size + _REACH)
  mirrored = (size - 1) - np.abs(size - 1 - np.abs(places))
  matrix = np.zeros(((size + 1) // 2, size))
  for row in range(len(matrix)):
    for k, tap in enumerate(pyramids.TAPS):
      matrix[row, mirrored[2 * row + k]] += tap
  return matrix


@functools.lru_cache(maxsize=64)
def doubling(size: int) -> np.ndarray:
  """Returns U `[size, ceil(size / 2)]`, which interpolates what D gave.

  The halved axis is mirrored at its ends, since the input of D is mirrored.
  """
  count = (size + 1) // 2
  matrix = np.zeros((size, count))
  for place in range(-1, count + 1):
    source = count - 1 - size % 2 if place == count else abs(place)
    for k, tap in enumerate(pyramids.TAPS):
      row = 2 * place + k - _REACH
      if 0 <= row < size:
        matrix[row, source] += 2 * tap
  return matrix


def shrink_rows(maps: tf.Tensor, matrix: np.ndarray) -> list[tf.Tensor]:
  """Applies D, or U transposed, to the rows.

  Args:
    maps: Maps `[N, H, K]` with H at least 5.
    matrix: D or the transpose of U, `[ceil(H / 2), H]`.

  Returns:
    Parts of the result, which the caller joins along the rows.
  """
  count = len(matrix)

  def row(place: int) -> tf.Tensor:
    taps = ((i, matrix[place, i]) for i in np.flatnonzero(matrix[place]))
    return sum(float(tap) * maps[:, i : i + 1] for i, tap in taps)

  # The mirror image reaches two rows from either end. All other rows have the
  # same taps, so strided slices serve them together.
  edge = min(_REACH, count // 2)
  inner = count - 2 * edge
  parts = [row(place) for place in range(edge)]
  if inner:
    first = 2 * edge - _REACH
    taps = matrix[edge, first : first + len(pyramids.TAPS)]
    parts.append(
      sum(
        float(tap) * maps[:, i : i + 2 * inner - 1 : 2]
        for i, tap in enumerate(taps, start=first)
      )
    )
  return [*parts, *(row(place) for place in range(count - edge, count))]


def grow_rows(maps: tf.Tensor, matrix: np.ndarray) -> tf.Tensor:
  """Applies U, or D transposed, to the rows.

  Args:
    maps: Maps `[N, ceil(H / 2) + 2, K]`. The first and the last row are
      padding; their values do not matter as long as they are finite.
    matrix: U or the transpose of D, `[H, ceil(H / 2)]`.

  Returns:
    `[N, H, K]`.
  """
  size, count = matrix.shape
  # An output row i sees the input rows i // 2 - 1, i // 2 and i // 2 + 1. Their
  # weights differ between even and odd rows, so each phase is computed apart.
  padded = np.pad(matrix, [(0, size % 2), (1, 1)])
  weights = np.stack(
    [padded[i, i // 2 : i // 2 + 3] for i in range(2 * count)]
  ).reshape(count, 2, 3)
  phases = []
  for phase in range(2):
    terms = [
      tf.constant(weights[:, phase, k, None], maps.dtype)
      * maps[:, k : k + count]
      for k in range(3)
      if weights[:, phase, k].any()
    ]
    phases.append(tf.add_n(terms))
  both = tf.reshape(tf.stack(phases, axis=2), [-1, 2 * count, maps.shape[2]])
  return both[:, :size]


def columns(maps: tf.Tensor, matrix: np.ndarray, channels: int) -> tf.Tensor:
  """Applies D, U or the transpose of either to the columns.

  Args:
    maps: Maps `[N, h, W * C]`, the channels of a pixel side by side.
    matrix: Matrix `[V, W]`, applied to each channel alone.
    channels: Number of channels, C.

  Returns:
    `[N, h, V * C]`.
  """
  made, used, halo = BLOCK, 2 * BLOCK, _REACH
  if len(matrix) > matrix.shape[1]:
    made, used, halo = 2 * BLOCK, BLOCK, _REACH // 2
  blocks = matrix.shape[1] // used
  if blocks < 4:
    return _product(maps, matrix, channels)
  # The first and the last block hold the mirror image, and the last also takes
  # the remainder. All inner blocks are the same matrix.
  last = blocks - 1
  begin = last * used - halo
  ends = (
    _product(
      maps[:, :, : (used + halo) * channels],
      matrix[:made, : used + halo],
      channels,
    ),
    _product(
      maps[:, :, begin * channels :], matrix[last * made :, begin:], channels
    ),
  )
  inner = _product(
    _windows(maps, blocks, used * channels, halo * channels),
    matrix[made : 2 * made, used - halo : 2 * used + halo],
    channels,
  )
  inner = tf.reshape(inner, [-1, maps.shape[1], (last - 1) * made * channels])
  return tf.concat([ends[0], inner, ends[1]], axis=-1)


def _windows(maps: tf.Tensor, blocks: int, size: int, halo: int) -> tf.Tensor:
  """Returns the inner blocks, `[N, h, blocks - 2, size + 2 halo]`.

  Each has `halo` columns of either neighbor with it.
  """

  def cut(start: int) -> tf.Tensor:
    part = maps[:, :, start * size : (start + blocks - 2) * size]
    return tf.reshape(part, [-1, maps.shape[1], blocks - 2, size])

  return tf.concat([cut(0)[..., -halo:], cut(1), cut(2)[..., :halo]], axis=-1)


def _product(maps: tf.Tensor, matrix: np.ndarray, channels: int) -> tf.Tensor:
  """Applies a matrix to the last axis, the same for each channel."""
  dense = tf.constant(np.kron(matrix.T, np.eye(channels)), maps.dtype)
  # Flat, since TensorFlow splits a product of higher rank into one per picture.
  result = tf.matmul(tf.reshape(maps, [-1, maps.shape[-1]]), dense)
  return tf.reshape(result, [-1, *maps.shape[1:-1], dense.shape[1]])

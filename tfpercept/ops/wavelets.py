"""Biorthogonal wavelets of pictures, as one matrix for each level and axis."""

import functools

import numpy as np
import tensorflow as tf

# From the middle tap outward. CDF 9/7: Cohen, Daubechies, Feauveau,
# "Biorthogonal bases of compactly supported wavelets", 1992; 5/3: Le Gall and
# Tabatabai, 1988.
_HALF_FILTERS = {
  "CDF9/7": (
    (
      *(0.852698679009, 0.377402855613, -0.110624404418),
      *(-0.023849465020, 0.037828455507),
    ),
    (0.788485616406, -0.418092273222, -0.040689417609, 0.064538882629),
  ),
  "LeGall5/3": (
    tuple(np.sqrt(2) * np.array([0.75, 0.25, -0.125])),
    tuple(np.array([1.0, -0.5]) / np.sqrt(2)),
  ),
}

NAMES = tuple(_HALF_FILTERS)


def max_levels(height: int, width: int) -> int:
  """Returns the largest number of levels, ceil(log2) of the shorter side."""
  return (min(height, width) - 1).bit_length()


def analyze(
  image: tf.Tensor, wavelet: str, levels: int, *, scale_base: float = 1.0
) -> tf.Tensor:
  """Returns the wavelet coefficients of pictures, `[N, H, W, C]`.

  Borders reflect without repeating the border pixel. Each level takes the low
  band of the one before, at the top left, and lays out its four bands there as
  [[low, horizontal], [vertical, diagonal]]; of an odd side, the low band gets
  the larger half.

  Args:
    image: Images `[N, H, W, C]` of known height and width.
    wavelet: Name of the wavelet, `"CDF9/7"` or `"LeGall5/3"`.
    levels: Number of levels, at most `max_levels`.
    scale_base: Factor of the bands of a level over those of the finer level.
      With 1 the transform is a change of coordinates of determinant 1.
  """
  if not levels:
    return image
  height, width = image.shape[1:3]
  down, across = (
    tf.constant(_matrix(side, wavelet), image.dtype) for side in (height, width)
  )
  bands = tf.einsum("yi,nijc,xj->nyxc", down, image, across)
  rows, columns = low_side(height), low_side(width)
  # The factor of this level goes to all that lies below it, so level d ends up
  # with scale_base^d.
  low = analyze(
    bands[:, :rows, :columns], wavelet, levels - 1, scale_base=scale_base
  )
  upper = tf.concat([low * scale_base, bands[:, :rows, columns:]], axis=2)
  return tf.concat([upper, bands[:, rows:]], axis=1)


def spread(coefficients: tf.Tensor, levels: int) -> tf.Tensor:
  """Lays the coefficients of `analyze` over the pixels they belong to.

  Args:
    coefficients: Coefficients `[N, H, W]` in the layout of `analyze`.
    levels: Number of levels given to `analyze`.

  Returns:
    Maps `[N, H, W]`. A coefficient of level l is shared out among a block of
    2^l by 2^l pixels, and the bands are added up. This keeps the mean, except
    that blocks at odd sides lose the part beyond the border.
  """
  if not levels:
    return coefficients
  height, width = coefficients.shape[1:3]
  rows, columns = low_side(height), low_side(width)
  low = spread(coefficients[:, :rows, :columns], levels - 1)
  horizontal = coefficients[:, :rows, columns:]
  vertical = coefficients[:, rows:, :columns]
  diagonal = coefficients[:, rows:, columns:]
  pad_rows = [[0, 0], [0, rows - vertical.shape[1]], [0, 0]]
  pad_columns = [[0, 0], [0, 0], [0, columns - horizontal.shape[2]]]
  total = low + tf.pad(horizontal, pad_columns) + tf.pad(vertical, pad_rows)
  total += tf.pad(tf.pad(diagonal, pad_rows), pad_columns)
  # Each place of this level stands for four pixels, which share its value.
  total = tf.repeat(tf.repeat(total / 4, 2, axis=1), 2, axis=2)
  return total[:, :height, :width]


def low_side(side: int) -> int:
  """Returns the length of the low band of a side."""
  return (side + 1) // 2


@functools.lru_cache(maxsize=64)
def _matrix(side: int, wavelet: str) -> np.ndarray:
  """Returns the analysis matrix of one axis, `[side, side]`.

  Rows of the low band come first. They belong to even places, those of the high
  band to odd places.
  """
  matrix = np.zeros((side, side))
  low, high = _HALF_FILTERS[wavelet]
  row = 0
  for first, half in ((0, low), (1, high)):
    for center in range(first, side, 2):
      for offset in range(1 - len(half), len(half)):
        index = _reflected(center + offset, side)
        matrix[row, index] += half[abs(offset)]
      row += 1
  matrix.flags.writeable = False
  return matrix


def _reflected(index: int, side: int) -> int:
  # Without repeating the border the pattern repeats after 2 (side - 1) places.
  # Several reflections happen when the filter is longer than the side.
  period = max(1, 2 * (side - 1))
  index %= period
  return min(index, period - index)

"""The steerable pyramid with two orientations, and the Laplacian one of PIM.

The steerable filters are set 1 of matlabPyrTools and pyrtools, Copyright (c)
2016 Lab for Computational Vision, and used under the MIT license:

  Permission is hereby granted, free of charge, to any person obtaining a copy
  of this software and associated documentation files (the "Software"), to deal
  in the Software without restriction, including without limitation the rights
  to use, copy, modify, merge, publish, distribute, sublicense, and/or sell
  copies of the Software, and to permit persons to whom the Software is
  furnished to do so, subject to the following conditions:

  The above copyright notice and this permission notice shall be included in
  all copies or substantial portions of the Software.

  The Software is provided "as is", without warranty of any kind, express or
  implied, including but not limited to the warranties of merchantability,
  fitness for a particular purpose and noninfringement. In no event shall the
  authors or copyright holders be liable for any claim, damages or other
  liability, whether in an action of contract, tort or otherwise, arising from,
  out of or in connection with the Software or the use or other dealings in the
  Software.
"""

import functools

import numpy as np
import tensorflow as tf

from tfpercept.ops import checks

ORIENTATIONS = 2

# Round filters, equal under the eight symmetries of a square: row i holds
# columns 0 to i, and the last entry is the center.
_HIGH_0 = (
  (-0.000957,),
  (-0.00024241, -0.00431753),
  (-0.00142472, 0.00089986, 0.01706347),
  (-0.00087426, 0.00915642, 0.01094866, -0.0784137),
  (-0.00116681, 0.01098012, -0.00589778, -0.1562827, 0.7282593),
)
_LOW_0 = (
  (-8.701e-05,),
  (-0.00135428, 0.00292158),
  (-0.00160126, 0.00752272, -0.00706129),
  (-0.00050337, 0.00822442, -0.03769487, 0.0438132),
  (0.00252401, 0.00110762, -0.03297137, 0.1811603, 0.437625),
)
# Taken at every second pixel, so it sums to 2.
_LOW = (
  (-4.35e-05,),
  (0.00012078, 0.00044606),
  (-0.00067714, -0.00058146, 0.00146078),
  (-0.00012434, 0.00056216, 0.00216054, 0.00317578),
  (-0.00080064, -0.00013688, 0.00376136, 0.00318468, -0.00353064),
  (-0.00159704, 0.00232554, 0.00308098, -0.00177748, -0.0126042,
   -0.02022938),
  (-0.00025168, 0.00288986, 0.0041122, -0.0074317, -0.01884744,
   -0.0110917, 0.0219066),
  (-0.0004202, 0.00428728, 0.00222122, -0.00905692, -0.01750818,
   0.00395566, 0.06806584, 0.14455),
  (0.001262, 0.0055894, 0.00055382, -0.00963722, -0.01648568,
   0.01438512, 0.09058014, 0.1773651, 0.2120374),
)  # fmt: skip
# The band filter for upright edges: the left columns of the upper half and the
# middle row. Rows are even, columns odd; the middle column is 0. The filter for
# level edges is minus its transpose.
_BAND = (
  (-0.00612588, 0.01287416, 0.00564153, 0.00895726),
  (0.0080526, 0.00961152, -0.0041684, 0.00175117),
  (0.02103714, -0.01023569, 0.0238218, 0.01836909),
  (0.0153689, -0.00600945, 0.05375324, -0.1265655),
  (0.01851466, -0.00187262, 0.02076086, -0.2996168),
)


def steerable(images: tf.Tensor, scales: int) -> list[tf.Tensor]:
  """Splits each channel into oriented bands; zeros surround the images.

  Args:
    images: Images `[N, H, W, C]` of any size; C is known when traced.
    scales: Number of octaves, at least 1.

  Returns:
    `2 * scales + 2` bands of C channels: the lowpass residual, the oriented
    bands from the coarsest octave to the finest, the second orientation before
    the first, and the highpass residual. Those of octave k (0 is the finest)
    measure `[N, ceil(H / 2^k), ceil(W / 2^k), C]`, the lowpass residual half of
    the coarsest.

  Source: Simoncelli, Freeman, "The steerable pyramid: a flexible architecture
  for multi-scale derivative computation", 1995; filters of Karasaridis,
  Simoncelli, "A filter design technique for steerable pyramid image
  transforms", 1996. The correlation and the padding are those of
  google-research/perceptual-quality.
  """
  channels = images.shape[-1]
  high, low = _correlate(images, _split_filters(channels), 2)
  bands = [high]
  for _ in range(scales):
    bands += _correlate(low, _band_filters(channels), ORIENTATIONS)
    # Explicit padding. With "SAME" the first place that is kept would depend on
    # whether a side is even.
    margin = [len(_LOW) - 1] * 2
    low = tf.nn.conv2d(
      low,
      tf.constant(_low_filter(channels), low.dtype),
      strides=2,
      padding=[[0, 0], margin, margin, [0, 0]],
    )
  return [low, *reversed(bands)]


def reach(scales: int) -> int:
  """Returns the reach of the lowpass band in pixels, the largest of all bands.

  A change farther away from a place than this leaves the place as it is.
  """
  return len(_LOW_0) - 1 + (len(_LOW) - 1) * (2**scales - 1)


def laplacian(images: tf.Tensor, levels: int) -> list[tf.Tensor]:
  """Splits images into bands by (1, 2, 1) / 4 filters, without padding.

  Args:
    images: Images `[N, H, W, C]` with no side below
      `laplacian_min_side(levels)`; C is known when traced.
    levels: Number of bands including the lowpass residual, at least 1.

  Returns:
    `levels` bands, the lowpass residual first, the finest last. Each is cut by
    two pixels on every side.

  Source: Burt, Adelson, "The Laplacian pyramid as a compact image code", 1983,
  with the filter of google-research/perceptual-quality.
  """
  taps = np.array([0.25, 0.5, 0.25])
  window = _per_channel([np.outer(taps, taps)], images.shape[-1])
  window = tf.constant(window, images.dtype)
  bands = []
  for _ in range(levels - 1):
    low = tf.nn.conv2d(images, window, strides=2, padding="VALID")
    inner = images[:, 2:-2, 2:-2]
    # Each pixel of the next level is spread over four, hence the factor 4.
    smooth = tf.nn.conv2d_transpose(
      low,
      4 * window,
      tf.shape(inner),
      strides=2,
      padding=[[0, 0], [2, 2], [2, 2], [0, 0]],
    )
    bands.append(inner - checks.of_shape(smooth, inner.shape))
    images = low
  return [images, *reversed(bands)]


def laplacian_min_side(levels: int) -> int:
  """Returns the smallest side of an image with this many `laplacian` bands."""
  side = 1
  for _ in range(levels - 1):
    side = max(2 * side + 1, 5)
  return side


def laplacian_reach(levels: int) -> int:
  """Returns the largest reach of any band of `laplacian`, in pixels."""
  return 2 * (2 ** (levels - 1) - 1)


def _correlate(
  images: tf.Tensor, filters: np.ndarray, count: int
) -> list[tf.Tensor]:
  filters = tf.constant(filters, images.dtype)
  found = tf.nn.conv2d(images, filters, strides=1, padding="SAME")
  return tf.split(found, count, axis=-1)


@functools.lru_cache(maxsize=8)
def _split_filters(channels: int) -> np.ndarray:
  return _per_channel([_round(_HIGH_0), _round(_LOW_0)], channels)


@functools.lru_cache(maxsize=8)
def _low_filter(channels: int) -> np.ndarray:
  return _per_channel([_round(_LOW)], channels)


@functools.lru_cache(maxsize=8)
def _band_filters(channels: int) -> np.ndarray:
  # Rows mirror to the lower half; columns mirror with the opposite sign.
  upper = np.array(_BAND)
  left = np.concatenate([upper, upper[-2::-1]])  # [9, 4]
  upright = np.concatenate(
    [left, np.zeros((len(left), 1)), -left[:, ::-1]], axis=1
  )
  return _per_channel([upright, -upright.T], channels)


def _round(rows: tuple[tuple[float, ...], ...]) -> np.ndarray:
  """Completes a filter by its symmetries."""
  size = len(rows)
  quarter = np.zeros((size, size))
  for i, row in enumerate(rows):
    quarter[i, : i + 1] = quarter[: i + 1, i] = row
  half = np.concatenate([quarter, quarter[:, -2::-1]], axis=1)
  return np.concatenate([half, half[-2::-1]])


def _per_channel(filters: list[np.ndarray], channels: int) -> np.ndarray:
  """Returns a kernel `[h, w, C, len(filters) * C]`, the first filter first.

  It filters each channel alone. A full convolution with zeros between channels
  is faster than a depthwise one, which does not vectorize over the 3 channels
  of a picture.
  """
  blocks = [f[:, :, None, None] * np.eye(channels) for f in filters]
  return np.concatenate(blocks, axis=-1)

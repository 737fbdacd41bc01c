"""Separable smoothing windows and two-fold pooling of images."""

import functools

import numpy as np
import tensorflow as tf


@functools.lru_cache(maxsize=64)
def gaussian(size: int, sigma: float) -> tuple[float, ...]:
  """Returns a Gaussian window of `size` taps that sums to 1.

  Args:
    size: Number of taps.
    sigma: Standard deviation in pixels.

  Raises:
    ValueError: unless `size` and `sigma` are positive.
  """
  if size < 1 or not sigma > 0:
    raise ValueError(
      "a Gaussian window needs at least one tap and a positive sigma; got "
      f"size {size} and sigma {sigma}"
    )
  position = np.arange(size) - (size - 1) / 2
  taps = np.exp(-0.5 * np.square(position / sigma))
  return tuple(float(tap) for tap in taps / taps.sum())


def separable(images: tf.Tensor, taps: tuple[float, ...]) -> tf.Tensor:
  """Filters rows and columns with `taps`, without padding.

  Args:
    images: Images `[N, H, W, C]`; sizes may be unknown until the graph runs.
    taps: Taps of the window, at most as many as either side has pixels.

  Returns:
    `[N, H - len(taps) + 1, W - len(taps) + 1, C]`.
  """
  channels = images.shape[-1] or tf.shape(images)[-1]
  window = tf.constant(taps, images.dtype)
  window = tf.tile(window[:, None, None], [1, channels, 1])  # [taps, C, 1]
  ones = [1, 1, 1, 1]
  down = tf.nn.depthwise_conv2d(images, window[:, None], ones, "VALID")
  return tf.nn.depthwise_conv2d(down, window[None], ones, "VALID")


def halve(images: tf.Tensor) -> tf.Tensor:
  """Averages blocks of 2x2 pixels.

  At an odd side the last row or column counts twice, as in TensorFlow's
  multi-scale SSIM. Average pooling that leaves padding out of the mean gives
  the same result.

  Args:
    images: Images `[N, H, W, C]`.

  Returns:
    `[N, ceil(H / 2), ceil(W / 2), C]`.
  """
  return tf.nn.avg_pool2d(images, ksize=2, strides=2, padding="SAME")

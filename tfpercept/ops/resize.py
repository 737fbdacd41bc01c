"""Bicubic resizing with the rule of MATLAB's `imresize`."""

import tensorflow as tf

from tfpercept.ops import padding


def imresize(image: tf.Tensor, scale: float) -> tf.Tensor:
  """Resizes images bicubically as MATLAB's `imresize(image, scale)` does.

  The kernel is that of Keys, 1981, with a = -0.5; below scale 1 it is widened
  by 1 / scale (antialiasing), and images are mirrored at their borders.
  `tf.image.resize` differs: it truncates the kernel at the border.

  Args:
    image: Float images `[N, H, W, C]`; sizes may be unknown in a graph.
    scale: Positive factor of height and width.

  Returns:
    `[N, ceil(H * scale), ceil(W * scale), C]`, same dtype, not clipped.
  """
  if not scale > 0:
    raise ValueError(f"imresize needs a positive scale; got {scale}")
  return _resize_axis(_resize_axis(image, scale, 1), scale, 2)


def _resize_axis(image: tf.Tensor, scale: float, axis: int) -> tf.Tensor:
  index, weight = _contributions(tf.shape(image)[axis], scale)
  weight = tf.cast(weight, image.dtype)
  shape = [1, 1, 1, 1]
  shape[axis] = -1
  # One gather for each tap keeps memory at a few images for any kernel width.
  taps = index.shape[1]
  result = tf.zeros([], image.dtype)
  for tap in range(taps):
    samples = tf.gather(image, index[:, tap], axis=axis)
    result += samples * tf.reshape(weight[:, tap], shape)
  return result


def _contributions(
  size: tf.Tensor, scale: float
) -> tuple[tf.Tensor, tf.Tensor]:
  """Returns source indices and weights, both `[output size, taps]`."""
  stretch = min(scale, 1.0)  # < 1 widens the kernel
  width = 4.0 / stretch
  taps = int(-(-width // 1)) + 2
  output = tf.cast(
    tf.math.ceil(tf.cast(size, tf.float64) * scale - 1e-9), tf.int32
  )
  center = (tf.range(tf.cast(output, tf.float64), dtype=tf.float64) + 0.5) / (
    scale
  ) - 0.5
  first = tf.floor(center - width / 2.0)
  index = first[:, None] + tf.range(taps, dtype=tf.float64)
  weight = _cubic((center[:, None] - index) * stretch)
  weight /= tf.reduce_sum(weight, axis=1, keepdims=True)
  return padding.mirror_index(tf.cast(index, tf.int32), size), weight


def _cubic(x: tf.Tensor) -> tf.Tensor:
  """Returns Keys' cubic convolution kernel, a = -0.5 (Keys 1981, eq. 15)."""
  x = tf.abs(x)
  near = (1.5 * x - 2.5) * x * x + 1.0
  far = ((-0.5 * x + 2.5) * x - 4.0) * x + 2.0
  return tf.where(x <= 1.0, near, tf.where(x < 2.0, far, tf.zeros_like(x)))

"""Color transforms and rounding, on images in [0, 1]."""

from collections.abc import Container
from typing import TypeVar

import numpy as np
import tensorflow as tf

# ITU-R BT.601, studio range: luma spans 16..235 and chroma 16..240 of 255.
# The rows are those of MATLAB's rgb2ycbcr, in 8-bit units.
_YCBCR = (
  (65.481, 128.553, 24.966),
  (-37.797, -74.203, 112.0),
  (112.0, -93.786, -18.214),
)
LUMA = (0.299, 0.587, 0.114)
"""Weights of R, G and B in full-range luma (ITU-R BT.601), as in JPEG."""
_OFFSET = (16.0, 128.0, 128.0)
Images = TypeVar("Images", np.ndarray, tf.Tensor)


def _matrix(dtype: tf.DType) -> tuple[tf.Tensor, tf.Tensor]:
  matrix = tf.constant(_YCBCR, tf.float64) / 255.0
  return tf.cast(matrix, dtype), tf.constant(_OFFSET, dtype) / 255.0


def rgb_to_ycbcr(image: tf.Tensor) -> tf.Tensor:
  """Converts RGB `[..., 3]` in [0, 1] to studio-range YCbCr, same shape.

  Y lies in [16, 235] / 255, Cb and Cr in [16, 240] / 255 (ITU-R BT.601).
  """
  matrix, offset = _matrix(image.dtype)
  return tf.linalg.matmul(image, matrix, transpose_b=True) + offset


def ycbcr_to_rgb(image: tf.Tensor) -> tf.Tensor:
  """Converts studio-range YCbCr to RGB; the inverse of `rgb_to_ycbcr`.

  Colors that RGB cannot show have values outside [0, 1].
  """
  matrix, offset = _matrix(tf.float64)
  inverse = tf.cast(tf.linalg.inv(matrix), image.dtype)
  return tf.linalg.matmul(
    image - tf.cast(offset, image.dtype), inverse, transpose_b=True
  )


def rgb_to_luma(image: tf.Tensor) -> tf.Tensor:
  """Returns studio-range Y, `[..., 1]` in [16, 235] / 255.

  Args:
    image: RGB `[..., 3]` or gray `[..., 1]` in [0, 1]. Gray counts as an RGB
      image with R = G = B.
  """
  # The first row of the matrix sums to 219.
  if image.shape[-1] == 1:
    return (image * 219.0 + 16.0) / 255.0
  return rgb_to_ycbcr(image)[..., :1]


def luma_if_gray(image: Images, channels: Container[int] | None) -> Images:
  """Returns RGB as it is, or its full-range luma where only gray is taken.

  Args:
    image: RGB, float32 `[..., 3]`.
    channels: Numbers of channels that are taken, as of `Distance.channels`;
      None for any.

  Returns:
    `image`, or `[..., 1]`.
  """
  if channels is None or 3 in channels:
    return image
  return image @ np.array(LUMA, np.float32)[:, None]


def round_to_8_bit(image: tf.Tensor) -> tf.Tensor:
  """Clips to [0, 1] and rounds to multiples of 1/255; not differentiable."""
  scaled = tf.clip_by_value(image, 0.0, 1.0) * 255.0
  return tf.floor(scaled + 0.5) / 255.0

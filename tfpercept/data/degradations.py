"""Test images of super-resolution, made from high-resolution ones."""

import numpy as np
import tensorflow as tf

from tfpercept.ops import color, resize


def luma(picture: np.ndarray) -> np.ndarray:
  """Returns the 8-bit studio luma of a uint8 picture as float32 `[H, W, 1]`.

  Values are multiples of 1/255, as for the published tables of
  super-resolution. A gray picture is taken as luma, as in those tables.
  """
  scaled = tf.constant(picture, tf.float32) / 255.0
  if picture.shape[-1] == 1:
    return scaled.numpy()
  return color.round_to_8_bit(color.rgb_to_luma(scaled)).numpy()


def crop_to_multiple(image: np.ndarray, scale: int) -> np.ndarray:
  """Cuts off the last rows and columns beyond a multiple of `scale`."""
  height, width = (side - side % scale for side in image.shape[:2])
  return image[:height, :width]


def bicubic_pair(
  image: np.ndarray, scale: int
) -> tuple[np.ndarray, np.ndarray]:
  """Degrades an image by bicubic reduction and enlarges it again.

  Args:
    image: Image, float `[H, W, C]` in [0, 1].
    scale: Factor of the reduction, a whole number.

  Returns:
    Images `(enlarged, target)`, float32 `[H', W', C]` with sides cut to
    multiples of `scale`. The low-resolution image in between is rounded to 8
    bits; the enlarged one is not.

  Raises:
    ValueError: if a side is shorter than `scale`.
  """
  target = crop_to_multiple(image, scale).astype(np.float32)
  if 0 in target.shape:
    raise ValueError(
      f"a picture of {image.shape[0]}x{image.shape[1]} pixels is too small to "
      f"be reduced {scale} times; leave it out"
    )
  low = color.round_to_8_bit(resize.imresize(target[None], 1.0 / scale))
  return resize.imresize(low, float(scale))[0].numpy(), target

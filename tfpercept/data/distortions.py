"""Geometric and photometric changes of images, for training and for ladders.

Images are float `[N, H, W, C]` in [0, 1], before and after. Amounts are one
number for all images or `[N]`, unless a function says otherwise. Nothing draws
from a global generator: random functions take a `seed`, int32 `[2]`.
"""

from collections.abc import Callable, Mapping
from typing import NamedTuple, TypeAlias

import numpy as np
import tensorflow as tf

from tfpercept.ops import filters, padding

Amount: TypeAlias = float | np.ndarray | tf.Tensor


def warp(
  image: tf.Tensor,
  *,
  shift: tuple[Amount, Amount] = (0.0, 0.0),
  angle: Amount = 0.0,
  zoom: Amount = 1.0,
) -> tf.Tensor:
  """Turns and enlarges images about their center, then moves them.

  Samples are bilinear. The picture is mirrored beyond its borders.

  Args:
    image: Images `[N, H, W, C]`.
    shift: Movement of the content down and to the right, in pixels.
    angle: Counter-clockwise turn, in radians.
    zoom: Factor of enlargement, above 0.
  """
  shape = tf.shape(image)
  down, right, angle, zoom = (
    tf.broadcast_to(tf.cast(a, tf.float32), shape[:1])
    for a in (*shift, angle, zoom)
  )
  # The op takes the map from an output pixel to its source in the input:
  # center + inverse(zoom * rotation) (output - center - shift).
  cos, sin = tf.cos(angle) / zoom, tf.sin(angle) / zoom
  middle = tf.cast(shape[1:3] - 1, tf.float32) / 2.0
  y, x = middle[0] + down, middle[1] + right
  zero = tf.zeros_like(cos)
  rows = [
    *(cos, -sin, middle[1] - cos * x + sin * y),
    *(sin, cos, middle[0] - sin * x - cos * y),
    *(zero, zero),
  ]
  return tf.raw_ops.ImageProjectiveTransformV3(
    images=image,
    transforms=tf.stack(rows, axis=1),
    output_shape=shape[1:3],
    fill_value=0.0,
    interpolation="BILINEAR",
    fill_mode="REFLECT",
  )


def gain(image: tf.Tensor, factor: Amount) -> tf.Tensor:
  """Multiplies all values, as a longer exposure does, and clips."""
  return _clip(image * _each(factor, image))


def brightness(image: tf.Tensor, offset: Amount) -> tf.Tensor:
  """Adds to all values and clips."""
  return _clip(image + _each(offset, image))


def contrast(image: tf.Tensor, factor: Amount) -> tf.Tensor:
  """Stretches each channel about its own mean and clips."""
  mean = tf.reduce_mean(image, axis=[1, 2], keepdims=True)
  return _clip(mean + (image - mean) * _each(factor, image))


def gamma(image: tf.Tensor, exponent: Amount) -> tf.Tensor:
  """Raises values to a power above 0; exponents below 1 lighten."""
  return tf.pow(_clip(image), _each(exponent, image))


def noise(image: tf.Tensor, sigma: Amount, seed: tf.Tensor) -> tf.Tensor:
  """Adds Gaussian noise of standard deviation `sigma` and clips."""
  normal = tf.random.stateless_normal(tf.shape(image), seed, dtype=image.dtype)
  return _clip(image + _each(sigma, image) * normal)


def blur(image: tf.Tensor, sigma: float) -> tf.Tensor:
  """Blurs with a Gaussian, cut at 4 sigma, the same for all images.

  Args:
    image: Images `[N, H, W, C]`, mirrored at their borders.
    sigma: Standard deviation in pixels, 0 or more.

  Raises:
    ValueError: if `sigma` is negative.
  """
  if sigma < 0:
    raise ValueError(f"blur needs a sigma of 0 or more pixels; got {sigma}")
  if sigma == 0:
    return image
  radius = max(1, round(4 * sigma))
  taps = filters.gaussian(2 * radius + 1, sigma)
  return filters.separable(padding.mirror(image, radius), taps)


def jpeg(image: tf.Tensor, quality: int | tf.Tensor) -> tf.Tensor:
  """Compresses to JPEG with half the chroma resolution, and back.

  Args:
    image: Images `[N, H, W, 1 or 3]`, which are rounded to 8 bits first.
    quality: JPEG quality from 0 to 100, one for all images or int `[N]`.
  """
  pixels = tf.cast(tf.round(_clip(image) * 255.0), tf.uint8)
  quality = tf.broadcast_to(tf.cast(quality, tf.int32), tf.shape(image)[:1])

  def recode(arguments: tuple[tf.Tensor, tf.Tensor]) -> tf.Tensor:
    picture, level = arguments
    data = tf.raw_ops.EncodeJpegVariableQuality(images=picture, quality=level)
    return tf.io.decode_jpeg(data, channels=image.shape[-1])

  decoded = tf.map_fn(recode, (pixels, quality), fn_output_signature=tf.uint8)
  decoded = tf.ensure_shape(decoded, image.shape)
  return tf.cast(decoded, image.dtype) / 255.0


def random_geometry(
  image: tf.Tensor,
  seed: tf.Tensor,
  *,
  shift: float = 2.0,
  angle: float = 0.03,
  zoom: float = 1.03,
) -> tf.Tensor:
  """Warps each image in its own way, uniformly within limits.

  Args:
    image: Images `[N, H, W, C]`.
    seed: Seed of all choices, int32 `[2]`.
    shift: Largest movement down, up, right or left, in pixels.
    angle: Largest turn either way, in radians.
    zoom: Largest enlargement, at least 1; the inverse is the smallest.
  """
  down, right, turn, scale = _uniform(4, image, seed)
  return warp(
    image,
    shift=(shift * down, shift * right),
    angle=angle * turn,
    zoom=tf.pow(zoom, scale),
  )


class Ladder(NamedTuple):
  """A distortion at rising levels: `apply(image, level, seed)`."""

  levels: tuple[float, ...]
  apply: Callable[[tf.Tensor, float, tf.Tensor], tf.Tensor]


LADDERS: Mapping[str, Ladder] = {
  # Standard deviations of 2.5 to 40 of 255.
  "noise": Ladder((0.01, 0.02, 0.04, 0.08, 0.16), noise),
  # Standard deviations in pixels.
  "blur": Ladder((0.5, 1.0, 2.0, 4.0, 8.0), lambda x, level, _: blur(x, level)),
  # Qualities.
  "jpeg": Ladder((90, 70, 40, 20, 8), lambda x, level, _: jpeg(x, level)),
  # Pixels to the right; half a pixel also blurs.
  "shift": Ladder(
    (0.5, 1.0, 2.0, 4.0, 8.0), lambda x, level, _: warp(x, shift=(0.0, level))
  ),
  # Factors.
  "contrast": Ladder(
    (0.9, 0.8, 0.6, 0.4, 0.2), lambda x, level, _: contrast(x, level)
  ),
}
"""Ladders by name, the weakest level first."""


def _uniform(count: int, image: tf.Tensor, seed: tf.Tensor) -> list[tf.Tensor]:
  """Draws `count` numbers in [-1, 1) for each image, `[N]` each."""
  shape = [count, tf.shape(image)[0]]
  return tf.unstack(tf.random.stateless_uniform(shape, seed, -1.0, 1.0))


def _each(amount: Amount, image: tf.Tensor) -> tf.Tensor:
  """Shapes an amount, one or `[N]`, so that it broadcasts over images."""
  if not tf.is_tensor(amount):
    # TensorFlow would turn a Python number into float32 and lose digits.
    amount = np.asarray(amount)
  return tf.reshape(tf.cast(amount, image.dtype), [-1, 1, 1, 1])


def _clip(image: tf.Tensor) -> tf.Tensor:
  return tf.clip_by_value(image, 0.0, 1.0)

"""Peak signal-to-noise ratio."""

import tensorflow as tf

from tfpercept.distances.base import Distance, register
from tfpercept.ops import color, tiling


@register("psnr")
class PSNR(Distance):
  """Mean squared error, whose score is the PSNR of 8-bit images.

  Images: float `[N, H, W, C]` in [0, 1], any size.
  Value: `[N]`, the mean squared error of the images as given, so that it can be
  minimized. Symmetric.
  Score: `[N]` in dB, `-10 log10(MSE)` of both images rounded to 8 bits and
  clipped to [0, 1]; infinite when they are then identical.
  """

  copes_with_no_images = True

  @property
  def locality(self) -> tiling.Locality:
    return tiling.PIXELS

  def embed(self, image: tf.Tensor) -> tf.Tensor:
    return image

  def compare(self, reference: tf.Tensor, image: tf.Tensor) -> list[tf.Tensor]:
    return [tf.math.squared_difference(reference, image)]

  def pool(self, maps: list[tf.Tensor]) -> tf.Tensor:
    return tf.reduce_mean(maps[0], axis=[1, 2, 3])

  def for_score(self, image: tf.Tensor) -> tf.Tensor:
    return color.round_to_8_bit(image)

  def score_of(self, value: tf.Tensor) -> tf.Tensor:
    ten = tf.cast(10.0, value.dtype)
    return -ten * tf.math.log(value) / tf.math.log(ten)

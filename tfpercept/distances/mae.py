"""Mean absolute error."""

import tensorflow as tf

from tfpercept.distances.base import Distance, register
from tfpercept.ops import tiling


@register("mae")
class MAE(Distance):
  """Mean over pixels and channels of the absolute difference.

  Images: float `[N, H, W, C]` in [0, 1], any size.
  Value: `[N]`, in [0, 1] for images in range, 0 when identical. Symmetric.
  Gradient: 0 where the images are equal.
  """

  copes_with_no_images = True

  @property
  def locality(self) -> tiling.Locality:
    return tiling.PIXELS

  def embed(self, image: tf.Tensor) -> tf.Tensor:
    return image

  def compare(self, reference: tf.Tensor, image: tf.Tensor) -> list[tf.Tensor]:
    return [tf.abs(reference - image)]

  def pool(self, maps: list[tf.Tensor]) -> tf.Tensor:
    return tf.reduce_mean(maps[0], axis=[1, 2, 3])

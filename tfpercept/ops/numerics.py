"""Means, powers and products that keep their digits and finite slopes."""

from collections.abc import Sequence

import tensorflow as tf


def complement_of_product(
  deficits: tf.Tensor, exponents: Sequence[float], floor: float = 1e-6
) -> tf.Tensor:
  """Returns 1 - prod_j max(1 - deficits_j, floor) ^ exponents_j.

  The slope of r^w is infinite at r = 0; below `floor` it is 0 here instead.
  Factors near 1 lose no digits: the product is never formed and subtracted.

  Args:
    deficits: `[..., J]`, how far each factor falls short of 1.
    exponents: J non-negative exponents.
    floor: Smallest factor; smaller and negative ones count as `floor`.

  Returns:
    `[...]`, in [0, 1] where the deficits are non-negative.
  """
  deficits = tf.minimum(deficits, 1 - floor)
  exponents = tf.constant(exponents, deficits.dtype)
  logs = tf.reduce_sum(exponents * tf.math.log1p(-deficits), axis=-1)
  return -tf.math.expm1(logs)


def spatial_mean(maps: tf.Tensor) -> tf.Tensor:
  """Returns the mean `[N, C]` of `[N, H, W, C]` over space.

  One axis after the other: a sum over both at once runs through the picture in
  sequence, and in float32 errs by up to a percent where all terms are alike.
  """
  return tf.reduce_mean(tf.reduce_mean(maps, axis=1), axis=1)

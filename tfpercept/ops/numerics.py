"""Roots, powers and products whose values and slopes stay finite."""

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

"""Masking and pooling of Watson's model, in their plain form.

`masking.py` holds the same for block transforms in graphs, with a hand-written
gradient. `reference=True` gives the numbers of the authors' program. Without
it, equal images have the value 0 and slopes are finite.
"""

import tensorflow as tf

from tfpercept.ops import numerics

EPSILON = 1e-10  # the authors' guard of logarithms and powers
# Bounds the slope of the root at a sum of 0, which is infinite if beta > 1.
ROOT_GUARD = 1e-12


def thresholds(
  magnitude: tf.Tensor,
  luminance: tf.Tensor,
  exponent: tf.Tensor,
  *,
  floor: float = 0.0,
) -> tf.Tensor:
  """Returns the differences that are just visible, positive.

  The arguments are broadcast against each other.

  Args:
    magnitude: Magnitudes of the reference, not negative; they mask by contrast.
    luminance: Thresholds without contrast masking, positive.
    exponent: Exponent of contrast masking, in (0, 1).
    floor: Magnitude below which masking grows in proportion, which bounds the
      slope; 0 for the authors' form.
  """
  # Contrast masking c = m^w l^(1 - w), Czolbe et al. 2020, section 3. It equals
  # l where m = l.
  if floor:
    contrast = numerics.power(magnitude, exponent, floor)
  else:
    contrast = tf.pow(magnitude + EPSILON, exponent)
  contrast *= tf.pow(luminance, 1 - exponent)
  # The authors' smooth maximum of c and l, their softmax-weighted mean. In this
  # form of a sigmoid no exponential overflows.
  gap = luminance - contrast
  return contrast + gap * tf.sigmoid(gap)


def summands(
  visible: tf.Tensor, beta: tf.Tensor, *, reference: bool
) -> tf.Tensor:
  """Returns the summands of a power mean, `visible ** beta` with a guard.

  Args:
    visible: Magnitudes of differences in units of their thresholds.
    beta: Exponent of the power mean, positive.
    reference: If True, summands are not 0 at 0, as in the authors' program.
  """
  powers = tf.pow(visible + EPSILON, beta)
  if reference:
    return powers + EPSILON
  least = tf.pow(EPSILON * tf.ones_like(beta), beta)
  # The difference of the two powers at 0 may be a rounding error. NaN is not
  # `<= 0` and stays.
  return tf.where(visible <= 0, tf.zeros_like(powers), powers - least)


def root(total: tf.Tensor, beta: tf.Tensor, *, reference: bool) -> tf.Tensor:
  """Returns `total ** (1 / beta)`; 0 at 0 with a finite slope.

  Args:
    total: Sums of `summands`, not negative.
    beta: Exponent given to `summands`.
    reference: If True, takes the root without a guard.
  """
  if reference:
    return tf.pow(total, 1 / beta)
  # Of one shape with the exponent, since TFLite's converter fails otherwise.
  least = tf.pow(ROOT_GUARD * tf.ones_like(beta), 1 / beta)
  value = tf.nn.relu(tf.pow(total + ROOT_GUARD, 1 / beta) - least)
  return tf.where(total <= 0, tf.zeros_like(value), value)

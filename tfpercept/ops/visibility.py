"""What is visible beside what is there: masking and pooling of Watson's model.

In the plain form; `masking.py` is the same for block transforms in graphs, with
a gradient by hand. `reference=True` everywhere is the authors' program to the
digit; without it, equal images are at 0 and slopes are finite.
"""

import tensorflow as tf

from tfpercept.ops import numerics

EPSILON = 1e-10  # the authors' guard of logarithms and powers
ROOT_GUARD = 1e-12  # bounds the slope of the root at a sum of 0


def thresholds(
  magnitude: tf.Tensor,
  luminance: tf.Tensor,
  exponent: tf.Tensor,
  *,
  floor: float = 0.0,
) -> tf.Tensor:
  """Returns the differences that are just visible, positive.

  Args:
    magnitude: What is there, not negative; masks by contrast.
    luminance: Thresholds without that masking, positive.
    exponent: Of contrast masking, in (0, 1).
    floor: Magnitudes below mask in proportion, which bounds the slope.
  """
  if floor:
    contrast = numerics.power(magnitude, exponent, floor)
  else:
    contrast = tf.pow(magnitude + EPSILON, exponent)
  contrast *= tf.pow(luminance, 1 - exponent)
  # The authors' smooth maximum, a softmax-weighted mean of the two.
  gap = luminance - contrast
  return contrast + gap * tf.sigmoid(gap)


def summands(
  visible: tf.Tensor, beta: tf.Tensor, *, reference: bool
) -> tf.Tensor:
  """Returns what a power mean adds up: `visible ** beta`, guarded.

  Args:
    visible: Magnitudes of differences in units of their thresholds.
    beta: Exponent, positive.
    reference: Whether to leave a rest at 0, as the authors do.
  """
  powers = tf.pow(visible + EPSILON, beta)
  if reference:
    return powers + EPSILON
  least = tf.pow(tf.constant(EPSILON, powers.dtype), beta)
  # Their difference at 0 may be a rounding error. NaN is not `<= 0` and stays.
  return tf.where(visible <= 0, tf.zeros_like(powers), powers - least)


def root(total: tf.Tensor, beta: tf.Tensor, *, reference: bool) -> tf.Tensor:
  """Returns `total ** (1 / beta)`; 0 at 0 with a finite slope.

  Args:
    total: Sums of `summands`.
    beta: The same exponent.
    reference: Whether to take the root as it is.
  """
  if reference:
    return tf.pow(total, 1 / beta)
  least = tf.pow(tf.constant(ROOT_GUARD, total.dtype), 1 / beta)
  value = tf.nn.relu(tf.pow(total + ROOT_GUARD, 1 / beta) - least)
  return tf.where(total <= 0, tf.zeros_like(value), value)

"""Soft rounding: a differentiable family between the identity and rounding.

Source: Agustsson, Theis, "Universally quantized neural compression", 2020,
section 4.
"""

import numpy as np
import tensorflow as tf

_LEAST = 1e-3  # sharpness below which all three are the identity
_MOST = 1e6  # and above which float32 does not tell soft rounding from rounding


def soft_round(y: tf.Tensor, sharpness: float | tf.Tensor) -> tf.Tensor:
  """Returns `floor(y) + 1/2 + tanh(a r) / (2 tanh(a / 2))`.

  Here `a` is the sharpness and `r = y - floor(y) - 1/2`. Integers and the
  middles between them stay where they are; the function rises strictly, and
  its slope at an integer is `a / sinh(a)`.

  Args:
    y: Tensor of float32 or float64, any shape.
    sharpness: Sharpness `a`, not negative, broadcast against `y`. At 0 the
      function is the identity, at infinity it is rounding. Below 1e-3 it is the
      identity with a gradient of 0 in the sharpness.
  """
  sharpness = tf.cast(sharpness, y.dtype)
  bounded = tf.clip_by_value(sharpness, _LEAST, _MOST)
  middle = tf.floor(y) + 0.5
  rounded = middle + tf.tanh(bounded * (y - middle)) / (
    2 * tf.tanh(bounded / 2)
  )
  return tf.where(sharpness < _LEAST, y, rounded)


def soft_round_inverse(s: tf.Tensor, sharpness: float | tf.Tensor) -> tf.Tensor:
  """Returns the y with `soft_round(y, sharpness) == s`.

  Values and gradients are finite at every sharpness. In float32, at a sharpness
  above about 15, `soft_round` takes a range of values to the same number, and
  the inverse cannot tell them apart.

  Args:
    s: Tensor of float32 or float64, any shape.
    sharpness: Sharpness of `soft_round`, broadcast against `s`.
  """
  sharpness = tf.cast(sharpness, s.dtype)
  bounded = tf.maximum(sharpness, _LEAST)
  middle = tf.floor(s) + 0.5
  inner = 1 - float(np.finfo(s.dtype.as_numpy_dtype).eps)  # atanh(1) is inf
  slope = 2 * tf.tanh(bounded / 2)
  offset = tf.atanh(tf.clip_by_value((s - middle) * slope, -inner, inner))
  offset = tf.clip_by_value(offset / bounded, -0.5, 0.5)
  return tf.where(sharpness < _LEAST, s, middle + offset)


def soft_round_conditional_mean(
  noisy: tf.Tensor, sharpness: float | tf.Tensor
) -> tf.Tensor:
  """Returns `E[y | soft_round(y) + u = noisy]`, u uniform on [-1/2, 1/2).

  It takes y as uniformly distributed over the unit interval that `noisy` leaves
  possible. A decoder of soft-rounded latents takes this in place of `noisy`. At
  infinite sharpness it is rounding.

  Args:
    noisy: Soft-rounded values with noise, float32 or float64, any shape.
    sharpness: Sharpness of `soft_round`, broadcast against `noisy`.
  """
  return soft_round_inverse(noisy - 0.5, sharpness) + 0.5

"""Digits and slopes survive where the plain formula loses them."""

import numpy as np
import pytest
import tensorflow as tf

from tfpercept.ops import numerics


def test_the_complement_of_a_product_is_that():
  deficits = np.random.uniform(0, 1.5, (4, 3))
  exponents = (0.5, 0.2, 1.0)
  expected = 1 - np.prod(np.maximum(1 - deficits, 1e-6) ** exponents, axis=-1)
  found = numerics.complement_of_product(tf.constant(deficits), exponents)
  np.testing.assert_allclose(found, expected, rtol=1e-12)


def test_small_deficits_keep_their_digits():
  deficits = tf.constant([[1e-9, 3e-9]], tf.float32)
  found = numerics.complement_of_product(deficits, (1.0, 2.0))
  np.testing.assert_allclose(found, [7e-9], rtol=1e-6)  # 1 - 1 is 0 in float32


def test_slopes_are_finite_where_a_factor_is_zero_or_negative():
  deficits = tf.constant([[0.0, 1.0], [0.3, 1.7], [1.0, 1.0]])
  with tf.GradientTape() as tape:
    tape.watch(deficits)
    value = numerics.complement_of_product(deficits, (0.1, 0.3))
  slope = tape.gradient(value, deficits).numpy()
  assert np.isfinite(slope).all()
  assert (slope[:, 1] == 0).all()
  assert slope[0, 0] > 0


def test_a_spatial_mean_of_alike_terms_keeps_its_digits_in_float32():
  maps = tf.fill([1, 700, 900, 3], 0.1)
  found = numerics.spatial_mean(maps)
  # `tf.reduce_mean` over both axes at once is off by 6e-3 here.
  np.testing.assert_allclose(found, tf.fill([1, 3], 0.1), rtol=2e-5)


def test_a_power_is_that_above_its_floor():
  base = tf.constant([1e-8, 1e-3, 1.0, 50.0], tf.float64)
  # 0.7 of floor over base is missing.
  np.testing.assert_allclose(numerics.power(base, 0.3), base**0.3, rtol=1e-7)


def test_a_power_has_a_finite_slope_at_zero():
  for exponent in (0.3, 0.5, 1.0):
    base = tf.zeros([2], tf.float32)
    with tf.GradientTape() as tape:
      tape.watch(base)
      value = numerics.power(base, exponent, floor=1e-8)
    np.testing.assert_array_equal(value, 0)
    slope = 1e-8 ** (exponent - 1)
    np.testing.assert_allclose(tape.gradient(value, base), slope, rtol=1e-5)


@pytest.mark.parametrize(
  ("function", "exponent"),
  [
    (numerics.power, 0.3),
    (numerics.power, 0.5),
    (numerics.convex_power, 5 / 3),
  ],
)
def test_powers_have_two_finite_derivatives(function, exponent):
  x = tf.constant([0.0, 1e-6, 0.5, 3.0])
  with tf.GradientTape() as outer:
    outer.watch(x)
    with tf.GradientTape() as inner:
      inner.watch(x)
      value = function(x, exponent)
    slope = inner.gradient(value, x)
  second = outer.gradient(slope, x)
  assert np.isfinite(second).all()
  large = x.numpy()[1:].astype(float)
  # Rounding of powers in float32, and the floor of 1e-15 beside 1e-6.
  np.testing.assert_allclose(value[1:], large**exponent, rtol=1e-6)
  expected = exponent * large ** (exponent - 1)
  np.testing.assert_allclose(slope[1:], expected, rtol=1e-6)
  expected *= (exponent - 1) / large
  np.testing.assert_allclose(second[1:], expected, rtol=1e-5)
  assert value[0] == 0

"""Soft rounding lies between the identity and rounding, and can be undone."""

import numpy as np
import pytest
import tensorflow as tf

from tfpercept.ops import quantization

SHARPNESS = (0.0, 0.5, 3.0, 8.0)


def values(count=401):
  return tf.constant(np.linspace(-3, 3, count), tf.float64)


def test_it_is_the_identity_without_sharpness():
  y = values()
  np.testing.assert_array_equal(quantization.soft_round(y, 0.0), y)
  # The slope departs from 1 by at most a^2 / 6 = 1.7e-7 at the least sharpness.
  np.testing.assert_allclose(quantization.soft_round(y, 1e-3), y, atol=1e-7)


def test_it_is_rounding_at_great_sharpness():
  y = tf.constant([-1.6, -0.4, 0.2, 0.4, 0.6, 2.9], tf.float64)
  # What is left is about exp(-2 * 200 * 0.1).
  np.testing.assert_allclose(
    quantization.soft_round(y, 200.0), tf.round(y), atol=1e-12
  )
  np.testing.assert_allclose(
    quantization.soft_round_conditional_mean(y, 200.0), tf.round(y), atol=0.02
  )


@pytest.mark.parametrize("sharpness", SHARPNESS)
def test_integers_and_middles_stay_and_it_rises(sharpness):
  y = tf.constant(np.arange(-6, 7) / 2, tf.float64)
  np.testing.assert_allclose(
    quantization.soft_round(y, sharpness), y, atol=1e-15
  )
  assert (np.diff(quantization.soft_round(values(), sharpness)) > 0).all()


@pytest.mark.parametrize("sharpness", SHARPNESS)
def test_the_inverse_undoes_it(sharpness):
  y = values()
  s = quantization.soft_round(y, sharpness)
  # tanh near 1 costs a factor of cosh(a / 2)^2 < 750 of the last digit.
  np.testing.assert_allclose(
    quantization.soft_round_inverse(s, sharpness), y, atol=1e-11
  )


@pytest.mark.parametrize("sharpness", [0.5, 3.0, 8.0])
def test_the_conditional_mean_is_that_of_many_draws(sharpness):
  random = np.random.default_rng(0)
  y = random.uniform(-4, 4, 2_000_000)
  noise = random.uniform(-0.5, 0.5, y.shape)
  noisy = quantization.soft_round(tf.constant(y), sharpness).numpy() + noise
  for at in (0.1, 0.4, 0.8):
    draws = y[np.abs(noisy - at) < 0.005]  # about 2500
    found = quantization.soft_round_conditional_mean(
      tf.constant([at], tf.float64), sharpness
    )
    # Deviation of the draws is at most 0.29, so 0.03 is five standard errors.
    np.testing.assert_allclose(found, [draws.mean()], atol=0.03)


@pytest.mark.parametrize("sharpness", [0.0, 1.0, 20.0, 500.0])
def test_values_and_gradients_are_finite_in_float32(sharpness):
  y = tf.constant(np.linspace(-2, 2, 97), tf.float32)
  a = tf.constant(sharpness)
  for function in (
    quantization.soft_round,
    quantization.soft_round_inverse,
    quantization.soft_round_conditional_mean,
  ):
    with tf.GradientTape() as tape:
      tape.watch([y, a])
      value = function(y, a)
    for tensor in (value, *tape.gradient(value, [y, a])):
      assert np.isfinite(tensor).all(), function.__name__


def test_a_learned_sharpness_gets_the_gradient_of_the_formula():
  a = tf.constant(3.0, tf.float64)
  y = tf.constant([0.2], tf.float64)
  with tf.GradientTape() as tape:
    tape.watch(a)
    value = quantization.soft_round(y, a)
  step = 1e-6
  slope = (
    quantization.soft_round(y, a + step) - quantization.soft_round(y, a - step)
  ) / (2 * step)
  np.testing.assert_allclose(tape.gradient(value, a), slope[0], rtol=1e-8)


@pytest.mark.parametrize("sharpness", [1e-4, 0.7, 4.0])
@pytest.mark.parametrize(
  "name", ["soft_round", "soft_round_inverse", "soft_round_conditional_mean"]
)
def test_values_are_those_of_tensorflow_compression(name, sharpness):
  tfc = pytest.importorskip("tensorflow_compression")
  y = tf.constant(np.linspace(-2.9, 2.9, 101), tf.float32)
  expected = getattr(tfc, name)(y, sharpness)
  found = getattr(quantization, name)(y, sharpness)
  np.testing.assert_allclose(found, expected, atol=1e-6)


def test_at_infinite_sharpness_it_is_rounding_and_middles_stay():
  y = tf.constant([0.5, 0.2, 1.7, -0.5, 3.0])
  found = quantization.soft_round(y, np.inf)
  np.testing.assert_array_equal(found, [0.5, 0.0, 2.0, -0.5, 3.0])

"""A factorized density is one, and its bits are right far out."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from tfpercept.models.compression import densities


@pytest.fixture
def density():
  """Two densities that differ, neither symmetric."""
  layer = densities.FactorizedDensity(2, spread=4.0)
  random = np.random.default_rng(0)
  layer.set_weights(
    [w + random.normal(0, 0.5, w.shape) for w in layer.get_weights()]
  )
  return layer


def test_bits_of_all_integers_are_those_of_probabilities_that_sum_to_1(density):
  y = np.repeat(np.arange(-400, 401)[:, None], 2, axis=1).astype(np.float32)
  mass = 2.0 ** -density.bits(tf.constant(y)).numpy().astype(np.float64)
  # float32 logits: each mass has about seven digits.
  np.testing.assert_allclose(mass.sum(axis=0), 1, atol=1e-5)
  assert not np.allclose(mass[:, 0], mass[:, 1], atol=1e-3)


def test_the_cumulative_distribution_rises(density):
  y = tf.constant(np.repeat(np.linspace(-30, 30, 301)[:, None], 2, axis=1))
  assert (np.diff(density.logits(tf.cast(y, tf.float32)), axis=0) > 0).all()


def test_bits_far_out_are_those_of_float64_on_both_sides(density):
  y = np.array([[-60.0, -60.0], [0.2, -0.3], [60.0, 60.0], [300.0, -300.0]])
  low, high = (
    density.logits(tf.constant(y + d, tf.float32)).numpy().astype(np.float64)
    for d in (-0.5, 0.5)
  )
  # Of the side where probabilities are small, in float64.
  right = low + high > 0
  low, high = np.where(right, -high, low), np.where(right, -low, high)
  expected = -np.log2(1 / (1 + np.exp(-high)) - 1 / (1 + np.exp(-low)))
  assert expected.max() > 40  # 1 - c would be 0 in float32
  np.testing.assert_allclose(
    density.bits(tf.constant(y, tf.float32)), expected, rtol=1e-4
  )


def test_bits_and_gradients_are_finite_everywhere(density):
  y = tf.constant([[0.0, 1e4], [-1e6, 1e6], [1e-20, -1e4]])
  with tf.GradientTape() as tape:
    tape.watch(y)
    bits = density.bits(y)
  gradients = tape.gradient(bits, [y, *density.trainable_variables])
  for tensor in (bits, *gradients):
    assert np.isfinite(tensor).all()
  assert (bits.numpy() >= 0).all()


def test_a_density_learns_the_entropy_of_what_it_codes():
  layer = densities.FactorizedDensity(1)
  optimizer = keras.optimizers.legacy.Adam(0.05)
  random = np.random.default_rng(0)
  values = np.where(
    random.uniform(size=(5000, 1)) < 0.3,
    random.normal(-9, 1.5, (5000, 1)),
    random.exponential(4, (5000, 1)),
  )
  values = np.round(values).astype(np.float32)
  share = np.unique(values, return_counts=True)[1] / len(values)
  entropy = -np.sum(share * np.log2(share))

  @tf.function
  def step():
    with tf.GradientTape() as tape:
      bits = tf.reduce_mean(layer.bits(tf.constant(values)))
    return bits, tape.gradient(bits, layer.trainable_variables)

  for _ in range(300):
    bits, gradients = step()
    optimizer.apply_gradients(
      zip(gradients, layer.trainable_variables, strict=True)
    )
  # No code beats the entropy of what it is measured on; the best normal density
  # would spend 0.65 bits more.
  assert entropy < float(bits) < entropy + 0.08

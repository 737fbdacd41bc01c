"""A factorized density is one, and its bits are right far out."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from scipy import special

from tfpercept.models.compression import densities, entropy_coding


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


def _exact(x, scale):
  """Returns nats and their slopes in x and in the logarithm of the scale."""
  low, high = (np.abs(x) - 0.5) / scale, (np.abs(x) + 0.5) / scale
  tails = special.log_ndtr(-low), special.log_ndtr(-high)
  nats = -tails[0] - np.log(-np.expm1(tails[1] - tails[0]))
  at_low, at_high = (
    np.exp(nats - 0.5 * end**2 - 0.5 * np.log(2 * np.pi)) for end in (low, high)
  )
  slope = np.sign(x) * (at_low - at_high) / scale
  return nats, slope, high * at_high - low * at_low


@pytest.mark.parametrize("known", [True, False], ids=["compiled", "any_shape"])
def test_bits_of_normals_and_their_slopes_are_those_of_float64(known):
  random = np.random.default_rng(0)
  scale = np.exp(random.uniform(np.log(0.11), np.log(256), [20_000]))
  scale = scale.astype(np.float32)
  far = random.choice([0.3, 1, 1, 3, 8], scale.shape)  # deviations
  x = random.normal(size=scale.shape) * scale * far
  x = (x + random.uniform(-0.5, 0.5, scale.shape)).astype(np.float32)
  x[:5], scale[:5] = [0, 0.5, -0.5, 100, -100], 0.11
  shape = x.shape if known else [None]

  @tf.function(input_signature=[tf.TensorSpec(shape), tf.TensorSpec(shape)])
  def bits_and_slopes(x, log_scale):
    with tf.GradientTape() as tape:
      tape.watch([x, log_scale])
      bits = densities.noisy_normal_bits(x, log_scale)
    return bits, *tape.gradient(bits, [x, log_scale])

  found = bits_and_slopes(tf.constant(x), tf.math.log(scale))
  for ours, theirs in zip(found, _exact(x, scale.astype(float)), strict=True):
    expected = theirs / np.log(2)
    # The scale is known to 1e-7 of itself, and the mass of a wide normal's
    # interval is a difference of numbers 256 times as large.
    np.testing.assert_allclose(ours, expected, rtol=5e-3, atol=1e-3)
    error = np.abs(ours - expected) / (1e-2 + np.abs(expected))
    assert np.mean(error) < 2e-5


def test_training_counts_the_bits_that_coding_tables_are_made_of():
  random = np.random.default_rng(1)
  index = random.uniform(0, 63, [2, 4, 4, 8]).astype(np.float32)
  noisy = random.normal(size=index.shape) * entropy_coding.scale(index)
  noisy = tf.cast(noisy, tf.float32)
  ours = densities.noisy_normal_bits(noisy, entropy_coding.log_scale(index))
  theirs = entropy_coding.normal_bits(noisy, index)
  np.testing.assert_allclose(ours, theirs, atol=2e-4)  # rounding of float32

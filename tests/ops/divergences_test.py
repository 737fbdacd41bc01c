"""Densities and divergences of mixtures: bounds, limits, known answers."""

import numpy as np
import pytest
import tensorflow as tf

from tfpercept.ops import divergences


def mixture(seed, count, size=4, places=(3, 5), spread=1.0):
  random = np.random.default_rng(seed)
  return divergences.Mixture(
    tf.constant(spread * random.normal(size=(*places, count, size))),
    tf.constant(random.normal(size=(*places, count))),
  )


def noise(places=(3, 5), size=4, seed=9):
  return np.random.default_rng(seed).normal(size=(*places, size))


def test_density_of_one_normal_is_that_of_the_textbook():
  z = tf.constant([[1.0, -2.0]], tf.float64)
  one = divergences.Mixture(tf.constant([[[0.5, 0.0]]], tf.float64))
  expected = -0.5 * (0.25 + 4) - np.log(2 * np.pi)
  np.testing.assert_allclose(one.log_density(z), [expected], rtol=1e-14)


def test_density_of_a_mixture_sums_that_of_its_components():
  mix = mixture(0, 3)
  z = tf.constant(noise())
  weights = tf.nn.softmax(mix.logits).numpy()
  parts = [
    weights[..., m]
    * np.exp(divergences.Mixture(mix.means[..., m : m + 1, :]).log_density(z))
    for m in range(3)
  ]
  found = np.exp(mix.log_density(z))
  np.testing.assert_allclose(found, sum(parts), rtol=1e-12)


def test_samples_have_the_mean_and_the_weights_of_the_mixture():
  count = 40_000
  means = tf.constant([[-5.0, 0.0], [5.0, 1.0]], tf.float64)
  logits = tf.constant([0.0, np.log(3.0)], tf.float64)
  mix = divergences.Mixture(
    tf.tile(means[None], [count, 1, 1]), tf.tile(logits[None], [count, 1])
  )
  z = mix.sample(tf.constant([1, 2])).numpy()
  high = z[:, 0] > 0
  # Five standard deviations of a share and of means.
  assert abs(high.mean() - 0.75) < 5 * np.sqrt(0.75 * 0.25 / count)
  np.testing.assert_allclose(z[high].mean(0), [5, 1], atol=5 / np.sqrt(30_000))
  assert abs(z[high].std(0) - 1).max() < 0.02


def test_divergence_is_0_for_equal_mixtures_whatever_the_noise():
  mix = mixture(0, 5)
  np.testing.assert_allclose(
    divergences.jeffreys(mix, mix, noise()), 0, atol=1e-25
  )


@pytest.mark.parametrize("spread", [0.01, 1.0, 30.0])
def test_divergence_is_symmetric_and_never_negative(spread):
  p, q = mixture(0, 5, spread=spread), mixture(1, 5, spread=spread)
  found = divergences.jeffreys(p, q, noise()).numpy()
  assert (found > 0).all()
  back = divergences.jeffreys(q, p, noise())
  np.testing.assert_allclose(back, found, rtol=1e-12)


def test_divergence_is_unbiased():
  """The mean over noise is that of the plain estimate, from its definition."""
  places = 200_000
  p, q = (
    divergences.Mixture(
      tf.tile(m.means[:1, :1], [places, 1, 1, 1]),
      tf.tile(m.logits[:1, :1], [places, 1, 1]),
    )
    for m in (mixture(0, 3), mixture(1, 3))
  )
  found = divergences.jeffreys(p, q, noise((places, 1))).numpy()
  plain = 0.0
  for seed, (a, b) in enumerate([(p, q), (q, p)]):
    z = a.sample(tf.constant([seed, 7]))
    plain = plain + (a.log_density(z) - b.log_density(z)).numpy()
  errors = [x.std() / np.sqrt(places) for x in (found, plain)]
  assert abs(found.mean() - plain.mean()) < 4 * np.hypot(*errors)
  assert found.std() < plain.std()


def test_divergence_of_distant_components_is_the_squared_distance():
  """Far apart, log ratios are large and tanh is 1: nothing is clipped."""
  logits = tf.zeros([1, 1], tf.float64)
  p = divergences.Mixture(tf.constant([[[0.0, 0.0]]], tf.float64), logits)
  q = divergences.Mixture(tf.constant([[[12.0, 0.0]]], tf.float64), logits)
  found = divergences.jeffreys(p, q, np.zeros((1, 2)))
  np.testing.assert_allclose(found, [144.0], rtol=1e-12)


def test_slope_is_finite_at_equal_and_at_distant_mixtures():
  for other in (mixture(0, 5), mixture(1, 5, spread=1e3)):
    p = mixture(0, 5)
    with tf.GradientTape() as tape:
      tape.watch([p.means, p.logits])
      value = divergences.jeffreys(p, other, noise())
    for gradient in tape.gradient(value, [p.means, p.logits]):
      assert np.isfinite(gradient).all()


def test_slope_is_that_of_finite_differences():
  p, q = mixture(0, 3), mixture(1, 3)
  random = np.random.default_rng(5)
  with tf.GradientTape() as tape:
    arguments = [p.means, p.logits, q.means, q.logits]
    tape.watch(arguments)
    value = divergences.jeffreys(p, q, noise())
  slopes = tape.gradient(value, arguments)
  for i, (argument, slope) in enumerate(zip(arguments, slopes, strict=True)):
    along = random.normal(size=argument.shape)
    ends = []
    for step in (1e-6, -1e-6):
      moved = list(arguments)
      moved[i] = argument + step * along
      a, b = (divergences.Mixture(*moved[j : j + 2]) for j in (0, 2))
      ends.append(tf.reduce_sum(divergences.jeffreys(a, b, noise())))
    found = (ends[0] - ends[1]) / 2e-6
    # Differences of values near 100 in float64, divided by 2e-6.
    np.testing.assert_allclose(found, np.sum(slope * along), rtol=1e-6)

"""Measures of generated pictures against answers known beforehand."""

import math

import numpy as np
import pytest

from tfpercept import models
from tfpercept.evaluation.generative import metrics


def test_entropy_is_0_of_certainty_and_the_logarithm_of_even_odds():
  posterior = np.array([[1.0, 0, 0, 0], [0.25] * 4, [0.5, 0.5, 0, 0]])
  found = metrics.entropy(posterior)
  np.testing.assert_allclose(found, [0, math.log(4), math.log(2)])


@pytest.fixture
def fewest(monkeypatch):
  monkeypatch.setattr(metrics, "FEWEST", 2)


def of_moments(mean, covariance, count=40, seed=0):
  """Samples of exactly these moments."""
  raw = np.random.default_rng(seed).normal(size=(count, len(mean)))
  raw -= raw.mean(axis=0)
  white = raw @ np.linalg.inv(np.linalg.cholesky(np.cov(raw.T)).T)
  values, vectors = np.linalg.eigh(covariance)
  root = (vectors * np.sqrt(np.maximum(values, 0))) @ vectors.T
  return white @ root + mean


def test_frechet_of_commuting_covariances_is_the_sum_over_axes(fewest):
  # |m1 - m2|^2 + sum (s1 - s2)^2
  first = of_moments([1.0, 2.0, 0.0], np.diag([4.0, 1.0, 9.0]))
  second = of_moments([1.0, 5.0, 0.0], np.diag([1.0, 1.0, 4.0]), seed=1)
  # Moments are exact up to rounding.
  assert metrics.frechet(first, second) == pytest.approx(9 + 1 + 1)
  assert metrics.frechet(second, first) == pytest.approx(11)


def test_frechet_of_covariances_that_do_not_commute(fewest):
  # tr (AB)^(1/2) of 2x2 matrices is (tr AB + 2 det(AB)^(1/2))^(1/2).
  a, b = np.array([[2.0, 1], [1, 3]]), np.array([[1.0, -0.5], [-0.5, 2]])
  root = np.sqrt(np.trace(a @ b) + 2 * np.sqrt(np.linalg.det(a @ b)))
  found = metrics.frechet(of_moments([0, 0], a), of_moments([0, 0], b, seed=1))
  assert found == pytest.approx(np.trace(a) + np.trace(b) - 2 * root)


def test_frechet_is_0_of_itself_also_where_features_are_constant(fewest):
  features = of_moments([1.0, 2, 3], np.diag([1.0, 0, 2]))
  # The root loses half of the 16 digits.
  assert metrics.frechet(features, features) == pytest.approx(0, abs=1e-6)


def test_too_few_pictures_for_a_frechet_distance_are_refused():
  features = np.zeros((metrics.FEWEST, 2))
  with pytest.raises(ValueError, match="needs 5000 pictures of each kind; got"):
    metrics.frechet(features, features[1:])


def judged(classes, *, certain=1.0, seed=0):
  posterior = np.full((len(classes), 10), (1 - certain) / 9)
  posterior[np.arange(len(classes)), classes] = certain
  features = np.random.default_rng(seed).normal(size=(len(classes), 3))
  return metrics.Judged(posterior, features)


def test_samples_that_are_all_one_digit_have_no_coverage(fewest):
  real = judged(np.arange(200) % 10)
  one = metrics.judgement([judged(np.full(200, 7))], real)
  all_ten = metrics.judgement([judged(np.arange(200) % 10)], real)
  assert one.coverage.value == 0
  assert all_ten.coverage.value == pytest.approx(math.log(10))
  assert one.entropy.value == all_ten.entropy.value == 0
  assert one.confidence.value == 1


def test_samples_like_no_digit_have_a_high_entropy(fewest):
  unsure = judged(np.arange(200) % 10, certain=0.1)
  found = metrics.judgement([unsure], judged(np.arange(200) % 10))
  assert found.entropy.value == pytest.approx(math.log(10))
  assert found.confidence.value == pytest.approx(0.1)


def test_the_frechet_distance_of_a_judgement_is_over_draws(fewest):
  real = judged(np.arange(200) % 10)
  draws = [judged(np.arange(200) % 10, seed=seed) for seed in (1, 2, 3)]
  found = metrics.judgement(draws, real).frechet
  values = [metrics.frechet(d.features, real.features) for d in draws]
  assert found.value == pytest.approx(np.mean(values))
  assert (found.low, found.high) == (min(values), max(values))
  assert math.isnan(metrics.judgement(draws[:1], real).frechet.low)


def test_where_all_are_right_the_interval_is_no_point():
  found = metrics.accuracy(judged(np.arange(10)), np.arange(10))
  assert found.value == found.high == 1.0
  assert found.low**10 == pytest.approx(0.025)


def test_accuracy_counts_labels():
  found = metrics.accuracy(judged(np.arange(10)), np.arange(10) // 2 * 2)
  assert found.value == 0.5
  assert found.low < 0.5 < found.high


def test_judging_in_batches_is_judging_at_once(monkeypatch):
  network = models.DigitClassifier(filters=(2, 2, 2, 3, 3), width=4)
  network.build()
  x = np.random.default_rng(0).uniform(size=(7, 32, 32, 1)).astype(np.float32)
  whole = metrics.judge(network, x)
  monkeypatch.setattr(metrics, "_BATCH", 3)
  parts = metrics.judge(network, x)
  # Float32, in another order of sums.
  np.testing.assert_allclose(parts.posterior, whole.posterior, atol=1e-6)
  np.testing.assert_allclose(parts.features, whole.features, atol=1e-5)
  np.testing.assert_allclose(whole.posterior.sum(axis=1), 1)
  np.testing.assert_array_equal(whole.classes, np.argmax(network(x), axis=1))

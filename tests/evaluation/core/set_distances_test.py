"""Distances of sets against known answers."""

import numpy as np
import pytest

from tfpercept.evaluation.core import set_distances


def test_frechet_of_shifted_features_is_the_squared_shift():
  features = np.random.default_rng(0).normal(size=(50, 4))
  found = set_distances.frechet(features, features + np.array([1, 2, 0, 0]))
  assert found == pytest.approx(5)


def test_frechet_of_scaled_features_is_that_of_standard_deviations():
  features = np.random.default_rng(0).normal(size=(50, 3))
  features -= features.mean(0)
  spread = features.std(0, ddof=1)
  found = set_distances.frechet(features, 3 * features)
  # C2 = 9 C1, so that the distance is tr(C1) (3 - 1)^2.
  assert found == pytest.approx(4 * np.square(spread).sum())


def test_mmd_is_that_of_the_definition():
  random = np.random.default_rng(0)
  x, y = random.normal(size=(4, 3)), random.normal(size=(5, 3))

  def kernel(a, b):
    return (a @ b / 3 + 1) ** 3

  within = [
    np.mean([kernel(a, b) for i, a in enumerate(s) for j, b in enumerate(s)
             if i != j])
    for s in (x, y)
  ]  # fmt: skip
  across = np.mean([kernel(a, b) for a in x for b in y])
  found = set_distances.polynomial_mmd(x, y)
  assert found == pytest.approx(sum(within) - 2 * across)


def test_mmd_of_one_distribution_is_0_on_average_for_any_number():
  random = np.random.default_rng(0)
  values = [
    set_distances.polynomial_mmd(*random.normal(size=(2, 6, 3)))
    for _ in range(400)
  ]
  error = np.std(values) / np.sqrt(len(values))
  assert abs(np.mean(values)) < 4 * error  # 1 in 10,000 by chance
  assert min(values) < 0

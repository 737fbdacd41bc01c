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


def test_the_kernel_of_a_pair_is_a_cube_of_its_product():
  x, y = np.array([[1.0, 2, 3]]), np.array([[0.0, 3, -1], [3, 0, 0]])
  found = set_distances.polynomial_kernel(x, y)
  assert found.tolist() == [[(3 / 3 + 1) ** 3, (3 / 3 + 1) ** 3]]

"""Symbols are coded shortest by the shape that they come from."""

import numpy as np
import pytest

from tfpercept.evaluation.rate_distortion import prior_shapes


def drawn(kind, *, count=8, scales=(0.3, 2.0, 9.0), seed=0):
  """Rounded values of a distribution, as the symbols of some pictures."""
  random = np.random.default_rng(seed)
  draw = {
    "normal": lambda s: random.normal(0, s, 4000),
    "Laplace": lambda s: random.laplace(0, s / 2**0.5, 4000),
    "logistic": lambda s: random.logistic(0, s * 3**0.5 / np.pi, 4000),
  }[kind]
  found = []
  for _ in range(count):
    counts = np.zeros((len(scales), 511), np.int64)
    for row, scale in enumerate(scales):
      symbols = np.round(draw(scale)).astype(int)
      np.add.at(counts[row], np.clip(symbols, -255, 255) + 255, 1)
    found.append(prior_shapes.Symbols(counts, 4000))
  return found


@pytest.mark.parametrize("kind", ["normal", "Laplace", "logistic"])
def test_each_distribution_is_coded_shortest_by_its_own_shape(kind):
  rates = prior_shapes.bits_per_pixel(drawn(kind))
  shapes = {k: v for k, v in rates.items() if k != "their own shares"}
  assert min(shapes, key=shapes.get) == kind
  # Nothing is shorter than the distribution but by chance.
  assert rates["their own shares"] > 0.995 * rates[kind]
  assert rates["their own shares"] < 1.05 * rates[kind]


@pytest.mark.parametrize("shape", prior_shapes.SHAPES)
def test_every_shape_is_a_code(shape):
  """Shares sum to 1, also where the fitted scale is very small or large."""
  counts = np.zeros((4, 511), np.int64)
  counts[0, 255] = 1000
  counts[1] = drawn("Laplace", scales=(0.4,))[0].counts[0]
  counts[2, ::50] = 7
  bits = prior_shapes.SHAPES[shape](counts)
  np.testing.assert_allclose((2.0**-bits).sum(axis=1), 1)


def test_the_rate_is_the_entropy_of_what_is_coded():
  found = prior_shapes.bits_per_pixel(drawn("normal", scales=(9.0,)))
  rate = found["normal"]
  entropy = np.log2(9.0 * np.sqrt(2 * np.pi * np.e))
  assert rate == pytest.approx(entropy, rel=0.01)

"""Windows and halving, against NumPy."""

import numpy as np
import pytest

from tfpercept.ops import filters


def test_a_gaussian_sums_to_one_and_falls_as_stated():
  taps = np.array(filters.gaussian(11, 1.5))
  assert taps.sum() == pytest.approx(1, abs=1e-15)
  np.testing.assert_allclose(taps, taps[::-1], rtol=1e-15)
  assert taps[5] / taps[8] == pytest.approx(np.exp(0.5 * (3 / 1.5) ** 2))


@pytest.mark.parametrize(("size", "sigma"), [(0, 1.0), (3, 0.0), (3, -1.0)])
def test_an_impossible_gaussian_is_refused(size, sigma):
  with pytest.raises(ValueError, match="positive sigma"):
    filters.gaussian(size, sigma)


def test_separable_filtering_is_the_window_along_each_side():
  images = np.random.random((2, 9, 8, 3))
  taps = (0.2, 0.5, 0.3)
  expected = sum(
    a * b * images[:, i : i + 7, j : j + 6]
    for i, a in enumerate(taps)
    for j, b in enumerate(taps)
  )
  found = filters.separable(images, taps)
  np.testing.assert_allclose(found, expected, rtol=1e-12)


@pytest.mark.parametrize("size", [(6, 8), (5, 8), (6, 7), (5, 7), (1, 1)])
def test_halving_repeats_the_last_row_of_an_odd_side(size):
  images = np.random.random((2, *size, 3))
  height, width = size
  even = np.pad(
    images, [(0, 0), (0, height % 2), (0, width % 2), (0, 0)], mode="edge"
  )
  expected = (
    even[:, ::2, ::2]
    + even[:, 1::2, ::2]
    + even[:, ::2, 1::2]
    + even[:, 1::2, 1::2]
  ) / 4
  np.testing.assert_allclose(filters.halve(images), expected, rtol=1e-12)

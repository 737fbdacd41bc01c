"""Transforms of an autoregressive source gain what theory says."""

import math

import numpy as np
import pytest

from tfpercept.evaluation.toy_sources import transform_gains

RHO = 0.9
MATRIX = transform_gains.covariance(16, RHO)


@pytest.mark.parametrize("name", transform_gains.TRANSFORMS)
def test_transforms_are_orthogonal_and_keep_the_variance(name):
  rows = transform_gains.TRANSFORMS[name](MATRIX)
  np.testing.assert_allclose(rows @ rows.T, np.eye(16), atol=1e-12)
  variances = transform_gains.variances(name, MATRIX)
  np.testing.assert_allclose(variances.mean(), 1, rtol=1e-12)


def test_the_klt_gains_what_the_determinant_says():
  variances = transform_gains.variances("KLT", MATRIX)
  # The determinant of the covariance is (1 - rho^2)^(M - 1).
  expected = -10 * 15 / 16 * math.log10(1 - RHO**2)
  np.testing.assert_allclose(
    transform_gains.coding_gain(variances), expected, rtol=1e-9
  )


def test_a_block_without_end_gains_the_flatness_of_the_spectrum():
  found = transform_gains.coding_gain(transform_gains.spectrum(RHO))
  np.testing.assert_allclose(found, -10 * math.log10(1 - RHO**2), rtol=1e-9)


def test_two_samples_have_the_gain_of_their_sum_and_difference():
  matrix = transform_gains.covariance(2, RHO)
  expected = -5 * math.log10(1 - RHO**2)
  for name in ("Haar", "Walsh-Hadamard", "DFT", "DCT", "KLT"):
    gain = transform_gains.coding_gain(transform_gains.variances(name, matrix))
    np.testing.assert_allclose(gain, expected, rtol=1e-9, err_msg=name)


def test_gains_are_ordered_as_published():
  """Jayant and Noll, figure 12.12: the DCT is next to the KLT."""
  gains = [
    transform_gains.coding_gain(transform_gains.variances(name, MATRIX))
    for name in ("identity", "Haar", "DCT", "KLT")
  ]
  assert gains[0] == pytest.approx(0, abs=1e-12)
  assert gains == sorted(gains)
  assert gains[3] - gains[2] < 0.1


def test_high_rates_differ_by_the_coding_gain():
  levels = np.array([1e-3])  # below every variance
  flat = transform_gains.ideal(np.ones(16), levels=levels)
  variances = transform_gains.variances("DCT", MATRIX)
  better = transform_gains.ideal(variances, levels=levels)
  saved = 20 * math.log10(2) * (flat.rate - better.rate)
  np.testing.assert_allclose(
    saved, transform_gains.coding_gain(variances), rtol=1e-9
  )


def test_no_rate_leaves_the_variance_as_distortion():
  found = transform_gains.ideal(
    transform_gains.spectrum(RHO), levels=np.array([100.0])
  )
  np.testing.assert_allclose(found.rate, 0)
  np.testing.assert_allclose(found.distortion, 1, rtol=1e-9)


def test_rounding_costs_a_quarter_bit_at_high_rates():
  found = transform_gains.quantized(np.ones(2), steps=np.array([0.05]))
  ideal = transform_gains.ideal(np.ones(2), levels=found.distortion)
  # 1/2 log2(2 pi e / 12); what is missing is of the order of the step squared.
  np.testing.assert_allclose(
    found.rate - ideal.rate, 0.5 * math.log2(math.pi * math.e / 6), atol=1e-4
  )
  np.testing.assert_allclose(found.distortion, 0.05**2 / 12, rtol=1e-3)


def test_rounding_is_never_better_than_the_bound():
  variances = transform_gains.variances("KLT", MATRIX)
  for step in (0.1, 0.5, 1.0, 2.0, 5.0, 20.0):
    found = transform_gains.quantized(variances, steps=np.array([step]))
    bounds = transform_gains.ideal(
      variances, levels=np.geomspace(1e-4, 20, 999)
    )
    bound = np.interp(
      found.distortion, bounds.distortion, bounds.rate
    )  # of a convex curve: chords lie above, by less than 1e-3 here
    assert found.rate > bound - 1e-3


@pytest.mark.parametrize(("size", "rho"), [(12, 0.5), (1, 0.5), (16, 1.0)])
def test_sizes_and_correlations_out_of_range_are_refused(size, rho):
  with pytest.raises(ValueError, match="got"):
    transform_gains.covariance(size, rho)

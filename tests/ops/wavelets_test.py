"""Wavelets agree with Barron's own golden file and with their definition."""

import numpy as np
import pytest
import tensorflow as tf

from tfpercept.ops import wavelets


def bands(flat, levels):
  """Cuts the nested square into bands, finest first, the residual last."""
  found = []
  for _ in range(levels):
    rows, columns = (wavelets.low_side(side) for side in flat.shape[:2])
    found.append(
      (flat[rows:, columns:], flat[:rows, columns:], flat[rows:, :columns])
    )
    flat = flat[:rows, :columns]
  return [*found, flat]


def test_cdf_bands_agree_with_the_golden_pyramid(shared):
  scipy_io = pytest.importorskip("scipy.io")
  golden = scipy_io.loadmat(
    shared / "data/weights/robust_loss/wavelet_golden.mat"
  )
  image = np.moveaxis(golden["I_color"], 0, -1)  # [83, 71, 3]
  *expected, residual = golden["pyr_color"][0]
  flat = wavelets.analyze(tf.constant(image[None]), "CDF9/7", len(expected))
  *found, low = bands(flat[0].numpy(), len(expected))
  # Made with these very filters in double precision.
  compare = lambda a, b: np.testing.assert_allclose(
    a, np.moveaxis(b, 0, -1), rtol=0, atol=1e-10 * np.abs(b).max()
  )
  for level, golden_level in zip(found, expected, strict=True):
    for band, golden_band in zip(level, golden_level[0], strict=True):
      compare(band, golden_band)
  compare(low, residual)


@pytest.mark.parametrize("wavelet", wavelets.NAMES)
def test_flat_pictures_have_no_detail_and_volumes_are_kept(wavelet):
  flat = wavelets.analyze(tf.ones((1, 37, 52, 2), tf.float64), wavelet, 3)
  *levels, low = bands(flat[0].numpy(), 3)
  # The filters are printed with 12 digits.
  np.testing.assert_allclose(low, 8, atol=1e-9)
  for band in [b for level in levels for b in level]:
    np.testing.assert_allclose(band, 0, atol=1e-9)
  basis = tf.reshape(tf.eye(256, dtype=tf.float64), [256, 16, 16, 1])
  matrix = tf.reshape(wavelets.analyze(basis, wavelet, 4), [256, 256])
  sign, log = np.linalg.slogdet(matrix)
  assert sign == 1 and abs(log) < 1e-8


@pytest.mark.parametrize("wavelet", wavelets.NAMES)
def test_a_detail_of_scale_base_is_larger_by_its_power(wavelet):
  image = tf.constant(np.random.default_rng(0).random((1, 20, 24, 1)))
  plain = bands(wavelets.analyze(image, wavelet, 3)[0], 3)
  scaled = bands(wavelets.analyze(image, wavelet, 3, scale_base=2.0)[0], 3)
  for level in range(3):
    for p, s in zip(plain[level], scaled[level], strict=True):
      np.testing.assert_allclose(s, 2.0**level * p)
  np.testing.assert_allclose(scaled[3], 8 * plain[3])


def test_pictures_of_one_and_two_pixels_have_levels():
  assert [wavelets.max_levels(s, 99) for s in (1, 2, 3, 4, 5, 64, 65)] == [
    *(0, 1, 2, 2, 3, 6, 7)
  ]
  for side in (2, 3, 5):
    image = tf.random.uniform((1, side, side, 1))
    levels = wavelets.max_levels(side, side)
    found = wavelets.analyze(image, "CDF9/7", levels)
    assert found.shape == image.shape
    assert np.isfinite(found).all()


def test_coefficients_are_laid_where_they_belong_and_keep_their_mean():
  side, levels = 32, 3
  coefficients = np.random.default_rng(1).random((1, side, side))
  spread = wavelets.spread(tf.constant(coefficients), levels)
  np.testing.assert_allclose(np.mean(spread), coefficients.mean())
  pixel = np.zeros((1, side, side, 1))
  pixel[0, 20, 9] = 1
  energy = wavelets.analyze(tf.constant(pixel), "CDF9/7", levels)[..., 0] ** 2
  found = wavelets.spread(energy, levels)[0].numpy()
  center = [
    (found.sum(axis=axis) * np.arange(side)).sum() / found.sum()
    for axis in (1, 0)
  ]
  # Blocks of up to 8 pixels blur it.
  np.testing.assert_allclose(center, [20, 9], atol=2)


def test_odd_sides_are_covered_and_cropped():
  ones = tf.ones((2, 13, 7))
  found = wavelets.spread(ones, 2)
  assert found.shape == (2, 13, 7)
  assert np.min(found[:, :12, :4]) > 0

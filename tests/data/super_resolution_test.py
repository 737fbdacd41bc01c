"""Pairs for super-resolution are made as the published tables have it."""

import numpy as np
import pytest

from tfpercept.data import degradations, super_resolution


def test_luma_is_a_multiple_of_one_255th():
  picture = np.random.randint(0, 256, (9, 8, 3), np.uint8)
  luma = degradations.luma(picture) * 255
  np.testing.assert_allclose(luma, np.round(luma), atol=1e-4)
  assert luma.min() >= 16 and luma.max() <= 235


def test_a_gray_picture_counts_as_luma():
  picture = np.random.randint(0, 256, (9, 8, 1), np.uint8)
  np.testing.assert_allclose(
    degradations.luma(picture) * 255, picture, atol=1e-4
  )


def test_sides_are_cut_to_multiples_and_constants_survive():
  x, y = degradations.bicubic_pair(np.full((19, 22, 1), 0.6, np.float32), 4)
  assert x.shape == y.shape == (16, 20, 1)
  np.testing.assert_allclose(x, 153 / 255, atol=1e-6)


def test_each_picture_is_used_at_each_size():
  picture = np.random.randint(0, 256, (100, 80, 3), np.uint8)
  pairs = super_resolution.luma_pairs([picture], scale=2, rescale=(1, 0.5, 0.1))
  assert [y.shape for _, y in pairs] == [(100, 80, 1), (50, 40, 1)]


@pytest.mark.parametrize(
  ("options", "message"),
  [
    ({"scale": 1}, "scale of 2 or more; got 1"),
    ({"scale": 2, "rescale": (0.0,)}, r"factors in \(0, 1\]"),
    ({"scale": 2, "rescale": (1.5,)}, r"factors in \(0, 1\]"),
  ],
)
def test_wrong_settings_are_refused(options, message):
  with pytest.raises(ValueError, match=message):
    super_resolution.luma_pairs([], **options)


def test_a_picture_smaller_than_the_scale_is_refused():
  with pytest.raises(ValueError, match="too small to be reduced 4 times"):
    degradations.bicubic_pair(np.zeros((3, 9, 1), np.float32), 4)

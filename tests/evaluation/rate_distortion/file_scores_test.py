"""Scores in NumPy are those of the distances."""

import math

import numpy as np
import pytest

from tfpercept import distances
from tfpercept.evaluation.rate_distortion import file_scores, measure


def pair(height, width, photograph, *, channels=3):
  picture = photograph(height, width)[..., :channels]
  noise = np.random.default_rng(0).normal(0, 9, picture.shape)
  return picture, (picture + noise).clip(0, 255).astype(np.uint8)


@pytest.mark.parametrize(
  ("size", "channels"), [((161, 175), 3), ((333, 170), 3), ((170, 162), 1)]
)
def test_they_are_those_of_the_distances(photograph, size, channels):
  picture, image = pair(*size, photograph, channels=channels)
  metrics = [distances.get(spec) for spec in ("psnr", "ms_ssim")]
  wanted = measure.compare(metrics, picture, image)
  # Both sum float32 in another order.
  found = file_scores.psnr(picture, image)
  assert found == pytest.approx(wanted["psnr"].score, abs=1e-4)
  found = file_scores.ms_ssim(picture, image)
  assert found == pytest.approx(wanted["ms_ssim"].score, abs=1e-6)
  assert 0.5 < found < 0.999


def test_strips_change_nothing(photograph, monkeypatch):
  picture, image = pair(170, 165, photograph)
  scores = [f(picture, image) for f in (file_scores.psnr, file_scores.ms_ssim)]
  monkeypatch.setattr(file_scores, "_ROWS", 16)
  again = [f(picture, image) for f in (file_scores.psnr, file_scores.ms_ssim)]
  assert again == pytest.approx(scores, rel=1e-6)  # sums in another order


def test_equal_pictures_and_a_grey_one_that_has_three_channels(photograph):
  picture, image = pair(161, 161, photograph, channels=1)
  assert file_scores.psnr(picture, picture) == math.inf
  assert file_scores.ms_ssim(picture, picture) == 1
  three = np.repeat(image, 3, axis=-1)
  assert file_scores.psnr(picture, three) == file_scores.psnr(picture, image)
  assert file_scores.ms_ssim(picture, three) == pytest.approx(
    file_scores.ms_ssim(picture, image), rel=1e-6
  )


def test_a_small_picture_has_no_ms_ssim(photograph):
  picture, image = pair(160, 300, photograph)
  assert file_scores.ms_ssim(picture, image) is None
  assert file_scores.psnr(picture, image) > 20

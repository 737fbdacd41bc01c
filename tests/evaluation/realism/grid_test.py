"""Grids are found where they are drawn, and nowhere else."""

import numpy as np
import pytest

from tfpercept.evaluation.realism import grid


def sky(seed=0, noise=1.0, side=192):
  """Returns a smooth picture with noise, uint8 `[side, side, 3]`."""
  random = np.random.default_rng(seed)
  y, x = np.mgrid[:side, :side] / side
  shade = 120 + 40 * y + 10 * np.sin(3 * x + y)
  picture = shade[..., None] + random.normal(scale=noise, size=(side, side, 1))
  return rounded(picture + np.zeros(3))


def rounded(picture):
  return np.clip(np.rint(picture), 0, 255).astype(np.uint8)


def waves(period, amplitude, side=192):
  y, x = np.mgrid[:side, :side]
  angles = 2 * np.pi * np.stack([x, y, x + y]) / period
  return amplitude * np.cos(angles)[..., None]


@pytest.mark.parametrize("period", grid.PERIODS)
@pytest.mark.parametrize("kind", ["columns", "rows", "diagonals"])
def test_a_drawn_grid_is_found_with_its_period_and_amplitude(period, kind):
  wave = waves(period, 2.0)[["columns", "rows", "diagonals"].index(kind)]
  found = grid.test([sky()], [rounded(sky() + wave)])
  assert found.is_found
  assert found.period == period
  # Rounding of a wave of few levels adds to its amplitude or takes away.
  assert found.amplitude == pytest.approx(2.0, rel=0.2)
  assert found.patches == 25
  assert str(found).startswith("grid: ")


@pytest.mark.parametrize(
  "decoded",
  [
    sky(),
    sky(seed=1),
    sky(noise=0.0),
    sky(seed=1, noise=4.0),
    rounded(sky(noise=0.0) + 5.0),
  ],
)
def test_clean_pictures_have_no_grid(decoded):
  found = grid.test([sky()], [decoded])
  assert found.is_judged
  assert not found.is_found
  assert str(found).startswith("no grid: ")


def test_a_grid_of_the_original_is_not_the_decoders():
  wave = waves(4, 2.0)[0]
  original, decoded = (rounded(sky(seed) + wave) for seed in (0, 1))
  assert not grid.test([original], [decoded]).is_found
  assert grid.test([sky()], [decoded]).is_found


def test_a_grid_below_the_eye_is_none():
  for amplitude, is_found in ((0.0, False), (0.15, False), (1.0, True)):
    decoded = rounded(sky(seed=1, noise=0.7) + waves(4, amplitude)[0])
    assert grid.test([sky(noise=0.7)], [decoded]).is_found == is_found


def test_blocks_of_repeated_pixels_are_a_grid_of_their_period():
  original = sky(noise=3.0)
  blocks = np.kron(original[::8, ::8], np.ones((8, 8, 1)))
  found = grid.test([original], [rounded(blocks)])
  assert found.decibels > grid.DECIBELS


def test_without_flat_patches_nothing_is_judged():
  busy = np.random.default_rng(0).integers(0, 256, (128, 128, 3), np.uint8)
  found = grid.test([busy], [busy])
  assert not found.is_judged
  assert not found.is_found
  assert str(found) == "not judged: 0 flat patches, 8 needed"


def test_gray_pictures_are_their_own_luma():
  gray = sky()[..., :1]
  decoded = rounded(gray + waves(8, 2.0)[0])
  assert grid.test([gray], [decoded]).period == 8


def test_pictures_that_do_not_pair_up_are_refused():
  with pytest.raises(ValueError, match="each original and the same picture"):
    grid.test([sky()], [sky()[1:]])

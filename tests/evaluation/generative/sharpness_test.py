"""Sharpness counts edges, and its other forms leave out what is none."""

import numpy as np
import pytest

from tfpercept.evaluation.generative import sharpness


def test_gradient_energy_of_a_ramp_is_the_square_of_its_slopes():
  rows, columns = np.mgrid[:6, :5].astype(np.float32)
  ramp = (0.1 * rows + 0.02 * columns)[None, ..., None]
  found = sharpness.gradient_energy(np.repeat(ramp, 2, axis=-1))
  # The ramp is float32.
  np.testing.assert_allclose(found, [0.1**2 + 0.02**2], rtol=1e-5)


def test_sharpness_is_1_of_the_data_and_falls_by_a_blur(photograph):
  data = np.stack([photograph(24, 24, seed) for seed in range(8)]) / 255
  blurred = (data[:, 1:, 1:] + data[:, :-1, :-1]) / 2
  same = sharpness.sharpness(data, data)
  assert same.value == 1.0
  assert same.low < 1 < same.high
  assert sharpness.sharpness(blurred, data).value < 0.7
  # Half the contrast is a quarter of the energy.
  half = sharpness.sharpness(0.5 * data, data)
  assert half.value == pytest.approx(0.25)


@pytest.mark.parametrize("shape", [(3, 8, 8), (3, 1, 8, 1)])
def test_what_has_no_gradient_is_refused(shape):
  with pytest.raises(ValueError, match="at least 2x2"):
    sharpness.gradient_energy(np.zeros(shape))


def test_flat_data_are_refused():
  with pytest.raises(ValueError, match="flat"):
    sharpness.sharpness(np.ones((2, 4, 4, 1)), np.ones((2, 4, 4, 1)))


@pytest.fixture
def data(photograph):
  pictures = [photograph(32, 32, seed) for seed in range(8)]
  return (np.stack(pictures) / 255).astype(np.float32)


def test_junk_in_the_border_is_sharp_with_the_border_only(data):
  junk = data.copy()
  junk[:, : sharpness.BORDER] = np.indices((32, 3)).sum(axis=0) % 2
  assert sharpness.sharpness(junk, data).value > 1.5
  inner = [sharpness.inside(images) for images in (junk, data)]
  assert sharpness.sharpness(*inner).value == 1.0
  # A plain picture has there what is its share of the area, about.
  area = 1 - (20 / 32) ** 2
  assert sharpness.border_share(data).value == pytest.approx(area, abs=0.2)
  assert sharpness.border_share(junk).value > 0.8


def test_contrast_is_no_sharpness_per_contrast(data):
  half = 0.5 * data + 0.25
  assert sharpness.sharpness(half, data).value == pytest.approx(0.25, rel=1e-4)
  found = sharpness.per_contrast(half, data)
  assert found.value == pytest.approx(1.0, rel=1e-4)  # the data are float32
  assert found.low < 1 < found.high
  blurred = (data[:, 1:, 1:] + data[:, :-1, :-1]) / 2
  assert sharpness.per_contrast(blurred, data).value < 0.8


def test_haze_is_the_share_of_faint_pixels():
  images = np.zeros((2, 4, 4, 1))
  images[0, 0] = [[0.02], [0.03], [0.25], [0.26]]
  images[1] = 0.1
  found = sharpness.haze(images)
  assert found.value == pytest.approx((2 / 16 + 1) / 2)
  assert sharpness.haze(np.ones((2, 4, 4, 1))).value == 0.0


def test_pictures_without_an_inside_are_refused():
  assert sharpness.has_inside(14)
  assert not sharpness.has_inside(13)
  with pytest.raises(ValueError, match="at least 14 pixels on a side; got 13"):
    sharpness.border_share(np.ones((2, 13, 20, 1)))


def test_flat_pictures_have_no_share_and_no_contrast():
  flat = np.ones((2, 16, 16, 1))
  for measure in (
    lambda: sharpness.border_share(flat),
    lambda: sharpness.per_contrast(flat, flat),
  ):
    with pytest.raises(ValueError, match="flat"):
      measure()

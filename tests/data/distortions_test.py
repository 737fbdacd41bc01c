"""Distortions do what their amounts say, each image on its own."""

import itertools

import numpy as np
import pytest
import tensorflow as tf

from tfpercept.data import distortions

SEED = np.int32([3, 4])


def smooth(height=33, width=41):
  """Waves longer than 8 pixels, so that bilinear samples are nearly exact."""
  y, x = np.mgrid[:height, :width].astype(np.float32)
  one = 0.5 + 0.2 * np.sin(0.3 * x + 0.1 * y) + 0.2 * np.cos(0.25 * y)
  return np.stack([one, 1 - one, one**2], axis=-1)[None].astype(np.float32)


def test_content_moves_down_and_right_by_whole_pixels_exactly():
  image = smooth()
  moved = distortions.warp(image, shift=(3.0, 5.0)).numpy()
  # Coordinates of some 30 pixels in float32: 4e-6 of a pixel.
  np.testing.assert_allclose(moved[:, 3:, 5:], image[:, :-3, :-5], atol=1e-5)


def test_a_shift_by_a_fraction_interpolates():
  image = smooth()
  moved = distortions.warp(image, shift=(0.0, 0.25)).numpy()
  expected = 0.75 * image[:, :, 1:] + 0.25 * image[:, :, :-1]
  np.testing.assert_allclose(moved[:, :, 1:], expected, atol=1e-5)


def test_a_right_angle_turns_counter_clockwise_about_the_center():
  image = smooth(33, 33)
  turned = distortions.warp(image, angle=np.pi / 2)
  np.testing.assert_allclose(turned, np.rot90(image, axes=(1, 2)), atol=1e-5)


def test_zoom_enlarges_about_the_center():
  image = smooth(33, 33)
  zoomed = distortions.warp(image, zoom=2.0).numpy()
  np.testing.assert_allclose(
    zoomed[:, ::2, ::2], image[:, 8:25, 8:25], atol=1e-5
  )


def test_turn_zoom_and_shift_apply_in_this_order():
  image = smooth(33, 33)
  at_once = distortions.warp(image, shift=(2.0, 1.0), angle=np.pi / 2, zoom=2.0)
  steps = distortions.warp(image, angle=np.pi / 2)
  steps = distortions.warp(steps, zoom=2.0)
  steps = distortions.warp(steps, shift=(2.0, 1.0))
  np.testing.assert_allclose(at_once[:, 2:, 1:], steps[:, 2:, 1:], atol=2e-5)


def test_the_picture_is_mirrored_where_nothing_is_known():
  image = smooth()
  moved = distortions.warp(image, shift=(0.0, 4.0)).numpy()
  np.testing.assert_allclose(moved[:, :, :4], image[:, :, 3::-1], atol=1e-5)


def test_each_image_has_its_own_amount():
  image = np.repeat(smooth(), 2, axis=0)
  amounts = np.float32([0.0, 3.0])
  moved = distortions.warp(image, shift=(0.0, amounts))
  np.testing.assert_allclose(moved[0], image[0], atol=1e-5)
  np.testing.assert_allclose(moved[1, :, 3:], image[1, :, :-3], atol=1e-5)
  lit = distortions.gain(image, np.float32([1.0, 0.5]))
  np.testing.assert_allclose(lit[1], image[1] / 2)


def test_photometric_changes_follow_their_formulas():
  image = smooth()
  mean = image.mean(axis=(1, 2), keepdims=True)
  # Rounding of float32 means and powers.
  for found, expected in [
    (distortions.gain(image, 1.2), image * 1.2),
    (distortions.brightness(image, -0.05), image - 0.05),
    (distortions.contrast(image, 0.5), (image + mean) / 2),
    (distortions.gamma(image, 2.0), image**2),
  ]:
    np.testing.assert_allclose(found, expected.clip(0, 1), atol=1e-6)


def test_noise_has_its_standard_deviation_and_follows_its_seed():
  gray = np.full((1, 200, 200, 3), 0.5, np.float32)
  noisy = distortions.noise(gray, 0.05, SEED).numpy()
  # The standard error of a deviation from 120000 samples is 0.2 %.
  assert abs(noisy.std() / 0.05 - 1) < 0.01
  np.testing.assert_array_equal(noisy, distortions.noise(gray, 0.05, SEED))
  assert not np.array_equal(noisy, distortions.noise(gray, 0.05, SEED + 1))


def test_blur_spreads_a_point_by_sigma_and_keeps_flat_images():
  point = np.zeros((1, 41, 41, 1), np.float32)
  point[0, 20, 20] = 1
  spread = distortions.blur(point, 2.0).numpy()[0, :, :, 0]
  variance = (spread.sum(axis=0) * (np.arange(41) - 20.0) ** 2).sum()
  # The tails beyond 4 sigma hold a thousandth of the variance.
  np.testing.assert_allclose([spread.sum(), variance], [1, 4], rtol=2e-3)
  np.testing.assert_array_equal(distortions.blur(point, 0.0), point)
  flat = np.full((1, 5, 5, 3), 0.3, np.float32)
  np.testing.assert_allclose(distortions.blur(flat, 3.0), flat, atol=1e-6)
  with pytest.raises(ValueError, match="0 or more pixels; got -1"):
    distortions.blur(flat, -1.0)


@pytest.mark.parametrize("channels", [1, 3])
def test_jpeg_has_a_quality_for_each_image(channels):
  image = np.repeat(smooth(64, 64)[..., :channels], 2, axis=0)
  coded = distortions.jpeg(image, [95, 5]).numpy()
  error = np.abs(coded - image).mean(axis=(1, 2, 3))
  assert 0 < error[0] < 0.5 * error[1]
  np.testing.assert_array_equal(coded[:1], distortions.jpeg(image[:1], 95))


def test_jpeg_and_blur_run_in_a_graph_of_unknown_sizes():
  spec = tf.TensorSpec([None, None, None, 3])
  graph = tf.function(
    lambda x: distortions.jpeg(distortions.blur(x, 1.0), 50),
    input_signature=[spec],
  )
  image = smooth()
  expected = distortions.jpeg(distortions.blur(image, 1.0), 50)
  # A graph divides by 255 as a product: the last bit.
  np.testing.assert_allclose(graph(image), expected, atol=1e-7)


def test_random_changes_follow_the_seed_differ_by_image_and_keep_their_limits():
  image = np.repeat(smooth(), 40, axis=0)
  change = distortions.random_geometry
  one = change(image, SEED).numpy()
  np.testing.assert_array_equal(one, change(image, SEED))
  assert not np.array_equal(one, change(image, SEED + 1))
  assert len(np.unique(one.sum(axis=(1, 2, 3)))) == 40
  still = distortions.random_geometry(image, SEED, shift=0, angle=0, zoom=1)
  np.testing.assert_allclose(still, image, atol=1e-5)


@pytest.mark.parametrize("name", distortions.LADDERS)
def test_every_rung_of_a_ladder_is_farther_away(name):
  ladder = distortions.LADDERS[name]
  image = smooth(64, 64)
  rungs = [ladder.apply(image, level, SEED) for level in ladder.levels]
  assert all(r.shape == image.shape for r in rungs)
  assert all(np.min(r) >= 0 and np.max(r) <= 1 for r in rungs)
  errors = [float(np.mean((r - image) ** 2)) for r in rungs]
  assert all(a < b for a, b in itertools.pairwise([0.0, *errors])), errors


def test_the_ladders_are_those_of_the_distortion_page():
  assert [*distortions.LADDERS] == [
    "noise",
    "blur",
    "jpeg",
    "shift",
    "contrast",
  ]

"""Color conversion has the published constants and inverts."""

import numpy as np
import pytest
import tensorflow as tf

from tfpercept.ops import color


@pytest.mark.parametrize(
  ("rgb", "ycbcr"),
  [
    ((0, 0, 0), (16, 128, 128)),
    ((1, 1, 1), (235, 128, 128)),
    ((1, 0, 0), (81.481, 90.203, 240)),
    ((0, 0, 1), (40.966, 240, 109.786)),
  ],
)
def test_known_colors_have_their_studio_codes(rgb, ycbcr):
  got = color.rgb_to_ycbcr(tf.constant([rgb], tf.float64)) * 255
  # The constants are given to three decimals.
  np.testing.assert_allclose(got[0], ycbcr, atol=1e-3)
  luma = color.rgb_to_luma(tf.constant([rgb], tf.float64)) * 255
  np.testing.assert_allclose(luma, [ycbcr[:1]], atol=1e-3)


def test_converting_there_and_back_changes_nothing():
  rgb = tf.random.uniform((4, 5, 6, 3))
  back = color.ycbcr_to_rgb(color.rgb_to_ycbcr(rgb))
  np.testing.assert_allclose(back, rgb, atol=1e-6)  # a few float32 roundings


def test_gray_has_the_luma_of_equal_red_green_and_blue():
  gray = tf.random.uniform((2, 3, 3, 1))
  np.testing.assert_allclose(
    color.rgb_to_luma(gray),
    color.rgb_to_luma(tf.repeat(gray, 3, axis=-1)),
    atol=1e-6,
  )


def test_rounding_clips_and_takes_halves_up():
  values = tf.constant([-0.2, 0.5 / 255, 1.4 / 255, 1.2], tf.float64)
  np.testing.assert_allclose(
    color.round_to_8_bit(values), [0, 1 / 255, 1 / 255, 1], atol=1e-15
  )

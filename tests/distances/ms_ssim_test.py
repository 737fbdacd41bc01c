"""Options of MS-SSIM beyond what the goldens cover."""

import numpy as np
import pytest
import tensorflow as tf

from tfpercept import distances
from tfpercept.distances import ms_ssim


def pair(size, noise=0.2):
  reference = tf.random.uniform((2, *size, 3))
  return reference, reference + tf.random.normal(reference.shape, stddev=noise)


def test_fewer_scales_keep_the_first_weights_and_their_sum():
  images = pair((48, 48))
  kept = np.array(ms_ssim.WEIGHTS[:3])
  weights = tuple(float(w) for w in kept * sum(ms_ssim.WEIGHTS) / kept.sum())
  np.testing.assert_allclose(
    distances.get("ms_ssim(scales=3)")(*images),
    distances.get(f"ms_ssim(weights={weights})")(*images),
    rtol=1e-6,
  )


@pytest.mark.parametrize(
  ("side", "scales"), [(21, 2), (40, 2), (41, 3), (81, 4), (161, 5), (200, 5)]
)
def test_as_many_scales_as_fit_are_used_on_request(side, scales):
  images = pair((side, 200))
  fewer = distances.get('ms_ssim(on_small="fewer_levels")')
  stated = distances.get(f"ms_ssim(scales={scales})")
  np.testing.assert_allclose(fewer(*images), stated(*images), rtol=1e-6)


def test_the_smallest_side_for_each_number_of_scales_is_the_documented_one():
  sides = [distances.get(f"ms_ssim(scales={s})").min_size for s in (2, 3, 4, 5)]
  assert sides == [21, 41, 81, 161]


def test_a_window_may_shrink_to_fit_the_coarsest_scale():
  images = pair((64, 80))  # 4 pixels at the coarsest of five scales
  shrunk = distances.get('ms_ssim(on_small="shrink_window")')
  stated = distances.get(f"ms_ssim(window=3, sigma={1.5 * 3 / 11})")
  np.testing.assert_allclose(shrunk(*images), stated(*images), rtol=1e-6)
  assert shrunk.min_size == 33


@pytest.mark.parametrize("traced", [False, True])
def test_a_shifted_clamp_still_pulls_where_images_are_opposite(traced):
  reference = tf.random.uniform((1, 48, 48, 1))

  def slope(spec):
    distance = distances.get(spec)

    def gradient(image):
      with tf.GradientTape() as tape:
        tape.watch(image)
        value = distance(reference, image)
      return tape.gradient(value, image)

    return (tf.function(gradient) if traced else gradient)(1 - reference)

  assert not np.any(slope("ms_ssim(scales=2)"))
  pull = slope('ms_ssim(scales=2, clamp="shifted")')
  assert np.isfinite(pull).all()
  assert np.any(pull)


def test_an_image_too_small_is_told_how_many_scales_fit():
  with pytest.raises(
    ValueError, match=r"161x161 for 5 scales; got 64x80\. Use"
  ):
    distances.get("ms_ssim")(*pair((64, 80)))
  with pytest.raises(ValueError, match=r"Use ms_ssim\(scales=3\), or larger"):
    distances.get("ms_ssim")(*pair((64, 80)))
  with pytest.raises(ValueError, match=r"got 5x80\. Use larger crops"):
    distances.get("ms_ssim")(*pair((5, 80)))


@pytest.mark.parametrize(
  ("options", "message"),
  [
    ("scales=6", "1 to 5 scales; got scales=6"),
    ("scales=0", "1 to 5 scales"),
    ("scales='3'", "1 to 5 scales; got scales='3'"),
    ("scales=2.0", "1 to 5 scales"),
    ("scales=True", "1 to 5 scales"),
    ("weights=0.5", "at least one weight.*got weights=0.5"),
    ("weights='ab'", "at least one weight"),
    ("weights=(1, 'a')", "at least one weight"),
    ("weights=(1j,)", "at least one weight"),
    ("weights={1: 2}", "at least one weight"),
    ("weights=()", "at least one weight"),
    ("weights=(0.5, -0.5)", "none of them negative"),
    ("weights=(0.0, 0.5)", "the first positive"),
    ("window=2", "odd window"),
    ('clamp="abs"', "clamp from 'relu', 'shifted'"),
    ('on_small="pad"', "on_small from"),
  ],
)
def test_options_out_of_range_are_refused(options, message):
  with pytest.raises(ValueError, match=message):
    distances.get(f"ms_ssim({options})")


def test_more_scales_than_five_take_as_many_weights():
  images = pair((24, 30))
  weights = (0.2,) * 7
  distance = distances.get(
    f"ms_ssim(weights={weights}, on_small='fewer_levels')"
  )
  assert np.isfinite(distance(*images)).all()

"""Options of MS-SSIM beyond what the goldens cover."""

import numpy as np
import pytest
import tensorflow as tf

from tfpercept import distances
from tfpercept.distances import ms_ssim
from tfpercept.ops import filters


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
    ('border="zero"', "border from 'valid', 'mirror'; got border='zero'"),
    ("per_pixel=True", "with border=\"mirror\"; got border='valid'"),
    ("per_pixel=1.5", "per_pixel from"),
  ],
)
def test_options_out_of_range_are_refused(options, message):
  with pytest.raises(ValueError, match=message):
    distances.get(f"ms_ssim({options})")


def maps_of_scales(images, scales):
  """Maps of cs, at the last scale of l * cs, by their textbook formulas."""
  taps = np.array(filters.gaussian(11, 1.5))
  window = np.outer(taps, taps)
  found = []
  for scale in range(scales):
    x, y = (
      np.pad(i, [(0, 0), (5, 5), (5, 5), (0, 0)], "symmetric") for i in images
    )

    def mean(x):
      patches = np.lib.stride_tricks.sliding_window_view(x, (11, 11), (1, 2))
      return np.einsum("nhwcij,ij->nhwc", patches, window)

    mx, my = mean(x), mean(y)
    vx, vy = mean(x * x) - mx**2, mean(y * y) - my**2
    term = (2 * (mean(x * y) - mx * my) + 0.03**2) / (vx + vy + 0.03**2)
    if scale == scales - 1:
      term *= (2 * mx * my + 0.01**2) / (mx**2 + my**2 + 0.01**2)
    found.append(term)
    images = [tf.nn.avg_pool2d(i, 2, 2, "SAME").numpy() for i in images]
  return found


@pytest.mark.parametrize("traced", [False, True])
@pytest.mark.parametrize("size", [(21, 30), (9, 8)])
def test_mirrored_scales_have_the_textbook_terms(size, traced):
  images = [x.numpy().astype(np.float64) for x in pair(size, noise=0.1)]
  weights = (0.3, 0.3, 0.4)
  spec = f'ms_ssim(weights={weights}, border="mirror")'
  distance = distances.get(spec, dtype="float64")
  measure = tf.function(distance.__call__) if traced else distance
  means = [m.mean(axis=(1, 2)) for m in maps_of_scales(images, 3)]
  product = np.prod([m**w for m, w in zip(means, weights, strict=True)], axis=0)
  expected = 1 - product.mean(axis=-1)
  np.testing.assert_allclose(measure(*images), expected, rtol=1e-8)


@pytest.mark.parametrize("traced", [False, True])
@pytest.mark.parametrize("size", [(21, 30), (9, 8)])
def test_a_product_at_each_pixel_is_taken_before_the_mean(size, traced):
  images = [x.numpy().astype(np.float64) for x in pair(size, noise=0.05)]
  weights = (0.3, 0.3, 0.4)
  spec = f'ms_ssim(weights={weights}, border="mirror", per_pixel=True)'
  distance = distances.get(spec, dtype="float64")
  measure = tf.function(distance.__call__) if traced else distance
  product = 1.0
  for scale, (term, weight) in enumerate(
    zip(maps_of_scales(images, 3), weights, strict=True)
  ):
    block = np.ones((1, 2**scale, 2**scale, 1))
    each = np.kron(term, block)[:, : size[0], : size[1]]
    product = product * np.maximum(each, 1e-6) ** weight
  expected = 1 - product.mean(axis=-1)
  np.testing.assert_allclose(
    measure(*images), expected.mean(axis=(1, 2)), rtol=1e-8
  )
  np.testing.assert_allclose(distance.map(*images), expected, atol=1e-8)


def test_one_scale_at_each_pixel_is_ssim():
  images = pair((12, 15))
  spec = 'ms_ssim(weights=(1.0,), border="mirror", per_pixel=True{})'
  expected = distances.get('ssim(border="mirror")')(*images)
  found = distances.get(spec.format(', clamp="shifted"'))(*images)
  # A shifted term is half as far from 1, and is never clamped.
  np.testing.assert_allclose(2 * found, expected, rtol=1e-5)


def test_as_many_mirrored_scales_are_used_as_have_a_pixel():
  images = pair((9, 20))
  fewer = distances.get('ms_ssim(on_small="fewer_levels", border="mirror")')
  stated = distances.get('ms_ssim(scales=4, border="mirror")')
  np.testing.assert_allclose(fewer(*images), stated(*images), rtol=1e-6)
  assert (fewer.min_size, stated.min_size) == (1, 8)
  with pytest.raises(ValueError, match=r"Use ms_ssim\(scales=4\), or larger"):
    distances.get('ms_ssim(border="mirror")')(*images)


def test_more_scales_than_five_take_as_many_weights():
  images = pair((24, 30))
  weights = (0.2,) * 7
  distance = distances.get(
    f"ms_ssim(weights={weights}, on_small='fewer_levels')"
  )
  assert np.isfinite(distance(*images)).all()

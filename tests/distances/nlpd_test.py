"""NLPD against the authors' program, and where that one fails."""

import numpy as np
import pytest
import tensorflow as tf

from tests.golden import cases
from tfpercept import distances

CASES = cases.read("nlpd")
OPTIONS = {"num_levels": "levels", "cdm_min": "cd_min", "cdm_max": "cd_max"}


def distance_of(case, **kwargs):
  options = {OPTIONS[k]: v for k, v in case.settings.items() if k in OPTIONS}
  fast = case.name.startswith("nlpd_fast/")
  return distances.NLPD(fast=fast, **options, **kwargs)


def pair(side, *, noise=0.1, count=2):
  reference = np.random.uniform(0.1, 0.9, (count, side, side + 3, 3))
  image = reference + np.random.normal(0, noise, reference.shape)
  return [np.float32(np.clip(x, 0, 1)) for x in (reference, image)]


def value_and_gradient(distance, reference, image, *, traced=False):
  def compute(reference, image):
    with tf.GradientTape() as tape:
      tape.watch(image)
      value = distance(reference, image)
    return value, tape.gradient(value, image)

  compute = tf.function(compute) if traced else compute
  images = (tf.constant(x, distance.compute_dtype) for x in (reference, image))
  return [x.numpy() for x in compute(*images)]


# What traced functions do takes seconds to compile: one case of each kind, in
# float32. Conformance compares it with what is not traced in float64.
TRACED = ("nlpd/rgb_odd", "nlpd/p64_l3", "nlpd_fast/p64_l4")


# Float32 bounds are those of tests/golden/README.md. In float64 values agree to
# rounding, and gradients are stored in float32.
@pytest.mark.parametrize(
  ("dtype", "value_bound", "gradient_bound", "case", "traced"),
  [
    *(("float32", 2e-5, 1e-4, case, False) for case in CASES),
    *(("float32", 2e-5, 1e-4, c, True) for c in CASES if c.name in TRACED),
    *(("float64", 1e-9, 1e-6, case, False) for case in CASES),
  ],
  ids=lambda value: getattr(value, "name", None),
)
def test_values_and_gradients_are_the_authors(
  dtype, value_bound, gradient_bound, case, traced
):
  value, gradient = value_and_gradient(
    distance_of(case, dtype=dtype), case.reference, case.image, traced=traced
  )
  # Theirs is a value for each channel, and the slope of their sum, of images in
  # [0, 255].
  np.testing.assert_allclose(
    value, case.arrays["value"].mean(-1), rtol=value_bound, atol=1e-12
  )
  assert np.isfinite(gradient).all()
  if "grad_pred" in case.arrays:
    expected = case.arrays["grad_pred"] * 255 / 3
    gap = np.linalg.norm(gradient - expected) / np.linalg.norm(expected)
    if case.name == "nlpd_fast/p64_l4":
      # One sample of a band is 0 there, where magnitudes have no slope: the
      # sign is that of the authors' rounding.
      gradient_bound = 1e-3
    assert gap < gradient_bound


def test_every_case_is_looked_at():
  assert len(CASES) == 7
  assert set(TRACED) < {case.name for case in CASES}
  assert sum("grad_pred" in case.arrays for case in CASES) == 3


def test_normalized_bands_are_the_authors():
  with np.load(cases.FOLDER / "nlpd.npz") as stored:
    expected = [stored[f"subbands/s{k}"] for k in range(4)]
  with np.load(cases.FOLDER / "images.npz") as stored:
    image = stored["ex64_ref"][None, :48, :40] / 255
  found = distances.NLPD(levels=4, dtype="float64").embed(image)
  for band, wanted in zip(found, expected, strict=True):
    np.testing.assert_allclose(band[0], wanted, atol=1e-6)  # stored in float32


# The authors' gradient is NaN where both images are equal.
@pytest.mark.parametrize(
  ("options", "traced"),
  [({}, False), ({"fast": True}, False), ({"levels": 2}, True)],
)
def test_equal_images_are_at_a_minimum(options, traced):
  ordinary = pair(65, count=1)[0]
  for image in (ordinary, np.zeros_like(ordinary), np.ones_like(ordinary)):
    value, gradient = value_and_gradient(
      distances.NLPD(**options), image, image, traced=traced
    )
    np.testing.assert_array_equal(value, 0)
    np.testing.assert_array_equal(gradient, 0)


@pytest.mark.parametrize("side", [9, 17, 27, 31, 33])
def test_equal_small_images_are_at_a_minimum_in_graphs(side):
  image = np.random.default_rng(side).random((2, side, side, 3), np.float32)
  distance = distances.NLPD(on_small="fewer_levels")
  value, gradient = value_and_gradient(distance, image, image, traced=True)
  np.testing.assert_array_equal(value, 0)
  np.testing.assert_array_equal(gradient, 0)


def test_flat_images_have_no_bands():
  *bands, _ = distances.NLPD().embed(tf.fill([1, 65, 70, 3], 0.3))
  for band in bands:
    np.testing.assert_array_equal(band, tf.zeros_like(band))


def test_values_below_black_count_as_black_and_have_no_slope():
  reference, image = pair(65)
  below = np.where(image < 0.5, -0.3, image)
  distance = distances.get("nlpd")
  value, gradient = value_and_gradient(distance, reference, below)
  np.testing.assert_array_equal(
    value, distance(reference, np.maximum(below, 0))
  )
  assert (gradient[below < 0] == 0).all()
  assert (gradient[below > 0] != 0).any()


def test_the_number_of_levels_follows_the_size_where_asked_to():
  adapts = distances.get('nlpd(on_small="fewer_levels")')
  for side, levels in ((65, 6), (64, 5), (33, 5), (32, 4), (5, 2), (4, 1)):
    images = pair(side)
    fixed = distances.NLPD(levels=levels)
    np.testing.assert_array_equal(adapts(*images), fixed(*images))
  assert distances.NLPD(levels=5).min_size == 33
  assert np.isfinite(adapts(*pair(1))).all()


def test_following_the_size_asks_for_sizes_known_when_traced():
  distance = distances.get('nlpd(on_small="fewer_levels")')
  spec = tf.TensorSpec([None, None, None, 3])
  traced = tf.function(distance.__call__, input_signature=[spec, spec])
  with pytest.raises(ValueError, match="must be known when a graph is traced"):
    traced.get_concrete_function()


def test_too_small_images_are_told_how_many_levels_fit():
  images = pair(64)
  with pytest.raises(ValueError, match=r"65x65 for 6 levels; got 64x67\. Use"):
    distances.get("nlpd")(*images)
  with pytest.raises(ValueError, match=r"Use nlpd\(levels=5\), or larger"):
    distances.get("nlpd")(*images)


@pytest.mark.parametrize(
  ("options", "message"),
  [
    ("levels=0", "levels >= 1; got levels=0"),
    ("levels=2.0", "levels >= 1"),
    ("cd_min=0", "cd_min > 0; got cd_min=0"),
    ("cd_max='a'", "cd_max > 0"),
    ("cd_min=200", "cd_min < cd_max; got cd_min=200, cd_max=180.0"),
    ("fast='yes'", "fast from True, False; got fast='yes'"),
    ('on_small="shrink_window"', "on_small from 'error', 'fewer_levels'"),
  ],
)
def test_options_out_of_range_are_refused(options, message):
  with pytest.raises(ValueError, match=message):
    distances.get(f"nlpd({options})")


def test_a_wider_display_shows_more_of_a_difference():
  images = pair(65)
  narrow, wide = (
    distances.NLPD(cd_max=cd_max)(*images) for cd_max in (20.0, 300.0)
  )
  assert (wide > narrow).numpy().all()

"""Color difference of images."""

import numpy as np
import pytest
import tensorflow as tf

from tests.golden import cases
from tfpercept import distances
from tfpercept.conformance import suite
from tfpercept.ops import lab


@pytest.mark.parametrize("formula", ["CIE76", "CIEDE2000"])
def test_the_value_is_scikit_images_mean_over_pixels(formula):
  color = pytest.importorskip(
    "skimage.color", reason="scikit-image is in the extra 'train'"
  )
  theirs = {"CIE76": color.deltaE_cie76, "CIEDE2000": color.deltaE_ciede2000}
  distance = distances.get(f'delta_e(formula="{formula}")')
  for case in cases.read("pixel"):
    maps = theirs[formula](
      color.rgb2lab(case.reference), color.rgb2lab(case.image)
    )
    value = distance(*(np.float32(x) for x in (case.reference, case.image)))
    # Its truncated constants move dark colors by 2e-4.
    np.testing.assert_allclose(value, maps.mean((1, 2)), rtol=1e-4, atol=1e-6)


def test_the_map_is_the_difference_of_each_pixel():
  reference, image = tf.random.uniform((2, 2, 7, 9, 3))
  distance = distances.get("delta_e")
  expected = lab.ciede2000(*map(lab.rgb_to_lab, (reference, image)))
  np.testing.assert_array_equal(distance.map(reference, image), expected)
  np.testing.assert_allclose(
    distance(reference, image), tf.reduce_mean(expected, [1, 2]), rtol=1e-6
  )


def test_black_and_white_are_a_hundred_apart():
  black, white = tf.zeros((1, 4, 4, 3)), tf.ones((1, 4, 4, 3))
  for spec in ("delta_e", 'delta_e(formula="CIE76")'):
    # White is 0.01 off the axis, as the matrix has six digits.
    np.testing.assert_allclose(
      distances.get(spec)(black, white), [100], atol=0.02
    )


def test_gray_images_are_colored_ones_of_three_equal_channels():
  reference, image = tf.random.uniform((2, 2, 8, 8, 1))
  distance = distances.get("delta_e")
  np.testing.assert_array_equal(
    distance(reference, image),
    distance(*(tf.repeat(x, 3, axis=-1) for x in (reference, image))),
  )


def test_other_channels_and_formulas_are_refused():
  images = tf.zeros((1, 8, 8, 4))
  with pytest.raises(ValueError, match=r"1 or 3"):
    distances.get("delta_e")(images, images)
  with pytest.raises(ValueError, match="formula from 'CIE76', 'CIEDE2000'"):
    distances.get('delta_e(formula="CMC")')


def test_the_other_formula_conforms_as_well():
  def factory(dtype="float32"):
    return distances.DeltaE(formula="CIE76", dtype=dtype)

  report = suite.run(factory)
  assert report.passed, str(report)

"""Colors and their differences against published numbers and scikit-image."""

import numpy as np
import pytest
import tensorflow as tf

from tfpercept.ops import lab

# Sharma, Wu, Dalal 2005, table 1: two colors in L*a*b* and their CIEDE2000.
SHARMA = np.array(
  [
    [50, 2.6772, -79.7751, 50, 0, -82.7485, 2.0425],
    [50, 3.1571, -77.2803, 50, 0, -82.7485, 2.8615],
    [50, 2.8361, -74.02, 50, 0, -82.7485, 3.4412],
    [50, -1.3802, -84.2814, 50, 0, -82.7485, 1],
    [50, -1.1848, -84.8006, 50, 0, -82.7485, 1],
    [50, -0.9009, -85.5211, 50, 0, -82.7485, 1],
    [50, 0, 0, 50, -1, 2, 2.3669],
    [50, -1, 2, 50, 0, 0, 2.3669],
    [50, 2.49, -0.001, 50, -2.49, 0.0009, 7.1792],
    [50, 2.49, -0.001, 50, -2.49, 0.001, 7.1792],
    [50, 2.49, -0.001, 50, -2.49, 0.0011, 7.2195],
    [50, 2.49, -0.001, 50, -2.49, 0.0012, 7.2195],
    [50, -0.001, 2.49, 50, 0.0009, -2.49, 4.8045],
    [50, -0.001, 2.49, 50, 0.001, -2.49, 4.8045],
    [50, -0.001, 2.49, 50, 0.0011, -2.49, 4.7461],
    [50, 2.5, 0, 50, 0, -2.5, 4.3065],
    [50, 2.5, 0, 73, 25, -18, 27.1492],
    [50, 2.5, 0, 61, -5, 29, 22.8977],
    [50, 2.5, 0, 56, -27, -3, 31.903],
    [50, 2.5, 0, 58, 24, 15, 19.4535],
    [50, 2.5, 0, 50, 3.1736, 0.5854, 1],
    [50, 2.5, 0, 50, 3.2972, 0, 1],
    [50, 2.5, 0, 50, 1.8634, 0.5757, 1],
    [50, 2.5, 0, 50, 3.2592, 0.335, 1],
    [60.2574, -34.0099, 36.2677, 60.4626, -34.1751, 39.4387, 1.2644],
    [63.0109, -31.0961, -5.8663, 62.8187, -29.7946, -4.0864, 1.263],
    [61.2901, 3.7196, -5.3901, 61.4292, 2.248, -4.962, 1.8731],
    [35.0831, -44.1164, 3.7933, 35.0232, -40.0716, 1.5901, 1.8645],
    [22.7233, 20.0904, -46.694, 23.0331, 14.973, -42.5619, 2.0373],
    [36.4612, 47.858, 18.3852, 36.2715, 50.5065, 21.2231, 1.4146],
    [90.8027, -2.0831, 1.441, 91.1528, -1.6435, 0.0447, 1.4441],
    [90.9257, -0.5406, -0.9208, 88.6381, -0.8985, -0.7239, 1.5381],
    [6.7747, -0.2908, -2.4247, 5.8714, -0.0985, -2.2286, 0.6377],
    [2.0776, 0.0795, -1.135, 0.9033, -0.0636, -0.5514, 0.9082],
  ]
)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_ciede2000_gives_the_published_table(dtype):
  colors = tf.constant(SHARMA, dtype)
  found = lab.ciede2000(colors[:, :3], colors[:, 3:6])
  # Printed to four decimals.
  np.testing.assert_allclose(found, SHARMA[:, 6], atol=6e-5)


def test_known_colors_have_their_coordinates():
  rgb = [[1, 1, 1], [0, 0, 0], [1, 0, 0], [0, 1, 0], [0, 0, 1]]
  expected = [
    [100, 0, 0],
    [0, 0, 0],
    [53.24, 80.09, 67.20],
    [87.73, -86.18, 83.18],
    [32.30, 79.19, -107.86],
  ]
  found = lab.rgb_to_lab(tf.constant(rgb, tf.float64))
  np.testing.assert_allclose(found, expected, atol=0.01)  # two decimals


def colors(count=4000):
  """Pairs of sRGB colors: near, far, gray, black and equal ones."""
  random = np.random.default_rng(0)
  first = random.uniform(size=(count, 3))
  near = np.clip(first + random.normal(0, 0.05, first.shape), 0, 1)
  second = np.where(
    np.arange(count)[:, None] % 2, near, random.permutation(near)
  )
  first[:200] = first[:200, :1]
  second[100:300] = second[100:300, :1]
  first[300:310] = 0
  second[310:320] = first[310:320]
  return first, second


# Against the exact 6/29, scikit-image's 0.008856 and 7.787 move dark colors by
# 2e-4 of a unit. Float32 holds seven digits of numbers up to 100; where the
# chroma is nearly 0, a wrong hue adds a few of the last.
@pytest.mark.parametrize(
  ("dtype", "bound"), [("float32", 3e-3), ("float64", 3e-4)]
)
def test_coordinates_and_differences_are_those_of_scikit_image(dtype, bound):
  color = pytest.importorskip(
    "skimage.color", reason="scikit-image is in the extra 'train'"
  )
  pair = colors()
  found = [lab.rgb_to_lab(tf.constant(x, dtype)) for x in pair]
  expected = [color.rgb2lab(x) for x in pair]
  np.testing.assert_allclose(found, expected, atol=3e-4)
  for formula, theirs in (
    (lab.cie76, color.deltaE_cie76),
    (lab.ciede2000, color.deltaE_ciede2000),
  ):
    np.testing.assert_allclose(
      formula(*found), theirs(*expected), rtol=1e-5, atol=bound
    )


@pytest.mark.parametrize("formula", [lab.cie76, lab.ciede2000])
def test_slopes_are_finite_where_hue_or_difference_vanish(formula):
  gray, color, black = [50, 0, 0], [50, 20, -60], [0, 0, 0]
  pairs = [
    (gray, gray),
    (black, black),
    (color, color),
    (gray, color),
    (color, black),
    (black, gray),
    ([50, 10, 0], [50, -10, 0]),  # opposite hues
    ([50, 1e-20, 0], [50, 0, 1e-20]),
  ]
  first, second = (tf.constant(x, tf.float32) for x in zip(*pairs, strict=True))
  with tf.GradientTape() as tape:
    tape.watch([first, second])
    value = formula(first, second)
  for slope in tape.gradient(value, [first, second]):
    assert np.isfinite(slope).all()
    # Equal colors are at the minimum; unlike ones are not.
    np.testing.assert_array_equal(slope[:3], 0)
    assert (np.abs(slope[3:7]).max(-1) > 0.1).all()
    # A difference grows about as fast as the distance in L*a*b* does.
    assert np.abs(slope).max() < 10


@pytest.mark.parametrize("formula", [lab.cie76, lab.ciede2000])
def test_slopes_are_those_of_the_values(formula):
  random = np.random.default_rng(1)
  first = random.uniform([20, -40, -40], [80, 40, 40], (200, 3))
  second = first + random.normal(0, 5, first.shape)
  direction = random.normal(size=first.shape)
  first, second, direction = map(tf.constant, (first, second, direction))
  with tf.GradientTape() as tape:
    tape.watch(first)
    value = formula(first, second)
  slope = tf.reduce_sum(tape.gradient(value, first) * direction, -1)
  step = 1e-5
  difference = formula(first + step * direction, second) - formula(
    first - step * direction, second
  )
  # Finite differences in float64 lose half the digits.
  np.testing.assert_allclose(slope, difference / (2 * step), atol=1e-5)


def test_the_transfer_curve_is_undone():
  # IEC 61966-2-1: linear up to 0.0031308, then a power.
  linear = np.linspace(0, 1, 999)
  curved = np.where(
    linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055
  )
  found = lab.srgb_to_linear(tf.constant(curved))
  np.testing.assert_allclose(found, linear, atol=1e-7)  # the standard's digits
  np.testing.assert_allclose(
    lab.srgb_to_linear(tf.constant([-0.1292])), [-0.01]
  )

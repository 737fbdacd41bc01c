"""Options of SSIM beyond what the goldens cover."""

import numpy as np
import pytest
import tensorflow as tf

from tfpercept import distances


def pair(size, channels=3):
  return tf.random.uniform((2, 2, *size, channels))


def test_scores_are_those_of_tensorflow():
  reference, image = pair((40, 30))
  expected = tf.image.ssim(reference, image, max_val=1.0)
  # TensorFlow's own float32 is off by up to 4e-5.
  score = distances.get("ssim").score(reference, image)
  np.testing.assert_allclose(score, expected, atol=5e-5)


def test_a_window_that_shrinks_is_the_largest_odd_one_that_fits():
  reference, image = pair((8, 20))
  shrunk = distances.get('ssim(on_small="shrink_window")')
  explicit = distances.get(f"ssim(window=7, sigma={1.5 * 7 / 11})")
  np.testing.assert_allclose(
    shrunk(reference, image), explicit(reference, image), rtol=1e-6
  )
  assert distances.get('ssim(window="shrink")').spec == shrunk.spec


def test_a_window_that_fits_does_not_shrink():
  images = pair((20, 20))
  shrunk = distances.get('ssim(on_small="shrink_window")')
  np.testing.assert_array_equal(shrunk(*images), distances.get("ssim")(*images))


def test_shrinking_asks_for_sizes_known_when_traced():
  distance = distances.get('ssim(on_small="shrink_window")')
  spec = tf.TensorSpec([None, None, None, 3])
  traced = tf.function(distance.__call__, input_signature=[spec, spec])
  with pytest.raises(ValueError, match="must be known when a graph is traced"):
    traced.get_concrete_function()


def test_zero_padding_compares_images_of_any_size():
  distance = distances.get('ssim(padding="zero")')
  assert distance.min_size == 1
  assert np.isfinite(distance(*pair((3, 2)))).all()


@pytest.mark.parametrize(
  ("options", "message"),
  [
    ("window=4", "odd window of at least 3 taps; got window=4"),
    ("window=1", "odd window"),
    ("window=True", "odd window"),
    ("window=7.0", "odd window"),
    ("sigma=0", "sigma > 0; got sigma=0"),
    ("sigma='a'", "sigma > 0; got sigma='a'"),
    ("sigma=True", "sigma > 0"),
    ("k1=None", "k1 > 0; got k1=None"),
    ("k1=-1", "k1 > 0"),
    ('padding="same"', "padding from 'valid', 'zero'; got padding='same'"),
    ('on_small="crop"', "on_small from"),
  ],
)
def test_options_out_of_range_are_refused(options, message):
  with pytest.raises(ValueError, match=message):
    distances.get(f"ssim({options})")


def test_the_map_shows_the_value_where_the_window_fits():
  reference, image = pair((30, 36))
  distance = distances.get("ssim")
  found = distance.map(reference, image)
  assert found.shape == (2, 30, 36)
  inner = tf.reduce_mean(found[:, 5:-5, 5:-5], axis=[1, 2])
  np.testing.assert_allclose(inner, distance(reference, image), rtol=1e-5)

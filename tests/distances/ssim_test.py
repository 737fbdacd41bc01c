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


@pytest.mark.parametrize("border", ["zero", "mirror"])
@pytest.mark.parametrize("traced", [False, True])
def test_padding_compares_images_of_any_size(border, traced):
  distance = distances.get(f"ssim(border='{border}')")
  assert distance.min_size == 1
  measure = tf.function(distance.__call__) if traced else distance
  assert np.isfinite(measure(*pair((3, 2)))).all()


def test_padding_is_the_older_name_of_border():
  older = distances.get('ssim(padding="zero")')
  assert older.spec == "ssim(border='zero')"
  images = pair((14, 17))
  np.testing.assert_array_equal(
    older(*images), distances.get('ssim(border="zero")')(*images)
  )


@pytest.mark.parametrize("traced", [False, True])
def test_a_mirrored_border_is_that_of_a_mirrored_picture(traced):
  images = pair((20, 31))
  margins = [(0, 0), (5, 5), (5, 5), (0, 0)]
  padded = [tf.pad(x, margins, "SYMMETRIC") for x in images]
  distance = distances.get('ssim(border="mirror")')
  measure = tf.function(distance.__call__) if traced else distance
  np.testing.assert_allclose(
    measure(*images), distances.get("ssim")(*padded), rtol=1e-5
  )
  assert distance.map(*images).shape == (2, 20, 31)
  # The mean of the map is the value, since all pixels count.
  np.testing.assert_allclose(
    tf.reduce_mean(distance.map(*images), axis=[1, 2]),
    distance(*images),
    rtol=1e-5,
  )


@pytest.mark.parametrize("traced", [False, True])
@pytest.mark.parametrize("spec", ["ssim({})", "ms_ssim(scales=2, {})"])
def test_only_a_mirrored_border_has_slopes_as_inside(spec, traced):
  reference, image = pair((48, 48), channels=1)

  def share(border):
    distance = distances.get(spec.format(f"border='{border}'"))

    def slope(image):
      with tf.GradientTape() as tape:
        tape.watch(image)
        value = distance(reference, image)
      return tape.gradient(value, image)

    size = np.abs((tf.function(slope) if traced else slope)(image))
    inner = size[:, 12:-12, 12:-12].mean()
    return np.mean([size[:, :3].mean(), size[:, :, -3:].mean()]) / inner

  assert share("valid") < 0.2
  assert share("mirror") > 0.7


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
    ('border="same"', "'mirror', 'zero'; got border='same'"),
    ('border="zero", padding="valid"', "has one border; got border='zero'"),
    ('padding="same"', "'mirror', 'zero'; got border='same'"),
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


@pytest.mark.parametrize(
  ("spec", "share"),
  [
    ("ssim", 0.373),
    ("ssim(window=3)", 0.082),
    ("ms_ssim(scales=2)", 0.373),
    ('ssim(border="mirror")', 0),
    ('ms_ssim(border="mirror")', 0),
    ("0.5*ssim + 0.5*ms_ssim(scales=2)", 0.373),
    ("0.9*ssim + 0.1*mae", 0),
    ("mse", 0),
  ],
)
def test_the_share_of_a_picture_that_is_hardly_seen_is_told(spec, share):
  found = distances.get(spec).unseen_share(48, 48)
  assert found == pytest.approx(share, abs=1e-3)

"""Realism heads add nothing at first, and see no further than they say."""

import numpy as np
import pytest
import tensorflow as tf

from tests.codecs.learned import small_heads
from tfpercept import models
from tfpercept.models.compression import realism


def inputs(height=6, width=4, latents=24):
  random = np.random.default_rng(0)
  return (
    tf.constant(random.normal(size=(1, height, width, latents)), tf.float32),
    tf.constant(random.random((1, 16 * height, 16 * width, 3)), tf.float32),
    tf.constant([2.25]),
    tf.constant([0.5]),
  )


def test_a_new_head_adds_nothing():
  head = realism.RealismHead(
    latents=24, widths=(8, 8, 4, 4), blocks=(1, 1, 0, 0)
  )
  head.build()
  assert not np.any(head(*inputs()))


def test_the_shipped_size_is_that_of_the_recipe():
  head = realism.RealismHead()
  head.build()
  count = sum(v.shape.num_elements() for v in head.trainable_variables)
  assert 2.1e6 < count < 2.3e6
  assert head.halo == 14


def test_a_pixel_sees_latents_within_the_halo_alone():
  head = small_heads.head()
  y, faithful, *rest = inputs(16, 1)
  y, faithful = tf.Variable(y), tf.Variable(faithful)
  row = 8 * 16 + 3
  with tf.GradientTape() as tape:
    value = tf.reduce_sum(head(y, faithful, *rest)[:, row])
  for gradient, scale in zip(
    tape.gradient(value, [y, faithful]), (1, 16), strict=True
  ):
    seen = np.any(gradient[0] != 0, axis=(1, 2))
    rows = np.flatnonzero(seen) // scale
    assert rows.min() >= 8 - head.halo and rows.max() <= 8 + head.halo
    assert rows.min() <= 8 - head.halo + 1  # no more halo than needed


def test_quality_and_strength_matter_as_they_are_said_to():
  y, faithful, quality, strength = inputs()
  plain, told = small_heads.head(), small_heads.head(conditioned=True)
  other = tf.constant([1.0])
  assert np.any(plain(y, faithful, other, strength) != plain(*inputs()))
  np.testing.assert_array_equal(
    plain(y, faithful, quality, other), plain(*inputs())
  )
  assert np.any(told(y, faithful, quality, other) != told(*inputs()))


def test_above_its_levels_a_head_does_what_it_does_there():
  y, faithful, _, strength = inputs()
  head = small_heads.head()
  np.testing.assert_array_equal(
    head(y, faithful, tf.constant([5.0]), strength),
    head(y, faithful, tf.constant([8.0]), strength),
  )


def test_a_head_is_saved_and_loaded(tmp_path):
  head = small_heads.head()
  models.save(head, tmp_path / "head")
  found, _ = models.load(tmp_path / "head")
  np.testing.assert_array_equal(found(*inputs()), head(*inputs()))


@pytest.mark.parametrize(
  "options",
  [{"widths": (8, 8, 8)}, {"blocks": (1, 1, 1, -1)}, {"levels": 0}],
)
def test_impossible_sizes_are_named(options):
  with pytest.raises(ValueError, match="whole numbers above 0"):
    realism.RealismHead(**options)

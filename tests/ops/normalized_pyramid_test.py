"""The fast path of NLPD against its plain form."""

import numpy as np
import pytest
import tensorflow as tf

from tfpercept import distances
from tfpercept.ops import normalized_pyramid


def pictures(*shape, dtype=tf.float64):
  random = np.random.default_rng(0)
  _, height, width, channels = shape
  y, x = np.mgrid[:height, :width]
  phase = random.uniform(0, 6, (shape[0], 1, 1, channels))
  reference = 0.5 + 0.4 * np.sin((x / 5 + y / 9)[None, :, :, None] + phase)
  image = reference + random.normal(0, 0.1, shape)
  return [tf.constant(np.clip(p, 0, 1), dtype) for p in (reference, image)]


def plain(distance):
  def steps(reference, image):
    maps = distance.compare(distance.embed(reference), distance.embed(image))
    return distance.pool(maps)

  return steps


def value_and_gradients(function, reference, image):
  """Both gradients, of a sum whose terms weigh differently."""
  with tf.GradientTape() as tape:
    tape.watch([reference, image])
    value = function(reference, image)
    weights = tf.range(1, tf.size(value) + 1)
    total = tf.reduce_sum(value * tf.cast(weights, value.dtype))
  return value, *tape.gradient(total, [reference, image])


@pytest.mark.parametrize(
  ("shape", "options"),
  [
    ((2, 40, 140, 3), {"levels": 2}),  # in blocks
    ((1, 33, 38, 2), {"levels": 4}),  # odd, then even
    ((3, 35, 46, 1), {"levels": 2, "cd_min": 1.0, "cd_max": 300.0}),
    ((2, 6, 5, 4), {"levels": 2, "fast": True}),
    ((2, 3, 4, 1), {"levels": 1}),
  ],
)
def test_values_and_both_gradients_are_those_of_the_plain_form(shape, options):
  distance = distances.NLPD(dtype="float64", **options)
  pair = pictures(*shape)
  expected = value_and_gradients(plain(distance), *pair)
  found = tf.function(value_and_gradients)(distance.fused, *pair)
  for a, b in zip(found, expected, strict=True):
    # The two forms round differently.
    np.testing.assert_allclose(a, b, rtol=0, atol=1e-11 * np.abs(b).max())


def test_it_compiles_within_a_compiled_function():
  distance = distances.NLPD(dtype="float64", levels=2)
  pair = pictures(2, 33, 34, 3)
  expected = value_and_gradients(plain(distance), *pair)
  compiled = tf.function(value_and_gradients, jit_compile=True)
  for a, b in zip(compiled(distance.fused, *pair), expected, strict=True):
    np.testing.assert_allclose(a, b, rtol=0, atol=1e-11 * np.abs(b).max())


def test_the_number_of_images_may_be_unknown():
  distance = distances.NLPD(dtype="float64", levels=3)
  spec = tf.TensorSpec([None, 34, 33, 3], tf.float64)
  traced = tf.function(distance.fused, input_signature=[spec, spec])
  for n in (1, 3):
    pair = pictures(n, 34, 33, 3)
    np.testing.assert_allclose(
      traced(*pair), plain(distance)(*pair), rtol=1e-12
    )


def test_it_keeps_its_digits_in_float32():
  pair = pictures(1, 120, 130, 3)
  exact = plain(distances.NLPD(dtype="float64", levels=3))(*pair)
  single = [tf.cast(x, tf.float32) for x in pair]
  found = tf.function(distances.NLPD(levels=3).fused)(*single)
  # The images themselves are rounded.
  np.testing.assert_allclose(found, exact, rtol=2e-6)


def test_it_applies_in_graphs_that_know_the_size_and_to_pictures():
  assert not normalized_pyramid.applies(tf.zeros((1, 20, 20, 3)))
  seen = {}

  def trace(shape):
    @tf.function(input_signature=[tf.TensorSpec(shape)])
    def probe(x):
      seen[shape] = normalized_pyramid.applies(x)
      return x

    probe.get_concrete_function()
    return seen[shape]

  assert trace((None, 32, 32, 4))
  assert not trace((1, None, 32, 3))
  assert not trace((1, 32, 32, 5))
  assert not trace((1, 31, 33, 3))

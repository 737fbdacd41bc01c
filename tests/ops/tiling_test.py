"""Strips give what the whole image gives."""

import numpy as np
import pytest
import tensorflow as tf

from tfpercept.ops import tiling


def blur(image):
  """Sees two rows up and down, and zeros beyond the border."""
  kernel = tf.ones([5, 3, 1, 2]) / 15
  return tf.nn.conv2d(image, kernel, 1, "SAME")


@pytest.mark.parametrize("height", [1, 3, 8, 21])
@pytest.mark.parametrize("pixels", [1, 70, 1000])
def test_strips_equal_the_whole(height, pixels):
  image = np.random.default_rng(0).random((2, height, 7, 1), np.float32)
  graph = tf.function(
    lambda x: tiling.map_strips(blur, x, radius=2, pixels=pixels),
    input_signature=[tf.TensorSpec([None, None, None, 1])],
  )
  for function in (graph, graph.python_function):
    strips = function(tf.constant(image))
    # Sums of fifteen products in another order.
    np.testing.assert_allclose(strips, blur(image), atol=1e-6)


def test_the_function_never_sees_more_than_a_strip_and_its_overlap():
  seen = []

  def spy(image):
    seen.append(image.shape[1])
    return image

  image = tf.zeros([1, 50, 10, 1])
  assert tiling.map_strips(spy, image, radius=3, pixels=80).shape[1] == 50
  assert seen == [11, 14, 14, 14, 14, 13, 5]


def test_a_radius_too_small_shows():
  """The comparison above would fail if strips did not overlap enough."""
  image = tf.constant(
    np.random.default_rng(0).random((1, 20, 7, 1), np.float32)
  )
  strips = tiling.map_strips(blur, image, radius=1, pixels=35)
  assert np.abs(strips - blur(image)).max() > 1e-3

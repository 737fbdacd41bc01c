"""Strips and tiles give what the whole image gives."""

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


SIZES = [(1, 1), (7, 300), (64, 64), (65, 63), (200, 131)]


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("halo", [0, 8, 24])
def test_tiles_cover_an_image_once_and_start_on_the_grid(size, halo):
  count = np.zeros(size, int)
  for tile in tiling.tiles(*size, side=32, multiple=8, halo=halo):
    count[tile.core] += 1
    for core, seen, length in zip(tile.core, tile.seen, size, strict=True):
      assert core.start % 8 == seen.start % 8 == 0
      assert seen.start == max(core.start - halo, 0)
      assert seen.stop == min(core.stop + halo, length)
      assert core.stop - core.start <= 32 + 8
      # Half a side less the grid, unless the image ends there.
      assert core.stop - core.start >= min(length, 32 / 2 - 8)
  assert (count == 1).all()


@pytest.mark.parametrize("stride", [1, 4])
def test_parts_of_maps_put_together_are_the_map_of_the_whole(stride):
  image = np.random.default_rng(0).random((1, 75, 102, 1), np.float32)
  kernel = np.random.default_rng(1).random((5, 5, 1, 1), np.float32)

  def map_of(image):
    return tf.nn.conv2d(image, kernel, stride, "VALID")[0, ..., 0].numpy()

  whole = map_of(image)
  parts = np.full_like(whole, np.nan)
  for tile in tiling.tiles(75, 102, side=32, multiple=8, halo=8):
    rows, columns = tile.seen
    part = map_of(image[:, rows, columns])[tile.of_map(stride)]
    top, left = (core.start // stride for core in tile.core)
    parts[top : top + part.shape[0], left : left + part.shape[1]] = part
  # Sums of 25 products in another order.
  np.testing.assert_allclose(parts, whole, rtol=1e-5)


def test_the_step_of_maps_is_a_multiple_of_all_strides():
  assert tiling.Locality(strides=(4, 6, 1), reach=3).step == 12
  assert tiling.PIXELS.step == 1

"""The Laplacian pyramid against NumPy, stored bands and its own inverse."""

import numpy as np
import pytest
import tensorflow as tf

from tests.golden import cases
from tfpercept.ops import pyramids


def shrink(x):
  """One axis of `reduce`, by the definition."""
  count = (len(x) - 4 + 1) // 2
  return [pyramids.TAPS @ x[2 * j : 2 * j + 5] for j in range(count)]


def grow(x, size):
  """One axis of `expand`: taps around every second place, doubled."""
  full = np.zeros(2 * len(x) + 3)
  for j, sample in enumerate(x):
    full[2 * j : 2 * j + 5] += 2 * np.array(pyramids.TAPS) * sample
  return full[4 : 4 + size]


def along_both(function, image, *sizes):
  for axis in (0, 1):
    size = sizes[axis : axis + 1]
    image = np.apply_along_axis(function, axis, image, *size)
  return image


@pytest.mark.parametrize("size", [(5, 6), (12, 9), (31, 32)])
def test_reducing_and_expanding_follow_their_definition(size):
  image = np.random.normal(size=(*size, 2))
  halved = pyramids.reduce(tf.constant(image[None]))[0]
  np.testing.assert_allclose(halved, along_both(shrink, image), atol=1e-12)
  room = tuple(2 * (s - 2) - n for s, n in zip(size, (0, 1), strict=True))
  expanded = pyramids.expand(tf.constant(image[None]), *room)[0]
  np.testing.assert_allclose(
    expanded, along_both(grow, image, *room), atol=1e-12
  )


def test_bands_without_padding_are_the_authors():
  with np.load(cases.FOLDER / "nlpd.npz") as stored:
    expected = [stored[f"lap_valid/s{k}"] for k in range(3)]
  with np.load(cases.FOLDER / "images.npz") as stored:
    image = tf.constant(stored["ex64_ref"][None, :48, :40], tf.float64)
  found = pyramids.laplacian(image, 3, padding="valid")
  for band, wanted in zip(found, expected, strict=True):
    np.testing.assert_allclose(band[0], wanted, atol=2e-5)  # float32 of 0..255


@pytest.mark.parametrize("size", [(17, 17), (32, 41), (47, 20)])
def test_bands_halve_upwards_and_add_up_to_the_image(size):
  images = tf.random.normal((2, *size, 3), dtype=tf.float64)
  bands = pyramids.laplacian(images, 4)
  for level, band in enumerate(bands):
    sides = [-(-side // 2**level) for side in size]
    assert band.shape == (2, *sides, 3)
  total = bands[-1]
  for band in reversed(bands[:-1]):
    height, width = band.shape[1:3]
    # `expand` wants the places beside the picture, which mirror those inside.
    total = mirrored(mirrored(total, height, 1), width, 2)
    total = band + pyramids.expand(total, height, width)
  np.testing.assert_allclose(total, images, atol=1e-12)


def mirrored(halved, size, axis):
  """The halved images with one more on each side, as the mirror has it."""
  last = halved.shape[axis] - 1
  after = last - 1 if size % 2 else last
  index = [1, *range(last + 1), after]
  return tf.gather(halved, index, axis=axis)


def test_a_flat_image_is_all_in_the_residual():
  *bands, residual = pyramids.laplacian(tf.fill([1, 33, 40, 1], 0.7), 5)
  for band in bands:
    np.testing.assert_allclose(band, tf.zeros_like(band), atol=1e-6)
  np.testing.assert_allclose(residual, tf.fill(residual.shape, 0.7), rtol=1e-6)


def test_the_smallest_side_is_exact():
  for levels in range(1, 7):
    side = pyramids.min_side(levels)
    assert (
      len(pyramids.laplacian(tf.zeros((1, side, side, 1)), levels)) == levels
    )
    assert pyramids.max_levels(side) == levels
    if side > 1:
      assert pyramids.max_levels(side - 1) == levels - 1
      small = tf.zeros((1, side - 1, side - 1, 1))
      with pytest.raises((ValueError, tf.errors.InvalidArgumentError)):
        pyramids.laplacian(small, levels)


def test_one_graph_serves_every_size():
  spec = tf.TensorSpec([None, None, None, 2])
  traced = tf.function(
    lambda x: pyramids.laplacian(x, 3), input_signature=[spec]
  )
  for size in ((9, 9), (20, 13)):
    images = tf.random.normal((1, *size, 2))
    for found, wanted in zip(
      traced(images), pyramids.laplacian(images, 3), strict=True
    ):
      np.testing.assert_allclose(found, wanted, atol=1e-6)


def test_graphs_of_dynamic_sizes_assert_no_shapes():
  """TFLite has no such op."""
  spec = tf.TensorSpec([None, None, None, 3], tf.float32)
  traced = tf.function(
    lambda x: pyramids.laplacian(x, 3)
  ).get_concrete_function(spec)
  assert all(band.shape[-1] == 3 for band in traced.structured_outputs)
  assert "EnsureShape" not in {op.type for op in traced.graph.get_operations()}

"""Images as blocks, padded and shifted."""

import numpy as np
import pytest
import tensorflow as tf

from tfpercept.ops import blocks


def images(height=8, width=12, channels=3):
  return np.random.uniform(size=(2, height, width, channels))


def test_a_block_holds_its_pixels_row_by_row():
  x = images()
  found = blocks.split(tf.constant(x), 4)
  assert found.shape == (2, 2, 3, 48)
  np.testing.assert_array_equal(found[1, 1, 2], x[1, 4:8, 8:12].ravel())


@pytest.mark.parametrize("channels", [1, 3])
def test_joining_is_the_inverse_of_splitting(channels):
  x = images(channels=channels)
  np.testing.assert_array_equal(
    blocks.join(blocks.split(tf.constant(x), 4), 4), x
  )


@pytest.mark.parametrize("mode", ["edge", "reflect"])
def test_padding_is_numpys(mode):
  for height, width in ((8, 16), (9, 13), (5, 15)):
    x = images(height, width)
    extra = [(0, 0), (0, -height % 8), (0, -width % 8), (0, 0)]
    np.testing.assert_array_equal(
      blocks.pad(tf.constant(x), 8, mode), np.pad(x, extra, mode)
    )


@pytest.mark.parametrize(("rows", "columns"), [(0, 0), (3, -2), (-4, 3)])
def test_shifting_moves_the_window_and_repeats_the_border(rows, columns):
  x = images()
  padded = np.pad(x, [(0, 0), (4, 4), (4, 4), (0, 0)], "edge")
  expected = padded[:, 4 + rows : 12 + rows, 4 + columns : 16 + columns]
  np.testing.assert_array_equal(
    blocks.shift(tf.constant(x), rows, columns), expected
  )


@pytest.mark.parametrize(("rows", "columns"), [(0, 0), (3, -2), (-4, 3)])
def test_unshifting_puts_pixels_back_and_leaves_0_elsewhere(rows, columns):
  x = images()[..., 0]
  moved = blocks.shift(tf.constant(x)[..., None], rows, columns)[..., 0]
  seen = np.zeros_like(x)
  height, width = (
    slice(max(0, offset), size + min(0, offset))
    for offset, size in ((rows, 8), (columns, 12))
  )
  seen[:, height, width] = x[:, height, width]
  np.testing.assert_array_equal(blocks.unshift(moved, rows, columns), seen)


@pytest.mark.parametrize("jit_compile", [False, True])
def test_sizes_may_be_unknown(jit_compile):
  def steps(x):
    moved = blocks.shift(x, tf.constant(1), tf.constant(-2))
    cut = blocks.split(blocks.pad(moved, 4, "reflect"), 4)
    return blocks.unshift(blocks.join(cut, 4)[..., 0], 1, -2)

  unknown = tf.function(
    steps,
    input_signature=[tf.TensorSpec([None, None, None, 3], tf.float64)],
    jit_compile=jit_compile,
  )
  for size in ((8, 12), (7, 5)):
    x = tf.constant(images(*size))
    np.testing.assert_array_equal(unknown(x), steps(x))


def test_known_sizes_stay_known():
  @tf.function
  def shapes(x):
    cut = blocks.split(blocks.pad(x, 4, "edge"), 4)
    assert cut.shape.as_list() == [None, 2, 3, 48]
    assert blocks.join(cut, 4).shape.as_list() == [None, 8, 12, 3]

  shapes.get_concrete_function(tf.TensorSpec([None, 7, 10, 3]))

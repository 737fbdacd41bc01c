"""Resizing follows MATLAB's rule; known answers are worked out by hand."""

import numpy as np
import pytest
import tensorflow as tf

from tfpercept.ops import padding, resize


def keys(x):
  """Keys' kernel with a = -0.5, written independently of the library."""
  x = abs(x)
  if x <= 1:
    return 1.5 * x**3 - 2.5 * x**2 + 1
  return -0.5 * x**3 + 2.5 * x**2 - 4 * x + 2 if x < 2 else 0.0


def resized_row(row, scale):
  """MATLAB's rule for one row, in plain Python."""
  out = []
  stretch = min(scale, 1)
  for k in range(int(np.ceil(len(row) * scale))):
    center = (k + 0.5) / scale - 0.5
    taps = range(int(center - 2 / stretch) - 2, int(center + 2 / stretch) + 3)
    weights = [keys((center - t) * stretch) for t in taps]
    ring = [*row, *row[::-1]]
    values = [ring[t % len(ring)] for t in taps]
    out.append(np.dot(weights, values) / sum(weights))
  return out


@pytest.mark.parametrize("scale", [0.25, 0.5, 0.7, 1.0, 2.0, 3.0, 4.0])
@pytest.mark.parametrize("size", [2, 9, 17])
def test_rows_and_columns_agree_with_the_rule_in_plain_python(scale, size):
  row = np.random.random(size)
  expected = resized_row(row, scale)
  image = tf.constant(np.tile(row, (size, 1)))[None, ..., None]
  # Both are float64; the rows are constant, so resizing them changes nothing.
  got = resize.imresize(image, scale)[0, :, :, 0]
  np.testing.assert_allclose(got[0], expected, atol=1e-12)
  turned = resize.imresize(tf.transpose(image, [0, 2, 1, 3]), scale)[0, :, :, 0]
  np.testing.assert_allclose(turned[:, 0], expected, atol=1e-12)


def test_unknown_sizes_and_xla_give_the_same():
  image = tf.random.uniform((2, 10, 13, 3))
  spec = tf.TensorSpec([None, None, None, 3])
  graph = tf.function(lambda x: resize.imresize(x, 4.0), input_signature=[spec])
  compiled = tf.function(lambda x: resize.imresize(x, 4.0), jit_compile=True)
  eager = resize.imresize(image, 4.0)
  assert eager.shape == (2, 40, 52, 3)
  np.testing.assert_allclose(graph(image), eager, atol=1e-6)
  np.testing.assert_allclose(compiled(image), eager, atol=1e-6)


def test_a_scale_of_zero_is_refused():
  with pytest.raises(ValueError, match="positive scale; got 0"):
    resize.imresize(tf.zeros((1, 2, 2, 1)), 0)


@pytest.mark.parametrize("size", [1, 2, 5, 20])
def test_mirroring_repeats_the_border_at_any_distance(size):
  row = np.arange(size, dtype=np.float32)
  image = tf.constant(np.tile(row, (size, 1)))[None, ..., None]
  got = padding.mirror(image, 7)[0, :, :, 0]
  expected = np.pad(np.tile(row, (size, 1)), 7, mode="symmetric")
  np.testing.assert_array_equal(got, expected)

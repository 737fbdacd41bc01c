"""The cosine transform as a matrix."""

import numpy as np
import pytest
import tensorflow as tf

from tfpercept.ops import dct


@pytest.mark.parametrize("n", [1, 2, 5, 8, 64])
def test_the_matrix_is_orthonormal(n):
  matrix = dct.dct_matrix(n)
  assert matrix.dtype == np.float64
  np.testing.assert_allclose(matrix @ matrix.T, np.eye(n), atol=1e-13)


@pytest.mark.parametrize("n", [2, 5, 8, 64])
def test_it_is_tensorflows_type_2(n):
  x = np.random.normal(size=(3, n))
  expected = tf.signal.dct(tf.constant(x), type=2, norm="ortho")
  # TensorFlow's own constants are in float32.
  np.testing.assert_allclose(x @ dct.dct_matrix(n).T, expected, atol=1e-5)


def test_a_constant_is_its_first_coefficient():
  found = dct.dct_matrix(8) @ np.full(8, 3.0)
  np.testing.assert_allclose(found, [3 * np.sqrt(8)] + [0] * 7, atol=1e-14)


def test_nobody_can_change_the_matrix_that_all_share():
  with pytest.raises(ValueError, match="read-only"):
    dct.dct_matrix(8)[0, 0] = 1


def test_an_empty_transform_is_an_error():
  with pytest.raises(ValueError, match="at least 1; got 0"):
    dct.dct_matrix(0)

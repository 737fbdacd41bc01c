"""Banded matrices against the pyramid's own steps, and dense products."""

import numpy as np
import pytest
import tensorflow as tf

from tfpercept.ops import banded, pyramids


@pytest.mark.parametrize("size", [5, 6, 7, 8, 33, 66])
def test_the_matrices_are_those_of_the_pyramid(size):
  images = tf.random.normal((2, size, 9, 3), dtype=tf.float64)
  border = [4, 4]
  padded = tf.pad(images, [[0, 0], border, border, [0, 0]], "REFLECT")
  halved = pyramids.reduce(padded)
  found = np.einsum(
    "ai,nijc,bj->nabc", banded.halving(size), images, banded.halving(9)
  )
  np.testing.assert_allclose(found, halved[:, 1:-1, 1:-1], atol=1e-14)
  expected = pyramids.expand(halved, size, 9)
  found = np.einsum(
    "ia,nabc,jb->nijc", banded.doubling(size), found, banded.doubling(9)
  )
  np.testing.assert_allclose(found, expected, atol=1e-14)


def maps(*shape):
  return tf.random.normal(shape, dtype=tf.float64)


@pytest.mark.parametrize("size", [5, 6, 7, 8, 9, 10, 40, 41])
def test_rows_shrink_and_grow_by_the_matrix(size):
  full, half = maps(2, size, 7), maps(2, (size + 1) // 2, 7)
  for matrix in (banded.halving(size), banded.doubling(size).T):
    found = tf.concat(banded.shrink_rows(full, matrix), axis=1)
    expected = np.einsum("ai,nik->nak", matrix, full)
    np.testing.assert_allclose(found, expected, atol=1e-14)
  # What is in the rows beyond either end does not count.
  padded = tf.pad(half, [[0, 0], [1, 1], [0, 0]], constant_values=5.0)
  for matrix in (banded.doubling(size), banded.halving(size).T):
    found = banded.grow_rows(padded, matrix)
    expected = np.einsum("ia,nak->nik", matrix, half)
    np.testing.assert_allclose(found, expected, atol=1e-14)


# From one block to many, with and without columns left over.
@pytest.mark.parametrize("size", [5, 31, 127, 128, 129, 160, 161, 191, 260])
@pytest.mark.parametrize("channels", [1, 3])
def test_columns_change_by_the_matrix(size, channels):
  halving, doubling = banded.halving(size), banded.doubling(size)
  for matrix in (halving, doubling, halving.T, doubling.T):
    before = maps(2, 4, matrix.shape[1] * channels)
    found = banded.columns(before, matrix, channels)
    expected = np.einsum(
      "vw,nhwc->nhvc", matrix, tf.reshape(before, [2, 4, -1, channels])
    )
    np.testing.assert_allclose(found, expected.reshape(2, 4, -1), atol=1e-13)

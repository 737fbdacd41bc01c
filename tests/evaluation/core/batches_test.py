"""Batches give what all values at once give."""

import numpy as np
import pytest
import tensorflow as tf

from tfpercept.evaluation.core import batches


@pytest.mark.parametrize("size", [1, 3, 7, 100])
def test_batches_are_put_together_in_order(size):
  seen = []

  def double(values):
    seen.append(len(values))
    return 2 * values

  values = np.arange(14.0, dtype=np.float32).reshape(7, 2)
  found = batches.apply(double, values, size)
  np.testing.assert_array_equal(found, 2 * values)
  assert max(seen) <= size
  assert sum(seen) == 7


def test_a_function_gets_tensors_and_may_change_the_shape():
  def total(values):
    assert isinstance(values, tf.Tensor)
    return tf.reduce_sum(values, axis=1)

  found = batches.apply(total, np.ones((5, 3), np.float32), 2)
  np.testing.assert_array_equal(found, np.full(5, 3.0))

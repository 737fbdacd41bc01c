"""Averages of weights follow the recurrence that they state."""

import numpy as np
import pytest
import tensorflow as tf

from tfpercept.tasks import averaging


def test_averages_are_those_of_the_recurrence():
  variable = tf.Variable([1.0, -2.0])
  averages = averaging.Averages([variable], 0.9)
  expected = variable.numpy()
  update = tf.function(averages.update)
  generator = np.random.default_rng(0)
  for step in range(200):
    variable.assign(generator.normal(size=2))
    update([variable], tf.constant(step, tf.int64))
    decay = min(0.9, (1 + step) / (10 + step))
    expected = decay * expected + (1 - decay) * variable.numpy()
  np.testing.assert_allclose(averages.values[0], expected, rtol=1e-4)
  other = tf.Variable([0.0, 0.0])
  averages.assign_to([other])
  np.testing.assert_array_equal(other, averages.values[0])


def test_the_first_steps_forget_the_start():
  variable = tf.Variable(1e6)
  averages = averaging.Averages([variable], 0.9999)
  variable.assign(1.0)
  for step in range(100):
    averages.update([variable], tf.constant(step))
  # By the last decay alone it would still be 990,000.
  assert float(averages.values[0]) < 1.1


def test_averages_are_not_trained():
  averages = averaging.Averages([tf.Variable(1.0)], 0.5)
  assert not averages.trainable_variables
  assert len(averages.variables) == 1


@pytest.mark.parametrize("decay", [-0.1, 1.0, float("nan")])
def test_a_share_out_of_range_is_named(decay):
  with pytest.raises(ValueError, match=r"is in \[0, 1\)"):
    averaging.Averages([], decay)

"""Curves are read from the event files of a run."""

import numpy as np
import tensorflow as tf

from tfpercept.evaluation.core import training_curves


def test_the_later_value_of_a_step_written_twice_counts(tmp_path):
  for values in ((5.0, 4.0), (3.0, 2.0)):
    writer = tf.summary.create_file_writer(
      str(tmp_path), filename_suffix=f".{values[0]}"
    )
    with writer.as_default():
      for step, value in enumerate(values, 1):
        tf.summary.scalar("loss", value, step + (values[0] == 3.0))
    writer.close()
  steps, values = training_curves.read(tmp_path, "loss")
  np.testing.assert_array_equal(steps, [1, 2, 3])
  np.testing.assert_array_equal(values[[0, 2]], [5.0, 2.0])


def test_the_curve_of_an_unknown_tag_is_empty(tmp_path):
  steps, values = training_curves.read(tmp_path, "loss")
  assert steps.size == values.size == 0

"""Weights averaged over the steps of a training."""

from collections.abc import Sequence

import tensorflow as tf


class Averages(tf.Module):
  """Exponential moving averages of variables.

  After step n an average is d a + (1 - d) v, with d the smaller of `decay` and
  (1 + n) / (10 + n), so that the start is forgotten soon.

  Args:
    variables: Float variables, the averages of which start at their values.
    decay: The share of the average that a step keeps, in [0, 1).

  Raises:
    ValueError: if `decay` is out of range.

  Source: Polyak and Juditsky, "Acceleration of stochastic approximation by
  averaging", 1992; the decay of early steps is that of
  `tf.train.ExponentialMovingAverage`.
  """

  def __init__(self, variables: Sequence[tf.Variable], decay: float):
    super().__init__(name="averages")
    if not 0 <= decay < 1:
      raise ValueError(
        f"the decay of averaged weights is in [0, 1); got {decay}"
      )
    # The variables are not kept, or they would count as this module's own.
    self._decay = decay
    self.values = [
      # Replicas hold equal weights, so that any of them may write.
      tf.Variable(
        variable.read_value(),
        trainable=False,
        aggregation=tf.VariableAggregation.ONLY_FIRST_REPLICA,
      )
      for variable in variables
    ]

  def update(self, variables: Sequence[tf.Variable], step: tf.Tensor) -> None:
    """Takes in the variables as they are after a step.

    Args:
      variables: The variables that the averages started at, in the same order.
      step: Scalar integer, the number of steps before this one.
    """
    step = tf.cast(step, tf.float32)
    decay = tf.minimum(self._decay, (1.0 + step) / (10.0 + step))
    for average, variable in zip(self.values, variables, strict=True):
      value = variable.read_value()
      average.assign(value + decay * (average.read_value() - value))

  def assign_to(self, variables: Sequence[tf.Variable]) -> None:
    """Assigns the averages to variables of the same shapes and order."""
    for variable, average in zip(variables, self.values, strict=True):
      variable.assign(average.read_value())

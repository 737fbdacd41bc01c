"""Sums and updates of a step whose batch several replicas share."""

from collections.abc import Callable, Sequence
from typing import Any

import tensorflow as tf

_APART = 1_000_003  # between seeds of replicas; runs are given small ones


def mean(values: Any) -> Any:
  """Averages a structure of tensors over replicas, which have equal shares.

  So a bad value on any of them is seen by all.
  """
  context = tf.distribute.get_replica_context()
  if context is None or context.num_replicas_in_sync == 1:
    return values
  return context.all_reduce(tf.distribute.ReduceOp.MEAN, values)


def seed_offset() -> tf.Tensor | int:
  """Returns a number that is another one on each replica, 0 on the first.

  With the same seed on all of them, each share of a batch would get the noise
  of the others.
  """
  context = tf.distribute.get_replica_context()
  if context is None or context.num_replicas_in_sync == 1:
    return 0
  return _APART * tf.cast(context.replica_id_in_sync_group, tf.int32)


def run_if(
  conditions: Sequence[tf.Tensor | bool],
  action: Callable[..., None],
  *tensors: Any,
) -> None:
  """Runs an action that changes variables, if all conditions hold.

  Args:
    conditions: Scalar bools, the same on all replicas.
    action: A function of `tensors`. It may update variables of all replicas, as
      optimizers do.
    *tensors: Structures of tensors, those of this replica.
  """
  open_ones = [each for each in conditions if each is not True]
  if not open_ones:
    action(*tensors)
    return
  condition = tf.reduce_all(open_ones)
  context = tf.distribute.get_replica_context()
  if context is None or context.num_replicas_in_sync == 1:
    _if(condition, lambda: action(*tensors))
    return

  # Replicas cannot meet inside a branch, which an update makes them do. So
  # they meet here, take the branch together, and part again within it.
  def together(
    strategy: tf.distribute.Strategy, conditions: Any, *tensors: Any
  ) -> None:
    condition, *_ = strategy.experimental_local_results(conditions)
    _if(condition, lambda: strategy.run(action, args=tensors))

  context.merge_call(together, args=(condition, *tensors))


def _if(condition: tf.Tensor, action: Callable[[], None]) -> None:
  def run() -> tf.Tensor:
    action()
    return condition  # branches return a tensor

  tf.cond(condition, run, lambda: condition)

"""The distance that a task minimizes, as the task keeps it."""

import contextlib
from collections.abc import Iterator
from typing import Any

from tfpercept import distances


def parts(objective: distances.Distance) -> dict[str, Any]:
  """Returns what of a distance changes in training, for `Task.parts`.

  Args:
    objective: A distance, with or without parameters that are trained.

  Returns:
    The distance as `objective`, if it is trained; as `counters` the variables
    that count its calls, if it draws at random.
  """
  found: dict[str, Any] = {}
  if objective.trainable_variables:
    found["objective"] = objective
  counters = [weight for weight in objective.weights if weight.dtype.is_integer]
  if counters:
    found["counters"] = counters
  return found


@contextlib.contextmanager
def draws_kept(objective: distances.Distance | None) -> Iterator[None]:
  """Leaves an objective at the draw it was at.

  A distance that draws at random counts its calls. Checkpoints are written
  before anything is measured that is not trained on, so that a training which
  is resumed would go on with other draws than one that never stopped.

  Args:
    objective: The distance; None for a task without one.
  """
  weights = objective.weights if objective is not None else []
  counts = [(v, v.numpy()) for v in weights if v.dtype.is_integer]
  try:
    yield
  finally:
    for variable, count in counts:
      variable.assign(count)

"""The distance that a task minimizes, as the task keeps it."""

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

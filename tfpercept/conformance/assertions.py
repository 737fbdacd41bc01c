"""What checks are made of: bounds, comparisons, and how they fail."""

from collections.abc import Callable
from typing import Any

import numpy as np
import tensorflow as tf

from tfpercept import distances

Factory = Callable[..., distances.Distance]
Pair = tuple[np.ndarray, np.ndarray]
Check = Callable[[Factory], str | None]
"""Returns what it measured, if that is worth a word."""

# Float32 sums over some 1e5 pixels, in another order: a few 1e-7 of the largest
# summand, some tens of times over.
ROUNDING = 1e-5

# A gradient in float32 depends on small differences of rounded numbers: the two
# images where they nearly agree, in units that a distance made of them. XLA and
# graph rewriting round them otherwise.
GRADIENT_ROUNDING = 1e-4


class ConformanceError(AssertionError):
  """A distance does not do what every distance must."""


class NotApplicable(Exception):  # noqa: N818 - an outcome, not an error
  """There is nothing that a check could look at, and why."""


def require(condition: bool, message: str) -> None:
  """Raises ConformanceError with the message unless the condition holds."""
  if not condition:
    raise ConformanceError(message)


def relative_gap(a: Any, b: Any) -> float:
  """Largest difference in units of the largest value."""
  a, b = np.asarray(a, np.float64), np.asarray(b, np.float64)
  return float(np.abs(a - b).max() / max(np.abs(b).max(), 1e-12))


def require_close(a: Any, b: Any, what: str) -> None:
  """Raises ConformanceError if values differ by more than rounding."""
  gap = relative_gap(a, b)
  require(gap <= ROUNDING, f"{what} differ by {gap:.2g} of the value")


def require_same(found: Pair, expected: Pair, what: str) -> None:
  """Raises ConformanceError if a value or its gradients differ.

  Args:
    found: Value and gradients, as `value_and_gradients` returns them.
    expected: The same.
    what: For the message.
  """
  for name, a, b in zip(("values", "gradients"), found, expected, strict=True):
    gap = relative_gap(a, b)
    require(gap <= ROUNDING, f"{name} of {what} differ by {gap:.2g}")


def require_error(call: Callable[[], Any], says: str, what: str) -> None:
  """Raises ConformanceError unless a call raises a ValueError that says so."""
  try:
    call()
  except ValueError as error:
    require(says in str(error), f"the error for {what} lacks {says!r}: {error}")
  else:
    raise ConformanceError(f"{what} are accepted")


def value_and_gradients(
  function: Callable[[tf.Tensor, tf.Tensor], tf.Tensor],
  reference: np.ndarray,
  image: np.ndarray,
) -> tuple[np.ndarray, np.ndarray]:
  """Returns the value `[N]` and its gradients by both images, stacked."""
  reference, image = tf.constant(reference), tf.constant(image)
  with tf.GradientTape() as tape:
    tape.watch([reference, image])
    value = function(reference, image)
  gradients = tape.gradient(
    value, [reference, image], unconnected_gradients="zero"
  )
  return value.numpy(), np.stack(gradients)

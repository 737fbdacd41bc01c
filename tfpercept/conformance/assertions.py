"""Assertions of the checks: bounds, comparisons, and the errors they raise."""

from collections.abc import Callable
from typing import Any

import numpy as np
import tensorflow as tf

Factory = Callable[..., Any]
"""Function that makes a distance, or an `adapters.AdaptedLoss` instead."""
Pair = tuple[np.ndarray, np.ndarray]
Check = Callable[[Factory], str | None]
"""A check returns a sentence on its measurement, or None."""

# Bound for float32 sums over some 1e5 pixels in another order: a few 1e-7 of
# the largest summand, with a margin of some tens.
ROUNDING = 1e-5

# A gradient in float32 depends on small differences of rounded numbers, where
# the two images nearly agree. XLA and graph rewriting round them differently.
GRADIENT_ROUNDING = 1e-4


class ConformanceError(AssertionError):
  """A distance breaks the contract of all distances."""


class NotApplicable(Exception):  # noqa: N818 - an outcome, not an error
  """A check does not apply; the message says why."""


def require(condition: bool, message: str) -> None:
  """Raises ConformanceError with the message unless the condition holds."""
  if not condition:
    raise ConformanceError(message)


def relative_gap(a: Any, b: Any) -> float:
  """Returns the largest difference in units of the largest value of `b`."""
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
    expected: Expected value and gradients, in the same form.
    what: Name of the two sides for the error message.
  """
  for name, a, b in zip(("values", "gradients"), found, expected, strict=True):
    gap = relative_gap(a, b)
    require(gap <= ROUNDING, f"{name} of {what} differ by {gap:.2g}")


def require_error(call: Callable[[], Any], says: str, what: str) -> None:
  """Raises ConformanceError unless a call raises ValueError with a text.

  Args:
    call: Function without arguments that should raise.
    says: Text that the message of the error has to contain.
    what: Name of the refused input for the error message.
  """
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
  """Returns the value `[N]` and its gradients in both images, stacked.

  The gradients have the shape `[2, N, H, W, C]`.
  """
  reference, image = tf.constant(reference), tf.constant(image)
  with tf.GradientTape() as tape:
    tape.watch([reference, image])
    value = function(reference, image)
  gradients = tape.gradient(
    value, [reference, image], unconnected_gradients="zero"
  )
  return value.numpy(), np.stack(gradients)

"""Functions of a network on more pictures than fit at once."""

from collections.abc import Callable

import numpy as np
import tensorflow as tf


def apply(
  function: Callable[[tf.Tensor], tf.Tensor], values: np.ndarray, size: int
) -> np.ndarray:
  """Returns what a function makes of values, batch after batch.

  Args:
    function: Function of a batch `[B, ...]` that returns `[B, ...]`.
    values: Values `[N, ...]`, such as images or latents, N at least 1.
    size: Number of values in a batch; the last one may be smaller.

  Returns:
    The results, `[N, ...]`.
  """
  return np.concatenate(
    [
      np.asarray(function(tf.constant(values[start : start + size])))
      for start in range(0, len(values), size)
    ]
  )

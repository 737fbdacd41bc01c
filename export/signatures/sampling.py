"""Samples of a network by number and seed, which many kinds of them have."""

import numpy as np
import tensorflow as tf

from export.signatures import base

MAX_SAMPLES = 1024
"""Most that one call draws: a request must not take all memory."""
_TOLERANCE = 1e-5
_EXAMPLES = 3


def signature(function: base.Function, image: base.Tensor) -> base.Signature:
  """Returns the signature `sample`.

  Args:
    function: Function from `count`, int32, and `seed`, int32 `[2]`, to `image`.
    image: Type of the samples.
  """

  def sample(count: tf.Tensor, seed: tf.Tensor) -> dict[str, tf.Tensor]:
    allowed = tf.debugging.Assert(
      (count >= 0) & (count <= MAX_SAMPLES),
      [f"count is 0 to {MAX_SAMPLES}; got", count],
    )
    with tf.control_dependencies([allowed]):
      count = tf.identity(count)
    return function(count, seed)

  return base.Signature(
    function=sample,
    inputs={
      "count": base.Tensor("int32", (), f"how many, up to {MAX_SAMPLES}"),
      "seed": base.Tensor("int32", (2,), "any; the same gives the same"),
    },
    outputs={"image": image},
    example={
      "count": np.array(_EXAMPLES, np.int32),
      "seed": np.array([1, 2], np.int32),
    },
    tolerance=_TOLERANCE,
    limits={"max_samples": MAX_SAMPLES},
  )

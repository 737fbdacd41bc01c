"""A trained codec network for another range of rates."""

from collections.abc import Sequence

import keras
import numpy as np
import tensorflow as tf

from tfpercept.models import modulation, transform_codec


def with_rates(network: keras.Model, lmbda: Sequence[float]) -> keras.Model:
  """Returns a copy of a network whose qualities span other lambdas.

  A quality of the copy stands for another lambda than before. Its gains and
  modulations are those that the network has at that lambda, so that within the
  old range the copy codes as the network does, but for interpolation between
  whole qualities. Beyond the old range gains follow lambda and modulations stay
  at those of the nearer end: a start for training, not a codec to use.

  Args:
    network: A built `TransformCodec` of two levels or more.
    lmbda: Weight of the squared errors of 8-bit values at the smallest and the
      largest quality of the copy, two numbers above 0.

  Returns:
    A built network of the same class, in float32.

  Raises:
    ValueError: if `lmbda` is not two rising numbers above 0, or the network has
      a single level.
  """
  levels = network.levels
  if levels < 2:
    raise ValueError(
      f"a {network.registered_name} of one level has no range of rates; train "
      "it with the lambda that it shall have"
    )
  config = {**network.get_config(), "lmbda": [float(end) for end in lmbda]}
  copy = type(network).from_config(config)
  copy.build()
  copy.set_weights(network.get_weights())
  low, high = network.ends
  wanted = transform_codec.lambda_of(
    tf.range(1, levels + 1, dtype=tf.float32), copy.ends, levels
  )
  quality = 1.0 + (levels - 1) * np.log(wanted / low) / np.log(high / low)
  for layer in copy.submodules:
    if isinstance(layer, modulation.Modulation):
      for table in layer.weights:
        table.assign(modulation.between(table, quality)[:, 0, 0])
  # Gains are kept relative to the middle of the range, which moves.
  moved = 0.5 * np.log(copy.reference_lmbda / network.reference_lmbda)
  for table, sign in zip(copy.gains, (1.0, -1.0), strict=True):
    table.assign(modulation.between(table, quality)[:, 0, 0] + sign * moved)
  return copy

"""Learned densities of latents that are coded one by one."""

import itertools
import math
from collections.abc import Sequence

import keras
import tensorflow as tf


class FactorizedDensity(keras.layers.Layer):
  """A density for each channel, and the bits of latents rounded to steps of 1.

  The cumulative distribution is a small network that rises in its one input. It
  may have any shape, several modes among them.

  Args:
    channels: Number of densities.
    widths: Numbers of units of the hidden layers.
    spread: Approximate width of the densities before training.

  Source: Balle, Minnen, Singh, Hwang, Johnston, "Variational image compression
  with a scale hyperprior", 2018, appendix 6.1.
  """

  def __init__(
    self,
    channels: int,
    *,
    widths: Sequence[int] = (3, 3, 3),
    spread: float = 10.0,
    name: str = "density",
  ):
    super().__init__(name=name, dtype="float32")
    sizes = (1, *widths, 1)
    scale = spread ** (1 / (len(sizes) - 1))
    self._layers = []
    for place, (fan_in, fan_out) in enumerate(itertools.pairwise(sizes)):
      slope = keras.initializers.Constant(
        math.log(math.expm1(1 / (scale * fan_out)))  # before softplus
      )
      # Units of a layer must differ, or they stay alike.
      offsets = keras.initializers.RandomUniform(-0.5, 0.5, seed=place)
      shapes = {
        "matrix": ([channels, fan_out, fan_in], slope),
        "bias": ([channels, fan_out, 1], offsets),
        "factor": ([channels, fan_out, 1], "zeros"),
      }
      if place == len(widths):
        del shapes["factor"]  # the last layer is linear
      self._layers.append(
        {
          name: self.add_weight(
            name=f"{name}_{place}",
            shape=shape,
            initializer=start,
          )
          for name, (shape, start) in shapes.items()
        }
      )
    self.built = True

  def logits(self, y: tf.Tensor) -> tf.Tensor:
    """Returns the logit of the cumulative distribution at `y`, `[N, C]`."""
    hidden = tf.transpose(y)[:, None]  # [C, 1, N]
    for layer in self._layers:
      hidden = tf.nn.softplus(layer["matrix"]) @ hidden + layer["bias"]
      if "factor" in layer:
        hidden += tf.tanh(layer["factor"]) * tf.tanh(hidden)
    return tf.transpose(hidden[:, 0])

  def bits(self, y: tf.Tensor) -> tf.Tensor:
    """Returns the bits of the unit intervals around values.

    It is `-log2(c(y + 1/2) - c(y - 1/2))`, exact far out in the tails too: for
    integers what an entropy coder spends, for values with uniform noise of
    width 1 the bits of the density that the noise widens.

    Args:
      y: Values, float32 `[N, C]`.

    Returns:
      float32 `[N, C]`, finite.
    """
    low, high = self.logits(y - 0.5), self.logits(y + 0.5)
    # Far to the right both distributions are near 1, and their difference has
    # no digits left. The mirror image of the interval costs the same and is
    # near 0, where floats are dense.
    mirrored = low + high > 0
    low, high = (
      tf.where(mirrored, -high, low),
      tf.where(mirrored, -low, high),
    )
    log_low, log_high = tf.math.log_sigmoid(low), tf.math.log_sigmoid(high)
    gap = tf.maximum(log_high - log_low, 1e-30)
    # log(e^high - e^low) without leaving logarithms, which would underflow.
    nats = log_high + tf.math.log(-tf.math.expm1(-gap))
    return nats * -1.4426950408889634  # 1 / ln 2

"""Densities of latents, and the bits of latents that follow from them."""

import itertools
import math
from collections.abc import Callable, Sequence

import keras
import tensorflow as tf

from tfpercept.ops import numerics

_FAR = 0.5  # deviations beyond which a mass is a difference of two tails
_LOG_TAU = math.log(2.0 * math.pi)
# Of the complement of the error function, see `_log_mills`.
_CHEBYSHEV = (
  0.17087277, -0.82215223, 1.48851587, -1.13520398, 0.27886807,
  -0.18628806, 0.09678418, 0.37409196, 1.00002368, -1.26551223,
)  # fmt: skip


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


@tf.custom_gradient
def noisy_normal_bits(
  noisy: tf.Tensor, log_scale: tf.Tensor
) -> numerics.WithGradient:
  """Returns the bits of latents with noise under normals of mean 0.

  The density is that of a normal convolved with a unit box. Bits and slopes are
  finite far out in the tails, too. In a graph that knows the shape, XLA makes
  one loop of each; as separate operations they took a sixth of a training step.

  Args:
    noisy: Latents less their means, plus noise of unit width, float32.
    log_scale: Natural logarithms of their scales, float32 of the same shape.

  Returns:
    Bits of each latent, float32 of the same shape.

  Source: Ballé, Minnen, Singh, Hwang, Johnston, 2018, eq. 10.
  """
  # Without a graph around it, each call would be compiled anew.
  is_known = noisy.shape.is_fully_defined() and not tf.executing_eagerly()

  def run(
    step: Callable[..., tf.Tensor], *inputs: tf.Tensor
  ) -> tf.Tensor | tuple[tf.Tensor, tf.Tensor]:
    return (numerics.compiled(step) if is_known else step)(*inputs)

  def gradient(upstream: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    return run(_bits_slopes, noisy, log_scale, upstream)

  return run(_bits, noisy, log_scale), gradient


def _bits(noisy: tf.Tensor, log_scale: tf.Tensor) -> tf.Tensor:
  """Returns the bits of `noisy_normal_bits`."""
  low, high, log_ratio = _interval(noisy, log_scale)
  tail = _log_mills(low) - 0.5 * (tf.square(low) + _LOG_TAU)
  tail += tf.math.log(-tf.math.expm1(log_ratio))
  nats = tf.where(low < _FAR, tf.math.log(_mass(low, high)), tail)
  return nats / -math.log(2.0)


def _bits_slopes(
  noisy: tf.Tensor, log_scale: tf.Tensor, upstream: tf.Tensor
) -> tuple[tf.Tensor, tf.Tensor]:
  """Returns the slopes of `noisy_normal_bits` in both of its arguments."""
  low, high, log_ratio = _interval(noisy, log_scale)
  # The density at each end over the mass between them.
  mass = _mass(low, high) * math.sqrt(2.0 * math.pi)
  at_low, at_high = (
    tf.exp(-0.5 * tf.square(end)) / mass for end in (low, high)
  )
  gap = -tf.math.expm1(log_ratio)
  far_low = tf.exp(-_log_mills(low)) / gap
  far_high = tf.exp(log_ratio - _log_mills(high)) / gap
  at_low = tf.where(low < _FAR, at_low, far_low)
  at_high = tf.where(low < _FAR, at_high, far_high)
  upstream /= -math.log(2.0)
  slope = (at_high - at_low) * tf.exp(-log_scale) * tf.sign(noisy)
  return upstream * slope, upstream * (low * at_low - high * at_high)


def _interval(
  noisy: tf.Tensor, log_scale: tf.Tensor
) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
  """Returns the ends of unit intervals around magnitudes, in deviations.

  The third tensor is the logarithm of the upper tail beyond the higher end over
  that beyond the lower one, where that one is beyond `_FAR`.
  """
  inverse, size = tf.exp(-log_scale), tf.abs(noisy)
  low, high = (size - 0.5) * inverse, (size + 0.5) * inverse
  # Half the difference of the squares is known without cancellation.
  log_ratio = _log_mills(high) - _log_mills(low) - size * tf.square(inverse)
  return low, high, log_ratio


def _mass(low: tf.Tensor, high: tf.Tensor) -> tf.Tensor:
  """Returns the mass of a normal in intervals; 1e-30 where it is less."""
  root = math.sqrt(0.5)
  mass = 0.5 * (tf.math.erf(high * root) - tf.math.erf(low * root))
  return tf.maximum(mass, 1e-30)


def _log_mills(end: tf.Tensor) -> tf.Tensor:
  """Returns the logarithm of an upper tail over the density at its end.

  Ends below `_FAR` count as `_FAR`. It does not underflow, as tails do.

  Source: Press et al., "Numerical recipes in C", 1992, section 6.2: a fit to
  the complement of the error function, 1.2e-7 of itself at most in error.
  """
  t = 1.0 / (1.0 + math.sqrt(0.125) * tf.maximum(end, _FAR))
  total = tf.zeros_like(t)
  for coefficient in _CHEBYSHEV:
    total = total * t + coefficient
  return tf.math.log(t) + total + 0.5 * math.log(math.pi / 2.0)

"""The mean-scale hyperprior, one network for all rates."""

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import keras
import numpy as np
import tensorflow as tf

from tfpercept.models import (
  base,
  densities,
  entropy,
  hyper_transforms,
  modulation,
  transforms,
)

STRIDE = transforms.STRIDE * hyper_transforms.STRIDE
"""Sides of pictures that networks take are multiples of this."""


class Coded(NamedTuple):
  """What a network makes of pictures.

  Attributes:
    bits: Estimated bits of each picture, by the name of the latents, `[N]`.
    x_hat: Reconstructions `[N, H, W, 3]`, not clipped.
  """

  bits: dict[str, tf.Tensor]
  x_hat: tf.Tensor


@base.register("mean_scale_hyperprior")
class MeanScaleHyperprior(keras.Model):
  """Codes pictures by latents whose means and scales hyper-latents tell.

  Input: float32 `[N, H, W, 3]` in [0, 1], sides multiples of 64.

  One network serves all qualities from 1 to `levels`, whole or not. The quality
  scales latents before they are rounded, channel by channel, and back
  afterwards; it also modulates the transforms. At quality q rate weighs
  1 / lambda(q) of distortion, and lambda grows geometrically with q.

  Args:
    widths: Hidden channels of the transforms, from pictures to latents.
    latents: Channels of the latents.
    hyper_width: Hidden channels of the hyper-transforms.
    hyper_latents: Channels of the hyper-latents.
    levels: Largest quality.
    lmbda: Of squared errors of 8-bit values, at the smallest and the largest
      quality.
    dtype: Keras dtype or policy of the transforms; the rest is float32.
    name: Keras model name.

  Raises:
    ValueError: if an option is out of range.

  Source: Minnen, Ballé, Toderici, "Joint autoregressive and hierarchical priors
  for learned image compression", 2018, section 2 without the context model;
  gains: Cui et al., "Asymmetric gained deep image compression with continuous
  rate adaptation", 2021, section 3.
  """

  def __init__(
    self,
    *,
    widths: Sequence[int] = (64, 64, 64),
    latents: int = 128,
    hyper_width: int = 96,
    hyper_latents: int = 64,
    levels: int = 8,
    lmbda: Sequence[float] = (0.0012, 0.08),
    dtype: str | None = None,
    name: str = "mean_scale_hyperprior",
  ):
    super().__init__(name=name)
    self._config = {
      "widths": [int(width) for width in widths],
      "latents": int(latents),
      "hyper_width": int(hyper_width),
      "hyper_latents": int(hyper_latents),
      "levels": int(levels),
      "lmbda": [float(end) for end in lmbda],
      "name": name,
    }
    self.levels = levels
    self.analysis = transforms.Analysis(
      widths, latents, levels=levels, dtype=dtype
    )
    self.synthesis = transforms.Synthesis(
      widths[::-1], levels=levels, dtype=dtype
    )
    self.hyper_analysis = hyper_transforms.HyperAnalysis(
      hyper_width, hyper_latents
    )
    self.hyper_synthesis = hyper_transforms.HyperSynthesis(hyper_width, latents)
    self.prior = densities.FactorizedDensity(hyper_latents, name="prior")
    # How gains differ from what lambda says, as logarithms.
    self._gain, self._inverse = (
      self.add_weight(name=name, shape=(levels, latents), initializer="zeros")
      for name in ("log_gain", "log_inverse")
    )
    self.deviation = self.add_weight(
      name="deviation", shape=(latents,), initializer="ones", trainable=False
    )

  def build(self, input_shape=None) -> None:
    if not self.built:
      with tf.name_scope(self.name):
        x = tf.zeros([1, STRIDE, STRIDE, 3])
        y = self.analysis(x, tf.ones([1]))
        z = self.hyper_analysis(y)
        self.hyper_synthesis(z)
        self.synthesis(y, y, tf.ones([1]))
      self.built = True

  def lmbda(self, quality: tf.Tensor) -> tf.Tensor:
    """Returns the lambda of qualities, of squared errors of 8-bit values."""
    low, high = self.ends
    share = (quality - 1.0) / (self.levels - 1.0)
    return low * tf.pow(high / low, share)

  @property
  def ends(self) -> tuple[float, float]:
    """Lambda of the smallest and of the largest quality."""
    return tuple(self._config["lmbda"])

  @property
  def reference_lmbda(self) -> float:
    """The lambda at which a latent's best step is 1."""
    low, high = self.ends
    return math.sqrt(low * high)

  def start(self, blocks: np.ndarray) -> None:
    """Starts near the Karhunen-Loève transform of blocks of pictures.

    Args:
      blocks: Float `[K, 16, 16, 3]` in [0, 1], some thousands.
    """
    # Where rate and distortion of a uniform quantiser balance.
    step = math.sqrt(18.0 / (self.reference_lmbda * math.log(2.0))) / 255.0
    deviations = transforms.start(self.analysis, self.synthesis, blocks, step)
    self.deviation.assign(deviations)
    indexes = self.hyper_synthesis.indexes
    indexes.bias.assign(entropy.index_of(deviations))

  def log_gains(self, quality: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Returns logarithms of the gains before and after rounding.

    Each is float32 `[N, 1, 1, latents]`.
    """
    even = 0.5 * tf.math.log(self.lmbda(quality) / self.reference_lmbda)
    even = even[:, None, None, None]
    return (
      even + modulation.between(self._gain, quality),
      modulation.between(self._inverse, quality) - even,
    )

  def normalised(self, y: tf.Tensor) -> tf.Tensor:
    """Returns latents in units of their deviations."""
    return y / self.deviation

  def parameters(
    self, z_hat: tf.Tensor, log_gain: tf.Tensor
  ) -> tuple[tf.Tensor, tf.Tensor]:
    """Returns scale indexes and means of the scaled latents."""
    index, mean = self.hyper_synthesis(z_hat)
    index += log_gain / entropy.LOG_STEP
    return index, mean * self.deviation * tf.exp(log_gain)

  def call(self, x: tf.Tensor, quality: tf.Tensor, quantiser: Any) -> Coded:
    """Codes pictures without bytes.

    Args:
      x: Float32 `[N, H, W, 3]` in [0, 1].
      quality: Float32 `[N]`.
      quantiser: Called with latents and a number that tells calls apart,
        returns those whose bits are counted and those that are decoded.
    """
    log_gain, log_inverse = self.log_gains(quality)
    y = self.analysis(x, quality)
    z = self.hyper_analysis(self.normalised(y))
    z_noisy, z_hat = quantiser(z, 0)
    limit = float(hyper_transforms.SYMBOL_LIMIT)
    index, mean = self.parameters(
      tf.clip_by_value(z_hat, -limit, limit), log_gain
    )
    y_noisy, y_hat = quantiser(y * tf.exp(log_gain) - mean, 1)
    bits = {
      "y": entropy.normal_bits(y_noisy, index),
      "z": tf.reshape(
        self.prior.bits(tf.reshape(z_noisy, [-1, z.shape[-1]])), tf.shape(z)
      ),
    }
    x_hat = self.reconstruct((y_hat + mean) * tf.exp(log_inverse), quality)
    axes = [1, 2, 3]
    return Coded({k: tf.reduce_sum(b, axes) for k, b in bits.items()}, x_hat)

  def reconstruct(self, y_hat: tf.Tensor, quality: tf.Tensor) -> tf.Tensor:
    """Returns float32 pictures of latents in their own units."""
    return self.synthesis(y_hat, self.normalised(y_hat), quality)

  def get_config(self) -> dict[str, Any]:
    return dict(self._config)

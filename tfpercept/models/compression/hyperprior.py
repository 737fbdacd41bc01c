"""Codecs of latents whose scales, and perhaps means, hyper-latents tell."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from tfpercept.models import base
from tfpercept.models.compression import (
  densities,
  entropy_coding,
  hyper_transforms,
  transform_codec,
  transforms,
)

STRIDE = transforms.STRIDE * hyper_transforms.STRIDE
"""Sides of pictures that networks take are multiples of this."""


class Hyperprior(transform_codec.TransformCodec):
  """What hyperpriors have in common; options as theirs."""

  stride = STRIDE
  has_means: bool

  def __init__(
    self,
    *,
    widths: Sequence[int] = (48, 64, 96),
    latents: int = 192,
    blocks: int = transform_codec.BLOCKS,
    hyper_width: int = 96,
    hyper_latents: int = 64,
    levels: int = transform_codec.LEVELS,
    lmbda: Sequence[float] = transform_codec.RATES,
    dtype: str | None = None,
    name: str | None = None,
    **config: Any,
  ):
    super().__init__(
      widths=widths,
      latents=latents,
      blocks=blocks,
      hyper_width=hyper_width,
      hyper_latents=hyper_latents,
      levels=levels,
      lmbda=lmbda,
      dtype=dtype,
      name=name or self.registered_name,
      **config,
    )
    self.hyper_analysis = hyper_transforms.HyperAnalysis(
      hyper_width, hyper_latents, levels=levels
    )
    self.hyper_synthesis = hyper_transforms.HyperSynthesis(
      hyper_width, latents, has_means=self.has_means
    )
    self.prior = densities.FactorizedDensity(hyper_latents, name="prior")

  def build_coding(self, y: tf.Tensor, quality: tf.Tensor) -> None:
    self.hyper_synthesis(self.hyper_latents(y, quality))

  def start_coding(self, deviations: np.ndarray) -> None:
    bias = self.hyper_synthesis.indexes.bias
    bias.assign(entropy_coding.index_of(deviations))

  def hyper_latents(self, y: tf.Tensor, quality: tf.Tensor) -> tf.Tensor:
    """Returns what is told of latents, float32 `[N, h/4, w/4, C]`."""
    y = self.normalised(y)
    return self.hyper_analysis(y if self.has_means else tf.abs(y), quality)

  def code_latents(
    self,
    y: tf.Tensor,
    quality: tf.Tensor,
    quantiser: transform_codec.Quantiser,
  ) -> tuple[dict[str, tf.Tensor], tf.Tensor]:
    z_noisy, z_hat = quantiser(self.hyper_latents(y, quality), 0)
    log_gain, _ = self.log_gains(quality)
    limit = float(hyper_transforms.SYMBOL_LIMIT)
    index, mean = self.hyper_synthesis(tf.clip_by_value(z_hat, -limit, limit))
    index += log_gain / entropy_coding.LOG_STEP
    mean *= self.deviation * tf.exp(log_gain)
    noisy, index, y_hat = self.code_residual(
      y * tf.exp(log_gain), index, mean, quantiser
    )
    flat = tf.reshape(z_noisy, [-1, z_noisy.shape[-1]])
    bits = {
      "y": entropy_coding.normal_bits(noisy, index),
      "z": tf.reshape(self.prior.bits(flat), tf.shape(z_noisy)),
    }
    return {k: tf.reduce_sum(b, [1, 2, 3]) for k, b in bits.items()}, y_hat

  def code_residual(
    self,
    y: tf.Tensor,
    index: tf.Tensor,
    mean: tf.Tensor,
    quantiser: transform_codec.Quantiser,
  ) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
    """Rounds what hyper-latents do not tell of latents.

    Args:
      y: Latents, scaled.
      index: Of their scales, not whole.
      mean: Likewise as hyper-latents tell it.
      quantiser: Rounds.

    Returns:
      Residuals whose bits are counted, the indexes of their scales, and decoded
      latents.
    """
    noisy, rounded = quantiser(y - mean, 1)
    return noisy, index, rounded + mean


@base.register("scale_hyperprior")
class ScaleHyperprior(Hyperprior):
  """Codes latents of mean 0 whose scales hyper-latents tell.

  Args: as those of `MeanScaleHyperprior`.

  Source: Ballé, Minnen, Singh, Hwang, Johnston, "Variational image compression
  with a scale hyperprior", 2018, section 3. Gains, modulation and the linear
  path are not theirs.
  """

  has_means = False


@base.register("mean_scale_hyperprior")
class MeanScaleHyperprior(Hyperprior):
  """Codes latents whose means and scales hyper-latents tell.

  Input, qualities and what is raised are those of `TransformCodec`; sides are
  multiples of 64.

  Args:
    widths: Hidden channels of the transforms, from pictures to latents: three.
    latents: Channels of the latents.
    blocks: Number of residual blocks of each transform.
    hyper_width: Hidden channels of the hyper-transforms.
    hyper_latents: Channels of the hyper-latents.
    levels: Largest quality.
    lmbda: Of squared errors of 8-bit values, at the smallest and the largest
      quality.
    dtype: Keras dtype or policy of the transforms; the rest is float32.
    name: Keras model name.

  Source: Minnen, Ballé, Toderici, "Joint autoregressive and hierarchical priors
  for learned image compression", 2018, section 2 without the context model.
  """

  has_means = True

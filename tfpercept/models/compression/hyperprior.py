"""Codec networks whose side information tells scales, and perhaps means."""

from collections.abc import Mapping, Sequence

import keras
import numpy as np
import tensorflow as tf

from tfpercept.models import base
from tfpercept.models.compression import (
  densities,
  entropy_coding,
  entropy_model,
  hyper_transforms,
  transform_codec,
  transforms,
)

STRIDE = transforms.STRIDE * hyper_transforms.STRIDE
"""Pixels per hyper-latent along each side; every network takes pictures whose
sides are multiples of this."""


class HyperpriorModel(entropy_model.EntropyModel):
  """An entropy model of normal latents whose parameters hyper-latents tell.

  The hyper-analysis makes hyper-latents of latents. They are coded first, by
  one density for each channel, as side information. The hyper-synthesis makes
  of them the entropy parameters of each latent: the index of its scale, and its
  mean.

  Args:
    latents: Number of channels of the latents.
    levels: Largest quality.
    hyper_width: Number of hidden channels of the hyper-transforms.
    hyper_latents: Number of channels of the hyper-latents.
    has_means: Whether hyper-latents tell means; otherwise means are 0.

  Source: Ballé, Minnen, Singh, Hwang, Johnston, "Variational image compression
  with a scale hyperprior", 2018, section 3; means: Minnen, Ballé, Toderici,
  2018, section 2.
  """

  codec = "hyperprior"
  ratio = hyper_transforms.STRIDE
  analysis_halo = hyper_transforms.ANALYSIS_HALO
  can_refine = True
  can_widen = True

  def __init__(
    self,
    latents: int,
    *,
    levels: int,
    hyper_width: int,
    hyper_latents: int,
    has_means: bool,
  ):
    super().__init__(latents)
    self.hyper_latents = hyper_latents
    self._has_means = has_means
    self.hyper_analysis = hyper_transforms.HyperAnalysis(
      hyper_width, hyper_latents, levels=levels
    )
    self.hyper_synthesis = hyper_transforms.HyperSynthesis(
      hyper_width, latents, has_means=has_means
    )
    self.prior = densities.FactorizedDensity(hyper_latents, name="prior")

  @property
  def layers(self) -> Mapping[str, keras.layers.Layer | Sequence]:
    return {
      "hyper_analysis": self.hyper_analysis,
      "hyper_synthesis": self.hyper_synthesis,
      "prior": self.prior,
    }

  @property
  def integer_layers(self) -> Mapping[str, entropy_model.IntegerLayer]:
    first, *others = self.hyper_synthesis.hidden
    limit = hyper_transforms.SYMBOL_LIMIT
    found = {"hyper_0": entropy_model.IntegerLayer(first, limit)}
    for i, layer in enumerate(others, 1):
      found[f"hyper_{i}"] = entropy_model.IntegerLayer(layer)
    for name in ("indexes", "means") if self._has_means else ("indexes",):
      layer = getattr(self.hyper_synthesis, name)
      found[name] = entropy_model.IntegerLayer(layer)
    return found

  def build(
    self, y: tf.Tensor, quality: tf.Tensor, scaling: entropy_model.Scaling
  ) -> None:
    self.hyper_synthesis(self.side_information(y, quality, scaling))

  def start(self, deviations: np.ndarray) -> None:
    bias = self.hyper_synthesis.indexes.bias
    kept = bias[: self.latents - len(deviations)]
    index = entropy_coding.index_of(np.asarray(deviations, np.float32))
    bias.assign(tf.concat([kept, index], axis=0))

  def side_information(
    self, y: tf.Tensor, quality: tf.Tensor, scaling: entropy_model.Scaling
  ) -> tf.Tensor:
    y = y / scaling.deviation
    # Signs say nothing of scales.
    return self.hyper_analysis(y if self._has_means else tf.abs(y), quality)

  def code(
    self,
    y: tf.Tensor,
    quality: tf.Tensor,
    scaling: entropy_model.Scaling,
    quantizer: entropy_model.Quantizer,
  ) -> tuple[dict[str, tf.Tensor], tf.Tensor]:
    z = self.side_information(y, quality, scaling)
    z_noisy, z_hat = quantizer(z, 0)
    limit = float(hyper_transforms.SYMBOL_LIMIT)
    index, mean = self.hyper_synthesis(tf.clip_by_value(z_hat, -limit, limit))
    # A gain moves the logarithm of every scale by its own, and indexes are
    # logarithms of scales; so one hyper-synthesis serves all qualities.
    index += scaling.log_gain / entropy_coding.LOG_STEP
    mean *= scaling.deviation * tf.exp(scaling.log_gain)
    noisy, index, y_hat = self.code_residual(
      y * tf.exp(scaling.log_gain), index, mean, quantizer
    )
    flat = tf.reshape(z_noisy, [-1, z_noisy.shape[-1]])
    bits = {
      "y": densities.noisy_normal_bits(noisy, entropy_coding.log_scale(index)),
      "z": tf.reshape(self.prior.bits(flat), tf.shape(z_noisy)),
    }
    return {k: tf.reduce_sum(b, [1, 2, 3]) for k, b in bits.items()}, y_hat

  def code_residual(
    self,
    y: tf.Tensor,
    index: tf.Tensor,
    mean: tf.Tensor,
    quantizer: entropy_model.Quantizer,
  ) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
    """Quantizes the residuals of latents, given entropy parameters.

    Args:
      y: Latents, scaled, float32 `[N, h, w, latents]`.
      index: Indexes of the scales of latents, not whole, of the same shape.
      mean: Means of latents in the unit of `y`, of the same shape.
      quantizer: Quantizer of the residuals.

    Returns:
      Residuals whose bits are counted, the indexes of their scales, and decoded
      latents, each of the shape of `y`.
    """
    noisy, rounded = quantizer(y - mean, 1)
    return noisy, index, rounded + mean

  def tables(self) -> Mapping[str, entropy_coding.Tables]:
    return {
      "y": entropy_coding.normal_tables(),
      "z": entropy_coding.factorized_tables(
        self.prior, self.hyper_latents, limit=hyper_transforms.SYMBOL_LIMIT
      ),
    }

  @property
  def table_count(self) -> int:
    return entropy_coding.SCALES


class Hyperprior(transform_codec.TransformCodec):
  """Base of networks with a `HyperpriorModel`; options as theirs."""

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
  ):
    super().__init__(
      widths=widths,
      latents=latents,
      blocks=blocks,
      levels=levels,
      lmbda=lmbda,
      dtype=dtype,
      name=name,
      entropy_model=self._entropy_model,
      options={"hyper_width": hyper_width, "hyper_latents": hyper_latents},
    )

  def _entropy_model(self, latents: int, **options: int) -> HyperpriorModel:
    return HyperpriorModel(latents, has_means=self.has_means, **options)


@base.register("scale_hyperprior")
class ScaleHyperprior(Hyperprior):
  """Codes latents of mean 0 whose scales hyper-latents tell.

  Its arguments are those of `MeanScaleHyperprior`.

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
    widths: Numbers of hidden channels of the transforms, from pictures to
      latents: three.
    latents: Number of channels of the latents.
    blocks: Number of residual blocks of each transform.
    hyper_width: Number of hidden channels of the hyper-transforms.
    hyper_latents: Number of channels of the hyper-latents.
    levels: Largest quality.
    lmbda: Weights of squared errors of 8-bit values at the smallest and the
      largest quality.
    dtype: Keras dtype or policy of the transforms; the rest is float32.
    name: Keras model name.

  Source: Minnen, Ballé, Toderici, "Joint autoregressive and hierarchical priors
  for learned image compression", 2018, section 2 without the context model.
  """

  has_means = True

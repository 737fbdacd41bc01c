"""The codec network of latents with a learned density for each channel."""

from collections.abc import Mapping, Sequence

import keras
import tensorflow as tf

from tfpercept.models import base
from tfpercept.models.compression import (
  densities,
  entropy_coding,
  entropy_model,
  transform_codec,
)


class FactorizedModel(entropy_model.EntropyModel):
  """An entropy model of one learned density for each channel.

  There is no side information, so no network runs between the bytes and the
  latents, and every machine reads the same.

  Args:
    latents: Number of channels of the latents.
    levels: Largest quality, which changes nothing here.
  """

  codec = "factorized"

  def __init__(self, latents: int, *, levels: int):
    del levels
    super().__init__(latents)
    self.prior = densities.FactorizedDensity(latents, name="prior")

  @property
  def layers(self) -> Mapping[str, keras.layers.Layer | Sequence]:
    return {"prior": self.prior}

  def code(
    self,
    y: tf.Tensor,
    quality: tf.Tensor,
    scaling: entropy_model.Scaling,
    quantizer: entropy_model.Quantizer,
  ) -> tuple[dict[str, tf.Tensor], tf.Tensor]:
    del quality
    y_noisy, y_hat = quantizer(y * tf.exp(scaling.log_gain), 0)
    return {"y": tf.reduce_sum(self._bits(y_noisy), [1, 2, 3])}, y_hat

  def tables(self) -> Mapping[str, entropy_coding.Tables]:
    return {"y": entropy_coding.reaching_tables(self.prior, self.latents)}

  @property
  def table_count(self) -> int:
    return self.latents

  def _bits(self, y: tf.Tensor) -> tf.Tensor:
    """Returns the bits of scaled latents `[N, h, w, latents]`, one by one."""
    flat = tf.reshape(y, [-1, y.shape[-1]])
    return tf.reshape(self.prior.bits(flat), tf.shape(y))


@base.register("factorized_prior")
class FactorizedPrior(transform_codec.TransformCodec):
  """Codes latents by one density for each channel, at one rate.

  Input and what is raised are those of `TransformCodec`; sides are multiples of
  16.

  Args:
    widths: Numbers of hidden channels of the transforms, from pictures to
      latents: three.
    latents: Number of channels of the latents.
    blocks: Number of residual blocks of each transform.
    lmbda: Weights of squared errors of 8-bit values, two numbers; the network
      is for their geometric mean.
    dtype: Keras dtype or policy of the transforms; the rest is float32.
    name: Keras model name.

  Source: Ballé, Laparra, Simoncelli, "End-to-end optimized image compression",
  2017, section 3, with the transforms of 2018 and their density.
  """

  def __init__(
    self,
    *,
    widths: Sequence[int] = (48, 64, 96),
    latents: int = 192,
    blocks: int = transform_codec.BLOCKS,
    lmbda: Sequence[float] = (0.0130, 0.0130),
    dtype: str | None = None,
    name: str | None = None,
  ):
    super().__init__(
      widths=widths,
      latents=latents,
      blocks=blocks,
      levels=None,
      lmbda=lmbda,
      dtype=dtype,
      name=name,
      entropy_model=FactorizedModel,
    )

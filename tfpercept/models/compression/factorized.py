"""Codecs of latents with a learned density for each channel."""

from collections.abc import Sequence

import numpy as np
import tensorflow as tf

from tfpercept.models import base
from tfpercept.models.compression import densities, transform_codec


@base.register("factorized_prior")
class FactorizedPrior(transform_codec.TransformCodec):
  """Codes latents by one density for each channel, at one rate.

  Input and what is raised are those of `TransformCodec`; sides are multiples of
  16. No network runs between the bytes and the latents, so that every machine
  reads the same.

  Args:
    widths: Hidden channels of the transforms, from pictures to latents: three.
    latents: Channels of the latents.
    blocks: Number of residual blocks of each transform.
    lmbda: Of squared errors of 8-bit values; the geometric mean of the two.
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
    name: str = "factorized_prior",
  ):
    super().__init__(
      widths=widths,
      latents=latents,
      blocks=blocks,
      levels=1,
      lmbda=lmbda,
      dtype=dtype,
      name=name,
    )
    del self._config["levels"]
    self.prior = densities.FactorizedDensity(latents, name="prior")

  def build_coding(self, y: tf.Tensor, quality: tf.Tensor) -> None:
    """The density has its weights from the start."""

  def start_coding(self, deviations: np.ndarray) -> None:
    """The density counts in deviations, which is all that is known of it."""

  def code_latents(
    self,
    y: tf.Tensor,
    quality: tf.Tensor,
    quantiser: transform_codec.Quantiser,
  ) -> tuple[dict[str, tf.Tensor], tf.Tensor]:
    log_gain, _ = self.log_gains(quality)
    y_noisy, y_hat = quantiser(y * tf.exp(log_gain), 0)
    return {"y": tf.reduce_sum(self.bits(y_noisy), [1, 2, 3])}, y_hat

  def bits(self, y: tf.Tensor) -> tf.Tensor:
    """Returns the bits of scaled latents `[N, h, w, latents]`, one by one."""
    flat = tf.reshape(y, [-1, y.shape[-1]])
    return tf.reshape(self.prior.bits(flat), tf.shape(y))

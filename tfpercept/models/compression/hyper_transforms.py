"""Hyper-analysis and hyper-synthesis: side information of latents."""

from typing import Any

import keras
import tensorflow as tf

from tfpercept.models.compression import integer, modulation, transforms
from tfpercept.ops import codec_constants

STRIDE = codec_constants.HYPER_STRIDE
ANALYSIS_HALO = codec_constants.ANALYSIS_HALO
MEAN_BITS = codec_constants.MEAN_BITS
SYMBOL_LIMIT = codec_constants.SYMBOL_LIMIT


class HyperAnalysis(keras.layers.Layer):
  """h_a: latents to hyper-latents at a quarter of the sides.

  Each convolution is followed by modulation by the quality: at low rates less
  is worth telling.

  Input: float32 `[N, h, w, latents]`, sides multiples of 4, and qualities
  `[N]`; output: float32 `[N, h/4, w/4, hyper_latents]`.

  Args:
    width: Number of hidden channels.
    hyper_latents: Number of output channels.
    levels: Largest quality.

  Source: Minnen, Ballé, Toderici, "Joint autoregressive and hierarchical priors
  for learned image compression", 2018, table 1 of the supplement.
  """

  def __init__(self, width: int, hyper_latents: int, *, levels: int):
    super().__init__(name="hyper_analysis", dtype="float32")
    options = {"padding": "same", "dtype": "float32"}
    convolution = keras.layers.Conv2D
    self._convolutions = [
      convolution(width, 3, name="conv1", **options),
      convolution(width, 5, strides=2, name="conv2", **options),
      convolution(
        hyper_latents, 5, strides=2, use_bias=False, name="conv3", **options
      ),
    ]
    self._modulations = [
      modulation.Modulation(levels=levels, dtype="float32", name=f"quality{i}")
      for i in (1, 2, 3)
    ]

  def call(self, y: tf.Tensor, quality: tf.Tensor) -> tf.Tensor:
    *hidden, last = zip(self._convolutions, self._modulations, strict=True)
    for convolution, modulated in hidden:
      y = transforms.leaky(modulated(convolution(y), quality))
    convolution, modulated = last
    return modulated(convolution(y), quality)


class HyperSynthesis(keras.layers.Layer):
  """h_s: quantized hyper-latents to scale indexes and means of latents.

  It computes in whole numbers (`integer`), so that all machines come to
  the same indexes.

  Input: float32 `[N, h/4, w/4, hyper_latents]`, whole numbers within
  `SYMBOL_LIMIT`; output: indexes and means, float32 `[N, h, w, latents]` each:
  whole numbers, not clipped, and multiples of 2^-MEAN_BITS.

  Args:
    width: Number of hidden channels.
    latents: Number of channels of each output.
    has_means: Whether means are computed; otherwise they are 0.
  """

  def __init__(self, width: int, latents: int, *, has_means: bool = True):
    super().__init__(name="hyper_synthesis", dtype="float32")
    bits = integer.ACTIVATION_BITS
    hidden: dict[str, Any] = {
      "upsample": 2,
      "output_bits": bits,
      "hidden": True,
    }
    self.hidden = [
      integer.IntegerConvolution(
        width, 5, input_bits=0, name="hidden1", **hidden
      ),
      integer.IntegerConvolution(
        width, 5, input_bits=bits, name="hidden2", **hidden
      ),
    ]
    last: dict[str, Any] = {"input_bits": bits, "hidden": False}
    self.indexes = integer.IntegerConvolution(
      latents, 3, output_bits=0, name="indexes", **last
    )
    self.means = None
    if has_means:
      self.means = integer.IntegerConvolution(
        latents, 3, output_bits=MEAN_BITS, name="means", **last
      )

  @property
  def convolutions(self) -> list[integer.IntegerConvolution]:
    """All layers."""
    last = [self.indexes, self.means]
    return [*self.hidden, *(layer for layer in last if layer is not None)]

  def call(self, z: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    for layer in self.hidden:
      z = layer(z)
    indexes = self.indexes(z)
    if self.means is None:
      return indexes, tf.zeros_like(indexes)
    return indexes, self.means(z)

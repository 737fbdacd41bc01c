"""The codec network whose channels of latents tell of those that follow."""

import itertools
from collections.abc import Mapping, Sequence
from typing import Any

import keras
import tensorflow as tf

from tfpercept.models import base
from tfpercept.models.compression import (
  entropy_model,
  hyper_transforms,
  hyperprior,
  integer,
  transform_codec,
)
from tfpercept.ops import codec_constants, numerics

SYMBOL_LIMIT = codec_constants.CONTEXT_LIMIT
_START = 0.1  # of initial kernels, beside those of other hidden layers


class Context(keras.layers.Layer):
  """Entropy parameters that earlier slices tell of a slice, in whole numbers.

  A convolution of 3x3 and one of 1x1 (`integer`), so that all machines
  come to the same; the second is 0 before training.

  Input: symbols of the slices before, float32 `[N, h, w, C]`, whole; output:
  what is added to indexes, whole, and to means, multiples of 2^-MEAN_BITS of a
  rounding step, float32 `[N, h, w, channels]` each.

  Args:
    channels: Number of channels of the slice.
    width: Number of hidden channels.
    name: Keras layer name.
  """

  def __init__(self, channels: int, width: int, *, name: str):
    super().__init__(name=name, dtype="float32")
    bits = integer.ACTIVATION_BITS
    self.hidden = integer.IntegerConvolution(
      width, 3, input_bits=0, output_bits=bits, hidden=True, name="hidden"
    )
    self.indexes, self.means = (
      integer.IntegerConvolution(
        channels, 1, input_bits=bits, output_bits=out, hidden=False, name=name
      )
      for name, out in (("indexes", 0), ("means", hyper_transforms.MEAN_BITS))
    )

  def build(self, input_shape: tf.TensorShape) -> None:
    self.hidden.build(input_shape)
    # A step of rounding is more than most inputs of hidden layers are.
    self.hidden.kernel.assign(_START * self.hidden.kernel)
    width = self.hidden.width
    for layer in (self.indexes, self.means):
      layer.build(tf.TensorShape([None, None, None, width]))
      layer.kernel.assign(tf.zeros_like(layer.kernel))
    super().build(input_shape)

  @property
  def convolutions(self) -> list[integer.IntegerConvolution]:
    """All layers."""
    return [self.hidden, self.indexes, self.means]

  def call(self, symbols: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    limit = float(SYMBOL_LIMIT)
    symbols = numerics.at_least(numerics.at_most(symbols, limit), -limit)
    hidden = self.hidden(symbols)
    return self.indexes(hidden), self.means(hidden)


def uneven(latents: int) -> list[int]:
  """Returns a twelfth, a sixth and a quarter of channels, and the other half.

  None of them is empty where there are four channels or more.
  """
  first = [max(latents // part, 1) for part in (12, 6, 4)]
  return [*first, latents - sum(first)]


class ChannelWiseModel(hyperprior.HyperpriorModel):
  """A `HyperpriorModel` whose slices of channels tell of later slices.

  Args:
    latents: Number of channels of the latents.
    slices: Number of channels of each slice, in order of coding.
    context_width: Number of hidden channels of each `Context`.
    **options: Arguments of `HyperpriorModel`.

  Raises:
    ValueError: if the slices do not add up.

  Source: Minnen, Singh, "Channel-wise autoregressive entropy models for learned
  image compression", 2020, section 3.1.
  """

  codec = "channel_wise"
  can_refine = False  # a symbol tells of the slices that follow
  can_widen = False

  def __init__(
    self,
    latents: int,
    *,
    slices: Sequence[int],
    context_width: int,
    **options: Any,
  ):
    super().__init__(latents, has_means=True, **options)
    if sum(slices) != latents:
      raise ValueError(
        f"slices add up to the {latents} channels of latents; got "
        f"{list(slices)}, which are {sum(slices)}"
      )
    ends = [0, *itertools.accumulate(slices)]
    self._slices = [slice(*pair) for pair in itertools.pairwise(ends)]
    self.contexts = [
      Context(count, context_width, name=f"context{i}")
      for i, count in enumerate(slices[1:], 1)
    ]

  @property
  def layers(self) -> Mapping[str, keras.layers.Layer | Sequence]:
    return {**super().layers, "contexts": self.contexts}

  @property
  def slices(self) -> list[slice]:
    return self._slices

  @property
  def integer_layers(self) -> Mapping[str, entropy_model.IntegerLayer]:
    found = dict(super().integer_layers)
    for i, context in enumerate(self.contexts, 1):
      found |= {
        f"context{i}_hidden": entropy_model.IntegerLayer(
          context.hidden, SYMBOL_LIMIT
        ),
        f"context{i}_indexes": entropy_model.IntegerLayer(context.indexes),
        f"context{i}_means": entropy_model.IntegerLayer(context.means),
      }
    return found

  def build(
    self, y: tf.Tensor, quality: tf.Tensor, scaling: entropy_model.Scaling
  ) -> None:
    super().build(y, quality, scaling)
    for context, channels in zip(self.contexts, self.slices, strict=False):
      context(y[..., : channels.stop])

  def code_residual(
    self,
    y: tf.Tensor,
    index: tf.Tensor,
    mean: tf.Tensor,
    quantizer: entropy_model.Quantizer,
  ) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
    parts, before = [], None
    for i, channels in enumerate(self.slices):
      here, there = index[..., channels], mean[..., channels]
      if before is not None:
        more, shift = self.contexts[i - 1](before)
        here, there = here + more, there + shift
      noisy, rounded = quantizer(y[..., channels] - there, 1 + i)
      parts.append((noisy, here, rounded + there))
      # Contexts see symbols, not decoded latents: symbols are whole numbers,
      # which all machines compute with alike.
      symbols = numerics.rounded(rounded)
      before = symbols if i == 0 else tf.concat([before, symbols], axis=-1)
    return tuple(tf.concat(part, axis=-1) for part in zip(*parts, strict=True))


@base.register("channel_wise_hyperprior")
class ChannelWiseHyperprior(transform_codec.TransformCodec):
  """Codes latents slice by slice, each slice told of by those before it.

  Scales and means follow from hyper-latents, as those of a
  `MeanScaleHyperprior`, and from the symbols of channels that are decoded
  already. The first slices, which by the Karhunen-Loève start hold most of a
  picture, are the small ones.

  Args:
    widths: Numbers of hidden channels of the transforms, from pictures to
      latents: three.
    latents: Number of channels of the latents.
    blocks: Number of residual blocks of each transform.
    slices: Number of channels of each slice, in order; they add up to
      `latents`. By default `uneven`.
    context_width: Number of hidden channels of what follows from slices.
    hyper_width: Number of hidden channels of the hyper-transforms.
    hyper_latents: Number of channels of the hyper-latents.
    levels: Largest quality.
    lmbda: Weights of squared errors of 8-bit values at the smallest and the
      largest quality.
    dtype: Keras dtype or policy of the transforms; the rest is float32.
    name: Keras model name.

  Raises:
    ValueError: if the slices do not add up, or an option is out of range.

  Source: Minnen, Singh, "Channel-wise autoregressive entropy models for learned
  image compression", 2020, section 3.1; uneven slices: He et al., "ELIC", 2022,
  section 3.2. Whole numbers are ours, and no latent is corrected once decoded.
  """

  def __init__(
    self,
    *,
    widths: Sequence[int] = (48, 64, 96),
    latents: int = 192,
    blocks: int = transform_codec.BLOCKS,
    slices: Sequence[int] | None = None,
    context_width: int = 48,
    hyper_width: int = 96,
    hyper_latents: int = 64,
    levels: int = transform_codec.LEVELS,
    lmbda: Sequence[float] = transform_codec.RATES,
    dtype: str | None = None,
    name: str | None = None,
  ):
    slices = uneven(latents) if slices is None else list(slices)
    super().__init__(
      widths=widths,
      latents=latents,
      blocks=blocks,
      levels=levels,
      lmbda=lmbda,
      dtype=dtype,
      name=name,
      entropy_model=ChannelWiseModel,
      options={
        "slices": slices,
        "context_width": context_width,
        "hyper_width": hyper_width,
        "hyper_latents": hyper_latents,
      },
    )

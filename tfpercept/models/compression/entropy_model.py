"""The base of entropy models: what latents cost, and what coding them needs.

An entropy model is a part of a codec network, beside analysis and synthesis. It
says how probable quantized latents are: in training as bits that have a
gradient, in a codec as tables of frequencies. Codecs and exporters ask it for
all that differs from one network to another, and never for its name.
"""

import abc
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import keras
import numpy as np
import tensorflow as tf

from tfpercept.models.compression import entropy_coding, integer

Quantizer = Callable[[tf.Tensor, int], tuple[tf.Tensor, tf.Tensor]]
"""Function from latents, and a number that differs from call to call, to the
latents whose bits are counted and the latents that are decoded."""


class Scaling(NamedTuple):
  """The scale of the latents of a batch.

  Attributes:
    deviation: Standard deviation of each channel before the gain, float32
      `[latents]`.
    log_gain: Natural logarithm of the gain before rounding, float32
      `[N, 1, 1, latents]`.
  """

  deviation: tf.Tensor
  log_gain: tf.Tensor


class IntegerLayer(NamedTuple):
  """A layer that every decoder computes in whole numbers.

  Attributes:
    layer: The convolution with its weights.
    largest_input: Largest magnitude of an input, in units of the input.
  """

  layer: integer.IntegerConvolution
  largest_input: int = integer.ACTIVATION_LIMIT


class EntropyModel(abc.ABC):
  """Base of entropy models.

  It is no Keras layer. The network tracks its layers, each under its name in
  `layers`, because those names are keys of checkpoints and of weights.

  A subclass states as class attributes what a codec asks of it.

  Args:
    latents: Number of channels of the latents.

  Attributes:
    latents: Number of channels of the latents.
  """

  codec: str
  """Name of the bitstream in `codecs.bitstream.header.CODEC_IDS`, by which
  decoders know the entropy parameters of a stream."""

  hyper_latents: int = 0
  """Number of channels of the side information; 0 if there is none."""

  ratio: int = 1
  """Number of latents per hyper-latent along each side; 1 without side
  information."""

  analysis_halo: int = 0
  """Number of latents beyond its own that a hyper-latent depends on, rounded
  up to a multiple of `ratio`."""

  can_refine: bool = False
  """Whether a codec may change single symbols after rounding, because no other
  symbol is decoded with their help and their density is normal."""

  can_widen: bool = False
  """Whether a trained network can get more channels of latents."""

  def __init__(self, latents: int):
    self.latents = latents

  @property
  @abc.abstractmethod
  def layers(self) -> Mapping[str, keras.layers.Layer | Sequence]:
    """Layers, or lists of layers, by the network's attribute that tracks them.

    They are in the order of the network's weights.
    """

  @property
  def slices(self) -> list[slice]:
    """Channels of the latents that are coded together, in order of coding."""
    return [slice(0, self.latents)]

  @property
  def has_side_information(self) -> bool:
    """Whether a stream begins with hyper-latents."""
    return self.hyper_latents > 0

  @property
  def integer_layers(self) -> Mapping[str, IntegerLayer]:
    """Layers that decoders compute in whole numbers, by name.

    Arrays in a model folder begin with that name. There are none without side
    information.
    """
    return {}

  def build(  # noqa: B027 some have all weights at once
    self, y: tf.Tensor, quality: tf.Tensor, scaling: Scaling
  ) -> None:
    """Makes the weights that depend on shapes.

    Args:
      y: Latents of any value, float32 `[N, h, w, latents]`.
      quality: Qualities of any value, float32 `[N]`.
      scaling: Scale of the latents.
    """

  def start(self, deviations: np.ndarray) -> None:  # noqa: B027
    """Starts from the standard deviations of the last latents.

    Args:
      deviations: Positive, `[count]`; of all channels, or of the last ones
        alone where channels were added to a trained network.
    """

  def side_information(
    self, y: tf.Tensor, quality: tf.Tensor, scaling: Scaling
  ) -> tf.Tensor:
    """Returns hyper-latents, float32 `[N, h/ratio, w/ratio, hyper_latents]`.

    Args:
      y: Latents, not scaled, float32 `[N, h, w, latents]`.
      quality: Qualities, float32 `[N]`.
      scaling: Scale of the latents.

    Raises:
      ValueError: if this entropy model has no side information.
    """
    raise ValueError(f"{self.codec} has no side information")

  @abc.abstractmethod
  def code(
    self,
    y: tf.Tensor,
    quality: tf.Tensor,
    scaling: Scaling,
    quantizer: Quantizer,
  ) -> tuple[Mapping[str, tf.Tensor], tf.Tensor]:
    """Returns the bits of each picture, and the decoded latents.

    Args:
      y: Latents, not scaled, float32 `[N, h, w, latents]`.
      quality: Qualities, float32 `[N]`.
      scaling: Scale of the latents.
      quantizer: Function that rounds.

    Returns:
      Bits `[N]` by the name of what they code, and latents
      `[N, h, w, latents]`, scaled.
    """

  @abc.abstractmethod
  def tables(self) -> Mapping[str, entropy_coding.Tables]:
    """Returns the coding tables of the trained model, by name.

    `y` codes latents, `z` hyper-latents where there are any.
    """

  @property
  @abc.abstractmethod
  def table_count(self) -> int:
    """Number of coding tables of latents."""

"""Entropy parameters: for each latent the number of a table, and its mean.

The name of a bitstream, which the entropy model of a network states, says how
these follow from what is decoded already. `of_model` finds the class that is
registered for it.
"""

import abc
from collections.abc import Callable, Generator, Iterator, Mapping
from typing import NamedTuple

import numpy as np
import tensorflow as tf

from tfpercept import registry
from tfpercept.codecs.bitstream import container
from tfpercept.codecs.learned import hyper_synthesis, tiles
from tfpercept.models.compression import (
  entropy_model,
  hyper_transforms,
  transforms,
)

PARAMETERS = registry.Registry("bitstream")
"""`Parameters` by the name of a bitstream, a key of `CODEC_IDS`."""
_HALO = hyper_transforms.SYNTHESIS_HALO
_RATIO = hyper_transforms.STRIDE
ALL = slice(None)


class Part(NamedTuple):
  """Latents that are coded at a time.

  Attributes:
    rows: Rows of the latents.
    channels: Channels of the latents.
    index: Numbers of their coding tables, int32 `[1, rows, columns, channels]`.
    mean: Means of latents that are scaled by the gain, float32, of the same
      shape.
  """

  rows: slice
  channels: slice
  index: tf.Tensor
  mean: tf.Tensor


class Parts(Iterator[Part]):
  """Parts of latents in order of coding.

  What follows may depend on symbols, so each part wants to be told its own
  before the next one is asked for:

      for part in parts:
        symbols = ...  # chosen, or read from a stream
        parts.tell(symbols)

  Args:
    generator: Generator of parts that is sent the symbols of each.
  """

  def __init__(self, generator: Generator[Part, tf.Tensor, None]):
    self._generator = generator
    self._symbols: tf.Tensor | None = None

  def __next__(self) -> Part:
    symbols, self._symbols = self._symbols, None
    return self._generator.send(symbols)

  def tell(self, symbols: tf.Tensor) -> None:
    """Keeps the symbols of the last part, int32, for those that follow."""
    self._symbols = symbols


def gains(
  kept: Mapping[str, np.ndarray], step: int
) -> tuple[np.ndarray, np.ndarray]:
  """Returns the gains of latents before and after they are rounded.

  Args:
    kept: Arrays of a model folder, by name (`coding_tables.arrays`).
    step: Quality in sixteenths.

  Returns:
    Float32 `[latents]` each; their logarithms are linear between whole levels.
  """
  position = step / container.STEPS - 1
  levels = len(kept["log_gain"])
  low = max(min(int(position), levels - 2), 0)
  high, share = min(low + 1, levels - 1), np.float32(position - low)
  return tuple(
    np.exp((1 - share) * kept[name][low] + share * kept[name][high])
    for name in ("log_gain", "log_inverse")
  )


class Parameters(abc.ABC):
  """Base of entropy parameters.

  `hidden` and `tell` are functions of tensors, for graphs too; `parts` goes
  through a picture strip by strip with their help.

  Args:
    kept: Arrays of a model folder, by name (`coding_tables.arrays`).
    model: Entropy model of the network.

  Attributes:
    slices: Channels of the latents that are coded together, in order.
  """

  def __init__(
    self, kept: Mapping[str, np.ndarray], model: entropy_model.EntropyModel
  ):
    self._kept = kept
    self.slices = model.slices

  def parts(
    self, size: tuple[int, int], z: np.ndarray | None, step: int
  ) -> Parts:
    """Returns the parts of the latents of a picture, in order of coding.

    A part has as many rows as a strip. Parameters are the same as if they were
    made of the whole picture at once.

    Args:
      size: Rows and columns of latents.
      z: Hyper-latents, int32 `[1, h, w, hyper_latents]`; None if there are
        none.
      step: Quality in sixteenths.
    """
    return Parts(self._parts(size, z, step))

  @abc.abstractmethod
  def _parts(
    self, size: tuple[int, int], z: np.ndarray | None, step: int
  ) -> Generator[Part, tf.Tensor, None]:
    """Yields parts, and is sent the symbols of each; arguments as `parts`."""

  @abc.abstractmethod
  def hidden(self, z: tf.Tensor | None, shape: tf.Tensor) -> tf.Tensor:
    """Returns the features that parameters are made of, `[N, h, w, C]`.

    Args:
      z: Hyper-latents, whole numbers `[N, h/ratio, w/ratio, hyper_latents]`;
        None if there are none.
      shape: N, h and w, int32 `[3]`.
    """

  @abc.abstractmethod
  def tell(
    self,
    number: int,
    hidden: tf.Tensor,
    known: tf.Tensor | None,
    offset: tf.Tensor,
    scale: tf.Tensor,
  ) -> tuple[tf.Tensor, tf.Tensor]:
    """Returns numbers of tables and means of a slice, as a `Part` has them.

    Args:
      number: Number of the slice; the first one is 0.
      hidden: Features that `hidden` returned.
      known: Symbols of the slices before, `[N, h, w, C]`; None if there are
        none.
      offset: `offsets` of the channels of the slice, int32.
      scale: `mean_scale` of the channels of the slice, float32.
    """

  @abc.abstractmethod
  def integers(self, z: np.ndarray) -> dict[str, np.ndarray]:
    """Returns all that must be exact of hyper-latents, for `selftest`.

    Args:
      z: Hyper-latents, int32 `[1, h, w, hyper_latents]`.
    """

  @abc.abstractmethod
  def offsets(self, step: int) -> np.ndarray:
    """Returns the numbers that a quality in sixteenths adds to indexes.

    They are int32 `[latents]`.
    """

  def mean_scale(self, step: int) -> np.ndarray:
    """Returns the unit of means of side information at a quality.

    It is float32 `[latents]`, in the unit of symbols.
    """
    return self._kept["deviation"] * gains(self._kept, step)[0]

  def symbols(
    self, y: np.ndarray, mean: tf.Tensor, step: int, channels: slice = ALL
  ) -> tf.Tensor:
    """Returns int32 symbols of latents: scaled, less their means, rounded.

    Args:
      y: Latents, not scaled, float32 `[1, rows, columns, channels]`.
      mean: Means of a `Part`, of the same shape.
      step: Quality in sixteenths.
      channels: Channels of the latents that these are.
    """
    gain, _ = gains(self._kept, step)
    return tf.cast(tf.round(y * gain[channels] - mean), tf.int32)

  def values(
    self, symbols: tf.Tensor, mean: tf.Tensor, step: int, channels: slice = ALL
  ) -> tf.Tensor:
    """Returns the latents that symbols stand for, float32, not scaled."""
    inverse = self.inverse(step)[channels]
    return (tf.cast(symbols, tf.float32) + mean) * inverse

  def inverse(self, step: int) -> np.ndarray:
    """Returns the gains from symbols back to latents, float32 `[latents]`."""
    return gains(self._kept, step)[1]


def of_model(
  model: entropy_model.EntropyModel, kept: Mapping[str, np.ndarray]
) -> Parameters:
  """Returns the entropy parameters of the bitstream that a model states.

  Args:
    model: Entropy model of the network.
    kept: Arrays of a model folder, by name (`coding_tables.arrays`).
  """
  return PARAMETERS.get(model.codec)(kept, model)


@PARAMETERS.register("factorized")
class FixedParameters(Parameters):
  """Parameters without side information: a table a channel, and means of 0."""

  def _parts(
    self, size: tuple[int, int], z: np.ndarray | None, step: int
  ) -> Generator[Part, tf.Tensor, None]:
    del z, step
    nothing = tf.zeros([0])
    for rows in spans(size):
      hidden = self.hidden(None, tf.stack([1, rows.stop - rows.start, size[1]]))
      yield Part(rows, ALL, *self.tell(0, hidden, None, nothing, nothing))

  def hidden(self, z: tf.Tensor | None, shape: tf.Tensor) -> tf.Tensor:
    del z
    return tf.zeros(tf.concat([shape, [0]], axis=0))

  def tell(
    self,
    number: int,
    hidden: tf.Tensor,
    known: tf.Tensor | None,
    offset: tf.Tensor,
    scale: tf.Tensor,
  ) -> tuple[tf.Tensor, tf.Tensor]:
    del number, known, offset, scale
    latents = len(self._kept["deviation"])
    shape = tf.concat([tf.shape(hidden)[:3], [latents]], axis=0)
    return tf.broadcast_to(tf.range(latents), shape), tf.zeros(shape)

  def integers(self, z: np.ndarray) -> dict[str, np.ndarray]:
    del z
    return {}

  def offsets(self, step: int) -> np.ndarray:
    del step
    return np.zeros(len(self._kept["deviation"]), np.int32)


@PARAMETERS.register("hyperprior")
class HyperParameters(Parameters):
  """Parameters that follow from side information alone."""

  def __init__(
    self, kept: Mapping[str, np.ndarray], model: entropy_model.EntropyModel
  ):
    super().__init__(kept, model)
    self._hyper = hyper_synthesis.HyperSynthesis(kept)
    self._tellers = [
      hyper_synthesis.Teller(kept, number, channels)
      for number, channels in enumerate(self.slices)
    ]
    self._hidden_of = tf.function(
      lambda z: self._hyper.hidden(z), reduce_retracing=True
    )
    self._told_by = [
      tf.function(teller.tell, reduce_retracing=True)
      for teller in self._tellers
    ]

  def _parts(
    self, size: tuple[int, int], z: np.ndarray | None, step: int
  ) -> Generator[Part, tf.Tensor, None]:
    del size
    assert z is not None  # which the entropy model states there are
    (told_by,) = self._told_by
    offset = tf.constant(self.offsets(step))
    scale = tf.constant(self.mean_scale(step))
    for rows, hidden, own in hidden_strips(self._hidden_of, z):
      index, mean = told_by(hidden, None, offset, scale)
      yield Part(rows, ALL, index[:, own], mean[:, own])

  def hidden(self, z: tf.Tensor | None, shape: tf.Tensor) -> tf.Tensor:
    del shape
    return self._hyper.hidden(tf.cast(z, tf.float32))

  def tell(
    self,
    number: int,
    hidden: tf.Tensor,
    known: tf.Tensor | None,
    offset: tf.Tensor,
    scale: tf.Tensor,
  ) -> tuple[tf.Tensor, tf.Tensor]:
    return self._tellers[number].tell(hidden, known, offset, scale)

  def integers(self, z: np.ndarray) -> dict[str, np.ndarray]:
    """Returns all that must be exact of hyper-latents, for `selftest`.

    Args:
      z: Hyper-latents, int32 `[1, h, w, hyper_latents]`.

    Returns:
      `indexes`, not clipped, and `means`, in their unit, int32 `[1, 4h, 4w,
      latents]`.
    """
    hidden = self._hidden_of(tf.cast(z, tf.float32))
    (teller,) = self._tellers
    return {what: v for (_, what), v in teller.integers(hidden, None).items()}

  def offsets(self, step: int) -> np.ndarray:
    rows = self._kept["index_offsets"]
    return rows[step - container.STEPS].astype(np.int32)


def spans(size: tuple[int, int]) -> Iterator[slice]:
  """Yields the rows of strips of latents.

  Args:
    size: Rows and columns of latents.
  """
  rows = tiles.heights(*(side * transforms.STRIDE for side in size))
  for top, bottom in tiles.spans(size[0], rows // transforms.STRIDE):
    yield slice(top, bottom)


def hidden_strips(
  hidden_of: Callable[[tf.Tensor], tf.Tensor], z: np.ndarray
) -> Iterator[tuple[slice, tf.Tensor, slice]]:
  """Yields the features of a hyper-synthesis, strip by strip.

  Rows at a border that is none of the picture would be wrong; they are not
  among what is yielded.

  Args:
    hidden_of: Function from hyper-latents to features, as
      `HyperSynthesis.hidden`.
    z: Hyper-latents, int32 `[1, h, w, hyper_latents]`.

  Yields:
    Rows of latents, features there and a row above and below, where there is
    one, and which rows of the features are their own.
  """
  height, width = (side * _RATIO for side in z.shape[1:3])
  for rows in spans((height, width)):
    first = max(rows.start // _RATIO - _HALO, 0)
    part = z[:, first : -(-rows.stop // _RATIO) + _HALO]
    hidden = hidden_of(tf.cast(part, tf.float32))
    seen, own = around(rows, height)
    start, end = (place - _RATIO * first for place in (seen.start, seen.stop))
    yield rows, hidden[:, start:end], own


def around(rows: slice, height: int) -> tuple[slice, slice]:
  """Returns rows with one above and below, and where in those they are.

  The layers that follow the features are convolutions of 3x3.
  """
  start, end = max(rows.start - 1, 0), min(rows.stop + 1, height)
  return slice(start, end), slice(rows.start - start, rows.stop - start)

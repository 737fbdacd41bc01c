"""Entropy parameters: for each latent the number of a table, and its mean.

The name of a bitstream, which the entropy model of a network states, says how
these follow from what is decoded already. `of_model` finds the class that is
registered for it.
"""

import abc
import dataclasses
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from tfpercept import registry
from tfpercept.codecs.bitstream import container
from tfpercept.codecs.learned import arithmetic, hyper_synthesis, layout, tiles
from tfpercept.ops import codec_constants

PARAMETERS = registry.Registry("bitstream")
"""`Parameters` by the name of a bitstream, a key of `CODEC_IDS`."""
_HALO = codec_constants.SYNTHESIS_HALO
_RATIO = codec_constants.HYPER_STRIDE
_STRIDE = codec_constants.STRIDE
Array = arithmetic.Array
ALL = slice(None)


@dataclasses.dataclass(frozen=True)
class Part:
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
  index: np.ndarray
  mean: np.ndarray


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

  def __init__(self, generator: Generator[Part, np.ndarray | None, None]):
    self._generator = generator
    self._symbols: np.ndarray | None = None

  def __next__(self) -> Part:
    symbols, self._symbols = self._symbols, None
    return self._generator.send(symbols)

  def tell(self, symbols: np.ndarray) -> None:
    """Keeps the symbols of the last part, int32, for those that follow."""
    self._symbols = symbols


def gains(
  kept: Mapping[str, np.ndarray], step: int
) -> tuple[np.ndarray, np.ndarray]:
  """Returns the gains of latents before and after they are rounded.

  Args:
    kept: Arrays of a model folder, by name (`coding_tables.load`).
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

  `hidden` and `tell` are functions of the arrays of any library; `parts` goes
  through a picture strip by strip with their help, by NumPy.

  Args:
    kept: Arrays of a model folder, by name (`coding_tables.load`).
    laid: Layout of those arrays.
    by: Library of arrays that computes `hidden` and `tell`.

  Attributes:
    slices: Channels of the latents that are coded together, in order.
  """

  def __init__(
    self,
    kept: Mapping[str, np.ndarray],
    laid: layout.Layout,
    by: arithmetic.Arithmetic,
  ):
    self._kept, self._by = kept, by
    self.slices = laid.slices

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
  ) -> Generator[Part, np.ndarray | None, None]:
    """Yields parts, and is sent the symbols of each; arguments as `parts`."""

  @abc.abstractmethod
  def hidden(self, z: Array | None, shape: Sequence[Any]) -> Array:
    """Returns the features that parameters are made of, `[N, h, w, C]`.

    Args:
      z: Hyper-latents, whole numbers `[N, h/ratio, w/ratio, hyper_latents]`;
        None if there are none.
      shape: N, h and w, each a number or a tensor.
    """

  @abc.abstractmethod
  def tell(
    self,
    number: int,
    hidden: Array,
    known: Array | None,
    offset: Array,
    scale: Array,
  ) -> tuple[Array, Array]:
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
    self, y: np.ndarray, mean: np.ndarray, step: int, channels: slice = ALL
  ) -> np.ndarray:
    """Returns int32 symbols of latents: scaled, less their means, rounded.

    Args:
      y: Latents, not scaled, float32 `[1, rows, columns, channels]`.
      mean: Means of a `Part`, of the same shape.
      step: Quality in sixteenths.
      channels: Channels of the latents that these are.
    """
    gain, _ = gains(self._kept, step)
    return np.round(y * gain[channels] - mean).astype(np.int32)

  def values(
    self,
    symbols: np.ndarray,
    mean: np.ndarray,
    step: int,
    channels: slice = ALL,
  ) -> np.ndarray:
    """Returns the latents that symbols stand for, float32, not scaled."""
    return (symbols.astype(np.float32) + mean) * self.inverse(step)[channels]

  def inverse(self, step: int) -> np.ndarray:
    """Returns the gains from symbols back to latents, float32 `[latents]`."""
    return gains(self._kept, step)[1]


def of_layout(
  laid: layout.Layout,
  kept: Mapping[str, np.ndarray],
  by: arithmetic.Arithmetic | None = None,
) -> Parameters:
  """Returns the entropy parameters of the bitstream that a layout states.

  Args:
    laid: Layout of the arrays.
    kept: Arrays of a model folder, by name (`coding_tables.load`).
    by: Library of arrays that computes; NumPy by default.
  """
  return PARAMETERS.get(laid.codec)(kept, laid, by or arithmetic.NumPy())


@PARAMETERS.register("factorized")
class FixedParameters(Parameters):
  """Parameters without side information: a table a channel, and means of 0."""

  def _parts(
    self, size: tuple[int, int], z: np.ndarray | None, step: int
  ) -> Generator[Part, np.ndarray | None, None]:
    del z, step
    nothing = np.zeros([0])
    for rows in spans(size):
      hidden = self.hidden(None, (1, rows.stop - rows.start, size[1]))
      yield Part(rows, ALL, *self.tell(0, hidden, None, nothing, nothing))

  def hidden(self, z: Array | None, shape: Sequence[Any]) -> Array:
    del z
    return self._by.zeros((*shape, 1))

  def tell(
    self,
    number: int,
    hidden: Array,
    known: Array | None,
    offset: Array,
    scale: Array,
  ) -> tuple[Array, Array]:
    del number, known, offset, scale
    latents = len(self._kept["deviation"])
    index = self._by.cast(hidden, "int32") + np.arange(latents, dtype=np.int32)
    return index, hidden + np.zeros(latents, np.float32)

  def integers(self, z: np.ndarray) -> dict[str, np.ndarray]:
    del z
    return {}

  def offsets(self, step: int) -> np.ndarray:
    del step
    return np.zeros(len(self._kept["deviation"]), np.int32)


@PARAMETERS.register("hyperprior")
@PARAMETERS.register("hific")
class HyperParameters(Parameters):
  """Parameters that follow from side information alone."""

  def __init__(
    self,
    kept: Mapping[str, np.ndarray],
    laid: layout.Layout,
    by: arithmetic.Arithmetic,
  ):
    super().__init__(kept, laid, by)
    self._hyper = hyper_synthesis.HyperSynthesis(kept, by)
    self._tellers = [
      hyper_synthesis.Teller(kept, by, number, channels)
      for number, channels in enumerate(self.slices)
    ]

  def _parts(
    self, size: tuple[int, int], z: np.ndarray | None, step: int
  ) -> Generator[Part, np.ndarray | None, None]:
    del size
    assert z is not None  # which the entropy model states there are
    offset, scale = self.offsets(step), self.mean_scale(step)
    for rows, hidden, own in hidden_strips(self._hyper.hidden, z):
      index, mean = self.tell(0, hidden, None, offset, scale)
      yield Part(rows, ALL, index[:, own], mean[:, own])

  def hidden(self, z: Array | None, shape: Sequence[Any]) -> Array:
    del shape
    return self._hyper.hidden(self._by.cast(z, "float32"))

  def tell(
    self,
    number: int,
    hidden: Array,
    known: Array | None,
    offset: Array,
    scale: Array,
  ) -> tuple[Array, Array]:
    return self._tellers[number].tell(hidden, known, offset, scale)

  def integers(self, z: np.ndarray) -> dict[str, np.ndarray]:
    """Returns all that must be exact of hyper-latents, for `selftest`.

    Args:
      z: Hyper-latents, int32 `[1, h, w, hyper_latents]`.

    Returns:
      `indexes`, not clipped, and `means`, in their unit, int32 `[1, 4h, 4w,
      latents]`.
    """
    hidden = self._hyper.hidden(z.astype(np.float32))
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
  rows = tiles.heights(*(side * _STRIDE for side in size))
  for top, bottom in tiles.spans(size[0], rows // _STRIDE):
    yield slice(top, bottom)


def hidden_strips(
  hidden_of: Callable[[np.ndarray], np.ndarray], z: np.ndarray
) -> Iterator[tuple[slice, np.ndarray, slice]]:
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
    hidden = hidden_of(part.astype(np.float32))
    seen, own = around(rows, height)
    start, end = (place - _RATIO * first for place in (seen.start, seen.stop))
    yield rows, hidden[:, start:end], own


def around(rows: slice, height: int) -> tuple[slice, slice]:
  """Returns rows with one above and below, and where in those they are.

  The layers that follow the features are convolutions of 3x3.
  """
  start, end = max(rows.start - 1, 0), min(rows.stop + 1, height)
  return slice(start, end), slice(rows.start - start, rows.stop - start)

"""The symbol coder: between symbols and the strings of a stream."""

import contextlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from tfpercept.codecs.base import CorruptStream
from tfpercept.codecs.bitstream import escape_symbols, range_coder
from tfpercept.codecs.learned import entropy_parameters, layout, stopwatch
from tfpercept.ops import codec_constants

_LIMIT = codec_constants.SYMBOL_LIMIT


class Picture(NamedTuple):
  """The strings of a picture.

  Attributes:
    size: Height and width of the picture.
    step: Quality in sixteenths.
    strings: All strings of the stream, in order.
  """

  size: tuple[int, int]
  step: int
  strings: Sequence[bytes]


Coded = tuple[entropy_parameters.Part, np.ndarray]
"""A part of latents and its symbols, int32."""


Number = Any
"""An int, or a tensor of one."""


def latent_size(
  laid: layout.Layout, height: Number, width: Number
) -> tuple[Number, Number]:
  """Returns rows and columns of the latents of a picture.

  Args:
    laid: Layout of the model.
    height: Height of the picture, a number or a tensor.
    width: Width of the picture, of the same type.
  """
  ratio = laid.ratio
  stride = ratio * codec_constants.STRIDE
  return ratio * -(-height // stride), ratio * -(-width // stride)


def symbol_counts(
  laid: layout.Layout, height: Number, width: Number
) -> list[Number]:
  """Returns how many symbols each string of a picture may hold.

  Args:
    laid: Layout of the model.
    height: Height of the picture, a number or a tensor.
    width: Width of the picture, of the same type.
  """
  rows, columns = latent_size(laid, height, width)
  latents = rows * columns * laid.latents
  if not laid.has_side_information:
    return [latents, latents]
  hyper = rows * columns // laid.ratio**2 * laid.hyper_latents
  return [hyper, latents, latents]


class SymbolCoder:
  """Codes symbols into strings, and back.

  A stream has the string of hyper-latents z where there is side information,
  that of latents y, and that of escape symbols: of y beyond its coding tables.

  Args:
    kept: Arrays of a model folder, by name (`coding_tables.load`).
    laid: Layout of those arrays.
    parameters: Entropy parameters of latents.
  """

  def __init__(
    self,
    kept: Mapping[str, np.ndarray],
    laid: layout.Layout,
    parameters: entropy_parameters.Parameters,
  ):
    self._laid, self._parameters = laid, parameters
    self._tables = {
      name: range_coder.Tables(kept[f"{name}_tables"])
      for name in ("y", "z", "far")
      if f"{name}_tables" in kept
    }
    self._offsets = {
      name: kept[f"{name}_offsets"] for name in self._tables if name != "far"
    }

  def size(self, height: int, width: int) -> tuple[int, int]:
    """Returns rows and columns of the latents of a picture."""
    return latent_size(self._laid, height, width)

  def counts(self, height: int, width: int) -> list[int]:
    """Returns how many symbols each string of a picture may hold."""
    return symbol_counts(self._laid, height, width)

  def write(
    self,
    z: np.ndarray | None,
    coded: Iterable[Coded],
    watch: stopwatch.Stopwatch,
  ) -> list[bytes]:
    """Returns the strings of a picture.

    Args:
      z: Hyper-latents, int32 `[1, h, w, hyper_latents]`; None if there are
        none.
      coded: Parts of the latents with their symbols, in order of coding.
      watch: Stopwatch of the call.
    """
    strings = []
    if z is not None:
      side = range_coder.RangeEncoder(self._tables["z"])
      side.write(_channels(z.shape), z - self._offsets["z"])
      strings.append(side.finish())
    encoder = escape_symbols.FarEncoder(
      self._tables["y"], self._offsets["y"], self._tables["far"]
    )
    watch.lap("coder")
    for part, symbols in coded:
      watch.lap("hyper")
      encoder.write(part.index, symbols)
      watch.lap("coder")
    return [*strings, *encoder.finish()]

  def bits(self, z: np.ndarray | None, coded: Iterable[Coded]) -> float:
    """Returns the bits of symbols by the frequencies of their tables.

    They are what the strings of `write` take, but for the last byte of each.

    Args:
      z: Hyper-latents, as for `write`.
      coded: Parts of the latents with their symbols, as for `write`.
    """
    total = 0.0
    if z is not None:
      places = z - self._offsets["z"]
      total += _bits(self._tables["z"], _channels(z.shape), places)
    for part, symbols in coded:
      places, octets = escape_symbols.split(
        self._tables["y"], self._offsets["y"], part.index, symbols
      )
      total += _bits(self._tables["y"], part.index, places)
      total += _bits(self._tables["far"], _channels(octets.shape), octets)
    return total

  def symbols(self, picture: Picture) -> dict[str, np.ndarray]:
    """Returns the symbols that strings hold.

    Args:
      picture: Strings of a picture.

    Returns:
      `y`, int32 `[1, h, w, latents]`, and `z`, int32 `[1, h/4, w/4,
      hyper_latents]`, if there are hyper-latents.

    Raises:
      CorruptStream: if they hold anything else.
    """
    z = self._read_z(picture)
    y = np.empty((1, *self.size(*picture.size), self._laid.latents), np.int32)
    for part, symbols in self._read_y(picture, z, stopwatch.Stopwatch()):
      y[:, part.rows, :, part.channels] = symbols
    return {"y": y} if z is None else {"y": y, "z": z}

  def values(self, picture: Picture, watch: stopwatch.Stopwatch) -> np.ndarray:
    """Returns the latents that strings stand for, float32, not scaled.

    Args:
      picture: Strings of a picture.
      watch: Stopwatch of the call.

    Raises:
      CorruptStream: as `symbols`.
    """
    z = self._read_z(picture)
    watch.lap("coder")
    shape = (1, *self.size(*picture.size), self._laid.latents)
    y_hat = np.empty(shape, np.float32)
    for part, symbols in self._read_y(picture, z, watch):
      y_hat[:, part.rows, :, part.channels] = self._parameters.values(
        symbols, part.mean, picture.step, part.channels
      )
    return y_hat

  def _read_z(self, picture: Picture) -> np.ndarray | None:
    """Returns hyper-latents, int32 `[1, h, w, C]`, if there are any."""
    if not self._laid.has_side_information:
      return None
    sides = (n // self._laid.ratio for n in self.size(*picture.size))
    shape = (1, *sides, self._laid.hyper_latents)
    decoder = range_coder.RangeDecoder(picture.strings[0], self._tables["z"])
    z = decoder.read(_channels(shape)) + self._offsets["z"]
    with _named("z"):
      decoder.require_end()
    if z.min() < -_LIMIT or z.max() > _LIMIT:
      raise CorruptStream(f"a hyper-latent is beyond {_LIMIT}")
    return z

  def _read_y(
    self, picture: Picture, z: np.ndarray | None, watch: stopwatch.Stopwatch
  ) -> Iterator[Coded]:
    """Yields each part of latents with its symbols, in order of coding."""
    decoder = escape_symbols.FarDecoder(
      self._tables["y"],
      self._offsets["y"],
      self._tables["far"],
      *picture.strings[-2:],
    )
    size = self.size(*picture.size)
    parts = self._parameters.parts(size, z, picture.step)
    for part in parts:
      watch.lap("hyper")
      symbols = decoder.read(part.index)
      watch.lap("coder")
      yield part, symbols
      parts.tell(symbols)
    with _named("y"):
      decoder.require_end()
    watch.lap("hyper")


@contextlib.contextmanager
def _named(name: str) -> Iterator[None]:
  """Says in errors which symbols a string is of."""
  try:
    yield
  except CorruptStream as error:
    raise CorruptStream(
      f"the string of {name} does not end as it should"
    ) from error


def _channels(shape: tuple[int, ...]) -> np.ndarray:
  """Returns the number of the channel of each position, int32."""
  channels = np.arange(shape[-1], dtype=np.int32)
  return np.broadcast_to(channels, shape)


def _bits(
  tables: range_coder.Tables, which: np.ndarray, places: np.ndarray
) -> float:
  """Returns the bits of symbols by the frequencies of their tables.

  Args:
    tables: Coding tables.
    which: Number of the table of each symbol.
    places: Place of each symbol in its table, of the same shape.
  """
  at = tables.starts[which] + places
  share = (tables.ends[at + 1] - tables.ends[at]) * 2.0**-range_coder.PRECISION
  return float(-np.log2(share).sum())

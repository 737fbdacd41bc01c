"""The strings of a stream: which symbols they hold, and by which tables."""

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import numpy as np
import tensorflow as tf

from tfpercept.codecs.base import CorruptStream
from tfpercept.codecs.learned import entropy_parameters
from tfpercept.codecs.learned import stopwatch as clock_lib
from tfpercept.models.compression import (
  entropy_coding,
  hyper_transforms,
  transforms,
)


class Reader:
  """Takes symbols from a string, and raises CorruptStream where it can not.

  Args:
    name: Of what it holds, for messages.
    decoder: At its beginning.
  """

  def __init__(
    self, name: str, decoder: entropy_coding.Decoder | entropy_coding.FarDecoder
  ):
    self._name, self._decoder = name, decoder

  def read(self, table: tf.Tensor) -> tf.Tensor:
    """Returns as many int32 symbols as there are numbers of tables."""
    try:
      return self._decoder.read(table)
    except tf.errors.OpError as error:
      raise CorruptStream(f"a string can not be read: {error}") from error

  def require_end(self) -> None:
    """Raises CorruptStream unless all of the string was taken."""
    if not self._decoder.finish():
      raise CorruptStream(
        f"the string of {self._name} does not end as it should"
      )


class Picture(NamedTuple):
  """The strings of a picture.

  Attributes:
    size: Its height and width.
    step: Its quality in sixteenths.
    strings: All of them.
  """

  size: tuple[int, int]
  step: int
  strings: Sequence[bytes]


class SymbolCoder:
  """Strings of hyper-latents z, of latents y, and of y beyond its tables.

  Args:
    kept: Of `coding.arrays`; there are no hyper-latents if it has no tables of
      theirs.
    told_by: What latents are coded with.

  Attributes:
    hyper_latents: Channels of z.
    latents: Channels of y.
  """

  def __init__(
    self, kept: Mapping[str, np.ndarray], told_by: entropy_parameters.Parameters
  ):
    self._told_by = told_by
    self._tables = {
      name: entropy_coding.Tables(
        kept[f"{name}_tables"], kept[f"{name}_offsets"]
      )
      for name in "zy"
      if f"{name}_tables" in kept
    }
    self._far = kept["far_tables"]
    has_z = "z" in self._tables
    self.hyper_latents = len(self._tables["z"].offsets) if has_z else 0
    self.latents = len(kept["deviation"])

  def size(self, height: int, width: int) -> tuple[int, int]:
    """Returns rows and columns of the latents of a picture."""
    ratio = hyper_transforms.STRIDE if self.hyper_latents else 1
    stride = ratio * transforms.STRIDE
    return ratio * -(-height // stride), ratio * -(-width // stride)

  def counts(self, height: int, width: int) -> list[int]:
    """Returns how many symbols each string of a picture may hold."""
    rows, columns = self.size(height, width)
    latents = rows * columns * self.latents
    if not self.hyper_latents:
      return [latents, latents]
    ratio = hyper_transforms.STRIDE**2
    return [rows * columns // ratio * self.hyper_latents, latents, latents]

  def write(
    self,
    size: tuple[int, int],
    z: np.ndarray | None,
    step: int,
    choose: entropy_parameters.Code,
    clock: clock_lib.Clock,
  ) -> list[bytes]:
    """Returns the strings of a picture.

    Args:
      size: Rows and columns of latents.
      z: Int32 `[1, h, w, hyper_latents]`; None if there are none.
      step: The quality in sixteenths.
      choose: Returns the symbols of a part of the latents.
      clock: Runs.
    """
    strings = []
    if z is not None:
      encoder = entropy_coding.Encoder(self._tables["z"])
      encoder.write(_channels(z.shape), tf.constant(z))
      strings.append(encoder.finish())
    encoder = entropy_coding.FarEncoder(self._tables["y"], self._far)
    clock.lap("coder")

    def write(part: entropy_parameters.Part) -> tf.Tensor:
      symbols = choose(part)
      clock.lap("hyper")
      encoder.write(part.index, symbols)
      clock.lap("coder")
      return symbols

    self._told_by.each(size, z, step, write)
    return [string.numpy() for string in (*strings, *encoder.finish())]

  def symbols(self, picture: Picture) -> dict[str, np.ndarray]:
    """Returns what strings hold.

    Returns:
      `y`, int32 `[1, h, w, latents]`, and `z`, int32 `[1, h/4, w/4,
      hyper_latents]`, if there are hyper-latents.

    Raises:
      CorruptStream: if they hold anything else.
    """
    z = self._read_z(picture)
    y = np.empty((1, *self.size(*picture.size), self.latents), np.int32)

    def keep(part: entropy_parameters.Part, symbols: tf.Tensor) -> None:
      y[:, part.rows, :, part.channels] = symbols

    self._read_y(picture, z, keep, clock_lib.Clock())
    return {"y": y} if z is None else {"y": y, "z": z}

  def values(self, picture: Picture, clock: clock_lib.Clock) -> np.ndarray:
    """Returns the latents that strings stand for, float32, not scaled.

    Args:
      picture: Of which they are.
      clock: Runs.

    Raises:
      CorruptStream: as `symbols`.
    """
    z = self._read_z(picture)
    clock.lap("coder")
    y_hat = np.empty((1, *self.size(*picture.size), self.latents), np.float32)

    def keep(part: entropy_parameters.Part, symbols: tf.Tensor) -> None:
      y_hat[:, part.rows, :, part.channels] = self._told_by.values(
        symbols, part.mean, picture.step, part.channels
      )

    self._read_y(picture, z, keep, clock)
    return y_hat

  def _read_z(self, picture: Picture) -> np.ndarray | None:
    """Returns hyper-latents, int32 `[1, h, w, C]`, if there are any."""
    if not self.hyper_latents:
      return None
    sides = (n // hyper_transforms.STRIDE for n in self.size(*picture.size))
    shape = (1, *sides, self.hyper_latents)
    decoder = entropy_coding.Decoder(self._tables["z"], picture.strings[0])
    reader = Reader("z", decoder)
    z = reader.read(_channels(shape)).numpy()
    reader.require_end()
    limit = hyper_transforms.SYMBOL_LIMIT
    if z.min() < -limit or z.max() > limit:
      raise CorruptStream(f"a hyper-latent is beyond {limit}")
    return z

  def _read_y(
    self,
    picture: Picture,
    z: np.ndarray | None,
    keep: Callable[[entropy_parameters.Part, tf.Tensor], None],
    clock: clock_lib.Clock,
  ) -> None:
    """Calls `keep` with each part of latents and its symbols, int32."""
    strings = picture.strings[-2:]
    decoder = entropy_coding.FarDecoder(self._tables["y"], self._far, *strings)
    reader = Reader("y", decoder)

    def read(part: entropy_parameters.Part) -> tf.Tensor:
      clock.lap("hyper")
      symbols = reader.read(part.index)
      clock.lap("coder")
      keep(part, symbols)
      return symbols

    self._told_by.each(self.size(*picture.size), z, picture.step, read)
    reader.require_end()
    clock.lap("hyper")


def _channels(shape: tuple[int, ...]) -> tf.Tensor:
  """Returns the number of the channel of each position."""
  return tf.broadcast_to(tf.range(shape[-1]), shape)

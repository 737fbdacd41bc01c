"""The symbol coder: between symbols and the strings of a stream."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple, TypeVar

import numpy as np
import tensorflow as tf

from tfpercept.codecs.base import CorruptStream
from tfpercept.codecs.learned import entropy_parameters, stopwatch
from tfpercept.models.compression import (
  entropy_coding,
  entropy_model,
  hyper_transforms,
  transforms,
)


class Reader:
  """Takes symbols from a string, and raises CorruptStream where it can not.

  Args:
    name: Name of the symbols, for messages.
    decoder: Decoder at the beginning of the string.
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
    size: Height and width of the picture.
    step: Quality in sixteenths.
    strings: All strings of the stream, in order.
  """

  size: tuple[int, int]
  step: int
  strings: Sequence[bytes]


Coded = tuple[entropy_parameters.Part, tf.Tensor]
"""A part of latents and its symbols, int32."""


Number = TypeVar("Number", int, tf.Tensor)


def latent_size(
  model: entropy_model.EntropyModel, height: Number, width: Number
) -> tuple[Number, Number]:
  """Returns rows and columns of the latents of a picture.

  Args:
    model: Entropy model of the network.
    height: Height of the picture, a number or a tensor.
    width: Width of the picture, of the same type.
  """
  stride = model.ratio * transforms.STRIDE
  return model.ratio * -(-height // stride), model.ratio * -(-width // stride)


def symbol_counts(
  model: entropy_model.EntropyModel, height: Number, width: Number
) -> list[Number]:
  """Returns how many symbols each string of a picture may hold.

  Args:
    model: Entropy model of the network.
    height: Height of the picture, a number or a tensor.
    width: Width of the picture, of the same type.
  """
  rows, columns = latent_size(model, height, width)
  latents = rows * columns * model.latents
  if not model.has_side_information:
    return [latents, latents]
  hyper = rows * columns // model.ratio**2 * model.hyper_latents
  return [hyper, latents, latents]


class SymbolCoder:
  """Codes symbols into strings, and back.

  A stream has the string of hyper-latents z where there is side information,
  that of latents y, and that of escape symbols: of y beyond its coding tables.

  Args:
    kept: Arrays of a model folder, by name (`coding_tables.arrays`).
    model: Entropy model of the network.
    parameters: Entropy parameters of latents.
  """

  def __init__(
    self,
    kept: Mapping[str, np.ndarray],
    model: entropy_model.EntropyModel,
    parameters: entropy_parameters.Parameters,
  ):
    self._model, self._parameters = model, parameters
    self._tables = {
      name: entropy_coding.Tables(
        kept[f"{name}_tables"], kept[f"{name}_offsets"]
      )
      for name in ("zy" if model.has_side_information else "y")
    }
    self._far = kept["far_tables"]

  def size(self, height: int, width: int) -> tuple[int, int]:
    """Returns rows and columns of the latents of a picture."""
    return latent_size(self._model, height, width)

  def counts(self, height: int, width: int) -> list[int]:
    """Returns how many symbols each string of a picture may hold."""
    return symbol_counts(self._model, height, width)

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
      side = entropy_coding.Encoder(self._tables["z"])
      side.write(_channels(z.shape), tf.constant(z))
      strings.append(side.finish())
    encoder = entropy_coding.FarEncoder(self._tables["y"], self._far)
    watch.lap("coder")
    for part, symbols in coded:
      watch.lap("hyper")
      encoder.write(part.index, symbols)
      watch.lap("coder")
    return [string.numpy() for string in (*strings, *encoder.finish())]

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
    y = np.empty((1, *self.size(*picture.size), self._model.latents), np.int32)
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
    shape = (1, *self.size(*picture.size), self._model.latents)
    y_hat = np.empty(shape, np.float32)
    for part, symbols in self._read_y(picture, z, watch):
      y_hat[:, part.rows, :, part.channels] = self._parameters.values(
        symbols, part.mean, picture.step, part.channels
      )
    return y_hat

  def _read_z(self, picture: Picture) -> np.ndarray | None:
    """Returns hyper-latents, int32 `[1, h, w, C]`, if there are any."""
    if not self._model.has_side_information:
      return None
    sides = (n // self._model.ratio for n in self.size(*picture.size))
    shape = (1, *sides, self._model.hyper_latents)
    decoder = entropy_coding.Decoder(self._tables["z"], picture.strings[0])
    reader = Reader("z", decoder)
    z = reader.read(_channels(shape)).numpy()
    reader.require_end()
    limit = hyper_transforms.SYMBOL_LIMIT
    if z.min() < -limit or z.max() > limit:
      raise CorruptStream(f"a hyper-latent is beyond {limit}")
    return z

  def _read_y(
    self, picture: Picture, z: np.ndarray | None, watch: stopwatch.Stopwatch
  ) -> Iterator[Coded]:
    """Yields each part of latents with its symbols, in order of coding."""
    strings = picture.strings[-2:]
    decoder = entropy_coding.FarDecoder(self._tables["y"], self._far, *strings)
    reader = Reader("y", decoder)
    size = self.size(*picture.size)
    parts = self._parameters.parts(size, z, picture.step)
    for part in parts:
      watch.lap("hyper")
      symbols = reader.read(part.index)
      watch.lap("coder")
      yield part, symbols
      parts.tell(symbols)
    reader.require_end()
    watch.lap("hyper")


def _channels(shape: tuple[int, ...]) -> tf.Tensor:
  """Returns the number of the channel of each position."""
  return tf.broadcast_to(tf.range(shape[-1]), shape)

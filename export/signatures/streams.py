"""`.tfp` files in a graph: the container of `codecs.bitstream.container`.

It knows only the forms that the learned codec writes: a long header, one tile,
no seed, and a hyper-synthesis, where there is one, in whole numbers.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
import tensorflow as tf

from export.signatures import pictures
from tfpercept.codecs.bitstream import container

MAX_BYTES = 8_000_000
"""Largest size of a file, in bytes."""
_GREY, _INTEGER = 1, 8  # flags
_PREFIX = 15  # bytes before the height: magic, version, codec, flags, model
_CRC = 4
_LONGEST = 64  # more than a header has
_VARINT_BYTES = 5
_POLYNOMIAL = 0xEDB88320  # of CRC-32, the lowest bit first


class Stream(NamedTuple):
  """The header and the strings of a file.

  Attributes:
    height: Height of the picture, int32.
    width: Width of the picture, int32.
    quality: Quality in sixteenths, int32; 0 if the model has one rate.
    grey: Whether the picture has one channel.
    strings: Strings that the symbol coder wrote.
  """

  height: tf.Tensor
  width: tf.Tensor
  quality: tf.Tensor
  grey: tf.Tensor
  strings: tuple[tf.Tensor, ...]


def pack(
  stream: Stream, *, codec: int, model: bytes, integer: bool = True
) -> tf.Tensor:
  """Returns the file, the same as `container.pack` returns.

  Args:
    stream: Header and strings.
    codec: Codec id.
    model: Identity of the model, 8 bytes.
    integer: Whether the model has a hyper-synthesis in whole numbers.
  """
  # An empty string is read as one of zeros is.
  strings = [
    tf.where(tf.strings.length(string) > 0, string, b"\0")
    for string in stream.strings
  ]
  fixed = [*container.MAGIC, container.VERSION, codec]
  header = tf.concat(
    [
      fixed,
      [tf.cast(stream.grey, tf.int32) * _GREY + _INTEGER * integer],
      list(model),
      _varint(stream.height),
      _varint(stream.width),
      [stream.quality, len(strings)],
      *(_varint(tf.strings.length(string)) for string in strings),
    ],
    axis=0,
  )
  body = tf.strings.join([_to_string(header), *strings])
  crc = crc32(tf.io.decode_raw(body, tf.uint8))
  places = tf.constant([0, 8, 16, 24], tf.uint32)
  crc = tf.bitwise.bitwise_and(tf.bitwise.right_shift(crc, places), 255)
  return tf.strings.join([body, _to_string(tf.cast(crc, tf.int32))])


def unpack(
  data: tf.Tensor,
  *,
  codec: int,
  model: bytes,
  symbols: Callable[[tf.Tensor, tf.Tensor], Sequence[tf.Tensor]],
  qualities: tuple[int, int],
  max_pixels: int,
  integer: bool = True,
) -> tuple[Stream, tf.Tensor]:
  """Returns the header and the strings of a file, and why it is refused.

  The second is empty if the file is good. What is not whole, is of another
  model, or is too large is refused with one line; the header is then that of a
  single pixel and the strings are empty. It raises nothing.

  Args:
    data: Whole file.
    codec: Codec id.
    model: Identity of the model, 8 bytes.
    symbols: Function from height and width to the most symbols of each string.
    qualities: Least and largest quality, in sixteenths.
    max_pixels: Most pixels of a picture.
    integer: Whether the model has a hyper-synthesis in whole numbers.
  """
  length = tf.strings.length(data)
  least = _PREFIX + _CRC + 1
  fits = (length >= least) & (length <= MAX_BYTES)
  # Zeros in place of a file that could not have all that is looked at.
  data = tf.where(fits, data, b"\0" * _LONGEST)
  every = tf.io.decode_raw(data, tf.uint8)
  body, end = every[:-_CRC], tf.size(every) - _CRC
  fields = _Fields(tf.cast(body, tf.int32))
  fields.require(
    fits, f"a .tfp file has {least} to {MAX_BYTES} bytes; got ", length
  )
  fields.start(codec, model, integer=integer)
  height, width = fields.sides(max_pixels)
  quality = fields.quality(*qualities)
  lengths = fields.lengths(symbols(height, width))
  fields.require(
    fields.at + sum(lengths) == end, "strings do not fill the file"
  )
  fields.require(
    tf.cast(crc32(body), tf.int64) == _number(every[-_CRC:]),
    "the checksum is that of another file: it is damaged or incomplete",
  )
  reason = fields.reason()
  good = reason == ""
  starts = tf.cumsum([fields.at, *lengths[:-1]])
  strings = [
    tf.strings.substr(
      data, tf.where(good, starts[i], 0), tf.where(good, length, 0)
    )
    for i, length in enumerate(lengths)
  ]
  stream = Stream(
    tf.where(good, height, 1),
    tf.where(good, width, 1),
    tf.where(good, quality, qualities[0]),
    fields.grey,
    tuple(strings),
  )
  return stream, reason


def _number(values: tf.Tensor) -> tf.Tensor:
  """Returns what four bytes, the lowest first, stand for: int64."""
  places = tf.constant([0, 8, 16, 24], tf.int64)
  shifted = tf.bitwise.left_shift(tf.cast(values, tf.int64), places)
  return tf.reduce_sum(shifted)


class _Fields:
  """Takes fields one after the other, and collects what they must be.

  Args:
    body: The file without its checksum, int32 `[n]`.
  """

  def __init__(self, body: tf.Tensor):
    # Behind a file that ends too early zeros follow; its length tells in time.
    padded = tf.pad(body[:_LONGEST], [[0, _LONGEST]])
    self._head = padded[:_LONGEST]
    self.at = tf.constant(0)
    self._wrong: list[tuple[tf.Tensor, Sequence[str | tf.Tensor]]] = []

  def require(self, condition: tf.Tensor, *line: str | tf.Tensor) -> None:
    """Refuses the file with a line, of texts and numbers, unless it holds."""
    self._wrong.append((tf.logical_not(condition), line))

  def reason(self) -> tf.Tensor:
    """Returns the line of the first requirement that is not met, or empty."""
    return pictures.first(*self._wrong)

  def start(self, codec: int, model: bytes, *, integer: bool) -> None:
    fixed = [*container.MAGIC, container.VERSION, codec]
    self.require(
      tf.reduce_all(self._head[: len(fixed)] == fixed),
      f"this is no .tfp file of version {container.VERSION} and codec {codec}",
    )
    flags = self._head[len(fixed)]
    plain = _INTEGER * integer
    self.grey = flags == _GREY | plain
    self.require(
      self.grey | (flags == plain), "the file has flags of no use here"
    )
    self.require(
      tf.reduce_all(self._head[_PREFIX - len(model) : _PREFIX] == list(model)),
      f"the file is of another model than {model.hex()}",
    )
    self.at += _PREFIX

  def sides(self, max_pixels: int) -> tuple[tf.Tensor, tf.Tensor]:
    """Returns height and width."""
    height = self.varint("the height", 1, container.MAX_SIDE)
    width = self.varint("the width", 1, container.MAX_SIDE)
    self.require(
      tf.cast(height, tf.int64) * tf.cast(width, tf.int64) <= max_pixels,
      f"the picture has more than {max_pixels} pixels",
    )
    return height, width

  def quality(self, least: int, largest: int) -> tf.Tensor:
    quality = self.byte()
    self.require(
      (quality >= least) & (quality <= largest),
      f"a quality is {least} to {largest} sixteenths",
    )
    return quality

  def lengths(self, symbols: Sequence[tf.Tensor]) -> list[tf.Tensor]:
    """Returns those of the strings, of which each has at most some symbols."""
    count = len(symbols)
    self.require(self.byte() == count, f"a file has {count} strings")
    lengths = [
      self.varint("the length of a string", 1, MAX_BYTES) for _ in symbols
    ]
    for length, most in zip(lengths, symbols, strict=True):
      self.require(length <= 64 + 8 * most, "a string is not that long")
    return lengths

  def byte(self) -> tf.Tensor:
    self.at += 1
    return self._head[self.at - 1]

  def varint(self, what: str, low: int, high: int) -> tf.Tensor:
    """Returns the next LEB128 number."""
    given = self._head[self.at : self.at + _VARINT_BYTES]
    more = tf.math.cumprod(
      tf.cast(given >= 128, tf.int32)
    )  # 1 up to the last byte
    count = 1 + tf.reduce_sum(more)
    used = tf.cast(tf.range(_VARINT_BYTES) < count, tf.int64)
    groups = tf.cast(given % 128, tf.int64) * used
    value = tf.reduce_sum(groups * [1 << 7 * i for i in range(_VARINT_BYTES)])
    shortest = (count == 1) | (self._head[self.at + count - 1] > 0)
    self.require(
      shortest & (count <= _VARINT_BYTES) & (value >= low) & (value <= high),
      f"{what} is {low} to {high}, in the shortest form",
    )
    self.at += count
    return tf.cast(value, tf.int32)


def _varint(value: tf.Tensor) -> tf.Tensor:
  """Returns the bytes of a LEB128 number, int32 `[n]`."""
  shifts = tf.range(0, 7 * _VARINT_BYTES, 7)
  groups = tf.bitwise.right_shift(value, shifts)
  count = tf.maximum(tf.reduce_sum(tf.cast(groups > 0, tf.int32)), 1)
  last = tf.range(_VARINT_BYTES) == count - 1
  return tf.where(last, groups % 128, groups % 128 + 128)[:count]


def _to_string(values: tf.Tensor) -> tf.Tensor:
  """Returns a string of bytes, int32 `[n]`."""
  letters = tf.constant([bytes([value]) for value in range(256)])
  return tf.strings.reduce_join(tf.gather(letters, values))


def crc32(data: tf.Tensor) -> tf.Tensor:
  """Returns the CRC-32 of bytes, as `zlib.crc32` does.

  Neighbours are joined pair by pair, in as many rounds as the length has bits:
  a checksum is linear, so that of two pieces is the xor of the second one's and
  of the first one's, carried over the zeros that the second has room for.

  Args:
    data: Bytes, uint8 `[n]`, n at least 4.

  Returns:
    A uint32.
  """
  xor = tf.bitwise.bitwise_xor
  table = np.array([_crc_of_byte(value) for value in range(256)], np.uint32)
  # What a register becomes over a zero byte, for each of its bytes in turn.
  byte = np.arange(256, dtype=np.uint32)
  over_zeros = np.stack([table, byte, byte << 8, byte << 16])
  start = tf.constant([255] * 4, tf.int32)  # the register starts as ones
  first = tf.bitwise.bitwise_xor(tf.cast(data[:4], tf.int32), start)
  index = tf.concat([first, tf.cast(data[4:], tf.int32)], axis=0)

  def carried(values: tf.Tensor, over_zeros: tf.Tensor) -> tf.Tensor:
    done = tf.zeros_like(values)
    for i in range(4):
      part = tf.bitwise.right_shift(values, tf.constant(8 * i, tf.uint32))
      part = tf.cast(tf.bitwise.bitwise_and(part, 255), tf.int32)
      done = xor(done, tf.gather(over_zeros[i], part))
    return done

  def join(
    values: tf.Tensor, over_zeros: tf.Tensor
  ) -> tuple[tf.Tensor, tf.Tensor]:
    odd = tf.shape(values)[0] % 2
    # Zeros in front change nothing.
    values = tf.concat([tf.zeros([odd], tf.uint32), values], axis=0)
    joined = xor(carried(values[::2], over_zeros), values[1::2])
    return joined, carried(over_zeros, over_zeros)

  values, _ = tf.while_loop(
    lambda values, _: tf.shape(values)[0] > 1,
    join,
    [tf.gather(table, index), tf.constant(over_zeros)],
    shape_invariants=[tf.TensorShape([None]), tf.TensorShape([4, 256])],
  )
  return tf.bitwise.invert(values[0])


def _crc_of_byte(value: int) -> int:
  for _ in range(8):
    value = value >> 1 ^ (_POLYNOMIAL if value & 1 else 0)
  return value

"""The bytes of a `.tfp`: a header, strings and a checksum.

| field | bytes | meaning |
|---|---|---|
| magic | 4 | D4, then "TFP" |
| version | 1 | 1 |
| codec | 1 | one of `CODEC_IDS` |
| flags | 1 | bits 0 grey, 1 tiled, 2 seed, 3 whole-number hyper-synthesis, 7 short |
| seed | 0 or 4 | of the dither, where its flag says so |
| model | 8 | first bytes of the SHA-256 of the model's manifest; 4 if short; none if lossless |
| payload | 0 or 1 | of a lossless stream: one of `PAYLOADS` |
| height, width | 1 to 3 each | 1 to 65535 |
| quality | 1 | in sixteenths; 0 if the model has one rate |
| tile | 0 or 2 | side / 64 and overlap / 16, where the flag says so |
| count | varint | number of strings |
| lengths | varints | bytes of each string |
| strings | | written by the range coder |
| checksum | 4 | CRC-32 of all before; its low 2 bytes if short |

Varints are LEB128 in its shortest form, at most 5 bytes; all other numbers have
their lowest byte first. Each stream has one form: what is read and written again
is the same. A picture whose grey flag is set is the mean of its three decoded
8-bit channels, rounded: (r + g + b + 1) // 3.

A stream of the codec `inversion` has a string of latents, and is short; or it has
a second one with the residual of their picture (`codecs.inversion.residual_layer`),
and is not short. A residual is added before anything is rounded, for grey to the
mean of the channels.

A stream of the codec `lossless` follows from its picture alone. It has one
string, and of the flags at most that of grey; its quality is 0. The string is,
by `payload`:

| payload | string |
|---|---|
| 1 | the data of the chunk `VP8L` of a lossless WebP (RFC 9649, section 3) without opacity; grey is three equal channels |
| 2 | a PNG of 8 bits, grey or RGB, of the chunks IHDR, IDAT and IEND, not interlaced |
| 3 | the samples, row by row, 1 or 3 bytes for each pixel |
"""  # noqa: E501 a table

import dataclasses
import zlib
from collections.abc import Callable, Collection, Sequence

from tfpercept.codecs.base import CorruptStream
from tfpercept.codecs.bitstream.header import (
  CODEC_IDS,
  LOSSLESS,
  MAX_SIDE,
  PAYLOADS,
  TILE_OVERLAP,
  TILE_SIDE,
  Header,
  Tile,
  known_codecs,
)

MAGIC = b"\xd4TFP"
VERSION = 1
STEPS = 16
"""Qualities are in units of one part in so many."""
MAX_PIXELS = 2**27
MAX_BYTES = 2**28
"""Two bytes for each of `MAX_PIXELS`."""

_GREY, _TILED, _SEED, _INTEGER, _SHORT = 1, 2, 4, 8, 128
_RESERVED = 0xFF & ~(_GREY | _TILED | _SEED | _INTEGER | _SHORT)
_PREFIX = len(MAGIC) + 3
_VARINT_BYTES = 5


class WrongModel(CorruptStream):
  """A whole stream, but of another codec or of another model."""


@dataclasses.dataclass(frozen=True)
class Description:
  """The readable parts of a stream that need not be whole.

  Attributes:
    header: Header that was read.
    lengths: Bytes of each string, as far as they could be read.
    damage: First fault of the stream, in words; empty if it is whole. If there
      is one, nothing of the header is certain.
  """

  header: Header
  lengths: tuple[int, ...]
  damage: str


def check_size(
  height: int, width: int, *, max_pixels: int = MAX_PIXELS
) -> None:
  """Raises ValueError for a picture that is not to be written."""
  if not (1 <= height <= MAX_SIDE and 1 <= width <= MAX_SIDE):
    raise ValueError(
      f"a picture has 1 to {MAX_SIDE} pixels on a side; got {width}x{height}"
    )
  if height * width > max_pixels:
    raise ValueError(
      f"a picture has at most {max_pixels} pixels (max_pixels); got "
      f"{width}x{height}. Cut it into pieces."
    )


def pack(header: Header, strings: Sequence[bytes]) -> bytes:
  """Returns the stream of a header and its strings.

  A range coder may write nothing at all where all was nearly certain. Such a
  string becomes one zero byte, which is read alike: past the end of a string
  all is zero.

  Args:
    header: Header of the stream.
    strings: One or more strings, in the order that the codec reads them.
  """
  if not strings:
    raise ValueError("a stream has at least one string; got none")
  strings = [bytes(string) or b"\0" for string in strings]
  parts = [
    MAGIC,
    bytes([VERSION, header.codec, _flags(header)]),
    b"" if header.seed is None else header.seed.to_bytes(4, "little"),
    header.model + bytes([header.payload] * header.is_lossless),
    _varint(header.height) + _varint(header.width) + bytes([header.quality]),
    b"" if header.tile is None else _tile_bytes(header.tile),
    _varint(len(strings)),
    *(_varint(len(string)) for string in strings),
    *strings,
  ]
  body = b"".join(parts)
  return body + _checksum(body, header.is_short)


def unpack(
  data: bytes,
  *,
  codec: int,
  model: bytes,
  symbols: Callable[[int, int], Sequence[int]],
  optional: Collection[str] = (),
  fewest: int | None = None,
  max_bytes: int = MAX_BYTES,
  max_pixels: int = MAX_PIXELS,
) -> tuple[Header, list[bytes]]:
  """Returns header and strings of a stream, after checking all there is.

  Nothing is allocated by a number in the stream before it is checked.

  Args:
    data: The whole stream.
    codec: Codec id of the loaded model.
    model: The first 8 bytes of the SHA-256 of its manifest.
    symbols: Function from height and width, once they are known to be allowed,
      to the number of symbols that each string holds.
    optional: Fields that the codec uses, of `seed` and `tile`; a stream with
      another field is refused.
    fewest: Least number of strings, where those at the end may be missing; None
      if all have to be there.
    max_bytes: Largest size of a stream, in bytes.
    max_pixels: Largest number of pixels of a picture.

  Raises:
    WrongModel: if the stream is whole, but of another model.
    CorruptStream: if the stream is anything else than whole.
  """
  if len(data) > max_bytes:
    raise CorruptStream(
      f"a stream of {len(data)} bytes; at most {max_bytes} are read"
    )
  fields = _Fields(data)
  fields.require_checksum()
  header = fields.header(lambda: _check_model(fields, codec, model))
  if header.height * header.width > max_pixels:
    raise CorruptStream(
      f"the picture has {header.width}x{header.height} pixels; at most "
      f"{max_pixels} are decoded (max_pixels)"
    )
  for name in {"seed", "tile"}.difference(optional):
    if getattr(header, name) is not None:
      raise CorruptStream(
        f"the stream has a {name}, which its codec never writes"
      )
  wanted = symbols(header.height, header.width)
  lengths = fields.lengths(_count(fields, fewest, len(wanted)))
  for length, number in zip(lengths, wanted, strict=False):
    if not 1 <= length <= 64 + 8 * number:
      raise CorruptStream(
        f"a string of {length} bytes; {number} symbols take 1 to "
        f"{64 + 8 * number}"
      )
  return header, [fields.take(length, "a string") for length in lengths]


def _count(fields: "_Fields", fewest: int | None, most: int) -> int:
  """Returns the number of strings, `most` of them where `fewest` is None."""
  count = fields.varint("the number of strings")
  fewest = most if fewest is None else fewest
  if not fewest <= count <= most:
    allowed = f"{most}" if fewest == most else f"{fewest} to {most}"
    raise CorruptStream(f"{count} strings; the codec has {allowed}")
  return count


def read_header(data: bytes) -> Description:
  """Returns what a stream says of itself, whole or not.

  Raises:
    CorruptStream: if not even a header can be read.
  """
  fields = _Fields(data)
  header = fields.header()
  lengths: list[int] = []
  try:
    fields.require_checksum()
    fields.lengths(fields.varint("the number of strings"), lengths)
    if not all(lengths):
      raise CorruptStream("a string of 0 bytes")
  except CorruptStream as error:
    return Description(header, tuple(lengths), str(error))
  return Description(header, tuple(lengths), "")


class _Fields:
  """Takes the fields of a stream one after the other.

  Raises:
    CorruptStream: if the first of them are not those of a stream of ours.
  """

  def __init__(self, data: bytes):
    self._data = memoryview(data).cast("B")
    self._at, self._end = 0, len(self._data)
    if bytes(self._data[: len(MAGIC)]) != MAGIC:
      raise CorruptStream("no .tfp stream: it does not begin as one")
    self._at = len(MAGIC)
    version, self.codec, self.flags = self.take(3, "the header")
    if version != VERSION:
      raise CorruptStream(f"version {version}; only version {VERSION} is read")
    if self.codec not in CODEC_IDS.values():
      raise CorruptStream(f"codec {self.codec}; known are {known_codecs()}")
    if self.flags & _RESERVED:
      raise CorruptStream(f"flags {self.flags:#04x}, of which some have no use")
    self.is_lossless = self.codec == LOSSLESS
    if self.is_lossless and self.flags & ~_GREY:
      raise CorruptStream(
        f"flags {self.flags:#04x}, of which some have no use in a lossless "
        "stream"
      )
    self.is_short = bool(self.flags & _SHORT)
    self._end = max(_PREFIX, self._end - (2 if self.is_short else 4))

  def require_checksum(self) -> None:
    """Raises CorruptStream if the last bytes are not those of the others."""
    body, found = self._data[: self._end], bytes(self._data[self._end :])
    wanted = _checksum(body, self.is_short)
    if found != wanted:
      raise CorruptStream(
        f"the checksum is {wanted.hex()}, and the stream has "
        f"{found.hex() or 'none'}: it is damaged or incomplete"
      )

  def take(self, count: int, what: str) -> bytes:
    """Returns the next bytes."""
    if count > self._end - self._at:
      raise CorruptStream(f"the stream ends within {what}")
    self._at += count
    return bytes(self._data[self._at - count : self._at])

  def varint(self, what: str, low: int = 0, high: int | None = None) -> int:
    """Returns the next LEB128 number."""
    value = 0
    for place in range(_VARINT_BYTES):
      byte = self.take(1, what)[0]
      value |= (byte & 0x7F) << (7 * place)
      if byte < 0x80:
        break
    if byte >= 0x80 or (byte == 0 and place > 0):
      raise CorruptStream(f"{what} is not in the shortest form, or too long")
    if value < low or (high is not None and value > high):
      raise CorruptStream(f"{what} is {low} to {high}; got {value}")
    return value

  def header(self, check: Callable[[], None] = lambda: None) -> Header:
    """Returns the header; `check` is called once `self.model` is known."""
    seed = self.take(4, "the seed") if self.flags & _SEED else None
    size = 0 if self.is_lossless else 4 if self.is_short else 8
    self.model = self.take(size, "the model's hash")
    check()
    payload = self._payload() if self.is_lossless else 0
    height = self.varint("the height", 1, MAX_SIDE)
    width = self.varint("the width", 1, MAX_SIDE)
    quality = self.take(1, "the quality")[0]
    if self.is_lossless and quality:
      raise CorruptStream(f"a lossless stream of quality {quality}")
    return Header(
      codec=self.codec,
      model=self.model,
      height=height,
      width=width,
      quality=quality,
      grey=bool(self.flags & _GREY),
      integer=bool(self.flags & _INTEGER),
      seed=None if seed is None else int.from_bytes(seed, "little"),
      tile=self._tile() if self.flags & _TILED else None,
      payload=payload,
    )

  def _payload(self) -> int:
    payload = self.take(1, "the kind of the payload")[0]
    if payload not in PAYLOADS.values():
      known = ", ".join(f"{n} ({name})" for name, n in PAYLOADS.items())
      raise CorruptStream(f"payload {payload}; known are {known}")
    return payload

  def _tile(self) -> Tile:
    side, overlap = self.take(2, "the size of tiles")
    try:
      return Tile(TILE_SIDE * side, TILE_OVERLAP * overlap)
    except ValueError as error:
      raise CorruptStream(str(error)) from error

  def lengths(self, count: int, found: list[int] | None = None) -> list[int]:
    """Returns the lengths of strings, which fill what is left exactly.

    Args:
      count: Number of strings.
      found: List to which each length is added once it is read, for callers
        that want them even if a later one is wrong.
    """
    found = [] if found is None else found
    if count > (self._end - self._at) // 2:
      raise CorruptStream(f"{count} strings in {self._end - self._at} bytes")
    for _ in range(count):
      found.append(self.varint("the length of a string"))
    left = self._end - self._at
    if sum(found) != left:
      raise CorruptStream(
        f"strings of {sum(found)} bytes in all, where {left} are left"
      )
    return found


def _check_model(fields: _Fields, codec: int, model: bytes) -> None:
  if fields.codec == codec and fields.model == model[: len(fields.model)]:
    return
  if fields.is_lossless:
    raise WrongModel(
      "the stream holds the picture itself, without loss, and no model wrote "
      "it; codecs.lossless reads it"
    )
  raise WrongModel(
    f"the stream is of codec {fields.codec} and model {fields.model.hex()}; "
    f"loaded is codec {codec}, model {model.hex()}. Load the model that wrote "
    "the stream."
  )


def _flags(header: Header) -> int:
  return (
    _GREY * bool(header.grey)
    | _TILED * (header.tile is not None)
    | _SEED * (header.seed is not None)
    | _INTEGER * bool(header.integer)
    | _SHORT * header.is_short
  )


def _tile_bytes(tile: Tile) -> bytes:
  return bytes([tile.side // TILE_SIDE, tile.overlap // TILE_OVERLAP])


def _varint(value: int) -> bytes:
  groups = []
  while value >= 0x80:
    groups.append(value & 0x7F | 0x80)
    value >>= 7
  return bytes([*groups, value])


def _checksum(body: bytes | memoryview, is_short: bool) -> bytes:
  return zlib.crc32(body).to_bytes(4, "little")[: 2 if is_short else 4]

"""What a lossless stream holds: the picture as VP8L, as PNG or as samples.

The bytes are those of `bitstream.container`, which states each kind. What is
read is of exactly one picture of exactly the size in the header: anything else
in a payload is refused, before Pillow sees it where that is possible. The one
exception is bytes behind the end of a VP8L bitstream, which libwebp ignores.
"""

import struct
import zlib

import numpy as np

from tfpercept.codecs.base import Codec, CorruptStream, MissingLibrary
from tfpercept.codecs.bitstream.header import PAYLOADS, Header
from tfpercept.codecs.classical import formats

VP8L, PNG, SAMPLES = PAYLOADS["vp8l"], PAYLOADS["png"], PAYLOADS["samples"]
MAX_VP8L_SIDE = (1 << 14) - 1
MAX_VP8L_PIXELS = 1 << 24
"""Largest number of pixels that are written as VP8L. Its encoder takes some 40
bytes for each; that of PNG takes a row."""
_SMALL = 1 << 12  # pixels that are tried with every effort
_RIFF, _CHUNK = struct.Struct("<4sI4s"), struct.Struct("<4sI")
_PNG_START = b"\x89PNG\r\n\x1a\n"
_PNG_COLORS = {1: 0, 3: 2}  # color type by channels
_INFLATED = 1 << 16  # bytes of samples of a PNG that are checked at once


def smallest(image: np.ndarray) -> tuple[int, bytes]:
  """Returns the kind and the bytes of the smallest payload of a picture.

  Args:
    image: Picture, uint8 `[H, W, 1 or 3]`.
  """
  pixels = image.shape[0] * image.shape[1]
  is_small = pixels <= _SMALL
  vp8l = _vp8l(image, method=6 if is_small else 4)
  found = [] if vp8l is None else [(VP8L, vp8l)]
  if is_small or vp8l is None:
    level = 9 if is_small else 6
    found.append((PNG, formats.PNG(level=level).compress(image)))
  best = min(found, key=lambda pair: len(pair[1]))
  if image.size <= len(best[1]):
    return SAMPLES, np.ascontiguousarray(image).tobytes()
  return best


def rough_size(image: np.ndarray) -> int:
  """Returns the bytes of a picture's payload at the least effort.

  It takes a third of the time of `smallest`.
  """
  codec = _webp(image, method=1) or formats.PNG(level=1)
  return min(image.size, len(codec.compress(image)))


def unpacked(header: Header, payload: bytes) -> np.ndarray:
  """Returns the picture of a payload, uint8 `[H, W, 1 or 3]`.

  Args:
    header: Header of the stream, whose size has been compared with limits.
    payload: The one string of the stream.

  Raises:
    CorruptStream: if the payload is not exactly one picture of this size.
    MissingLibrary: if this Pillow lacks WebP, and the payload needs it.
  """
  shape = header.height, header.width, 1 if header.grey else 3
  if header.payload == SAMPLES:
    return _of_samples(payload, shape)
  if header.payload == PNG:
    return _of_png(payload, shape)
  return _of_vp8l(payload, shape)


def _webp(image: np.ndarray, method: int) -> Codec | None:
  """Returns the encoder; None if there is none, or none for this size."""
  height, width = image.shape[:2]
  if max(height, width) > MAX_VP8L_SIDE or height * width > MAX_VP8L_PIXELS:
    return None
  try:
    return formats.WebP(method=method, lossless=True)
  except MissingLibrary:
    return None


def _vp8l(image: np.ndarray, method: int) -> bytes | None:
  """Returns the data of the chunk `VP8L` of a picture; None if impossible."""
  codec = _webp(image, method)
  if codec is None:
    return None
  data = codec.compress(image)
  kind, size = _CHUNK.unpack_from(data, _RIFF.size)
  first = _RIFF.size + _CHUNK.size
  if kind != b"VP8L" or first + size + size % 2 != len(data):
    return None  # this libwebp writes more than one chunk
  return data[first : first + size]


def _of_samples(payload: bytes, shape: tuple[int, int, int]) -> np.ndarray:
  wanted = shape[0] * shape[1] * shape[2]
  if len(payload) != wanted:
    raise CorruptStream(
      f"{len(payload)} samples, where the picture has {wanted}"
    )
  return np.frombuffer(payload, np.uint8).reshape(shape).copy()


def _of_vp8l(payload: bytes, shape: tuple[int, int, int]) -> np.ndarray:
  """Reads a bitstream that is made a WebP file again.

  Source: RFC 9649, sections 2.4 and 3.4: signature, 14 bits of width - 1, 14 of
  height - 1, a bit for opacity, 3 of the version, which is 0.
  """
  if len(payload) < 5 or payload[0] != 0x2F:
    raise CorruptStream("no VP8L: it does not begin as one")
  fields = int.from_bytes(payload[1:5], "little")
  size = 1 + (fields >> 14 & 0x3FFF), 1 + (fields & 0x3FFF)
  if size != shape[:2] or fields >> 28:
    raise CorruptStream(
      f"a VP8L of {size[1]}x{size[0]} and flags {fields >> 28}, where the "
      f"picture has {shape[1]}x{shape[0]} and no opacity"
    )
  pad = bytes(len(payload) % 2)
  length = 4 + _CHUNK.size + len(payload) + len(pad)
  head = _RIFF.pack(b"RIFF", length, b"WEBP")
  head += _CHUNK.pack(b"VP8L", len(payload))
  color = _read(
    formats.WebP(lossless=True), head + payload + pad, (*shape[:2], 3)
  )
  if shape[2] == 3:
    return color
  grey = color[..., :1]
  if not np.array_equal(np.broadcast_to(grey, color.shape), color):
    raise CorruptStream("a grey picture of which the channels differ")
  return np.ascontiguousarray(grey)


def _of_png(payload: bytes, shape: tuple[int, int, int]) -> np.ndarray:
  """Reads a PNG of the three kinds of chunks that are needed, and no others.

  Source: ISO/IEC 15948, sections 5 and 11.
  """
  chunks = _png_chunks(payload)
  height, width, channels = shape
  head = struct.pack(">2I5B", width, height, 8, _PNG_COLORS[channels], 0, 0, 0)
  kinds = [kind for kind, _ in chunks]
  if kinds[0] != b"IHDR" or chunks[0][1] != head:
    raise CorruptStream(
      f"a PNG of another size or kind than {width}x{height} of {channels}"
    )
  if set(kinds[1:-1]) != {b"IDAT"} or kinds[-1] != b"IEND" or chunks[-1][1]:
    raise CorruptStream("a PNG of other chunks than IHDR, IDAT and IEND")
  _require_inflated(
    [data for _, data in chunks[1:-1]], height * (1 + width * channels)
  )
  return _read(formats.PNG(), payload, shape)


def _png_chunks(payload: bytes) -> list[tuple[bytes, memoryview]]:
  """Returns kind and data of each chunk; together they are all of a PNG."""
  view, found = memoryview(payload), []
  at = len(_PNG_START)
  if payload[:at] != _PNG_START:
    raise CorruptStream("no PNG: it does not begin as one")
  while at < len(view):
    if len(view) - at < 12:
      raise CorruptStream("a PNG that ends within a chunk")
    (size,) = struct.unpack_from(">I", view, at)
    if size > len(view) - at - 12:
      raise CorruptStream("a PNG that ends within a chunk")
    body = view[at + 4 : at + 8 + size]
    (check,) = struct.unpack_from(">I", view, at + 8 + size)
    if zlib.crc32(body) != check:
      raise CorruptStream("a chunk of a PNG with another checksum than its own")
    found.append((bytes(body[:4]), body[4:]))
    at += 12 + size
  if not found:
    raise CorruptStream("a PNG without chunks")
  return found


def _require_inflated(parts: list[memoryview], wanted: int) -> None:
  """Raises CorruptStream unless parts inflate to exactly so many bytes."""
  stream, data = zlib.decompressobj(), memoryview(b"".join(parts))
  taken = count = 0
  try:
    while not stream.eof and count <= wanted:
      # A piece at a time, since what is not consumed is copied.
      piece = data[taken : taken + _INFLATED]
      found = len(stream.decompress(piece, _INFLATED))
      taken += len(piece) - len(stream.unconsumed_tail)
      if not found and taken == len(data):
        break  # it is cut
      count += found
  except zlib.error as error:
    raise CorruptStream(f"a PNG that does not inflate: {error}") from error
  has_more = bool(stream.unused_data) or taken < len(data)
  if not stream.eof or has_more or count != wanted:
    raise CorruptStream(
      f"a PNG of {count} bytes inflated, where the picture has {wanted}, or "
      "with data behind it"
    )


def _read(codec: Codec, data: bytes, shape: tuple[int, int, int]) -> np.ndarray:
  picture = codec.decompress(data)
  if picture.shape != shape:
    raise CorruptStream(
      f"a payload of {list(picture.shape)}, where the picture has {list(shape)}"
    )
  return picture

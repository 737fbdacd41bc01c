"""Sizes of pictures from file headers, read before a decoder takes memory."""

from tfpercept.codecs.base import CorruptStream

# ISO/IEC 18181-1, table of SizeHeader ratios: width over height.
_JXL_RATIOS = ((1, 1), (12, 10), (4, 3), (3, 2), (16, 9), (5, 4), (2, 1))
_JXL_BITS = (9, 13, 18, 30)  # width of a side that is no multiple of 8


def webp_size(data: bytes) -> tuple[int, int]:
  """Returns height and width of a WebP file.

  Raises:
    CorruptStream: if it is none.

  Source: RFC 9649, sections 2.4 to 2.7; RFC 6386, section 9.1.
  """
  if len(data) < 30 or data[:4] != b"RIFF" or data[8:12] != b"WEBP":
    raise CorruptStream("no WebP file: it does not begin as one")
  kind = data[12:16]
  if kind == b"VP8X":
    width, height = (
      1 + int.from_bytes(data[at : at + 3], "little") for at in (24, 27)
    )
  elif kind == b"VP8 ":
    width, height = (
      int.from_bytes(data[at : at + 2], "little") & 0x3FFF for at in (26, 28)
    )
  elif kind == b"VP8L":
    bits = int.from_bytes(data[21:25], "little")
    width, height = 1 + (bits & 0x3FFF), 1 + (bits >> 14 & 0x3FFF)
  else:
    raise CorruptStream(f"no WebP file: its first chunk is {kind!r}")
  return height, width


def jxl_size(data: bytes) -> tuple[int, int]:
  """Returns height and width of a bare JPEG XL codestream.

  Raises:
    CorruptStream: if it is none.

  Source: ISO/IEC 18181-1, SizeHeader; U32 and fields begin at the lowest bit.
  """
  if len(data) < 12 or data[:2] != b"\xff\x0a":
    raise CorruptStream(
      "no JPEG XL codestream: it does not begin as one; files in boxes are not "
      "read"
    )
  bits = int.from_bytes(data[2:12], "little")

  def take(count: int) -> int:
    nonlocal bits
    value = bits & ((1 << count) - 1)
    bits >>= count
    return value

  def side(is_small: int) -> int:
    return 8 * (1 + take(5)) if is_small else 1 + take(_JXL_BITS[take(2)])

  is_small = take(1)
  height = side(is_small)
  ratio = take(3)
  if not ratio:
    return height, side(is_small)
  over, under = _JXL_RATIOS[ratio - 1]
  return height, height * over // under

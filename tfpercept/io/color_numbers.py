"""Colors that a file states by numbers, without a color profile.

PNG has the code points of H.273 in `cICP`, and a gamma and primaries in `gAMA`
and `cHRM`. AVIF and HEIC have the code points in a `colr` box. What is well
defined becomes a color profile, by which `color_profiles` converts.
"""

import dataclasses
import struct
from collections.abc import Iterator
from typing import IO, Any

from tfpercept.io import icc_matrix

HDR = "HDR colors (PQ or HLG) are taken as sRGB, so they look pale"
UNKNOWN = "colors stated by numbers of a rare kind are taken as sRGB"
_UNSPECIFIED = 2
_HDR = (16, 18)
_Points = tuple[tuple[float, float], ...]
"""The chromaticities x, y of red, green, blue and white."""
_D65 = (0.3127, 0.329)
_BT709: _Points = ((0.64, 0.33), (0.3, 0.6), (0.15, 0.06), _D65)
_SMPTE: _Points = ((0.63, 0.34), (0.31, 0.595), (0.155, 0.07), _D65)
_PRIMARIES: dict[int, _Points] = {
  1: _BT709,
  _UNSPECIFIED: _BT709,
  5: ((0.64, 0.33), (0.29, 0.6), (0.15, 0.06), _D65),
  6: _SMPTE,
  7: _SMPTE,
  9: ((0.708, 0.292), (0.17, 0.797), (0.131, 0.046), _D65),
  12: ((0.68, 0.32), (0.265, 0.69), (0.15, 0.06), _D65),
  22: ((0.63, 0.34), (0.295, 0.605), (0.155, 0.077), _D65),
}
"""H.273, table 2: BT.709, BT.470 BG, BT.601, SMPTE 240M, BT.2020, Display-P3
and EBU 3213."""
_LIKE_SRGB = (1, _UNSPECIFIED, 6, 13, 14, 15)
_GAMMAS = {4: 2.2, 5: 2.8, 8: 1.0}
"""H.273, table 3. BT.709, BT.601 and BT.2020 count as sRGB, since screens show
them alike."""
_USUAL_GAMMA = (0.43, 0.48)
"""Values of `gAMA` that stand for the curve of sRGB: 1 / 2.2, rounded somehow.
"""
_GAMMA_RANGE = (0.1, 10.0)
_PNG_START, _MOST_CHUNKS = 8, 1000
_MOST_BOX = 1 << 20  # bytes of a box with properties


@dataclasses.dataclass(frozen=True)
class Stated:
  """What the numbers of a file stand for.

  Attributes:
    profile: Bytes of a color profile; empty if colors are those of sRGB, or of
      no kind that is converted.
    note: Clause that says why colors are not kept; empty if they are.
    is_first: Whether the numbers go before the color profile of a file.
  """

  profile: bytes = b""
  note: str = ""
  is_first: bool = False


def stated(picture: Any) -> Stated | None:
  """Returns what the numbers of a picture say; None if there are none.

  Args:
    picture: Picture that Pillow has just opened.
  """
  if picture.format == "PNG":
    return _of_png(picture)
  points = None
  if picture.format == "AVIF":
    points = _box_points(picture.fp)
  elif numbers := picture.info.get("nclx_profile"):
    points = (
      numbers.get("color_primaries", _UNSPECIFIED),
      numbers.get("transfer_characteristics", _UNSPECIFIED),
    )
  return _of_points(*points) if points else None


def _of_points(primaries: int, curve: int) -> Stated:
  """Returns what code points of H.273 stand for."""
  if curve in _HDR:
    return Stated(note=HDR)
  if primaries not in _PRIMARIES or curve not in (*_LIKE_SRGB, *_GAMMAS):
    return Stated(note=UNKNOWN)
  if curve in _LIKE_SRGB and _PRIMARIES[primaries] is _BT709:
    return Stated()
  return Stated(icc_matrix.made(_PRIMARIES[primaries], _GAMMAS.get(curve)))


def _of_png(picture: Any) -> Stated | None:
  """Reads the numbers of a PNG; `cICP` goes before all else.

  Source: Portable Network Graphics, third edition, sections 4.3 and 11.3.2.
  """
  code_points = _png_chunk(picture.fp, b"cICP")
  if len(code_points) == 4:
    primaries, curve, matrix, is_full = code_points
    if matrix or not is_full:
      return Stated(note=UNKNOWN)
    return dataclasses.replace(_of_points(primaries, curve), is_first=True)
  info = picture.info
  if "srgb" in info or not ("gamma" in info or "chromaticity" in info):
    return None
  return _of_gamma(info.get("gamma"), info.get("chromaticity"))


def _of_gamma(gamma: float | None, points: tuple | None) -> Stated:
  """Returns what `gAMA` and `cHRM` stand for, either of which may be None."""
  primaries = _BT709
  if points:
    white, *colors = (tuple(points[i : i + 2]) for i in range(0, 8, 2))
    primaries = (*colors, white)
  exponent = None
  if gamma is not None and not _USUAL_GAMMA[0] <= gamma <= _USUAL_GAMMA[1]:
    if not _GAMMA_RANGE[0] <= gamma <= _GAMMA_RANGE[1]:
      return Stated(note=UNKNOWN)
    exponent = 1 / gamma
  try:
    return Stated(icc_matrix.made(primaries, exponent))
  except ValueError:  # no triangle of colors with a white in it
    return Stated(note=UNKNOWN)


def _png_chunk(file: IO[bytes], wanted: bytes) -> bytes:
  """Returns the data of a chunk before the pixels; nothing if there is none."""
  place = file.tell()
  try:
    file.seek(_PNG_START)
    for _ in range(_MOST_CHUNKS):
      head = file.read(8)
      if len(head) < 8:
        break
      size, kind = struct.unpack(">I4s", head)
      if kind == wanted:
        return file.read(min(size, 64))
      if kind == b"IDAT":
        break
      file.seek(size + 4, 1)
    return b""
  finally:
    file.seek(place)


def _box_points(file: IO[bytes]) -> tuple[int, int] | None:
  """Returns primaries and curve of the main picture of an AVIF, if it has any.

  Source: ISO/IEC 14496-12, sections 8.11 and 12.1.5; ISO/IEC 23008-12, 9.3.
  """
  place = file.tell()
  try:
    file.seek(0)
    data = file.read(_MOST_BOX)
  finally:
    file.seek(place)
  try:
    meta = _box(data, b"meta")[4:]
    properties = _box(meta, b"iprp")
    boxes = list(_boxes(_box(properties, b"ipco")))
    for index in _associated(_box(properties, b"ipma"), _main(meta)):
      kind, body = boxes[index - 1]
      if index and kind == b"colr" and body[:4] == b"nclx":
        primaries, curve = struct.unpack_from(">2H", body, 4)
        return primaries, curve
  except (struct.error, LookupError):  # Pillow has read it, so it may be right
    return None
  return None


def _boxes(data: bytes) -> Iterator[tuple[bytes, bytes]]:
  """Yields kind and content of each box."""
  at = 0
  while at + 8 <= len(data):
    size, kind = struct.unpack_from(">I4s", data, at)
    if size < 8:
      return  # of 64 bits, or up to the end; none before the ones we want
    yield kind, data[at + 8 : at + size]
    at += size


def _box(data: bytes, wanted: bytes) -> bytes:
  for kind, body in _boxes(data):
    if kind == wanted:
      return body
  raise LookupError(wanted)


def _main(meta: bytes) -> int:
  """Returns the number of the main picture."""
  body = _box(meta, b"pitm")
  (number,) = struct.unpack_from(">I" if body[0] else ">H", body, 4)
  return int(number)


def _associated(body: bytes, item: int) -> list[int]:
  """Returns the numbers of the properties of an item, from 1."""
  version, is_wide = body[0], body[3] & 1
  (count,) = struct.unpack_from(">I", body, 4)
  at, found = 8, []
  for _ in range(count):
    form = ">IB" if version else ">HB"
    number, size = struct.unpack_from(form, body, at)
    at += struct.calcsize(form)
    kind, mask = (">H", 0x7FFF) if is_wide else (">B", 0x7F)
    for _ in range(size):
      (index,) = struct.unpack_from(kind, body, at)
      at += struct.calcsize(kind)
      if number == item:
        found.append(index & mask)
  return found

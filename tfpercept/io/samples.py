"""Samples of pictures that Pillow opens, with all their bits.

Pillow has no color of 16 bits, reads the transparent gray of a PNG of 2 or 4
bits as one of 8 bits, and does not scale 12 bits to 16. This module does not
import Pillow; it gets pictures that Pillow has opened.
"""

import re
import struct
import sys
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import IO, Any

import numpy as np

GRAY_WITH_OPACITY = "LA;16B"
"""Raw mode of gray with opacity in 16 bits each."""
_STRIP_ROWS = 64  # rows that are copied at once
_ORIENTATION = 0x0112  # EXIF tag
_BITS_PER_SAMPLE, _PHOTOMETRIC, _PLANAR_CONFIGURATION = 258, 262, 284  # TIFF
_FULL = 65535
# Errors that Pillow raises for damaged camera data.
_DAMAGED_EXIF = (
  ValueError, TypeError, LookupError, OSError, SyntaxError, EOFError,
  struct.error,
)  # fmt: skip
_HEADER = 1 << 20  # bytes within which a JPEG 2000 codestream has to begin
_CHUNK = 1 << 16


def mend(picture: Any) -> None:
  """Corrects the transparent color of a PNG to a value of Pillow's samples.

  The file gives it in 16 bits, of which only the low ones count. Pillow's
  samples are those of the file scaled to 8 bits.
  """
  key = picture.info.get("transparency")
  if picture.format != "PNG" or picture.mode not in ("L", "RGB"):
    return
  raw = raw_mode(picture)
  if _is_wide(raw):
    return
  top = {"L;2": 3, "L;4": 15}.get(raw, 255)
  if isinstance(key, int):
    picture.info["transparency"] = (key & top) * (255 // top)
  elif isinstance(key, tuple):
    picture.info["transparency"] = tuple(part & top for part in key)


def is_deep(picture: Any) -> bool:
  """Returns True if Pillow may keep fewer bits than a picture has."""
  return (
    picture.mode.startswith("I")
    or _is_wide(raw_mode(picture))
    or _maximum(picture) > 255
  )


def decoded(
  picture: Any, reopened: Callable[[], AbstractContextManager[Any]]
) -> tuple[np.ndarray, int]:
  """Returns samples `[H, W, 1 to 4]`, uint8 or uint16, and their orientation.

  Args:
    picture: Picture that Pillow has just opened.
    reopened: Function that opens the picture again.

  Raises:
    ValueError: if the picture has samples of a kind that is not read.
    Exception: any error that Pillow raises for damage.
  """
  if _maximum(picture) > 255:
    return _portable(picture), 1
  raw = raw_mode(picture)
  depth = _jpeg2000_depth(picture)
  if depth > 8 and not picture.mode.startswith("I;16"):
    raise ValueError(
      f"JPEG 2000 of {depth} bits is read if it is gray; save it as PNG"
    )
  if raw == GRAY_WITH_OPACITY:
    return _gray_with_opacity(picture)
  key = picture.info.get("transparency") if _is_wide(raw) else None
  inverted = getattr(picture, "tag_v2", {}).get(_PHOTOMETRIC) == 0
  pixels = _pixels(picture, is_keyed=not _is_wide(raw))
  turned = orientation(picture)
  if pixels.dtype == np.uint16:
    if depth or raw == "I;12":
      # OpenJPEG puts the samples into the high bits.
      pixels >>= 16 - depth if depth else 0
      pixels = _stretched(pixels, 2 ** (depth or 12) - 1)
    elif inverted:
      np.subtract(_FULL, pixels, out=pixels)
  elif _is_wide(raw):
    pixels = _with_low_bytes(pixels, raw, reopened)
  return (pixels if key is None else _with_key(pixels, key)), turned


def orientation(picture: Any) -> int:
  """Returns the EXIF orientation of a picture, 1 to 8; 0 if it is damaged.

  The picture is loaded, as a PNG may have its camera data behind its pixels.
  """
  picture.load()  # Pillow turns a TIFF itself when it loads it
  try:
    found = picture.getexif().get(_ORIENTATION, 1)
  except _DAMAGED_EXIF:
    return 0
  return found if found in range(1, 9) else 1


def raw_mode(picture: Any) -> str:
  """Returns Pillow's name of the format of samples, such as `RGB;16B`."""
  if not getattr(picture, "tile", None):  # it was not opened, but made
    return str(picture.mode)
  arguments = picture.tile[0].args
  raw = arguments[0] if isinstance(arguments, tuple) else arguments
  tags = getattr(picture, "tag_v2", {})
  is_deep = 16 in tags.get(_BITS_PER_SAMPLE, ())
  if is_deep and tags.get(_PLANAR_CONFIGURATION) == 2:
    return f"{picture.mode};16 in planes"  # Pillow would read them as 8 bits
  return str(raw)


def _is_wide(raw: str) -> bool:
  """Returns True if a raw mode has 16 bits for each sample.

  `BGR;16` has 16 bits for each pixel.
  """
  return ";16" in raw and not raw.startswith("BGR")


def _with_low_bytes(
  pixels: np.ndarray,
  raw: str,
  reopened: Callable[[], AbstractContextManager[Any]],
) -> np.ndarray:
  """Returns samples of 16 bits with `pixels` as their high bytes.

  Of color with 16 bits Pillow keeps the high bytes. It keeps the low bytes if
  told the opposite byte order.
  """
  if not re.fullmatch("RGBA?;16[BLN]", raw):
    raise ValueError(
      f"it holds 16-bit samples in a form that is not read ({raw}); save them "
      "as RGB or RGBA, pixel by pixel"
    )
  samples = pixels.astype(np.uint16)
  del pixels
  samples <<= 8
  with reopened() as picture:
    picture.tile = [_swapped(tile) for tile in picture.tile]
    samples |= _pixels(picture, is_keyed=False)
  return samples


def _swapped(tile: Any) -> Any:
  """Returns a Pillow tile with the opposite byte order of 16-bit samples."""
  arguments = tile.args if isinstance(tile.args, tuple) else (tile.args,)
  raw = arguments[0]
  native = "L" if sys.byteorder == "little" else "B"
  order = native if raw[-1] == "N" else raw[-1]
  arguments = (raw[:-1] + {"L": "B", "B": "L"}[order], *arguments[1:])
  return tile._replace(
    args=arguments if isinstance(tile.args, tuple) else arguments[0]
  )


def _gray_with_opacity(picture: Any) -> tuple[np.ndarray, int]:
  """Reads a PNG of gray and opacity, 16 bits each, as four bytes per pixel."""
  picture._mode = "RGBA"
  picture.tile = [tile._replace(args="RGBA") for tile in picture.tile]
  octets = _pixels(picture, is_keyed=False)
  return octets.view(">u2").astype(np.uint16), orientation(picture)


def _pixels(picture: Any, *, is_keyed: bool) -> np.ndarray:
  """Returns the pixels `[H, W, bands]` of a picture, copied in strips.

  Args:
    picture: Picture opened by Pillow.
    is_keyed: True if its transparent color is a value of its samples.
  """
  picture.load()
  if not is_keyed:
    picture.info.pop("transparency", None)
  dtype: type[np.unsignedinteger]
  if picture.mode.startswith("I"):
    mode, bands, dtype = picture.mode, 1, np.uint16
  else:
    gray = picture.mode in ("1", "L", "LA", "La")
    has_alpha = "transparency" in picture.info or picture.mode[-1] in "Aa"
    mode = ("L" if gray else "RGB") + ("A" if has_alpha else "")
    bands, dtype = len(mode), np.uint8
  pixels = np.empty((picture.height, picture.width, bands), dtype)
  for top in range(0, picture.height, _STRIP_ROWS):
    bottom = min(top + _STRIP_ROWS, picture.height)
    strip = picture.crop((0, top, picture.width, bottom))
    if strip.mode != mode:
      strip = strip.convert(mode)
    pixels[top:bottom] = np.asarray(strip).reshape(pixels[top:bottom].shape)
  return pixels


def _with_key(pixels: np.ndarray, key: int | tuple[int, ...]) -> np.ndarray:
  """Adds a channel of opacity, 0 where pixels have the transparent color."""
  height, width, bands = pixels.shape
  samples = np.empty((height, width, bands + 1), np.uint16)
  samples[..., :-1] = pixels
  for top in range(0, height, _STRIP_ROWS):
    rows = slice(top, top + _STRIP_ROWS)
    is_clear = np.all(pixels[rows] == np.asarray(key), axis=-1)
    samples[rows, :, -1] = np.where(is_clear, 0, _FULL)
  return samples


def _stretched(samples: np.ndarray, maximum: int) -> np.ndarray:
  """Scales samples so that `maximum` becomes 65535, rounded."""
  if maximum == _FULL:
    return samples
  for top in range(0, len(samples), _STRIP_ROWS):
    strip = samples[top : top + _STRIP_ROWS]
    # The sum is at most 65535^2 + 32767, which 32 bits hold.
    wide = strip.astype(np.uint32) * np.uint32(_FULL) + np.uint32(maximum // 2)
    strip[...] = wide // np.uint32(maximum)
  return samples


def _maximum(picture: Any) -> int:
  """Returns the largest sample that the header of a PGM or PPM allows."""
  if picture.format != "PPM" or picture.mode not in ("I", "L", "RGB"):
    return 0
  arguments = picture.tile[0].args if picture.tile else ""
  if isinstance(arguments, tuple):
    return int(arguments[1])
  return _FULL if ";16" in arguments else 255


def _portable(picture: Any) -> np.ndarray:
  """Reads a PGM or PPM of more than 8 bits, scaled by its maximum."""
  bands = 3 if picture.mode == "RGB" else 1
  shape = picture.height, picture.width, bands
  maximum = _maximum(picture)
  file = picture.fp
  file.seek(0)
  read = _plain if file.read(2) in (b"P2", b"P3") else _binary
  file.seek(picture.tile[0].offset)
  samples = np.empty(shape, np.uint16)
  flat = samples.reshape(-1)
  count = 0
  while count < flat.size:
    values = read(file, min(_CHUNK, flat.size - count))
    if not values.size:
      raise ValueError(f"it ends after {count} of {flat.size} samples")
    if values.max() > maximum:
      raise ValueError(
        f"a sample is {values.max()}, above the maximum of {maximum} that its "
        "header says"
      )
    flat[count : count + values.size] = values
    count += values.size
  return _stretched(samples, maximum)


def _binary(file: IO[bytes], count: int) -> np.ndarray:
  data = file.read(2 * count)
  return np.frombuffer(data[: len(data) // 2 * 2], ">u2")


def _plain(file: IO[bytes], count: int) -> np.ndarray:
  data = file.read(_CHUNK)
  while data and not data[-1:].isspace():  # within a number
    more = file.read(1)
    if not more:
      break
    data += more
  words = data.split()[:count]
  wrong = [word for word in words if not word.isdigit() or len(word) > 9]
  if wrong:
    raise ValueError(f"it has {wrong[0][:20]!r} among its numbers")
  return np.array([int(word) for word in words], np.int64)


def _jpeg2000_depth(picture: Any) -> int:
  """Returns the bits of the samples of a JPEG 2000, or 0 for other formats."""
  if picture.format != "JPEG2000":
    return 0
  place = picture.fp.tell()
  picture.fp.seek(0)
  head = picture.fp.read(_HEADER)
  picture.fp.seek(place)
  start = head.find(b"\xff\x4f\xff\x51")  # markers SOC and SIZ
  if start < 0 or len(head) < start + 42:
    raise ValueError("its codestream does not begin")
  (components,) = struct.unpack_from(">H", head, start + 40)
  depths = head[start + 42 : start + 42 + 3 * components : 3]
  return max((depth & 0x7F) + 1 for depth in depths or b"\0")


def without_alpha(samples: np.ndarray, background: str) -> np.ndarray:
  """Returns samples laid over a background by their last channel, opacity.

  Args:
    samples: Samples `[H, W, 2 or 4]`, uint8 or uint16.
    background: Color, `"white"` or `"black"`, or `"ignore"` to drop the
      opacity.
  """
  if background == "ignore":
    return np.ascontiguousarray(samples[..., :-1])
  full = np.uint32(np.iinfo(samples.dtype).max)
  behind = full if background == "white" else np.uint32(0)
  result = np.empty((*samples.shape[:2], samples.shape[-1] - 1), samples.dtype)
  for top in range(0, len(samples), _STRIP_ROWS):
    strip = samples[top : top + _STRIP_ROWS].astype(np.uint32)
    color, opacity = strip[..., :-1], strip[..., -1:]
    # The sum is at most 65535^2 + 32767, which 32 bits hold.
    mixed = color * opacity + behind * (full - opacity) + full // 2
    result[top : top + _STRIP_ROWS] = mixed // full
  return result


def upright(samples: np.ndarray, orientation: int) -> np.ndarray:
  """Returns samples turned upright by the EXIF orientation; 0 is not known."""
  if orientation in (5, 6, 7, 8):
    samples = samples.swapaxes(0, 1)
  if orientation in (2, 3, 6, 7):
    samples = samples[:, ::-1]
  if orientation in (3, 4, 7, 8):
    samples = samples[::-1]
  return samples


def reduced(samples: np.ndarray) -> np.ndarray:
  """Rounds samples of 16 bits to 8 bits; it changes the given array."""
  up = samples % 257 > 128
  samples //= 257
  samples += up
  return samples.astype(np.uint8)

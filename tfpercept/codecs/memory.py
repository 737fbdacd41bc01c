"""The memory that a picture takes in a codec, told before any of it is taken.

The figures are above what `python -m tests.codecs.memory --codec=SPEC` prints:
the most that a process held, reading and writing of the picture included,
beyond what it held at rest, for each pixel. A bound protects a machine against
files of strangers and against pictures that are larger than one thinks; it is
no limit that the operating system would enforce.
"""

import os
import pathlib
import sys

from tfpercept.codecs.base import Codec
from tfpercept.codecs.classical import formats
from tfpercept.codecs.lossless import lossless_codec, payloads

REST, REST_OF_TENSORFLOW = 300_000_000, 750_000_000
"""Bytes of a process before there is a picture: Python, libraries, a model."""
READING_8, READING_16 = 8, 26
"""Bytes for each pixel while a picture of 8 or 16 bits is read."""
_LEAST = 10**9
_UNKNOWN = 4 << 30  # bytes, where the system does not tell its memory
_CGROUPS = (
  "/sys/fs/cgroup/memory.max",
  "/sys/fs/cgroup/memory/memory.limit_in_bytes",
)
_UNITS = {"K": 10**3, "M": 10**6, "G": 10**9, "T": 10**12}


def to_compress(codec: Codec, pixels: int, *, is_deep: bool = False) -> int:
  """Returns the most bytes that a process takes to compress a picture.

  Args:
    codec: Codec that compresses.
    pixels: Number of pixels of the picture.
    is_deep: Whether the picture has more than 8 bits for a sample.
  """
  reading = READING_16 if is_deep else READING_8
  taken = pixels * max(reading, codec.bytes_per_pixel[0])
  if codec.suffix == lossless_codec.Lossless.suffix:
    # It may be tried without loss, too, if it is not too large for VP8L.
    tried = min(pixels, payloads.MAX_VP8L_PIXELS)
    taken = max(taken, tried * formats.WebP.lossless_bytes_per_pixel[0])
  at_once = (codec.bytes_at_once, codec.refined_at_once)
  return at_rest() + taken + max(_at_once(each, pixels) for each in at_once)


def to_decompress(codec: Codec, pixels: int) -> int:
  """Returns the most bytes that a process takes to decompress a picture."""
  taken = pixels * codec.bytes_per_pixel[1]
  return at_rest() + taken + _at_once(codec.bytes_at_once, pixels)


def at_rest() -> int:
  """Returns the bytes of this process before there is a picture."""
  return REST_OF_TENSORFLOW if "tensorflow" in sys.modules else REST


def _at_once(stated: tuple[int, int], pixels: int) -> int:
  size, most = stated
  return size * min(pixels, most)


def require(needed: int, most: int | None, size: tuple[int, int]) -> None:
  """Raises ValueError if a picture takes more memory than is allowed.

  Args:
    needed: Bytes that the picture takes.
    most: Bytes that are allowed; None allows any number.
    size: Height and width of the picture.
  """
  if most is not None and needed > most:
    raise ValueError(
      f"its {size[1]}x{size[0]} pixels take up to {in_words(needed)} of memory;"
      f" at most {in_words(most)} are allowed. If the machine has as much, "
      f"give --max-memory={-(-needed // 10**6)}M (max_memory)"
    )


def default() -> int:
  """Returns half of the memory of this machine, or of its container.

  Of less than two gigabytes it is all, up to one gigabyte.
  """
  found = [_physical(), *map(_limit, _CGROUPS)]
  size = min((size for size in found if size), default=2 * _UNKNOWN)
  return max(size // 2, min(size, _LEAST))


def parsed(text: str) -> int:
  """Returns the bytes of a text such as `800M`, `1.5G` or `2000000`.

  K, M, G and T are thousands, millions, billions and trillions of bytes.

  Raises:
    ValueError: if it is no such text, or not above 0.
  """
  word = text.strip().upper().removesuffix("B")
  unit = _UNITS.get(word[-1:], 1)
  try:
    size = float(word[:-1] if unit > 1 else word) * unit
    whole = int(size)
  except (ValueError, OverflowError):
    whole = 0
  if whole < 1:
    raise ValueError(f"expected a size in bytes, as 800M or 1.5G; got {text!r}")
  return whole


def in_words(size: int) -> str:
  """Returns a number of bytes as `1.52 GB`, `800 MB` or `12 bytes`."""
  if size < 10**6:
    return f"{size} bytes"
  unit, name = (10**9, "GB") if size >= 10**9 else (10**6, "MB")
  return f"{size / unit:.4g} {name}"


def _physical() -> int | None:
  try:
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
  except (AttributeError, ValueError, OSError):  # not on Windows
    return None


def _limit(path: str) -> int | None:
  """Returns what a container may use; None if there is no limit."""
  try:
    text = pathlib.Path(path).read_text().strip()
  except OSError:
    return None
  return int(text) if text.isdigit() else None

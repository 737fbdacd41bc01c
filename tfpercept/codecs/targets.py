"""The quality at which a file has a wanted size, or a picture a wanted PSNR."""

import dataclasses
import math
from collections.abc import Callable, Sequence

import numpy as np

from tfpercept.codecs.base import Codec
from tfpercept.codecs.bitstream import container

_STRIP_ROWS = 64


@dataclasses.dataclass(frozen=True)
class Coded:
  """A file that a search ended with.

  Attributes:
    data: The whole file.
    quality: Quality of the encoding.
    value: Rate of the file in bits per pixel, its size in bytes or its PSNR in
      dB, whichever the target is.
    is_reached: Whether the target is kept; if not, no quality tried keeps it,
      and this one is the nearest to it.
  """

  data: bytes
  quality: float
  value: float
  is_reached: bool


def at_most_bpp(codec: Codec, picture: np.ndarray, bpp: float) -> Coded:
  """Returns the file of the best quality that takes at most so many bits.

  Args:
    codec: Any codec whose files grow with its quality.
    picture: uint8 `[H, W, 1 or 3]`.
    bpp: Bits of the whole file over H W.

  Raises:
    ValueError: if `bpp` is no number above 0, or as `Codec.compress`.
  """
  _check("a number of bits per pixel", bpp)

  def measure(data: bytes) -> float:
    return 8 * len(data) / (picture.shape[0] * picture.shape[1])

  return _search(codec, picture, _ladder(codec), measure, lambda v: v <= bpp)


def at_most_bytes(codec: Codec, picture: np.ndarray, size: int) -> Coded:
  """Returns the file of the best quality that has at most so many bytes.

  Args:
    codec: Any codec whose files grow with its quality.
    picture: uint8 `[H, W, 1 or 3]`.
    size: Size of the whole file in bytes.

  Raises:
    ValueError: if `size` is no number above 0, or as `Codec.compress`.
  """
  _check("a number of bytes", size)
  return _search(codec, picture, _ladder(codec), len, lambda v: v <= size)


def at_least_psnr(codec: Codec, picture: np.ndarray, psnr: float) -> Coded:
  """Returns the file of the lowest quality that has at least such a PSNR.

  Args:
    codec: Any codec whose PSNR grows with its quality.
    picture: uint8 `[H, W, 1 or 3]`.
    psnr: PSNR of the decoded 8-bit picture over all channels, in dB.

  Raises:
    ValueError: if `psnr` is no number above 0, or as `Codec.compress`.
  """
  _check("a PSNR in decibels", psnr)

  def measure(data: bytes) -> float:
    return _psnr(picture, codec.decompress(data))

  ladder = _ladder(codec)[::-1]
  return _search(codec, picture, ladder, measure, lambda v: v >= psnr)


def _check(what: str, target: float) -> None:
  if not (math.isfinite(target) and target > 0):
    raise ValueError(f"{what} is above 0; got {target:g}")


def _ladder(codec: Codec) -> list[float]:
  """Returns the ends of a codec's qualities, and all sixteenths between."""
  low, high = codec.qualities[0], codec.qualities[-1]
  first, last = (
    math.ceil(low * container.STEPS),
    math.floor(high * container.STEPS),
  )
  between = (step / container.STEPS for step in range(first, last + 1))
  return sorted({float(low), *between, float(high)})


def _search(
  codec: Codec,
  picture: np.ndarray,
  ladder: Sequence[float],
  measure: Callable[[bytes], float],
  keeps: Callable[[float], bool],
) -> Coded:
  """Returns the file of the last quality of a ladder that keeps the target.

  By bisection, so `keeps` should turn false once along the ladder. Where it
  turns more often, what is returned keeps the target all the same.

  Raises:
    ValueError: if the codec's files need not grow with its quality.
  """
  if not codec.rises_with_quality:
    raise ValueError(
      f"files of {codec.spec} need not grow with its quality, so no target of "
      "size or PSNR is searched for; give a quality"
    )
  low, high = 0, len(ladder)
  found = nearest = None
  while low < high:
    middle = (low + high) // 2
    data = codec.compress(picture, quality=ladder[middle])
    value = measure(data)
    coded = Coded(data, ladder[middle], value, keeps(value))
    if coded.is_reached:
      found, low = coded, middle + 1
    else:
      nearest, high = coded, middle
  best = found or nearest
  assert best is not None  # a ladder has a rung
  return best


def _psnr(picture: np.ndarray, image: np.ndarray) -> float:
  """Returns the PSNR of two 8-bit pictures, one of which may be grey."""
  total = count = 0
  for top in range(0, len(picture), _STRIP_ROWS):
    rows = slice(top, top + _STRIP_ROWS)
    difference = picture[rows].astype(np.int32) - image[rows]
    total += int(np.square(difference).sum(dtype=np.int64))
    count += difference.size
  return 10 * math.log10(255**2 * count / total) if total else math.inf

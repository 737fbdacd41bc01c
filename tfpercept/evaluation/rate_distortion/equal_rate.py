"""One picture by several codecs, in files of about the same size."""

import dataclasses
import math
from collections.abc import Mapping

import numpy as np

from tfpercept.codecs import Codec

CLOSE = 0.02
"""Relative error of a file's rate at which the search stops."""


@dataclasses.dataclass(frozen=True)
class Coded:
  """A compressed picture.

  Attributes:
    data: Bytes of the file.
    image: Decoded picture, uint8 `[H, W, 1 or 3]`.
    quality: Quality of the encoding; None if it is not known.
  """

  data: bytes
  image: np.ndarray
  quality: float | None = None

  @property
  def size(self) -> int:
    """Bytes of the file."""
    return len(self.data)

  @property
  def bpp(self) -> float:
    """Bits of the file for each pixel."""
    return 8 * self.size / (self.image.shape[0] * self.image.shape[1])


def nearest(
  codec: Codec,
  picture: np.ndarray,
  bpp: float,
  *,
  known: Mapping[float, float] | None = None,
  tries: int = 6,
) -> Coded:
  """Compresses a picture at the quality whose rate is nearest to a wanted one.

  The quality is bisected, since rates rise with it, and the nearest of all
  files that were made is taken.

  Args:
    codec: Codec to compress with.
    picture: uint8 `[H, W, 1 or 3]`.
    bpp: Wanted rate in bits per pixel, above 0.
    known: Measured rates in bits per pixel by quality, which narrow the search.
    tries: Largest number of files made, besides the two at the ends of the
      range where their rates are not known.

  Raises:
    ValueError: if `bpp` is not above 0, or the codec refuses the picture.
  """
  if not bpp > 0:
    raise ValueError(f"a rate is above 0 bits per pixel; got {bpp}")
  pixels = picture.shape[0] * picture.shape[1]
  made = {}

  def rate(quality: float) -> float:
    made[quality] = codec.compress(picture, quality=quality)
    return 8 * len(made[quality]) / pixels

  rates = dict(known or {})
  for end in {codec.qualities[0], codec.qualities[-1]} - rates.keys():
    rates[end] = rate(end)
  for _ in range(tries):
    best = min(rates, key=lambda q: _off(rates[q], bpp))
    below = max((q for q in rates if rates[q] <= bpp), default=None)
    above = min((q for q in rates if rates[q] > bpp), default=None)
    if _off(rates[best], bpp) <= CLOSE or below is None or above is None:
      break
    middle = (below + above) / 2
    if middle in rates:
      break
    rates[middle] = rate(middle)
  best = min(rates, key=lambda q: _off(rates[q], bpp))
  data = made.get(best) or codec.compress(picture, quality=best)
  return Coded(data, codec.decompress(data), best)


def _off(bpp: float, wanted: float) -> float:
  return abs(math.log(bpp / wanted))

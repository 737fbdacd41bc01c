"""What the table of small pictures compares, each a file and its picture."""

import dataclasses
from collections.abc import Callable, Sequence

import numpy as np

from tfpercept import codecs
from tfpercept.codecs.base import Codec
from tfpercept.codecs.bitstream import container
from tfpercept.codecs.inversion import inversion_codec

_ROUNDS = 20  # of Lloyd's algorithm


@dataclasses.dataclass(frozen=True)
class Coded:
  """Pictures after a codec.

  Attributes:
    sizes: Bytes of each file, headers included, int64 `[N]`.
    images: Decoded pictures, uint8 `[N, H, W, C]`.
  """

  sizes: np.ndarray
  images: np.ndarray


Method = Callable[[np.ndarray], Coded]
"""From pictures, uint8 `[N, H, W, C]`, to what is left of them."""


def of_codec(codec: Codec, quality: float | None = None) -> Method:
  """Returns the method of a codec at a quality."""

  def apply(images: np.ndarray) -> Coded:
    data = _files(codec, images, quality)
    decoded = [codec.decompress(one) for one in data]
    sizes = np.array([len(one) for one in data], np.int64)
    return Coded(sizes, np.stack([_like(d, images) for d in decoded]))

  return apply


def k_means(count: int) -> Method:
  """Returns the method that leaves so many colors of each picture, as PNG.

  Args:
    count: Number of colors, 1 or more.

  Source: Lloyd, "Least squares quantization in PCM", 1982; the first colors
  are quantiles of brightness, so that nothing is random.
  """
  png = codecs.get("png")

  def apply(images: np.ndarray) -> Coded:
    found = np.stack([clustered(image, count) for image in images])
    sizes = np.array([len(png.compress(image)) for image in found], np.int64)
    return Coded(sizes, found)

  return apply


def clustered(image: np.ndarray, count: int) -> np.ndarray:
  """Returns a picture whose pixels are the means of `count` clusters."""
  pixels = image.reshape(-1, image.shape[-1]).astype(np.float64)
  order = np.argsort(pixels.sum(axis=1), kind="stable")
  places = (np.arange(count) + 0.5) / count * len(pixels)
  means = pixels[order[places.astype(int)]]
  for _ in range(_ROUNDS):
    which = np.square(pixels[:, None] - means).sum(axis=-1).argmin(axis=1)
    for k in np.unique(which):
      means[k] = pixels[which == k].mean(axis=0)
  return np.round(means[which]).astype(np.uint8).reshape(image.shape)


def quality_at(
  codec: Codec, images: Sequence[np.ndarray], bpp: float, *, tried: int = 64
) -> float:
  """Returns the best quality whose mean rate over pictures is at most `bpp`.

  It is one quality for all pictures, found by bisection over sixteenths and
  some pictures, evenly over all; the lowest one if none keeps the rate.

  Args:
    codec: Codec of rising rates.
    images: Pictures, uint8 `[H, W, C]` each.
    bpp: Bits per pixel, headers included.
    tried: Number of pictures that are coded, at most.
  """
  low, high = codec.qualities[0], codec.qualities[-1]
  ladder = np.arange(low, high + 1e-9, 1 / container.STEPS)
  first, last = 0, len(ladder) - 1
  places = np.linspace(0, len(images) - 1, min(tried, len(images)))
  chosen = np.stack([images[int(place)] for place in places])
  pixels = len(chosen) * chosen.shape[1] * chosen.shape[2]
  while first < last:
    middle = (first + last + 1) // 2
    quality = float(ladder[middle])
    size = sum(map(len, _files(codec, chosen, quality)))
    if 8 * size / pixels <= bpp:
      first = middle
    else:
      last = middle - 1
  return float(ladder[first])


def _files(
  codec: Codec, images: np.ndarray, quality: float | None
) -> list[bytes]:
  """Returns the file of each picture."""
  if isinstance(codec, inversion_codec.Inversion):
    return codec.compress_all(list(images), quality=quality)
  return [codec.compress(image, quality=quality) for image in images]


def _like(image: np.ndarray, images: np.ndarray) -> np.ndarray:
  """Returns a picture with the channels of the originals."""
  if image.shape[-1] == images.shape[-1]:
    return image
  if images.shape[-1] == 3:
    return np.repeat(image, 3, axis=-1)
  total = image.sum(axis=-1, keepdims=True, dtype=np.uint16)
  return ((total + 1) // 3).astype(np.uint8)

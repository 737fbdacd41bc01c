"""What other shapes of the prior would take for the symbols of a codec.

The latents of a hyperprior are coded by normals, one for each of a ladder of
scales. Here the symbols of pictures are coded anew, by normals, Laplacians and
logistics whose scales are fitted for each step of the ladder, and by the shares
of the symbols themselves. What codes a picture is fitted on other pictures.
"""

import dataclasses
import math
from collections.abc import Callable, Sequence

import numpy as np

from tfpercept.codecs.learned import reference_decoder

FOLDS = 4
"""Parts of the pictures, each coded by what is fitted on the others."""
_REACH = 255  # symbols beyond it are counted at it
_SCALES = np.exp(np.linspace(np.log(0.02), np.log(200.0), 120))
_LEAST = 2.0**-24  # share of a symbol before shares are made to sum to 1


@dataclasses.dataclass(frozen=True)
class Symbols:
  """The symbols of a picture.

  Attributes:
    counts: Number of each symbol for each step of the ladder, int64
      `[scales, 2 * 255 + 1]`.
    pixels: Number of pixels of the picture.
  """

  counts: np.ndarray
  pixels: int


def counted(latents: reference_decoder.Latents) -> Symbols:
  """Returns how often each symbol is, for each step of the ladder."""
  header, indexes = latents.header, latents.indexes
  places = np.clip(latents.symbols, -_REACH, _REACH) + _REACH
  wide = 2 * _REACH + 1
  flat = (indexes.astype(np.int64) * wide + places).ravel()
  scales = int(indexes.max()) + 1
  counts = np.bincount(flat, minlength=scales * wide).reshape(scales, wide)
  return Symbols(counts, header.height * header.width)


def bits_per_pixel(found: Sequence[Symbols]) -> dict[str, float]:
  """Returns the rate of the symbols of all pictures by each shape."""
  scales = max(len(one.counts) for one in found)
  counts = np.stack(
    [
      np.pad(one.counts, [(0, scales - len(one.counts)), (0, 0)])
      for one in found
    ]
  )
  pixels = sum(one.pixels for one in found)
  rates = {}
  for name, fit in SHAPES.items():
    total = 0.0
    for fold in range(FOLDS):
      of_fold = np.arange(len(counts)) % FOLDS == fold
      bits = fit(counts[~of_fold].sum(axis=0))
      total += float((counts[of_fold].sum(axis=0) * bits).sum())
    rates[name] = total / pixels
  return rates


def cells(rates: dict[str, float]) -> list[str]:
  """Returns the texts of rates, all but the first with their differences."""
  first = next(iter(rates.values()))
  return [
    f"{rate:.4f}" + (f" ({100 * (rate / first - 1):+.2f} %)" if place else "")
    for place, rate in enumerate(rates.values())
  ]


def _normal(at: np.ndarray) -> np.ndarray:
  """Returns the share of a standard normal below."""
  return 0.5 * (1 + np.vectorize(math.erf)(at / 2**0.5))


def _laplace(at: np.ndarray) -> np.ndarray:
  """Returns the share of a Laplacian of variance 1 below."""
  tail = 0.5 * np.exp(-np.sqrt(2.0) * np.abs(at))
  return np.where(at < 0, tail, 1 - tail)


def _logistic(at: np.ndarray) -> np.ndarray:
  """Returns the share of a logistic of variance 1 below."""
  return 1 / (1 + np.exp(-np.clip(np.pi / np.sqrt(3.0) * at, -700, 700)))


def _best(
  below: Callable[[np.ndarray], np.ndarray],
) -> Callable[[np.ndarray], np.ndarray]:
  """Returns what fits the scale of a shape for each step of the ladder.

  The function takes counts `[scales, symbols]` and returns the bits of each
  symbol, float64 of the same shape.

  Args:
    below: Function that returns the share of a distribution of variance 1 that
      lies below a value.
  """
  edges = np.arange(-_REACH, _REACH + 2) - 0.5

  def fit(counts: np.ndarray) -> np.ndarray:
    shares = np.stack([np.diff(below(edges / scale)) for scale in _SCALES])
    bits = _bits(shares)
    return bits[(counts @ bits.T).argmin(axis=1)]

  return fit


def _themselves(counts: np.ndarray) -> np.ndarray:
  """Returns the bits of symbols by their own shares, as `_best` does.

  To the counts comes one more symbol, spread as a normal of deviation 2, so
  that symbols that were not seen have a share.
  """
  edges = np.arange(-_REACH, _REACH + 2) - 0.5
  return _bits(counts + np.diff(_normal(edges / 2.0)))


def _bits(sizes: np.ndarray) -> np.ndarray:
  """Returns the bits of symbols whose shares are as their sizes `[..., n]`."""
  shares = sizes / sizes.sum(axis=-1, keepdims=True)
  shares = np.maximum(shares, _LEAST)
  return -np.log2(shares / shares.sum(axis=-1, keepdims=True))


SHAPES: dict[str, Callable[[np.ndarray], np.ndarray]] = {
  "normal": _best(_normal),
  "Laplace": _best(_laplace),
  "logistic": _best(_logistic),
  "their own shares": _themselves,
}
"""From counts `[scales, symbols]` to bits of each symbol, by the name of the
shape."""

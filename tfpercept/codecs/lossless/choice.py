"""The choice between a file of a model and a lossless one.

A lossless file that is no larger is always better. A drawing is kept without
loss even at `DRAWING_FACTOR` times the bytes: the edges of text and charts
suffer most from loss, and so many more bytes give a model's file 1 to 4 dB,
which leaves it far from exact (`tests.codecs.lossless.rates`).
"""

from collections.abc import Mapping

import numpy as np

from tfpercept.codecs import base
from tfpercept.codecs.lossless import drawings, lossless_codec, payloads
from tfpercept.offers import LOSSLESS

DRAWING_FACTOR = 2
"""Bytes of a lossless drawing, at most, over those of the model's file."""
_MARGIN = 3
"""Rough sizes over true ones, at most, unless a picture repeats exactly."""
_SMALL = 1 << 14  # bytes of samples; a rough size would gain nothing


def check_rule(rule: str) -> None:
  """Raises ValueError if a rule is none of `offers.LOSSLESS`."""
  if rule not in LOSSLESS:
    raise ValueError(f"lossless is {' or '.join(LOSSLESS)}; got {rule!r}")


def within(image: np.ndarray, most: float) -> bytes | None:
  """Returns the lossless file of a picture, unless it is larger than allowed.

  A photograph is given up early: it is not tried if its rough size, which is
  less than twice the true one, is over three times the limit. That may miss a
  photograph of which parts repeat exactly. Drawings, which take less time, are
  always tried.

  Args:
    image: Picture, uint8 `[H, W, 1 or 3]`.
    most: Size of the file in bytes, at most.
  """
  if (
    image.size > _SMALL
    and not drawings.is_drawing(image)
    and payloads.rough_size(image) > _MARGIN * most
  ):
    return None
  try:
    data = lossless_codec.Lossless().compress(image)
  except ValueError:  # larger than any file may be
    return None
  return data if len(data) <= most else None


def better(image: np.ndarray, data: bytes) -> bytes:
  """Returns the lossless file of a picture where it is better than another.

  Args:
    image: Picture, uint8 `[H, W, 1 or 3]`.
    data: File of the picture by a model, at the quality that is wanted.
  """
  factor = DRAWING_FACTOR if drawings.is_drawing(image) else 1
  return within(image, factor * len(data)) or data


class OrLossless(base.Codec):
  """A learned codec that keeps a picture without loss where that is better.

  Files are as `codecs.files.compress_file` writes them at a quality. Rate and
  distortion of the learned codec alone are those of the codec itself.

  Args:
    codec: Codec whose files are `.tfp`.

  Raises:
    ValueError: if the codec writes other files.
  """

  def __init__(self, codec: base.Codec):
    if codec.suffix != lossless_codec.Lossless.suffix:
      raise ValueError(
        f"{codec.spec} writes {codec.suffix}; a .tfp alone can hold a lossless "
        "picture"
      )
    self.codec, self.suffix = codec, codec.suffix
    self.bytes_per_pixel = codec.bytes_per_pixel
    self.bytes_at_once = codec.bytes_at_once
    self.qualities = codec.qualities

  @property
  def spec(self) -> str:
    return f"{self.codec.spec} or lossless"

  def compress(
    self, image: np.ndarray, *, quality: float | None = None
  ) -> bytes:
    return self.timed_compress(image, quality=quality)[0]

  def timed_compress(
    self, image: np.ndarray, *, quality: float | None = None
  ) -> tuple[bytes, Mapping[str, float]]:
    data, seconds = self.codec.timed_compress(image, quality=quality)
    return better(image, data), seconds

  def decompress(self, data: bytes) -> np.ndarray:
    return self.codec.decompress(data)

  def timed_decompress(
    self, data: bytes
  ) -> tuple[np.ndarray, Mapping[str, float]]:
    return self.codec.timed_decompress(data)

  def picture_size(self, data: bytes) -> tuple[int, int] | None:
    return self.codec.picture_size(data)

  def estimated_bits(
    self, image: np.ndarray, *, quality: float | None = None
  ) -> float | None:
    """Returns the estimate of the model, or all bits of a lossless file."""
    data = self.compress(image, quality=quality)
    if lossless_codec.is_lossless(data):
      return 8.0 * len(data)
    return self.codec.estimated_bits(image, quality=quality)

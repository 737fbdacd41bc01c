"""The choice between a file of a model and a lossless one.

A lossless file that is no larger is always better. A drawing is kept without
loss even at `DRAWING_FACTOR` times the bytes: the edges of text and charts
suffer most from loss, and so many more bytes give a model's file 1 to 4 dB,
which leaves it far from exact (`tests.codecs.lossless.rates`).
"""

import numpy as np

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

  It may miss a photograph, as `tried`.

  Args:
    image: Picture, uint8 `[H, W, 1 or 3]`.
    most: Size of the file in bytes, at most.
  """
  data = tried(image, most)
  return data if data is not None and len(data) <= most else None


def tried(image: np.ndarray, most: float) -> bytes | None:
  """Returns the lossless file of a picture, whatever its size.

  A photograph is given up early: it is not tried if its rough size, which is
  less than twice the true one, is over three times the limit. That may miss a
  photograph of which parts repeat exactly. Drawings, which take less time, are
  always tried.

  Args:
    image: Picture, uint8 `[H, W, 1 or 3]`.
    most: Size in bytes that the file is wanted to have, at most.
  """
  if (
    image.size > _SMALL
    and not drawings.is_drawing(image)
    and payloads.rough_size(image) > _MARGIN * most
  ):
    return None
  try:
    return lossless_codec.Lossless().compress(image)
  except ValueError:  # larger than any file may be
    return None


def is_near_drawing(image: np.ndarray, data: bytes, most: float) -> bool:
  """Returns True for a drawing that more bytes would keep without loss.

  Args:
    image: Picture, uint8 `[H, W, 1 or 3]`.
    data: Lossless file of the picture.
    most: Size in bytes that is allowed; the file is larger, up to
      `DRAWING_FACTOR` times.
  """
  is_near = most < len(data) <= DRAWING_FACTOR * most
  return is_near and drawings.is_drawing(image)


def better(image: np.ndarray, data: bytes) -> bytes:
  """Returns the lossless file of a picture where it is better than another.

  Args:
    image: Picture, uint8 `[H, W, 1 or 3]`.
    data: File of the picture by a model, at the quality that is wanted.
  """
  factor = DRAWING_FACTOR if drawings.is_drawing(image) else 1
  return within(image, factor * len(data)) or data

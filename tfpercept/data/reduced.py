"""Photographs, reduced so that little is left of noise and of JPEG."""

from collections.abc import Iterable, Sequence

import numpy as np
import tensorflow as tf


def reduced(
  pictures: Iterable[np.ndarray],
  *,
  sides: Sequence[int] = (),
  largest: float = 1.0,
) -> list[np.ndarray]:
  """Returns each picture at several sizes, never enlarged.

  Args:
    pictures: uint8 `[H, W, 1 or 3]`.
    sides: Lengths that the longer side gets, filtered by Lanczos of radius 3;
      by default pictures stay as they are.
    largest: No picture is reduced by less than this factor, which in (0, 1]
      removes traces of JPEG: a longer length is left out, or, where all are,
      replaced by the one of this factor.

  Returns:
    uint8 pictures, those of one after those of another.

  Raises:
    ValueError: if a length is below 1 or the factor not in (0, 1].
  """
  if any(side < 1 for side in sides) or not 0 < largest <= 1:
    raise ValueError(
      "reduced needs lengths of 1 or more and a factor in (0, 1]; got "
      f"sides={tuple(sides)}, largest={largest}"
    )
  made = []
  for picture in pictures:
    longer = max(picture.shape[:2])
    limit = int(longer * largest)
    lengths = [side for side in sides if side <= limit] or [limit]
    for length in lengths:
      made.append(_resized(picture, length / longer))
  return made


def _resized(picture: np.ndarray, factor: float) -> np.ndarray:
  if factor == 1:
    return picture
  size = [max(round(side * factor), 1) for side in picture.shape[:2]]
  small = tf.image.resize(
    tf.cast(picture, tf.float32), size, method="lanczos3", antialias=True
  ).numpy()
  return np.round(small.clip(0, 255)).astype(np.uint8)

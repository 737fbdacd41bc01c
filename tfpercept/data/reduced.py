"""Photographs, reduced in size to remove noise and traces of JPEG."""

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
    pictures: Pictures, uint8 `[H, W, 1 or 3]`.
    sides: Lengths of the longer side of the results, which are filtered by
      Lanczos of radius 3. By default pictures keep their size.
    largest: Largest factor of the size, in (0, 1]; below 1 it removes traces of
      JPEG. A length above this limit is left out. If all are, the limit itself
      is the length.

  Returns:
    Pictures, uint8, all sizes of the first picture first.

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

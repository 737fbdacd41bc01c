"""Tells drawings from photographs: text, charts, screens, line art.

Drawn areas repeat a color exactly from pixel to pixel, which the noise and the
shading of photographs do not. Flat blocks are left out, since an overexposed
sky or a studio's background has them, too.
"""

import numpy as np

_BLOCK = 16  # side in pixels
_MOST_BLOCKS = 1024
LEAST_SHARE = 0.5
"""Share of repeating pixels from which a picture is a drawing. Text, charts and
screens have 0.5 to 0.9; photographs have at most 0.26, the 24 of Kodak far
less. Shaded icons and scanned text are below it."""


def is_drawing(image: np.ndarray) -> bool:
  """Returns whether a picture is drawn; it takes some 5 ms at any size.

  Args:
    image: Picture, uint8 `[H, W, 1 or 3]`. One of less than 16 pixels on a side
      counts as none.
  """
  return repeating_share(image) >= LEAST_SHARE


def repeating_share(image: np.ndarray) -> float:
  """Returns the share of pixels that equal those above and to their left.

  It is over up to 1024 blocks of 16x16 pixels, spread evenly, of more than one
  color each; 0 if there are none.

  Args:
    image: Picture, uint8 `[H, W, 1 or 3]`.
  """
  blocks = _spread(image)
  as_left = (blocks[:, 1:, 1:] == blocks[:, 1:, :-1]).all(axis=-1)
  as_above = (blocks[:, 1:, 1:] == blocks[:, :-1, 1:]).all(axis=-1)
  is_flat = (blocks == blocks[:, :1, :1]).all(axis=(1, 2, 3))
  repeats = (as_left & as_above)[~is_flat]
  return float(repeats.mean()) if repeats.size else 0.0


def _spread(image: np.ndarray) -> np.ndarray:
  """Returns blocks `[n, 16, 16, C]`, those of the whole picture if few."""
  rows, columns = image.shape[0] // _BLOCK, image.shape[1] // _BLOCK
  count = min(rows * columns, _MOST_BLOCKS)
  found = np.empty((count, _BLOCK, _BLOCK, image.shape[2]), np.uint8)
  for place in range(count):
    row, column = divmod(place * rows * columns // count, columns)
    top, left = row * _BLOCK, column * _BLOCK
    found[place] = image[top : top + _BLOCK, left : left + _BLOCK]
  return found

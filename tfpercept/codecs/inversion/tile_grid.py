"""Squares that cover a picture of any size, and their cross-fade."""

import dataclasses
import functools

import numpy as np


@dataclasses.dataclass(frozen=True)
class Grid:
  """Squares of one side that overlap by an eighth of it.

  A picture of that very side is one square. Others are continued to the right
  and below by their last pixels, to a whole number of squares.

  Attributes:
    height: Height of the picture.
    width: Width of the picture.
    side: Side of the squares.
  """

  height: int
  width: int
  side: int

  @property
  def overlap(self) -> int:
    """Pixels that neighbors share."""
    return self.side // 8

  @functools.cached_property
  def shape(self) -> tuple[int, int]:
    """Rows and columns of squares."""
    pitch = self.side - self.overlap
    rows, columns = (
      max(1, -(-(size - self.overlap) // pitch))
      for size in (self.height, self.width)
    )
    return rows, columns

  @property
  def count(self) -> int:
    """Number of squares."""
    return self.shape[0] * self.shape[1]

  def _corner(self, number: int) -> tuple[int, int]:
    row, column = divmod(number, self.shape[1])
    pitch = self.side - self.overlap
    return row * pitch, column * pitch

  def cut(self, picture: np.ndarray) -> np.ndarray:
    """Returns the squares `[count, side, side, C]` of a picture `[H, W, C]`."""
    rows, columns = self.shape
    pitch = self.side - self.overlap
    room = (
      rows * pitch + self.overlap - self.height,
      columns * pitch + self.overlap - self.width,
    )
    whole = np.pad(
      picture, [(0, max(room[0], 0)), (0, max(room[1], 0)), (0, 0)], mode="edge"
    )
    found = []
    for number in range(self.count):
      top, left = self._corner(number)
      found.append(whole[top : top + self.side, left : left + self.side])
    return np.stack(found)

  def join(self, squares: np.ndarray) -> np.ndarray:
    """Returns the picture, float32 `[H, W, C]`, of squares.

    Where squares overlap, one fades into the next linearly.

    Args:
      squares: Float32 `[count, side, side, C]`.
    """
    if self.count == 1:
      return squares[0, : self.height, : self.width]
    weight = self._weight()
    rows, columns = self.shape
    pitch = self.side - self.overlap
    shape = (rows * pitch + self.overlap, columns * pitch + self.overlap)
    total = np.zeros((*shape, squares.shape[-1]), np.float32)
    weights = np.zeros((*shape, 1), np.float32)
    for number, square in enumerate(squares):
      top, left = self._corner(number)
      there = slice(top, top + self.side), slice(left, left + self.side)
      total[there] += weight * square
      weights[there] += weight
    return (total / weights)[: self.height, : self.width]

  def _weight(self) -> np.ndarray:
    """Returns the share of a square at its pixels, `[side, side, 1]`."""
    ramp = (np.arange(self.side, dtype=np.float32) + 1) / (self.overlap + 1)
    line = np.minimum(np.minimum(ramp, ramp[::-1]), 1)
    return np.outer(line, line)[..., None]

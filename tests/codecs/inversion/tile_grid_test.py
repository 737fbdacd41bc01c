"""Squares that cover a picture."""

import numpy as np
import pytest

from tfpercept.codecs.inversion import tile_grid


@pytest.mark.parametrize(
  ("size", "shape"),
  [((1, 1), (1, 1)), ((64, 64), (1, 1)), ((64, 65), (1, 2)),
   ((120, 56), (2, 1)), ((121, 200), (3, 4))],
)  # fmt: skip
def test_squares_join_to_the_picture_that_was_cut(size, shape):
  picture = np.random.default_rng(0).random((*size, 3), np.float32)
  grid = tile_grid.Grid(*size, 64)
  assert grid.shape == shape
  squares = grid.cut(picture)
  assert squares.shape == (grid.count, 64, 64, 3)
  # A cross-fade of equal values is that value, but for rounding.
  np.testing.assert_allclose(grid.join(squares), picture, atol=1e-6)


def test_one_square_fades_into_the_next():
  grid = tile_grid.Grid(64, 120, 64)
  squares = np.stack([np.zeros((64, 64, 1)), np.ones((64, 64, 1))])
  row = grid.join(squares.astype(np.float32))[30, :, 0]
  assert (np.diff(row) >= 0).all()
  assert row[55] == 0 and row[64] == 1 and 0 < row[56] < row[63] < 1

"""Random crops whose every batch is a function of (seed, step)."""

from collections.abc import Sequence

import numpy as np
import tensorflow as tf


class PairedCrops:
  """Draws square crops from pairs of images of equal size.

  The pairs lie in two flat buffers, so that a batch is two gathers whatever
  the sizes of the pictures. Batch `n` depends on `seed` and `n` alone: a run
  that resumes at step `n` sees what it would have seen.

  Args:
    pairs: `(x, y)` images, float `[H, W, 1]` in [0, 1], of equal shape each.
    patch: Side of the crops in pixels.
    batch: Crops in a batch.
    seed: Seed of all choices.

  Raises:
    ValueError: if no pair is as large as a patch, or shapes differ.
  """

  def __init__(
    self,
    pairs: Sequence[tuple[np.ndarray, np.ndarray]],
    *,
    patch: int,
    batch: int,
    seed: int,
  ):
    if patch < 1 or batch < 1:
      raise ValueError(
        f"got patch={patch}, batch={batch}; both must be positive"
      )
    for x, y in pairs:
      if x.shape != y.shape or x.ndim != 3 or x.shape[-1] != 1:
        raise ValueError(
          f"expected pairs of equal shape [H, W, 1]; got {x.shape}, {y.shape}"
        )
    pairs = [(x, y) for x, y in pairs if min(x.shape[:2]) >= patch]
    if not pairs:
      raise ValueError(
        f"no picture is as large as a {patch}x{patch} patch; use a smaller "
        "--patch or larger pictures"
      )
    self.patch, self.batch, self._seed = patch, batch, seed
    self._x = tf.constant(np.concatenate([x.ravel() for x, _ in pairs]))
    self._y = tf.constant(np.concatenate([y.ravel() for _, y in pairs]))
    sizes = np.array([x.shape[:2] for x, _ in pairs], np.int64)
    areas = np.prod(sizes, axis=1)
    self._sizes = tf.constant(sizes)
    self._starts = tf.constant(np.cumsum(areas) - areas)
    # Every position of every picture is equally likely.
    positions = np.prod(sizes - patch + 1, axis=1).astype(np.float64)
    self._shares = tf.constant(np.cumsum(positions) / positions.sum())

  def at(self, step: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Returns batch `step`: `(x, y)`, float32 `[batch, patch, patch, 1]`."""
    seed = tf.stack([tf.cast(self._seed, tf.int64), tf.cast(step, tf.int64)])
    uniform = tf.random.stateless_uniform(
      (4, self.batch), seed, dtype=tf.float64
    )
    picture = tf.searchsorted(self._shares, uniform[0], side="right")
    size = tf.gather(self._sizes, picture)  # [batch, 2]
    room = tf.cast(size - self.patch + 1, tf.float64)
    corner = tf.cast(tf.floor(tf.transpose(uniform[1:3]) * room), tf.int64)
    symmetry = tf.cast(tf.floor(uniform[3] * 8.0), tf.int64)
    row, column = self._grid(symmetry)
    index = (
      tf.gather(self._starts, picture)[:, None, None]
      + (corner[:, 0, None, None] + row) * size[:, 1, None, None]
      + (corner[:, 1, None, None] + column)
    )[..., None]
    return tf.gather(self._x, index), tf.gather(self._y, index)

  def batches(self, start: int, stop: int) -> tf.data.Dataset:
    """Returns batches `start` to `stop - 1` in order."""
    steps = tf.data.Dataset.range(start, stop)
    return steps.map(self.at, num_parallel_calls=1).prefetch(2)

  def _grid(self, symmetry: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Pixel positions in a crop under one of the 8 symmetries of a square."""
    side = tf.range(self.patch, dtype=tf.int64)
    row, column = side[None, :, None], side[None, None, :]
    bit = [
      tf.cast(tf.bitwise.right_shift(symmetry, i) % 2, tf.bool)[:, None, None]
      for i in range(3)
    ]
    row = tf.where(bit[0], self.patch - 1 - row, row)
    column = tf.where(bit[1], self.patch - 1 - column, column)
    row, column = tf.broadcast_to(row, tf.shape(row + column)), column + 0 * row
    return tf.where(bit[2], column, row), tf.where(bit[2], row, column)

"""Random crops whose every batch is a function of (seed, step)."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import tensorflow as tf


class Corners:
  """Chooses square crops of pictures that lie one after another in a buffer.

  A batch is one gather for pictures of any sizes. Batch `n` depends on `seed`
  and `n` alone, so a run that resumes at step `n` gets the batches of a run
  that never stopped. Every position of every picture is equally likely, under
  each of the 8 symmetries of a square.

  Args:
    sizes: Height and width of each picture, `[K, 2]`, none below `patch`.
    patch: Side of the crops in pixels.
    batch: Number of crops in a batch.
    seed: Seed of all choices.
  """

  def __init__(self, sizes: np.ndarray, *, patch: int, batch: int, seed: int):
    self.patch, self.batch, self._seed = patch, batch, seed
    sizes = np.asarray(sizes, np.int64)
    areas = np.prod(sizes, axis=1)
    self._sizes = tf.constant(sizes)
    self._starts = tf.constant(np.cumsum(areas) - areas)
    positions = np.prod(sizes - patch + 1, axis=1).astype(np.float64)
    self._shares = tf.constant(np.cumsum(positions) / positions.sum())

  def at(self, step: tf.Tensor) -> tf.Tensor:
    """Returns indices into the buffer of the pixels of batch `step`.

    Their shape is `[batch, patch, patch]`, int64.
    """
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
    return (
      tf.gather(self._starts, picture)[:, None, None]
      + (corner[:, 0, None, None] + row) * size[:, 1, None, None]
      + (corner[:, 1, None, None] + column)
    )

  def _grid(self, symmetry: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Returns rows and columns of a crop under a symmetry of the square."""
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


class PairedCrops:
  """Draws square crops from pairs of images with the choices of `Corners`.

  Args:
    pairs: Images `(x, y)` of equal shape, float `[H, W, 1]` in [0, 1].
    patch: Side of the crops in pixels.
    batch: Number of crops in a batch.
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
    for x, y in pairs:
      if x.shape != y.shape or x.ndim != 3 or x.shape[-1] != 1:
        raise ValueError(
          f"expected pairs of equal shape [H, W, 1]; got {x.shape}, {y.shape}"
        )
    kept = _large_enough([x for x, _ in pairs], patch=patch, batch=batch)
    pairs = [pairs[i] for i in kept]
    self._x = tf.constant(np.concatenate([x.ravel() for x, _ in pairs]))
    self._y = tf.constant(np.concatenate([y.ravel() for _, y in pairs]))
    sizes = np.array([x.shape[:2] for x, _ in pairs])
    self._corners = Corners(sizes, patch=patch, batch=batch, seed=seed)

  def at(self, step: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Returns batch `step`: `(x, y)`, float32 `[batch, patch, patch, 1]`."""
    index = self._corners.at(step)[..., None]
    return tf.gather(self._x, index), tf.gather(self._y, index)

  def batches(self, start: int, stop: int) -> tf.data.Dataset:
    """Returns batches `start` to `stop - 1` in order."""
    return _in_order(self.at, start, stop)


class Crops:
  """Draws square crops from color pictures with the choices of `Corners`.

  Args:
    pictures: Pictures, uint8 `[H, W, 3]`, or `[H, W, 1]`, whose channel is
      repeated.
    patch: Side of the crops in pixels.
    batch: Number of crops in a batch.
    seed: Seed of all choices.

  Raises:
    ValueError: if no picture is as large as a patch, or an array is not a uint8
      picture.
  """

  def __init__(
    self,
    pictures: Sequence[np.ndarray],
    *,
    patch: int,
    batch: int,
    seed: int,
  ):
    for picture in pictures:
      if picture.dtype != np.uint8 or picture.ndim != 3:
        raise ValueError(
          "expected uint8 pictures [H, W, 1 or 3]; got "
          f"{picture.dtype} {list(picture.shape)}"
        )
    kept = _large_enough(pictures, patch=patch, batch=batch)
    pictures = [pictures[i] for i in kept]
    self._pixels = np.concatenate(
      [np.broadcast_to(p, (*p.shape[:2], 3)).reshape(-1, 3) for p in pictures]
    )
    sizes = np.array([p.shape[:2] for p in pictures])
    self._corners = Corners(sizes, patch=patch, batch=batch, seed=seed)

  def at(self, step: int) -> tuple[np.ndarray, np.ndarray]:
    """Returns batch `step` as input and as target, which are the same.

    They are float32 `[batch, patch, patch, 3]` in [0, 1].
    """
    index = np.asarray(self._corners.at(step))
    x = self._pixels[index].astype(np.float32) / np.float32(255)
    return x, x

  def batches(self, start: int, stop: int) -> tf.data.Dataset:
    """Returns batches `start` to `stop - 1` in order."""
    shape = (self._corners.batch, *[self._corners.patch] * 2, 3)

    def at(step: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
      # The pixels stay out of the graph, which can hold 2 GiB at most.
      index = self._corners.at(step)
      pixels = tf.numpy_function(
        lambda i: self._pixels[i], [index], tf.uint8, stateful=False
      )
      x = tf.cast(tf.ensure_shape(pixels, shape), tf.float32) / 255.0
      return x, x

    return _in_order(at, start, stop)


def _large_enough(
  pictures: Sequence[np.ndarray], *, patch: int, batch: int
) -> list[int]:
  """Returns the indices of the pictures that hold a patch."""
  if patch < 1 or batch < 1:
    raise ValueError(f"got patch={patch}, batch={batch}; both must be positive")
  kept = [i for i, x in enumerate(pictures) if min(x.shape[:2]) >= patch]
  if not kept:
    raise ValueError(
      f"no picture is as large as a {patch}x{patch} patch; use a smaller "
      "--patch or larger pictures"
    )
  return kept


def _in_order(
  at: Callable[[tf.Tensor], Any], start: int, stop: int
) -> tf.data.Dataset:
  steps = tf.data.Dataset.range(start, stop)
  return steps.map(at, num_parallel_calls=1).prefetch(2)

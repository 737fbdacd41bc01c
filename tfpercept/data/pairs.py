"""Pairs of crops that show nearly the same, for learning without labels.

Every batch is a function of (seed, step), so a run that resumes at step `n`
gets the batches of a run that never stopped.
"""

import itertools
from collections.abc import Sequence
from typing import Protocol

import numpy as np
import tensorflow as tf

from tfpercept.data import distortions
from tfpercept.ops import filters

Pair = tuple[tf.Tensor, tf.Tensor]

# Between the changes of neighboring frames by fast pans, up to 0.08, and by
# cuts, 0.19 and more, in the clips that this was developed on.
CUT = 0.12


class Pairs(Protocol):
  """A source of the pairs of a step."""

  patch: int

  def at(self, step: tf.Tensor) -> Pair:
    """Returns batch `step`: `(x, y)`, float32 `[batch, patch, patch, 3]`."""


class FramePairs:
  """Pairs of the same crop of two frames of a clip, `gap` frames apart.

  Every frame of every clip is equally likely to come first, at any position.
  Pairs with a cut in between are left out. Half of the pairs are mirrored left
  to right, and half are in reversed order of time.

  Args:
    clips: Clips, uint8 `[T, H, W, 3]` each; they are copied once.
    patch: Side of the crops in pixels.
    batch: Number of pairs in a batch.
    seed: Seed of all choices.
    gap: Number of frames from the first of a pair to the second, at least 1.
    cut: Mean absolute difference of neighboring frames, as a share of the
      range, above which a new scene begins; 1 keeps all pairs.

  Raises:
    ValueError: if a clip is too short, too small or all cuts, or an argument is
      out of range.
  """

  def __init__(
    self,
    clips: Sequence[np.ndarray],
    *,
    patch: int,
    batch: int,
    seed: int,
    gap: int = 1,
    cut: float = CUT,
  ):
    _check_positive(patch=patch, batch=batch, gap=gap, clips=len(clips))
    for clip in clips:
      if len(clip) <= gap:
        raise ValueError(
          f"pairs {gap} frames apart need clips of more than {gap} frames; got "
          f"one of {len(clip)}. Leave it out, or use a smaller gap."
        )
    self.patch, self.batch, self._seed, self._gap = patch, batch, seed, gap
    self._pixels = _Pixels([f for clip in clips for f in clip], patch)
    firsts, begin = [], 0
    for clip in clips:
      firsts.append(begin + _firsts(clip, gap, cut))
      begin += len(clip)
    self._firsts = tf.constant(np.concatenate(firsts))

  def at(self, step: tf.Tensor) -> Pair:
    """Returns batch `step`: `(x, y)`, float32 `[batch, patch, patch, 3]`."""
    uniform = tf.random.stateless_uniform(
      (5, self.batch), _seed_of(self._seed, step), dtype=tf.float64
    )
    first = tf.gather(self._firsts, _choice(uniform[0], len(self._firsts)))
    corner, mirrored = uniform[1:3], uniform[3] < 0.5
    x = self._pixels.crops(first, corner, self.patch, mirrored)
    y = self._pixels.crops(first + self._gap, corner, self.patch, mirrored)
    swapped = (uniform[4] < 0.5)[:, None, None, None]
    return tf.where(swapped, y, x), tf.where(swapped, x, y)

  def batches(self, start: int, stop: int) -> tf.data.Dataset:
    """Returns batches `start` to `stop - 1` in order."""
    return _batches(self, start, stop)


class StillPairs:
  """Pairs of two views of one still picture, where there is no video.

  Each view is moved, turned, enlarged and lit a little differently. Views are
  made at twice the size and then halved. This hides traces of JPEG and the blur
  of interpolation, which would identify the view.

  Args:
    pictures: Pictures, uint8 `[H, W, 3]`, or `[H, W, 1]`, which is taken as
      RGB. Those too small for a view are left out.
    patch: Side of the crops in pixels.
    batch: Number of pairs in a batch.
    seed: Seed of all choices.
    shift: Largest movement of a view on each axis, in pixels of the crop.
    angle: Largest turn either way, in radians.
    zoom: Largest enlargement, at least 1; the inverse is the smallest.
    gain: Largest factor of brightness, at least 1; the inverse is the smallest.

  Raises:
    ValueError: if no picture is large enough, or an argument is out of range.
  """

  def __init__(
    self,
    pictures: Sequence[np.ndarray],
    *,
    patch: int,
    batch: int,
    seed: int,
    shift: float = 2.0,
    angle: float = 0.03,
    zoom: float = 1.03,
    gain: float = 1.1,
  ):
    _check_positive(patch=patch, batch=batch, pictures=len(pictures))
    if shift < 0 or angle < 0 or zoom < 1 or gain < 1:
      raise ValueError(
        "shift and angle are 0 or more, zoom and gain 1 or more; got "
        f"{shift}, {angle}, {zoom}, {gain}"
      )
    self.patch, self.batch, self._seed = patch, batch, seed
    self._limits = {"shift": 2 * shift, "angle": angle, "zoom": zoom}
    self._gain = gain
    # Largest distance on either axis from which a point of the view can come.
    turn = 1 + np.sin(min(angle, np.pi / 2))  # at least |cos| + |sin|
    reach = zoom * turn * (patch + 2 * shift)
    self._side = 2 * int(np.ceil(reach + 1))
    large = [
      np.broadcast_to(p, (*p.shape[:2], 3))
      for p in pictures
      if min(p.shape[:2]) >= self._side
    ]
    if not large:
      raise ValueError(
        f"views of {patch}x{patch} need pictures of at least {self._side}x"
        f"{self._side}; got none. Use larger pictures or a smaller patch."
      )
    self._count = len(large)
    self._pixels = _Pixels(large, self._side)

  def at(self, step: tf.Tensor) -> Pair:
    """Returns batch `step`: `(x, y)`, float32 `[batch, patch, patch, 3]`."""
    seeds = tf.random.experimental.stateless_split(
      _seed_of(self._seed, step), 3
    )
    uniform = tf.random.stateless_uniform(
      (4, self.batch), seeds[0], dtype=tf.float64
    )
    scene = self._pixels.crops(
      _choice(uniform[0], self._count),
      uniform[1:3],
      self._side,
      uniform[3] < 0.5,
    )
    return self._view(scene, seeds[1]), self._view(scene, seeds[2])

  def batches(self, start: int, stop: int) -> tf.data.Dataset:
    """Returns batches `start` to `stop - 1` in order."""
    return _batches(self, start, stop)

  def _view(self, scene: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
    geometry, light = tf.unstack(
      tf.random.experimental.stateless_split(seed, 2)
    )
    view = distortions.random_geometry(scene, geometry, **self._limits)
    margin = (self._side - 2 * self.patch) // 2
    inner = slice(margin, margin + 2 * self.patch)
    view = filters.halve(view[:, inner, inner])
    power = tf.random.stateless_uniform((self.batch,), light, -1.0, 1.0)
    return distortions.gain(view, tf.pow(self._gain, power))


class Joined:
  """Batches made of those of several sources, one after the other.

  Args:
    parts: Sources of pairs with one patch size; their batches are concatenated.
  """

  def __init__(self, parts: Sequence[Pairs]):
    if len({part.patch for part in parts}) != 1:
      raise ValueError(
        "sources that are joined have one patch size; got "
        f"{[part.patch for part in parts]}"
      )
    self.patch, self._parts = parts[0].patch, list(parts)

  def at(self, step: tf.Tensor) -> Pair:
    """Returns batch `step`: `(x, y)`, float32 `[sum, patch, patch, 3]`."""
    x, y = zip(*(part.at(step) for part in self._parts), strict=True)
    return tf.concat(x, axis=0), tf.concat(y, axis=0)

  def batches(self, start: int, stop: int) -> tf.data.Dataset:
    """Returns batches `start` to `stop - 1` in order."""
    return _batches(self, start, stop)


class _Pixels:
  """Pictures of any sizes in one flat buffer, from which crops are gathered."""

  def __init__(self, pictures: Sequence[np.ndarray], side: int):
    sizes = np.array([p.shape[:2] for p in pictures], np.int64)
    for picture in pictures:
      if picture.dtype != np.uint8 or picture.shape[2:] != (3,):
        raise ValueError(
          "expected uint8 pictures [H, W, 3]; got "
          f"{picture.dtype} {list(picture.shape)}"
        )
    if sizes.min() < side:
      height, width = sizes[sizes.min(axis=1).argmin()]
      raise ValueError(
        f"crops of {side}x{side} need pictures as large; got {height}x{width}. "
        "Leave it out, or use a smaller patch."
      )
    areas = sizes.prod(axis=1)
    flat = np.empty((areas.sum(), 3), np.uint8)
    np.concatenate([p.reshape(-1, 3) for p in pictures], out=flat)
    with tf.device("CPU"):  # large, and read by the input pipeline
      self._flat = tf.convert_to_tensor(flat)
      self._sizes = tf.constant(sizes)
      self._starts = tf.constant(np.cumsum(areas) - areas)

  def crops(
    self,
    picture: tf.Tensor,
    corner: tf.Tensor,
    side: int,
    mirrored: tf.Tensor,
  ) -> tf.Tensor:
    """Cuts squares out of some pictures.

    Args:
      picture: Indices of the pictures, int64 `[N]`.
      corner: Positions of the squares from top to bottom and from left to
        right, as shares of the room, float64 `[2, N]` in [0, 1).
      side: Side of the squares in pixels.
      mirrored: True where a square is mirrored left to right, bool `[N]`.

    Returns:
      Squares, float32 `[N, side, side, 3]` in [0, 1].
    """
    size = tf.gather(self._sizes, picture)  # [N, 2]
    room = tf.cast(size - side + 1, tf.float64)
    corner = tf.cast(tf.floor(tf.transpose(corner) * room), tf.int64)
    across = tf.range(side, dtype=tf.int64)
    across = tf.where(mirrored[:, None], side - 1 - across, across)  # [N, side]
    rows = corner[:, :1] + tf.range(side, dtype=tf.int64)
    columns = corner[:, 1:] + across
    index = (
      tf.gather(self._starts, picture)[:, None, None]
      + rows[:, :, None] * size[:, 1, None, None]
      + columns[:, None, :]
    )
    return tf.cast(tf.gather(self._flat, index), tf.float32) / 255.0


def _firsts(clip: np.ndarray, gap: int, cut: float) -> np.ndarray:
  """Returns the indices of frames that start a pair within one scene."""
  stride = max(1, min(clip.shape[1:3]) // 64)
  small = clip[:, ::stride, ::stride]
  changes = [
    np.abs(after.astype(np.int16) - before).mean() / 255
    for before, after in itertools.pairwise(small)
  ]
  scene = np.concatenate([[0], np.cumsum(np.array(changes) > cut)])
  (firsts,) = np.nonzero(scene[gap:] == scene[:-gap])
  if not len(firsts):
    raise ValueError(
      f"a clip of {len(clip)} frames has a cut between any two that are {gap} "
      "apart; leave it out, or raise `cut`"
    )
  return firsts


def _batches(pairs: Pairs, start: int, stop: int) -> tf.data.Dataset:
  steps = tf.data.Dataset.range(start, stop)
  return steps.map(pairs.at, num_parallel_calls=1).prefetch(2)


def _seed_of(seed: int, step: tf.Tensor) -> tf.Tensor:
  return tf.stack([tf.cast(seed, tf.int64), tf.cast(step, tf.int64)])


def _choice(uniform: tf.Tensor, count: int) -> tf.Tensor:
  return tf.cast(tf.floor(uniform * tf.cast(count, tf.float64)), tf.int64)


def _check_positive(**values: int) -> None:
  bad = {name: value for name, value in values.items() if value < 1}
  if bad:
    given = ", ".join(f"{name}={value}" for name, value in bad.items())
    raise ValueError(f"must be at least 1: {given}")

"""A distance on pictures of any size, in tiles where they are large."""

import dataclasses
import functools
import math
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import tensorflow as tf

from tfpercept import distances
from tfpercept.ops import numerics, tiling

WHOLE_PIXELS = 1 << 22
"""Largest picture, in pixels, that is measured whole by one call."""
TILE_SIDE = 512
FEATURE_TILE_SIDE = 256
"""Tile side for distances of network features, which need more memory."""
MAP_PIXELS = 1 << 22
"""Largest map in pixels; maps of larger pictures are means over squares."""

_GRID = 64  # tiles start at multiples; a multiple of the blocks of distances


@dataclasses.dataclass(frozen=True)
class Measured:
  """A distance between two pictures.

  Attributes:
    value: Value of the distance; 0 when identical, larger is worse.
    score: Score as papers print it, such as PSNR in dB.
    tiles: Number of tiles that the pictures were cut into.
    is_exact: Whether the tiles have no effect on the value. Otherwise it is the
      mean of the tiles' values, weighted by their numbers of pixels.
  """

  value: float
  score: float
  tiles: int
  is_exact: bool


def measure(
  distance: distances.Distance, reference: np.ndarray, image: np.ndarray
) -> Measured:
  """Returns the distance of two pictures.

  Pictures of more than `WHOLE_PIXELS` are never in memory as floats. A distance
  that states its `locality` gives the value of the whole, from sums of its maps
  over tiles; of others the mean over tiles is taken.

  Args:
    distance: Distance to compute.
    reference: Undistorted picture, uint8 or uint16 `[H, W, C]`.
    image: Distorted picture of the same shape and dtype.

  Raises:
    ValueError: if the shapes differ or do not suit the distance.
  """
  _check(distance, reference, image)
  if _is_small(reference):
    pair = _floats(reference)[None], _floats(image)[None]
    value = distance(*pair)
    tiles, is_exact = 1, True
    score = _score(distance, value, lambda: distance.score(*pair))
  else:
    tiles = len(list(_tiles(distance, reference)))
    is_exact = distance.locality is not None
    over_tiles = _sum_over_tiles if is_exact else _mean_over_tiles
    value = over_tiles(distance, reference, image, tf.identity)
    score = _score(
      distance,
      value,
      lambda: distance.score_of(
        over_tiles(distance, reference, image, distance.for_score)
      ),
    )
  return Measured(float(value[0]), float(score[0]), tiles, is_exact)


def error_map(
  distance: distances.Distance, reference: np.ndarray, image: np.ndarray
) -> tuple[np.ndarray, int]:
  """Returns the error map of two pictures.

  Args:
    distance: Distance to compute.
    reference: Undistorted picture, uint8 or uint16 `[H, W, C]`.
    image: Distorted picture of the same shape and dtype.

  Returns:
    The map, float32 `[h, w]`, and the side s of the squares whose mean each
    pixel of it is; 1 up to `MAP_PIXELS`, else a power of two. h is H / s,
    rounded up. Maps of large pictures are put together from those of tiles.

  Raises:
    ValueError: as `measure`.
  """
  _check(distance, reference, image)
  if _is_small(reference):
    pair = _floats(reference)[None], _floats(image)[None]
    return distance.map(*pair)[0].numpy(), 1
  height, width = reference.shape[:2]
  square = 1
  while height * width > MAP_PIXELS * square**2:
    square *= 2
  result = np.empty((-(-height // square), -(-width // square)), np.float32)
  for tile in _tiles(distance, reference):
    pair = _floats(reference[tile.seen])[None], _floats(image[tile.seen])[None]
    part = distance.map(*pair)[0].numpy()[tile.of_map(1)]
    rows, columns = (slice(c.start // square, None) for c in tile.core)
    part = means_of_squares(part, square)
    result[rows, columns][: part.shape[0], : part.shape[1]] = part
  return result, square


def _check(
  distance: distances.Distance, reference: np.ndarray, image: np.ndarray
) -> None:
  if reference.shape != image.shape:
    (h, w, c), (i_h, i_w, i_c) = reference.shape, image.shape
    raise ValueError(
      f"sizes differ: the reference has {w}x{h} pixels and {c} channels, the "
      f"image {i_w}x{i_h} and {i_c}"
    )
  distance.validate(*reference.shape[:2])


def _is_small(picture: np.ndarray) -> bool:
  return picture.shape[0] * picture.shape[1] <= WHOLE_PIXELS


def _floats(picture: np.ndarray) -> tf.Tensor:
  """Maps uint8 or uint16 to float32 in [0, 1]."""
  full = np.float32(np.iinfo(picture.dtype).max)
  return tf.constant(picture.astype(np.float32) / full)


def _score(
  distance: distances.Distance,
  value: tf.Tensor,
  anew: Callable[[], tf.Tensor],
) -> tf.Tensor:
  """The score of a value, computed anew only where it is of other images."""
  cls = type(distance)
  is_plain = (
    cls.score is distances.Distance.score
    and cls.for_score is distances.Distance.for_score
  )
  return distance.score_of(value) if is_plain else anew()


def _tiles(
  distance: distances.Distance, picture: np.ndarray
) -> Iterator[tiling.Tile]:
  locality = distance.locality or tiling.PIXELS
  grid = math.lcm(_GRID, distance.size_multiple, locality.step)
  halo = -(-locality.reach // locality.step) * locality.step
  # Half a tile less the grid has to suit the distance, and to leave something
  # of each map.
  wanted = FEATURE_TILE_SIDE if locality.is_pointwise else TILE_SIDE
  side = max(wanted, 2 * (max(distance.min_size, locality.reach) + grid))
  return tiling.tiles(*picture.shape[:2], side=side, multiple=grid, halo=halo)


def _sum_over_tiles(
  distance: distances.Distance,
  reference: np.ndarray,
  image: np.ndarray,
  prepare: Callable[[tf.Tensor], tf.Tensor],
) -> tf.Tensor:
  """The value `[1]` of the whole, from the means of its maps."""
  locality = distance.locality
  assert locality is not None  # or `measure` takes the mean over tiles
  sums, counts = [], []
  for tile in _tiles(distance, reference):
    pair = [_floats(p[tile.seen])[None] for p in (reference, image)]
    pair = [prepare(tf.cast(p, distance.compute_dtype)) for p in pair]
    core = functools.partial(_of_core, tile, locality)
    if locality.is_pointwise:
      # Features are large: what is not compared is not kept.
      maps = distance.compare(*(core(distance.embed(p)) for p in pair))
    else:
      maps = core(distance.compare(*(distance.embed(p) for p in pair)))
    parts = tf.nest.flatten(maps)
    counts.append([p.shape[1] * p.shape[2] for p in parts])
    means = [numerics.spatial_mean(p).numpy() for p in parts]  # [1, C] each
    sums.append(
      [m.astype(np.float64) * n for m, n in zip(means, counts[-1], strict=True)]
    )
  means = [
    tf.constant(sum(s) / sum(n), distance.compute_dtype)[:, None, None]
    for s, n in zip(
      zip(*sums, strict=True), zip(*counts, strict=True), strict=True
    )
  ]
  return distance.pool(tf.nest.pack_sequence_as(maps, means))


def _of_core(tile: tiling.Tile, locality: tiling.Locality, maps: Any) -> Any:
  """Cuts off what lies around the tile's own part, from all maps."""
  windows = map(tile.of_map, locality.strides)
  parts = [
    m[:, rows, columns]
    for m, (rows, columns) in zip(tf.nest.flatten(maps), windows, strict=True)
  ]
  return tf.nest.pack_sequence_as(maps, parts)


def _mean_over_tiles(
  distance: distances.Distance,
  reference: np.ndarray,
  image: np.ndarray,
  prepare: Callable[[tf.Tensor], tf.Tensor],
) -> tf.Tensor:
  """The mean `[1]` of the values of tiles."""
  total = 0.0
  for tile in _tiles(distance, reference):
    pair = [prepare(_floats(p[tile.core])[None]) for p in (reference, image)]
    rows, columns = tile.core
    pixels = (rows.stop - rows.start) * (columns.stop - columns.start)
    total += float(distance(*pair)[0]) * pixels
  pixels = reference.shape[0] * reference.shape[1]
  return tf.constant([total / pixels], distance.compute_dtype)


def means_of_squares(values: np.ndarray, side: int) -> np.ndarray:
  """Reduces `[H, W]` by averaging; squares at the far borders may be cut."""
  if side == 1:
    return values
  sums, count = values.astype(np.float64), np.ones([1, 1])
  for axis in (0, 1):
    starts = np.arange(0, values.shape[axis], side)
    sums = np.add.reduceat(sums, starts, axis=axis)
    lengths = np.diff(starts, append=values.shape[axis])
    count = count * np.expand_dims(lengths, 1 - axis)
  return (sums / count).astype(np.float32)

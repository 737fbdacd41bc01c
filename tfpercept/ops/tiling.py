"""Going over a large image in parts, with the same result."""

import dataclasses
import math
from collections.abc import Callable, Iterator

import tensorflow as tf

Window = tuple[slice, slice]
"""Rows and columns of an image."""


@dataclasses.dataclass(frozen=True)
class Locality:
  """Where in an image the numbers of some maps come from.

  Row i of map k belongs to rows `strides[k] * i` and following of the image;
  what is more than `reach` rows away from these has no part in it. So it is
  with columns.

  Attributes:
    strides: Image rows for each row of a map, for each map in order.
    reach: In rows of the image.
    is_pointwise: Whether the maps follow from two embeddings, one tensor for
      each map and of its height and width, position by position: then what
      lies around a tile is of use to the embedding alone.
  """

  strides: tuple[int, ...]
  reach: int
  is_pointwise: bool = False

  @property
  def step(self) -> int:
    """Tiles that start at multiples of this have the maps' grids in phase."""
    return math.lcm(*self.strides)


PIXELS = Locality(strides=(1,), reach=0)
"""A single map in which every pixel stands for itself."""


@dataclasses.dataclass(frozen=True)
class Tile:
  """A part of an image.

  Attributes:
    core: What belongs to this tile alone; all cores make up the image.
    seen: The core and what is around it, as far as the image goes.
  """

  core: Window
  seen: Window

  def of_map(self, stride: int) -> Window:
    """Returns where the core lies in a map of what is seen."""
    return tuple(
      slice(
        (core.start - seen.start) // stride,
        None  # a map may end before or after the last whole stride
        if core.stop == seen.stop
        else (core.stop - seen.start) // stride,
      )
      for core, seen in zip(self.core, self.seen, strict=True)
    )


def tiles(
  height: int, width: int, *, side: int, multiple: int, halo: int = 0
) -> Iterator[Tile]:
  """Yields tiles of about equal size, row by row.

  Args:
    height: Of the image.
    width: Of the image.
    side: Longest side of a core, up to rounding to `multiple`. No side is below
      half of that less `multiple`, unless the image is.
    multiple: What all tiles start at multiples of.
    halo: How much is seen around a core; with maps, a multiple of their step.
  """
  for top, bottom in _parts(height, side, multiple):
    rows = slice(max(top - halo, 0), min(bottom + halo, height))
    for left, right in _parts(width, side, multiple):
      columns = slice(max(left - halo, 0), min(right + halo, width))
      yield Tile((slice(top, bottom), slice(left, right)), (rows, columns))


def _parts(length: int, side: int, multiple: int) -> Iterator[tuple[int, int]]:
  count = -(-length // side)
  cuts = [round(i * length / count / multiple) * multiple for i in range(count)]
  yield from zip(cuts, [*cuts[1:], length], strict=True)


def map_strips(
  function: Callable[[tf.Tensor], tf.Tensor],
  image: tf.Tensor,
  *,
  radius: int,
  pixels: int,
) -> tf.Tensor:
  """Applies a local function to an image in strips of rows, one at a time.

  Strips overlap by what the function sees beyond them and end where the image
  ends, so whatever the function does at borders, it does at those of the image
  only: there are no seams, and memory for hidden features does not grow with
  the height. Sizes may be unknown in a graph.

  Args:
    function: Maps `[N, h, W, C]` to `[N, h, W, D]`, with D known statically.
    image: `[N, H, W, C]`.
    radius: How many rows away an output row depends on the input.
    pixels: About how many pixels, `N * h * W`, are in a strip. Strips have at
      least `2 * radius` rows of their own, so that at most half is overlap.

  Returns:
    `function(image)`, up to the rounding of another order of sums.
  """
  shape = tf.shape(image)
  height = shape[1]
  rows = pixels // tf.maximum(shape[0] * shape[2], 1)
  rows = tf.maximum(rows, max(2 * radius, 1))
  count = tf.maximum(-(-height // rows), 1)

  def strip(index: tf.Tensor, done: tf.TensorArray):
    start = index * rows
    stop = tf.minimum(start + rows, height)
    top = tf.maximum(start - radius, 0)
    part = function(image[:, top : tf.minimum(stop + radius, height)])
    part = part[:, start - top : stop - top]
    # Rows first, since strips of unequal height are joined along axis 0.
    return index + 1, done.write(index, tf.transpose(part, [1, 0, 2, 3]))

  _, strips = tf.while_loop(
    lambda index, done: index < count,
    strip,
    [0, tf.TensorArray(image.dtype, count, infer_shape=False)],
    parallel_iterations=1,
  )
  return tf.transpose(strips.concat(), [1, 0, 2, 3])

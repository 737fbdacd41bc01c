"""Large images in tiles and strips, with the result of the whole image."""

import dataclasses
import math
from collections.abc import Callable, Iterator

import tensorflow as tf

Window = tuple[slice, slice]
"""Rows and columns of an image."""


@dataclasses.dataclass(frozen=True)
class Locality:
  """The places in an image that the numbers of some maps come from.

  Row i of map k belongs to rows `strides[k] * i` and following of the image. It
  does not depend on rows more than `reach` away from these. The same holds for
  columns.

  Attributes:
    strides: Number of image rows for each row of a map, one for each map.
    reach: Distance in rows of the image beyond which nothing changes a map.
    is_pointwise: True if each map follows position by position from one tensor
      of either embedding with the same height and width. Then only the
      embedding needs the surroundings of a tile.
  """

  strides: tuple[int, ...]
  reach: int
  is_pointwise: bool = False

  @property
  def step(self) -> int:
    """Least common multiple of the strides.

    Tiles that start at its multiples have the grids of all maps in phase.
    """
    return math.lcm(*self.strides)


PIXELS = Locality(strides=(1,), reach=0)
"""A single map in which every pixel stands for itself."""


@dataclasses.dataclass(frozen=True)
class Tile:
  """A part of an image.

  Attributes:
    core: Rows and columns that belong to this tile alone. All cores together
      make up the image.
    seen: Rows and columns of the core and of its surroundings, as far as the
      image goes.
  """

  core: Window
  seen: Window

  def of_map(self, stride: int) -> Window:
    """Returns the rows and columns of the core in a map of `seen`."""

    def along(core: slice, seen: slice) -> slice:
      return slice(
        (core.start - seen.start) // stride,
        None  # a map may end before or after the last whole stride
        if core.stop == seen.stop
        else (core.stop - seen.start) // stride,
      )

    rows, columns = zip(self.core, self.seen, strict=True)
    return along(*rows), along(*columns)


def tiles(
  height: int, width: int, *, side: int, multiple: int, halo: int = 0
) -> Iterator[Tile]:
  """Yields tiles of about equal size, row by row.

  Args:
    height: Height of the image in pixels.
    width: Width of the image in pixels.
    side: Longest side of a core in pixels, up to rounding to `multiple`. No
      side is below half of that less `multiple`, unless the image is.
    multiple: Number of pixels of which every start of a tile is a multiple.
    halo: Number of pixels seen around a core. With maps it has to be a multiple
      of their step.
  """
  for top, bottom in _parts(height, side, multiple):
    rows = slice(max(top - halo, 0), min(bottom + halo, height))
    for left, right in _parts(width, side, multiple):
      columns = slice(max(left - halo, 0), min(right + halo, width))
      yield Tile((slice(top, bottom), slice(left, right)), (rows, columns))


def _parts(length: int, side: int, multiple: int) -> Iterator[tuple[int, int]]:
  # Equal parts, with each cut rounded to a multiple; full sides from one end
  # would leave a narrow last tile.
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

  Strips overlap by the rows that the function sees beyond them, and end where
  the image ends. So the function meets borders only at those of the image, and
  there are no seams. Memory for hidden features does not grow with the height.
  Sizes may be unknown in a graph.

  Args:
    function: Function from `[N, h, W, C]` to `[N, h, W, D]`, with D known when
      traced.
    image: Images `[N, H, W, C]`.
    radius: Largest distance in rows from an output row to an input row that it
      depends on.
    pixels: Approximate number of pixels, `N * h * W`, of a strip. A strip has
      at least `2 * radius` rows of its own, so that at most half is overlap.

  Returns:
    The value of `function(image)`, up to the rounding of sums in another order.
  """
  shape = tf.shape(image)
  height = shape[1]
  rows = pixels // tf.maximum(shape[0] * shape[2], 1)
  rows = tf.maximum(rows, max(2 * radius, 1))
  count = tf.maximum(-(-height // rows), 1)

  def strip(
    index: tf.Tensor, done: tf.TensorArray
  ) -> tuple[tf.Tensor, tf.TensorArray]:
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

"""Images as blocks of pixels that lie side by side."""

import tensorflow as tf


def sides(images: tf.Tensor) -> tuple[tf.Tensor | int, tf.Tensor | int]:
  """Returns H and W of `[N, H, W, ...]`, as integers where both are known."""
  known = None not in images.shape[1:3]
  shape = images.shape if known else tf.shape(images)
  return shape[1], shape[2]


def split(images: tf.Tensor, size: int) -> tf.Tensor:
  """Cuts images into blocks of `size` x `size` pixels.

  Args:
    images: Images `[N, H, W, C]`. H and W are multiples of `size`, and C is
      known when traced.
    size: Side of a block in pixels.

  Returns:
    `[N, H / size, W / size, size * size * C]`: each block's pixels row by row,
    channels last.
  """
  height, width = sides(images)
  rows, columns, channels = height // size, width // size, images.shape[-1]
  cut = tf.reshape(images, [-1, rows, size, columns, size * channels])
  cut = tf.transpose(cut, [0, 1, 3, 2, 4])
  return tf.reshape(cut, [-1, rows, columns, size * size * channels])


def join(blocks: tf.Tensor, size: int) -> tf.Tensor:
  """Returns the images `[N, H, W, C]` of blocks; the inverse of `split`."""
  rows, columns = sides(blocks)
  channels = blocks.shape[-1] // size**2
  lines = tf.reshape(blocks, [-1, rows, columns, size, size * channels])
  lines = tf.transpose(lines, [0, 1, 3, 2, 4])
  return tf.reshape(lines, [-1, rows * size, columns * size, channels])


def pad(images: tf.Tensor, size: int, mode: str) -> tf.Tensor:
  """Extends images below and to the right to multiples of `size`.

  Args:
    images: Images `[N, H, W, C]`. H and W may be unknown, also under XLA.
    size: Side of a block in pixels, of which the new sides are multiples.
    mode: Kind of padding. `"edge"` repeats the last row and column. `"reflect"`
      mirrors at them without repeating them, which needs sides above
      `size // 2`.
  """
  for axis, side in zip((1, 2), sides(images), strict=True):
    # A gather of computed indices: the padding depends on the size, and XLA
    # refuses `tf.pad` by an amount that it does not know.
    index = tf.range(-(-side // size) * size)
    if mode == "edge":
      index = tf.minimum(index, side - 1)
    else:
      index = side - 1 - tf.abs(side - 1 - index)
    images = tf.gather(images, index, axis=axis)
  return images


def shift(
  images: tf.Tensor, rows: tf.Tensor | int, columns: tf.Tensor | int
) -> tf.Tensor:
  """Moves the window over images down and right, repeating border pixels.

  Args:
    images: Images `[N, H, W, C]`.
    rows: Rows to move the window down by, a whole number or an integer scalar;
      negative moves it up.
    columns: Columns to move it to the right by; negative moves it left.

  Returns:
    Images of the same size whose pixel (i, j) is (i + rows, j + columns) of the
    given ones, or the nearest one inside.
  """
  offsets = zip((1, 2), sides(images), (rows, columns), strict=True)
  for axis, side, offset in offsets:
    index = tf.clip_by_value(tf.range(side) + offset, 0, side - 1)
    images = tf.gather(images, index, axis=axis)
  return images


def unshift(maps: tf.Tensor, rows: int, columns: int) -> tf.Tensor:
  """Moves maps of shifted images back to where their pixels were.

  Args:
    maps: Maps `[N, H, W]` of images that `shift` returned.
    rows: The `rows` given to `shift`.
    columns: The `columns` given to `shift`.

  Returns:
    Maps of the same size, 0 where the window did not reach.
  """
  offsets = zip((1, 2), sides(maps), (rows, columns), strict=True)
  for axis, side, offset in offsets:
    index = tf.range(side) - offset
    seen = tf.cast((index >= 0) & (index < side), maps.dtype)
    maps = tf.gather(maps, tf.clip_by_value(index, 0, side - 1), axis=axis)
    maps *= seen[:, None] if axis == 1 else seen
  return maps

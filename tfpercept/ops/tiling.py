"""Running a network over parts of a large image, with the same result."""

from collections.abc import Callable

import tensorflow as tf


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

"""Padding of images at their borders."""

from collections.abc import Callable

import tensorflow as tf


def mirror_index(index: tf.Tensor, size: tf.Tensor) -> tf.Tensor:
  """Folds indices of any size into [0, size), as if between two mirrors.

  The border pixel is repeated.
  """
  index = tf.math.floormod(index, 2 * size)
  return tf.minimum(index, 2 * size - 1 - index)


def mirror(image: tf.Tensor, radius: int) -> tf.Tensor:
  """Mirrors `[N, H, W, C]` by `radius` pixels on each side of H and W.

  Unlike `tf.pad(mode="SYMMETRIC")` it takes pictures smaller than `radius`, and
  compiles under XLA with any unknown size.
  """
  for axis in (1, 2):
    size = tf.shape(image)[axis]
    index = mirror_index(tf.range(-radius, size + radius), size)
    image = tf.gather(image, index, axis=axis)
  return image


def of_any_batch(
  step: Callable[[tf.Tensor, tf.Tensor], tf.Tensor],
  reference: tf.Tensor,
  image: tf.Tensor,
) -> tf.Tensor:
  """Calls a step that returns `[N, ...]`, also for an empty batch.

  The step never sees an empty batch: it gets one black image, whose result is
  dropped. Convolutions and mirrors of no images fail in some graphs.
  """
  if image.shape[0] is not None:
    return step(reference, image)
  count = tf.shape(image)[0]
  spare = tf.cast(tf.equal(count, 0), tf.int32)
  filled = []
  for batch in (reference, image):
    batch = tf.pad(batch, [[0, spare], [0, 0], [0, 0], [0, 0]])
    batch.set_shape([None, *image.shape[1:]])
    filled.append(batch)
  return step(*filled)[:count]

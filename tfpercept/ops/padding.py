"""Padding of images at their borders."""

import tensorflow as tf


def mirror_index(index: tf.Tensor, size: tf.Tensor) -> tf.Tensor:
  """Folds indices into [0, size), as if the picture stood between mirrors.

  The border pixel is repeated; an index may lie any distance outside.
  """
  index = tf.math.floormod(index, 2 * size)
  return tf.minimum(index, 2 * size - 1 - index)


def mirror(image: tf.Tensor, radius: int) -> tf.Tensor:
  """Mirrors `[N, H, W, C]` by `radius` pixels on each side of H and W.

  Unlike `tf.pad(mode="SYMMETRIC")` it takes pictures smaller than `radius`, and
  compiles under XLA whatever is known of the size.
  """
  for axis in (1, 2):
    size = tf.shape(image)[axis]
    index = mirror_index(tf.range(-radius, size + radius), size)
    image = tf.gather(image, index, axis=axis)
  return image

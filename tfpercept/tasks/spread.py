"""Random numbers that are spread evenly over a batch."""

import tensorflow as tf


def drawn(count: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
  """Draws float32 numbers `[count]`, number n evenly between n and n + 1.

  Over `count` they are shares of a range, one from each of its equal parts.

  Args:
    count: Number of numbers, a scalar int32.
    seed: Seed of the draw, int32 `[2]`.
  """
  share = tf.random.stateless_uniform([count], seed)
  return tf.range(tf.cast(count, tf.float32)) + share

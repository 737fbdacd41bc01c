"""Modulation of a codec network by the quality."""

from typing import Any

import keras
import tensorflow as tf


def between(table: tf.Tensor, quality: tf.Tensor) -> tf.Tensor:
  """Returns the rows of a table at qualities, linear between whole ones.

  Args:
    table: `[levels, channels]`; its first row is that of quality 1.
    quality: Float32 `[N]`; outside of 1 to `levels` it counts as the nearer.

  Returns:
    Float32 `[N, 1, 1, channels]`.
  """
  levels = table.shape[0]
  whole = tf.range(1, levels + 1, dtype=tf.float32)
  quality = tf.clip_by_value(quality, 1.0, float(levels))
  near = tf.nn.relu(1.0 - tf.abs(quality[:, None] - whole))  # [N, levels]
  return tf.matmul(near, tf.cast(table, tf.float32))[:, None, None]


@keras.saving.register_keras_serializable(package="tfpercept")
class Modulation(keras.layers.Layer):
  """Scales and shifts channels by what the quality says: x (1 + a) + b.

  Input: float `[N, H, W, C]` and qualities `[N]`; output as the first.

  Args:
    levels: Largest quality.
    **options: Arguments of `keras.layers.Layer`.

  Source: Perez et al., "FiLM: visual reasoning with a general conditioning
  layer", 2018, eq. 2, with a table in place of a network.
  """

  def __init__(self, *, levels: int, **options: Any):
    super().__init__(**options)
    self.levels = levels

  def build(self, input_shape: tf.TensorShape) -> None:
    shape = (self.levels, input_shape[-1])
    options = {"shape": shape, "initializer": "zeros"}
    self._scale = self.add_weight(name="scale", **options)
    self._offset = self.add_weight(name="offset", **options)
    super().build(input_shape)

  def call(self, x: tf.Tensor, quality: tf.Tensor) -> tf.Tensor:
    scale = 1.0 + between(self._scale, quality)
    offset = between(self._offset, quality)
    return x * tf.cast(scale, x.dtype) + tf.cast(offset, x.dtype)

  def get_config(self) -> dict[str, Any]:
    return {**super().get_config(), "levels": self.levels}

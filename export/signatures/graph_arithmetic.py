"""Integer layers by TensorFlow, for the graphs of codecs."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from tfpercept.codecs.learned import arithmetic


class TensorFlow(arithmetic.Arithmetic):
  """The arithmetic of tensors, of any number of pictures."""

  def layer(
    self,
    x: tf.Tensor,
    kernel: np.ndarray,
    bias: np.ndarray,
    scale: np.ndarray,
    *,
    upsample: int,
  ) -> tf.Tensor:
    if upsample > 1:
      shape = tf.shape(x)
      size = [
        shape[0], upsample * shape[1], upsample * shape[2], kernel.shape[2]
      ]  # fmt: skip
      sums = tf.nn.conv2d_transpose(x, kernel, size, upsample)
    else:
      sums = tf.nn.conv2d(x, kernel, 1, "SAME")
    return tf.floor((sums + bias) * scale)

  def clip(self, x: tf.Tensor, low: int, high: int) -> tf.Tensor:
    return tf.clip_by_value(x, tf.cast(low, x.dtype), tf.cast(high, x.dtype))

  def cast(self, x: tf.Tensor, dtype: str) -> tf.Tensor:
    return tf.cast(x, dtype)

  def zeros(self, shape: Sequence[Any]) -> tf.Tensor:
    return tf.zeros(tf.stack(shape))

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
    kernel = self.kernel(kernel)
    if upsample > 1:
      shape = tf.shape(x)
      size = [
        shape[0], upsample * shape[1], upsample * shape[2], kernel.shape[2]
      ]  # fmt: skip
      sums = tf.nn.conv2d_transpose(x, kernel, size, upsample)
    else:
      sums = tf.nn.conv2d(x, kernel, 1, "SAME")
    return tf.floor((sums + bias) * scale)

  def kernel(self, kernel: np.ndarray) -> np.ndarray | tf.Tensor:
    """Returns a kernel of whole numbers as what convolutions take."""
    return kernel

  def clip(self, x: tf.Tensor, low: int, high: int) -> tf.Tensor:
    return tf.clip_by_value(x, tf.cast(low, x.dtype), tf.cast(high, x.dtype))

  def cast(self, x: tf.Tensor, dtype: str) -> tf.Tensor:
    return tf.cast(x, dtype)

  def zeros(self, shape: Sequence[Any]) -> tf.Tensor:
    return tf.zeros(tf.stack(shape))


class Variables(TensorFlow):
  """The same with kernels in variables, which all functions of a file share.

  They are 8 bits wide, as a model folder keeps them; as constants they would
  stand four times as large in each function.
  """

  def __init__(self) -> None:
    # By identity; the arrays are held, so that no other gets their identity.
    self._found: dict[int, tuple[np.ndarray, tf.Variable]] = {}

  def kernel(self, kernel: np.ndarray) -> tf.Tensor:
    if id(kernel) not in self._found:
      with tf.init_scope():
        variable = tf.Variable(kernel.astype(np.int8), trainable=False)
      self._found[id(kernel)] = kernel, variable
    return tf.cast(self._found[id(kernel)][1], tf.float32)

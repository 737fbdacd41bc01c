"""Normalizations that the transforms of codecs use."""

from collections.abc import Sequence
from typing import Any

import keras
import tensorflow as tf

from tfpercept.ops import codec_constants, numerics

_PEDESTAL = codec_constants.PEDESTAL


@keras.saving.register_keras_serializable(package="tfpercept")
class GDN(keras.layers.Layer):
  """Generalized divisive normalization, or its approximate inverse.

      y_i = x_i / (beta_i + sum_j gamma_ij |x_j|)

  at each position, with beta and gamma never negative; the inverse multiplies.
  This is the form without powers, which costs no root and serves as well. It
  starts at beta = 1, gamma = 0.1 on the diagonal.

  Input and output: float `[N, H, W, C]`.

  Args:
    inverse: Whether to multiply.
    **options: Arguments of `keras.layers.Layer`.

  Source: Ballé, Laparra, Simoncelli, "Density modeling of images using a
  generalized normalization transformation", 2016, eq. 2; without powers:
  Johnston, Eban, Gordon, Ballé, "Computationally efficient neural image
  compression", 2019, section 3.1.
  """

  def __init__(self, *, inverse: bool = False, **options: Any):
    super().__init__(**options)
    self.inverse = bool(inverse)

  def build(self, input_shape: tf.TensorShape) -> None:
    channels = input_shape[-1]
    # What is kept are the roots: a square is never negative, and a weight that
    # reached its bound comes back when the gradient says so.
    self._beta = self.add_weight(
      name="beta_root",
      shape=(channels,),
      initializer=keras.initializers.Constant((1.0 + _PEDESTAL) ** 0.5),
    )

    def diagonal(shape: Sequence[int], dtype: Any = None) -> tf.Tensor:
      return tf.sqrt(0.1 * tf.eye(*shape, dtype=dtype) + _PEDESTAL)

    self._gamma = self.add_weight(
      name="gamma_root", shape=(channels, channels), initializer=diagonal
    )
    super().build(input_shape)

  def call(self, x: tf.Tensor) -> tf.Tensor:
    gamma = _squared(self._gamma, 0.0)
    norm = tf.nn.conv2d(tf.abs(x), gamma[None, None], 1, "SAME")
    norm = tf.nn.bias_add(
      norm, _squared(self._beta, codec_constants.LEAST_BETA)
    )
    return x * norm if self.inverse else x / norm

  def get_config(self) -> dict[str, Any]:
    return {**super().get_config(), "inverse": self.inverse}


def _squared(root: tf.Variable, minimum: float) -> tf.Tensor:
  """Returns root^2 less the pedestal, at least `minimum`."""
  root = tf.convert_to_tensor(root)
  bound = (minimum + _PEDESTAL) ** 0.5
  return tf.square(numerics.at_least(root, bound)) - _PEDESTAL


@keras.saving.register_keras_serializable(package="tfpercept")
class ChannelNorm(keras.layers.Layer):
  """Normalizes each position over its channels to mean 0 and variance 1.

  The variance is the unbiased one; a learned scale and offset for each channel
  follow. Input and output: float `[N, H, W, C]`, C of 2 or more.

  Args:
    **options: Arguments of `keras.layers.Layer`.

  Raises:
    ValueError: if there is one channel.

  Source: Mentzer, Toderici, Tschannen, Agustsson, "High-fidelity generative
  image compression", 2020, section 3.3 and appendix A.5.
  """

  _EPSILON = 1e-3

  def build(self, input_shape: tf.TensorShape) -> None:
    channels = input_shape[-1]
    if channels < 2:
      raise ValueError(f"ChannelNorm needs 2 channels or more; got {channels}")
    self._scale = self.add_weight(
      name="scale", shape=(channels,), initializer="ones"
    )
    self._offset = self.add_weight(
      name="offset", shape=(channels,), initializer="zeros"
    )
    super().build(input_shape)

  def call(self, x: tf.Tensor) -> tf.Tensor:
    # Sums over many channels need more digits than 16 bits have.
    wide = tf.cast(x, tf.float32)
    mean = tf.reduce_mean(wide, axis=-1, keepdims=True)
    centred = wide - mean
    count = x.shape[-1] - 1
    variance = tf.reduce_sum(centred**2, axis=-1, keepdims=True) / count
    root = tf.math.rsqrt(variance + self._EPSILON)
    normal = tf.cast(centred * root, x.dtype)
    return normal * self._scale + self._offset

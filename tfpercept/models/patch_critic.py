"""A critic that judges patches of pictures, given what they were made from."""

from collections.abc import Sequence

import keras
import tensorflow as tf

from tfpercept.models import spectral_norm
from tfpercept.ops import checks

KERNEL = 4
SLOPE = 0.2
_WARM_UP = 20  # power iterations before training


class PatchCritic(keras.Model):
  """Logits of "this patch is of a real picture", for each place.

  The condition passes a convolution of 3x3, is enlarged to the size of the
  picture by repetition, and is put beside it. Convolutions of 4x4 follow, of
  stride 2 but for the last of `widths`; another one makes the logits. All are
  followed by a leaky ReLU of slope 0.2 but the one that makes logits.

  The kernels have spectral norm 1, nearly: `normalize` divides them by it, once
  after each step. A call changes nothing.

  Input: pictures, float `[N, H, W, C]`, and their condition, float
  `[N, H / stride, W / stride, latents]`, or None where `latents` is 0; sides
  are multiples of `stride`. Output: float32 logits `[N, h, w]`, with h and w
  the sides over 2^(len(widths) - 1), rounded up.

  Args:
    widths: Numbers of channels, two or more.
    latents: Number of channels of the condition; 0 for none.
    condition: Number of channels that the convolution makes of the condition.
    stride: Ratio of the sides of pictures to those of the condition.
    channels: Number C of channels of pictures.
    dtype: Keras dtype or policy of the hidden layers.
    name: Keras model name.

  Raises:
    MissingExtra: if TensorFlow Addons is not installed.
    ValueError: if an argument is out of range.

  Source: Mentzer, Toderici, Tschannen, Agustsson, "High-fidelity generative
  image compression", 2020, section 4.1 and appendix A.2.
  """

  def __init__(
    self,
    widths: Sequence[int] = (64, 128, 256, 512),
    *,
    latents: int,
    condition: int = 12,
    stride: int = 16,
    channels: int = 3,
    dtype: str | None = None,
    name: str = "patch_critic",
  ):
    super().__init__(name=name, dtype="float32", autocast=False)
    whole = [*widths, condition, stride, channels, latents + 1]
    if len(widths) < 2 or not all(checks.is_whole(n) and n > 0 for n in whole):
      raise ValueError(
        f"{name} needs two widths or more and whole numbers above 0 (latents "
        f"may be 0); got widths={list(widths)}, latents={latents}, "
        f"condition={condition}, stride={stride}, channels={channels}"
      )
    self.latents, self._stride = int(latents), int(stride)
    self._condition = None
    if latents:
      self._condition = _convolution(condition, 3, "condition", dtype=dtype)
      self._condition.build((None, None, None, latents))
    self._hidden = []
    inputs = channels + (condition if latents else 0)
    for number, width in enumerate(widths, 1):
      layer = _convolution(
        width,
        KERNEL,
        f"conv{number}",
        strides=2 if number < len(widths) else 1,
        dtype=dtype,
      )
      layer.build((None, None, None, inputs))
      self._hidden.append(layer)
      inputs = width
    # Logits need the digits.
    self._last = _convolution(1, KERNEL, "logits", dtype="float32")
    self._last.build((None, None, None, inputs))
    for _ in range(_WARM_UP):
      self.normalize()

  def call(self, x: tf.Tensor, condition: tf.Tensor | None = None) -> tf.Tensor:
    features = x
    if self._condition is not None:
      if condition is None:
        raise ValueError(
          f"{self.name} needs a condition of {self.latents} channels beside "
          "the pictures; got none"
        )
      beside = _leaky(self._condition(condition))
      for axis in (1, 2):
        beside = tf.repeat(beside, self._stride, axis=axis)
      features = tf.concat([tf.cast(x, beside.dtype), beside], axis=-1)
    for layer in self._hidden:
      features = _leaky(layer(features))
    return self._last(tf.cast(features, tf.float32))[..., 0]

  def normalize(self) -> None:
    """Divides all kernels by their spectral norms."""
    layers = [*self._hidden, self._last]
    for layer in (
      layers
      if self._condition is None
      else (
        self._condition,
        *layers,
      )
    ):
      spectral_norm.normalize(layer)


def _convolution(
  width: int, kernel: int, name: str, *, dtype: str | None, strides: int = 1
) -> keras.layers.Layer:
  return spectral_norm.bounded(
    keras.layers.Conv2D(
      width,
      kernel,
      strides=strides,
      padding="same",
      kernel_initializer="glorot_uniform",
      dtype=dtype,
      name=name,
    )
  )


def _leaky(x: tf.Tensor) -> tf.Tensor:
  return tf.maximum(x, tf.cast(SLOPE, x.dtype) * x)

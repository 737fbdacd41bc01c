"""A small classifier of digits, which scores the samples of generators."""

from typing import Any

import keras
import tensorflow as tf

from tfpercept.models import base
from tfpercept.ops import checks

SIDE, CLASSES = 32, 10
"""Side of the pictures in pixels, and number of digits."""

_STRIDES = (1, 2, 1, 2, 2)
_REDUCTION = 8  # the product of the strides


@base.register("digit_classifier")
class DigitClassifier(keras.Model):
  """A classifier of the digit in a picture, with features.

  Input: float `[N, 32, 32, 1]` in [0, 1], a light digit on black: MNIST's 28x28
  with two black pixels around. Output: logits `[N, 10]`, float32 under every
  precision policy.

  It has five 3x3 convolutions with ReLU, of strides 1, 2, 1, 2, 2, a hidden
  layer with ReLU, whose values are the features, and a linear layer on those.

  Args:
    filters: Number of filters of each convolution, five positive integers.
    width: Number of features, at least 1.
    dtype: Keras dtype or policy, for example `"mixed_bfloat16"`.
    name: Keras model name.

  Raises:
    ValueError: if there are not five positive widths, or `width` < 1.
  """

  def __init__(
    self,
    *,
    filters: tuple[int, ...] = (16, 32, 32, 64, 64),
    width: int = 64,
    dtype: str | None = None,
    name: str = "digit_classifier",
  ):
    super().__init__(name=name, dtype="float32", autocast=False)
    filters = tuple(filters)
    if len(filters) != len(_STRIDES) or min(filters) < 1:
      raise ValueError(
        f"a digit classifier needs {len(_STRIDES)} positive widths; got "
        f"{filters}"
      )
    if width < 1:
      raise ValueError(f"a digit classifier needs features; got width={width}")
    self._config = {"filters": list(filters), "width": width, "name": name}
    common = {"activation": "relu", "kernel_initializer": "he_normal"}
    self.convolutions = [
      keras.layers.Conv2D(
        filters[i],
        3,
        strides=stride,
        padding="same",
        dtype=dtype,
        name=f"conv{i + 1}",
        **common,
      )
      for i, stride in enumerate(_STRIDES)
    ]
    self.hidden = keras.layers.Dense(
      width, dtype=dtype, name="hidden", **common
    )
    # In half precision the rounding error of logits is as large as their
    # differences.
    self.head = keras.layers.Dense(CLASSES, dtype="float32", name="head")

  def build(self, input_shape: Any = None) -> None:
    channels = 1
    for convolution in self.convolutions:
      convolution.build((None, None, None, channels))
      channels = convolution.filters
    self.hidden.build((None, (SIDE // _REDUCTION) ** 2 * channels))
    self.head.build((None, self.hidden.units))
    self.built = True

  def get_build_config(self) -> dict[str, Any]:
    return {"input_shape": (None, SIDE, SIDE, 1)}

  def build_from_config(self, config: dict[str, Any]) -> None:
    self.build(config["input_shape"])

  def features(self, x: tf.Tensor) -> tf.Tensor:
    """Returns the features, float32 `[N, width]`, not negative.

    The logits are linear in them.

    Raises:
      ValueError: if `x` does not have the shape `[N, 32, 32, 1]`.
    """
    x = checks.image(x, "x", self.name)
    if tuple(x.shape[1:]) != (SIDE, SIDE, 1):
      raise ValueError(
        f"{self.name} needs pictures of {SIDE}x{SIDE} pixels and one channel; "
        f"got {tuple(x.shape[1:])}. Pad MNIST's 28x28 by two black pixels on "
        "every side."
      )
    for convolution in self.convolutions:
      x = convolution(x)
    x = tf.reshape(x, [-1, (SIDE // _REDUCTION) ** 2 * x.shape[-1]])
    return tf.cast(self.hidden(x), tf.float32)

  def call(self, x: tf.Tensor) -> tf.Tensor:
    return self.head(self.features(x))

  def get_config(self) -> dict[str, Any]:
    return dict(self._config)

"""SRCNN, the three-layer super-resolution network."""

from collections.abc import Sequence
from typing import Any

import keras
import tensorflow as tf

from tfpercept.models import base
from tfpercept.ops import padding


@base.register("srcnn")
class SRCNN(keras.Model):
  """A network that sharpens an already enlarged luma image.

  Input and output: float `[N, H, W, 1]` in [0, 1], any size; the output is not
  clipped and is float32 under every precision policy.

  The paper's networks are 9-1-5 and 9-5-5 with 64 and 32 filters. Two choices
  differ from it: the picture is mirrored at its border before the first layer,
  which keeps the size (the paper crops), and the network predicts the residual
  to its input, which trains faster.

  Args:
    filters: Number of filters of the two hidden layers, each at least 1.
    kernels: Kernel sizes of the three layers in pixels, odd.
    dtype: Keras dtype or policy, for example `"mixed_bfloat16"`.
    name: Keras model name.

  Raises:
    ValueError: if there are not two widths and three odd kernel sizes.

  Source: Dong, Loy, He, Tang, "Image super-resolution using deep convolutional
  networks", 2016, sections 3.1 and 4.3.
  """

  def __init__(
    self,
    *,
    filters: Sequence[int] = (64, 32),
    kernels: Sequence[int] = (9, 5, 5),
    dtype: str | None = None,
    name: str = "srcnn",
  ):
    super().__init__(name=name, dtype="float32", autocast=False)
    filters, kernels = tuple(filters), tuple(kernels)
    if len(filters) != 2 or min(filters) < 1:
      raise ValueError(f"SRCNN needs two positive widths; got {filters}")
    if len(kernels) != 3 or any(k < 1 or k % 2 == 0 for k in kernels):
      raise ValueError(
        f"SRCNN needs three odd kernel sizes, such as (9, 5, 5); got {kernels}"
      )
    self._config: dict[str, Any] = {
      "filters": list(filters),
      "kernels": list(kernels),
      "name": name,
    }
    widths = (*filters, 1)
    self.convolutions = [
      keras.layers.Conv2D(
        width,
        kernel,
        padding="valid",
        activation="relu" if index < 2 else None,
        # The last layer starts near zero, so the network starts as the
        # identity on the bicubic image.
        kernel_initializer=keras.initializers.RandomNormal(stddev=1e-3)
        if index == 2
        else "he_normal",
        dtype=dtype,
        name=f"conv{index + 1}",
      )
      for index, (width, kernel) in enumerate(zip(widths, kernels, strict=True))
    ]

  @property
  def radius(self) -> int:
    """Radius of the receptive field of an output pixel, in pixels."""
    return sum(kernel // 2 for kernel in self._config["kernels"])

  def build(self, input_shape: Any = None) -> None:
    channels = 1
    for convolution in self.convolutions:
      convolution.build((None, None, None, channels))
      channels = convolution.filters
    self.built = True

  def get_build_config(self) -> dict[str, Any]:
    return {"input_shape": (None, None, None, 1)}

  def build_from_config(self, config: dict[str, Any]) -> None:
    self.build(config["input_shape"])

  def call(self, x: tf.Tensor) -> tf.Tensor:
    features = padding.mirror(x, self.radius)
    for convolution in self.convolutions:
      features = convolution(features)
    return tf.cast(x, tf.float32) + tf.cast(features, tf.float32)

  def get_config(self) -> dict[str, Any]:
    return dict(self._config)

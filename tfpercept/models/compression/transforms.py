"""Analysis and synthesis: between pictures and latents of a codec."""

from collections.abc import Sequence
from typing import Any

import keras
import tensorflow as tf

from tfpercept.models.compression import gdn, modulation
from tfpercept.ops import codec_constants, numerics

KERNEL = 5
STRIDE = codec_constants.STRIDE
_CHANNELS = 3
VALUES = _CHANNELS * STRIDE**2
"""Numbers in a block of 16x16 pixels, and most latents that the linear path
can tell apart."""
QUIET = 0.02
"""Scale of what a network adds to the linear path before training."""
_LINEAR_UNIT = codec_constants.LINEAR_UNIT
HALO = codec_constants.HALO


def _convolution(
  cls: type[keras.layers.Layer], width: int, scale: float = 1.0, **options: Any
) -> keras.layers.Layer:
  return cls(
    width,
    KERNEL,
    strides=2,
    padding="same",
    kernel_initializer=keras.initializers.VarianceScaling(scale**2),
    **options,
  )


def leaky(x: tf.Tensor) -> tf.Tensor:
  """Returns the leaky ReLU of codecs, of slope 0.2 below 0.

  TensorFlow's own cannot be differentiated without an error message once a
  graph is optimized (2.14, the pass "remapper").
  """
  return tf.maximum(x, tf.cast(codec_constants.SLOPE, x.dtype) * x)


class Residual(keras.layers.Layer):
  """Adds what two convolutions of 3x3 make, nothing before training.

  Input and output: float `[N, H, W, C]`.

  Args:
    channels: Number C of channels.
    dtype: Keras dtype or policy.
    name: Keras layer name.

  Source: He, Zhang, Ren, Sun, "Identity mappings in deep residual networks",
  2016, section 3, without normalization, half as wide inside.
  """

  def __init__(self, channels: int, *, dtype: str | None, name: str):
    super().__init__(dtype=dtype, name=name)
    options = {"padding": "same", "dtype": dtype}
    self._first = keras.layers.Conv2D(
      max(channels // 2, 1),
      3,
      activation=leaky,
      kernel_initializer="he_normal",
      name="conv1",
      **options,
    )
    self._second = keras.layers.Conv2D(
      channels, 3, kernel_initializer="zeros", name="conv2", **options
    )

  def call(self, x: tf.Tensor, inside: tf.Tensor | None = None) -> tf.Tensor:
    hidden = self._first(x)
    if inside is None:
      return x + self._second(hidden)
    return inside * (x + self._second(inside * hidden))


def _convolved(
  x: tf.Tensor, kernel: tf.Tensor, stride: int, gradient: str
) -> tf.Tensor:
  """Returns a convolution whose gradients are computed in another dtype.

  Args:
    x: Float32 `[N, H, W, C]`.
    kernel: Float32 `[h, w, C, C']`.
    stride: Step from one output to the next, in pixels.
    gradient: Dtype in which both gradients are computed.
  """
  if gradient == "float32":
    return tf.nn.conv2d(x, kernel, stride, "SAME")
  options = {"strides": [1, stride, stride, 1], "padding": "SAME"}

  @tf.custom_gradient
  def convolved(x: tf.Tensor, kernel: tf.Tensor) -> numerics.WithGradient:
    def slopes(upstream: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
      above, inputs, weights = (
        tf.cast(each, gradient) for each in (upstream, x, kernel)
      )
      found = (
        tf.raw_ops.Conv2DBackpropInput(
          input_sizes=tf.shape(x),
          filter=weights,
          out_backprop=above,
          **options,
        ),
        tf.raw_ops.Conv2DBackpropFilter(
          input=inputs,
          filter_sizes=kernel.shape,
          out_backprop=above,
          **options,
        ),
      )
      return tuple(tf.cast(each, tf.float32) for each in found)

    return tf.nn.conv2d(x, kernel, stride, "SAME"), slopes

  return convolved(x, kernel)


def gradient_dtype(dtype: str | None) -> str:
  """Returns the dtype of the gradients of a transform's outer layers.

  Args:
    dtype: Keras dtype or policy of its hidden layers.
  """
  layer = keras.layers.Activation("linear", dtype=dtype)
  return "bfloat16" if layer.compute_dtype == "bfloat16" else "float32"


class Outer(keras.layers.Conv2D):
  """A convolution in float32 whose gradients may be computed in 16 bits.

  Latents and pixels need the digits, and descent does not: it takes two thirds
  of the time so.

  Args:
    *arguments: Those of `keras.layers.Conv2D`, which is padded.
    gradient: Dtype in which gradients are computed.
    **options: Those of `keras.layers.Conv2D`.
  """

  def __init__(
    self, *arguments: Any, gradient: str = "float32", **options: Any
  ):
    super().__init__(*arguments, **options)
    self._gradient = gradient

  def convolution_op(self, inputs: tf.Tensor, kernel: tf.Tensor) -> tf.Tensor:
    return _convolved(inputs, kernel, self.strides[0], self._gradient)


class UpToFew(keras.layers.Conv2DTranspose):
  """A transposed convolution of 5x5 and stride 2 to few channels.

  A pixel of each of the four phases sees 3x3 inputs, so one convolution makes
  all phases: in less than half the time where there are few outputs.

  Args:
    *arguments: Those of `keras.layers.Conv2DTranspose`, which is padded.
    gradient: Dtype in which gradients are computed.
    **options: Those of `keras.layers.Conv2DTranspose`.
  """

  def __init__(
    self, *arguments: Any, gradient: str = "float32", **options: Any
  ):
    super().__init__(*arguments, **options)
    self._gradient = gradient

  def call(self, x: tf.Tensor) -> tf.Tensor:
    outputs, inputs = self.kernel.shape[2:]
    # Phase a of a row sees input j of 3 through row a + 3 - 2 j of the kernel.
    kernel = tf.pad(self.kernel, [[1, 0], [1, 0], [0, 0], [0, 0]])
    kernel = tf.reshape(kernel, [3, 2, 3, 2, outputs, inputs])[::-1, :, ::-1]
    kernel = tf.transpose(kernel, [0, 2, 5, 1, 3, 4])
    kernel = tf.reshape(kernel, [3, 3, inputs, 4 * outputs])
    phases = _convolved(x, kernel, 1, self._gradient)
    return tf.nn.bias_add(tf.nn.depth_to_space(phases, 2), self.bias)


class Analysis(keras.layers.Layer):
  """g_a: pictures to latents at a sixteenth of the sides.

  Four convolutions of 5x5 with stride 2, GDN and modulation by the quality
  after the first three, and residual blocks before the last; beside them a
  linear transform of 16x16 blocks, which `start` makes the Karhunen-Loève
  transform.

  Input: float `[N, H, W, 3]` in [0, 1], sides multiples of 16, and qualities
  `[N]`; output: float32 `[N, H/16, W/16, latents]`.

  Args:
    widths: Numbers of channels after the first three layers.
    latents: Number of channels of the output.
    blocks: Number of residual blocks.
    levels: Largest quality.
    dtype: Keras dtype or policy of the hidden layers.

  Source: Ballé, Minnen, Singh, Hwang, Johnston, "Variational image compression
  with a scale hyperprior", 2018, figure 4; the linear path is ours.
  """

  def __init__(
    self,
    widths: Sequence[int],
    latents: int,
    *,
    blocks: int,
    levels: int,
    dtype: str | None = None,
  ):
    super().__init__(name="analysis", dtype="float32")
    self._hidden = [
      (
        _convolution(keras.layers.Conv2D, width, dtype=dtype, name=f"conv{i}"),
        gdn.GDN(dtype=dtype, name=f"gdn{i}"),
        modulation.Modulation(levels=levels, dtype=dtype, name=f"quality{i}"),
      )
      for i, width in enumerate(widths, 1)
    ]
    self._blocks = [
      Residual(widths[-1], dtype=dtype, name=f"block{i}")
      for i in range(1, blocks + 1)
    ]
    outer = {"dtype": "float32", "gradient": gradient_dtype(dtype)}
    self._last = _convolution(Outer, latents, QUIET, name="last", **outer)
    self.linear = Outer(latents, 1, padding="same", name="linear", **outer)

  @property
  def nested_layers(self) -> list[keras.layers.Layer]:
    """Layers in tuples, where Keras finds none when it saves."""
    return tf.nest.flatten(self._hidden)

  def call(self, x: tf.Tensor, quality: tf.Tensor) -> tf.Tensor:
    features = x - 0.5
    for convolution, normalization, modulated in self._hidden:
      features = modulated(normalization(convolution(features)), quality)
    for block in self._blocks:
      features = block(features)
    pixels = tf.nn.space_to_depth(x, STRIDE)
    return self.linear(pixels) + self._last(tf.cast(features, tf.float32))


class Synthesis(keras.layers.Layer):
  """g_s: latents to pictures, the way back of `Analysis`.

  The residual blocks follow the first of its layers.

  Input: float32 `[N, h, w, latents]`, the same divided by their deviations,
  qualities `[N]` and, for devices that take one size alone, which of the
  latents are inside of the picture, `[N, h, w, 1]` of 1 and 0; all are by
  default. What is outside counts as 0, as beyond a border.
  Output: float32 `[N, 16 h, 16 w, 3]`, not clipped.

  Args:
    widths: Numbers of channels after the first three layers.
    blocks: Number of residual blocks.
    levels: Largest quality.
    dtype: Keras dtype or policy of the hidden layers.
  """

  def __init__(
    self,
    widths: Sequence[int],
    *,
    blocks: int,
    levels: int,
    dtype: str | None = None,
  ):
    super().__init__(name="synthesis", dtype="float32")
    self._hidden = [
      (
        _convolution(
          keras.layers.Conv2DTranspose, width, dtype=dtype, name=f"conv{i}"
        ),
        gdn.GDN(inverse=True, dtype=dtype, name=f"gdn{i}"),
        modulation.Modulation(levels=levels, dtype=dtype, name=f"quality{i}"),
      )
      for i, width in enumerate(widths, 1)
    ]
    self._blocks = [
      Residual(widths[0], dtype=dtype, name=f"block{i}")
      for i in range(1, blocks + 1)
    ]
    outer = {"dtype": "float32", "gradient": gradient_dtype(dtype)}
    self._last = _convolution(UpToFew, _CHANNELS, QUIET, name="last", **outer)
    self.linear = Outer(VALUES, 1, padding="same", name="linear", **outer)

  @property
  def nested_layers(self) -> list[keras.layers.Layer]:
    """Layers in tuples, where Keras finds none when it saves."""
    return tf.nest.flatten(self._hidden)

  def call(
    self,
    y: tf.Tensor,
    normal: tf.Tensor,
    quality: tf.Tensor,
    inside: tf.Tensor | None = None,
  ) -> tf.Tensor:
    features = normal if inside is None else normal * inside
    for i, (convolution, normalization, modulated) in enumerate(self._hidden):
      features = modulated(normalization(convolution(features)), quality)
      if inside is not None:
        inside = tf.repeat(tf.repeat(inside, 2, axis=1), 2, axis=2)
        features = features * inside
      for block in self._blocks if i == 0 else ():
        features = block(features, inside)
    pixels = tf.nn.depth_to_space(_LINEAR_UNIT * self.linear(y), STRIDE)
    return pixels + self._last(tf.cast(features, tf.float32))


def pair(
  widths: Sequence[int], latents: int, **options: Any
) -> tuple[Analysis, Synthesis]:
  """Returns an analysis and its way back; arguments are those of `Analysis`."""
  return (
    Analysis(widths, latents, **options),
    Synthesis(widths[::-1], **options),
  )

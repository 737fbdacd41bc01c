"""Encoder and generator of HiFiC: between pictures and latents."""

from collections.abc import Sequence
from typing import Any

import keras
import tensorflow as tf

from tfpercept.models.compression import gdn, transforms
from tfpercept.ops import codec_constants

DEPTH = 5
"""Number of convolutions of the encoder with ChannelNorm: one at full size,
then four that halve the sides."""
ANALYSIS_HALO = 3
"""Latents beyond its own that a latent of the encoder sees, rounded up: 49
pixels below and to the right, 19 above and to the left."""
_SYNTHESIS_HALO, _BLOCK_HALO = 3, 2
_WIDE, _NARROW = 7, 3  # sides of kernels


def halo(blocks: int) -> int:
  """Returns the most latents beyond its own that a pixel of a generator sees.

  The first convolution sees 1, each residual block 2, and all that enlarges
  another 2 above and to the left.

  Args:
    blocks: Number of residual blocks.
  """
  return _SYNTHESIS_HALO + _BLOCK_HALO * blocks


_Normalized = tuple[keras.layers.Layer, gdn.ChannelNorm]
"""A convolution, and the ChannelNorm that follows it."""


def _normalized(
  width: int,
  name: str,
  *,
  dtype: str | None,
  side: int = _NARROW,
  stride: int = 1,
  up: bool = False,
) -> _Normalized:
  cls = keras.layers.Conv2DTranspose if up else keras.layers.Conv2D
  convolution = cls(
    width,
    side,
    strides=stride,
    padding="same",
    kernel_initializer=keras.initializers.VarianceScaling(2.0),
    dtype=dtype,
    name=name,
  )
  return convolution, gdn.ChannelNorm(dtype=dtype, name=f"{name}_norm")


def _applied(layer: _Normalized, x: tf.Tensor) -> tf.Tensor:
  convolution, norm = layer
  return norm(convolution(x))


def _last(width: int, side: int, scale: float, dtype: str | None) -> Any:
  """Returns a last layer, whose output needs the digits of float32."""
  return transforms.Outer(
    width,
    side,
    padding="same",
    kernel_initializer=keras.initializers.VarianceScaling(scale**2),
    gradient=transforms.gradient_dtype(dtype),
    dtype="float32",
    name="last",
  )


def _linear(width: int, dtype: str | None) -> Any:
  return transforms.Outer(
    width,
    1,
    padding="same",
    gradient=transforms.gradient_dtype(dtype),
    dtype="float32",
    name="linear",
  )


class Encoder(keras.layers.Layer):
  """The analysis transform of HiFiC.

  A convolution of 7x7 and four of 3x3 that halve the sides, each followed by
  ChannelNorm and a ReLU; then one of 3x3 to the latents.

  Input: float `[N, H, W, 3]` in [0, 1], sides multiples of 16, and qualities,
  which change nothing; output: float32 `[N, H/16, W/16, latents]`.

  Args:
    widths: Numbers of channels of the first five convolutions.
    latents: Number of channels of the output.
    linear: Whether a linear transform of blocks of 16x16 pixels is added, as
      in `transforms.Analysis`.
    dtype: Keras dtype or policy of the hidden layers.

  Source: Mentzer, Toderici, Tschannen, Agustsson, "High-fidelity generative
  image compression", 2020, figure 2. The linear path is ours.
  """

  def __init__(
    self,
    widths: Sequence[int],
    latents: int,
    *,
    linear: bool,
    dtype: str | None = None,
  ):
    super().__init__(name="analysis", dtype="float32")
    self._hidden = [
      _normalized(
        width,
        f"conv{i}",
        dtype=dtype,
        side=_NARROW if i > 1 else _WIDE,
        stride=2 if i > 1 else 1,
      )
      for i, width in enumerate(widths, 1)
    ]
    scale = transforms.QUIET if linear else 1.0
    self._last = _last(latents, _NARROW, scale, dtype)
    self.linear = _linear(latents, dtype) if linear else None

  @property
  def nested_layers(self) -> list[keras.layers.Layer]:
    """Layers in tuples, where Keras finds none when it saves."""
    return tf.nest.flatten(self._hidden)

  def call(self, x: tf.Tensor, quality: tf.Tensor) -> tf.Tensor:
    del quality  # there is one rate
    features = x
    for layer in self._hidden:
      features = tf.nn.relu(_applied(layer, features))
    y = self._last(tf.cast(features, tf.float32))
    if self.linear is None:
      return y
    return y + self.linear(tf.nn.space_to_depth(x, transforms.STRIDE))


class _Block(keras.layers.Layer):
  """A residual block: two normalized convolutions, plus the input.

  Args:
    width: Number of channels.
    dtype: Keras dtype or policy.
    name: Keras layer name.
  """

  def __init__(self, width: int, *, dtype: str | None, name: str):
    super().__init__(dtype=dtype, name=name)
    self._first = _normalized(width, "conv1", dtype=dtype)
    self._second = _normalized(width, "conv2", dtype=dtype)

  @property
  def nested_layers(self) -> list[keras.layers.Layer]:
    """Layers in tuples, where Keras finds none when it saves."""
    return tf.nest.flatten([self._first, self._second])

  def call(self, x: tf.Tensor) -> tf.Tensor:
    inner = tf.nn.relu(_applied(self._first, x))
    return x + _applied(self._second, inner)


class Generator(keras.layers.Layer):
  """The synthesis transform of HiFiC.

  ChannelNorm, a convolution of 3x3 and ChannelNorm again; residual blocks,
  around which there is a shortcut; four transposed convolutions of 3x3 that
  double the sides, each with ChannelNorm and a ReLU; then a convolution of 7x7.

  Input: float32 `[N, h, w, latents]`, the same divided by their deviations, and
  qualities, which change nothing; output: float32 `[N, 16 h, 16 w, 3]`, not
  clipped.

  Args:
    widths: Numbers of channels of the residual blocks and of the four
      transposed convolutions.
    blocks: Number of residual blocks.
    linear: Whether a linear transform of latents is added, as in
      `transforms.Synthesis`.
    dtype: Keras dtype or policy of the hidden layers.

  Source: Mentzer et al., 2020, figure 2. The linear path is ours.
  """

  def __init__(
    self,
    widths: Sequence[int],
    *,
    blocks: int,
    linear: bool,
    dtype: str | None = None,
  ):
    super().__init__(name="synthesis", dtype="float32")
    wide, *narrower = widths
    self._norm = gdn.ChannelNorm(dtype=dtype, name="norm")
    self._head = _normalized(wide, "head", dtype=dtype)
    self._blocks = [
      _Block(wide, dtype=dtype, name=f"block{i}") for i in range(1, blocks + 1)
    ]
    self._up = [
      _normalized(width, f"up{i}", dtype=dtype, stride=2, up=True)
      for i, width in enumerate(narrower, 1)
    ]
    scale = transforms.QUIET if linear else 1.0
    self._last = _last(3, _WIDE, scale, dtype)
    self.linear = _linear(transforms.VALUES, dtype) if linear else None

  @property
  def nested_layers(self) -> list[keras.layers.Layer]:
    """Layers in tuples, where Keras finds none when it saves."""
    return tf.nest.flatten([self._head, self._up])

  def call(
    self, y: tf.Tensor, normal: tf.Tensor, quality: tf.Tensor
  ) -> tf.Tensor:
    del quality  # there is one rate
    head = features = _applied(self._head, self._norm(normal))
    for block in self._blocks:
      features = block(features)
    features = features + head
    for layer in self._up:
      features = tf.nn.relu(_applied(layer, features))
    x_hat = self._last(tf.cast(features, tf.float32))
    if self.linear is None:
      return x_hat + 0.5  # the mean of what a picture may be, to start at
    pixels = codec_constants.LINEAR_UNIT * self.linear(y)
    return x_hat + tf.nn.depth_to_space(pixels, transforms.STRIDE)

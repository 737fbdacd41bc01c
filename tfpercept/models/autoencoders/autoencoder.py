"""Autoencoders of small square images."""

from collections.abc import Sequence

import tensorflow as tf

from tfpercept.models import base
from tfpercept.models.autoencoders import base as coders


@base.register("autoencoder")
class Autoencoder(coders.Coder):
  """Squeezes images through a code and rebuilds them.

  Input and output: float `[N, side, side, channels]`, in [0, 1]; the output is
  float32 under every precision policy, and only with `output="sigmoid"` is it
  sure to be in that range.

  Args:
    side: Of the images, 32 to 128 pixels.
    channels: 1 or 3.
    code: Width of the bottleneck.
    widths: Of the hidden layers from the image to the bottleneck; as many on
      the way back. Their number is the depth.
    kind: `"convolutional"`: kernels of 4x4, each layer halves the sides;
      `"dense"`: all connected with all.
    output: `"sigmoid"` or `"linear"`.
    brightness: About what pixels are before training, above 0 and below 1; on
      dark pictures some losses do not find their way from 0.5.
    seed: Of the initial weights.
    dtype: Keras dtype or policy, for example `"mixed_bfloat16"`.
    name: Keras model name.

  Raises:
    ValueError: if an option is out of range, or an image has another shape.

  Source: after Snell, Ridgeway, Liao, Roads, Mozer, Zemel, "Learning to
  generate images with perceptual similarity metrics", 2017, section 3, whose
  fully-connected and convolutional autoencoders these are; layer sizes are the
  caller's.
  """

  def __init__(
    self,
    *,
    side: int = 48,
    channels: int = 1,
    code: int = 64,
    widths: Sequence[int] = (32, 64, 128),
    kind: str = "convolutional",
    output: str = "sigmoid",
    brightness: float = 0.5,
    seed: int = 0,
    dtype: str | None = None,
    name: str = "autoencoder",
  ):
    super().__init__(
      side=side,
      channels=channels,
      code=code,
      widths=widths,
      kind=kind,
      output=output,
      units=1,
      brightness=brightness,
      seed=seed,
      dtype=dtype,
      name=name,
    )

  @property
  def code(self) -> int:
    """Width of the bottleneck."""
    return self._config["code"]

  def encode(self, x: tf.Tensor) -> tf.Tensor:
    """Returns the codes `[N, code]` of images, float32, of any range."""
    return self.encoder(x)

  def call(self, x: tf.Tensor) -> tf.Tensor:
    return self.decode(self.encode(x))

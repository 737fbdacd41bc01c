"""Autoencoders of small square images."""

from collections.abc import Sequence

import tensorflow as tf

from tfpercept.models import base
from tfpercept.models.autoencoders.base import ImageAutoencoder


@base.register("autoencoder")
class Autoencoder(ImageAutoencoder):
  """An autoencoder of small square images with a vector as bottleneck.

  Input and output: float `[N, side, side, channels]`, in [0, 1]; the output is
  float32 under every precision policy. Only `output="sigmoid"` guarantees this
  range.

  Args:
    side: Side of the images, 32 to 128 pixels.
    channels: Number of channels, 1 or 3.
    code: Width of the bottleneck, at least 1.
    widths: Widths of the hidden layers from the image to the bottleneck; the
      decoder has them in reverse. Their number is the depth.
    kind: Kind of the layers. `"convolutional"` has kernels of 4x4 and halves
      the sides at each layer; `"pooled"` has kernels of 3x3, a halving between
      layers and a fully connected layer; `"dense"` is fully connected.
    dense: Number of units of the fully connected layer of `"pooled"`, on both
      sides; else 0.
    output: Last activation, `"sigmoid"` or `"linear"`.
    brightness: Approximate value of pixels before training, in (0, 1). For dark
      pictures some losses do not converge from 0.5.
    seed: Seed of the initial weights.
    dtype: Keras dtype or policy, such as `"mixed_bfloat16"`.
    name: Keras model name.

  Raises:
    ValueError: if an option is out of range, or an image has another shape.

  Source: Snell, Ridgeway, Liao, Roads, Mozer, Zemel, "Learning to generate
  images with perceptual similarity metrics", 2017, section 3, which has
  fully-connected and convolutional autoencoders; the caller sets layer sizes.
  """

  def __init__(
    self,
    *,
    side: int = 48,
    channels: int = 1,
    code: int = 64,
    widths: Sequence[int] = (32, 64, 128),
    kind: str = "convolutional",
    dense: int = 0,
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
      dense=dense,
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
    """Returns the codes `[N, code]` of images, float32, unbounded."""
    return self.encoder(x)

  def call(self, x: tf.Tensor) -> tf.Tensor:
    return self.decode(self.encode(x))

"""A realism head: what a decoder may add to its faithful picture."""

import math
from collections.abc import Sequence
from typing import Any

import keras
import tensorflow as tf

from tfpercept.models import base
from tfpercept.models.compression import modulation, transforms
from tfpercept.ops import checks, codec_constants

_SCALES = (16, 8, 4, 2)
_QUIET = 0.1  # of what a block adds before training
WIDTHS = (96, 96, 64, 32)
BLOCKS = (3, 3, 3, 2)


class _Block(keras.layers.Layer):
  """Adds what two convolutions of 3x3 make of features.

  Args:
    width: Number of channels.
    dtype: Keras dtype or policy.
    name: Keras layer name.
  """

  def __init__(self, width: int, *, dtype: str | None, name: str):
    super().__init__(dtype=dtype, name=name)
    self._first = _convolution(width, 3, "conv1", dtype)
    self._second = _convolution(width, 3, "conv2", dtype, scale=_QUIET)

  def call(self, x: tf.Tensor) -> tf.Tensor:
    return x + self._second(transforms.leaky(self._first(x)))


@base.register("realism_head")
class RealismHead(keras.Model):
  """R of x = x_faithful + t R(y_hat, x_faithful, quality), for one codec.

  The codec stays as it is: its files, its latents and its faithful picture, to
  which a decoder adds R times the strength t, 0 to 1. R is 0 before training.

  There are four scales, a sixteenth to a half of the sides. At the first one a
  convolution of 3x3 reads the latents. At each scale the faithful picture is
  fed in, its blocks as channels, by a convolution of 1x1; the quality modulates
  the features, and residual blocks follow. Convolutions of 3x3 and pixel
  shuffles lead from a scale to the next, and at last to pixels.

  Input: latents that are not scaled, float32 `[N, h, w, latents]`; faithful
  pictures in [0, 1], float32 `[N, 16 h, 16 w, 3]`; qualities `[N]`; strengths
  `[N]`, which matter where the head is conditioned on them. Output: R, float32
  `[N, 16 h, 16 w, 3]`.

  Args:
    latents: Number of channels of the latents.
    levels: Largest whole quality that the head tells apart; above it, it does
      what it does there.
    widths: Numbers of channels at the four scales.
    blocks: Numbers of residual blocks at the four scales.
    conditioned: Whether the strength modulates the features, too.
    dtype: Keras dtype or policy of the hidden layers.
    name: Keras model name; the registered name by default.

  Attributes:
    deviation: Standard deviations of latents that are not scaled, `[latents]`,
      those of the codec; 1 before `start`.
    conditioned: Whether the strength modulates the features.

  Raises:
    ValueError: if an argument is out of range.

  Source: the recipe is ours. Decoders for one bitstream and many tastes:
  Agustsson, Minnen, Toderici, Mentzer, "Multi-realism image compression with a
  conditional generator", 2023; FiLM: Perez et al., 2018.
  """

  built: bool

  def __init__(
    self,
    *,
    latents: int = 192,
    levels: int = 5,
    widths: Sequence[int] = WIDTHS,
    blocks: Sequence[int] = BLOCKS,
    conditioned: bool = False,
    dtype: str | None = None,
    name: str | None = None,
  ):
    super().__init__(
      name=name or self.registered_name, dtype="float32", autocast=False
    )
    self._config = _checked(latents, levels, widths, blocks, conditioned)
    widths, blocks = self._config["widths"], self._config["blocks"]
    self.conditioned = self._config["conditioned"]
    self.deviation = self.add_weight(
      name="deviation", shape=(latents,), initializer="ones", trainable=False
    )
    self._latents = _convolution(widths[0], 3, "latents", dtype)
    self._pictures, self._qualities, self._strengths = [], [], []
    self._blocks, self._ups = [], []
    for scale, width, count in zip(_SCALES, widths, blocks, strict=True):
      made = {"dtype": dtype}
      self._pictures.append(_convolution(width, 1, f"picture{scale}", dtype))
      self._qualities.append(
        modulation.Modulation(levels=levels, name=f"quality{scale}", **made)
      )
      if self.conditioned:
        self._strengths.append(
          modulation.Modulation(levels=2, name=f"strength{scale}", **made)
        )
      self._blocks.append(
        [
          _Block(width, name=f"block{scale}_{i}", **made)
          for i in range(1, count + 1)
        ]
      )
    for scale, width in zip(_SCALES[1:], widths[1:], strict=True):
      self._ups.append(_convolution(4 * width, 3, f"up{scale}", dtype))
    self._last = keras.layers.Conv2D(
      12, 3, padding="same", kernel_initializer="zeros", dtype="float32",
      name="last",
    )  # fmt: skip

  def build(self, input_shape: tf.TensorShape | None = None) -> None:
    if not self.built:
      with tf.name_scope(self.name):
        one = tf.ones([1])
        y = tf.zeros([1, 1, 1, self._config["latents"]])
        self.call(y, tf.zeros([1, 16, 16, 3]), one, one)
      self.built = True

  def get_build_config(self) -> dict[str, Any]:
    # Else Keras does not build what it loads, and has no weights to load into.
    return {"input_shape": (None, None, None, 3)}

  @property
  def halo(self) -> int:
    """Most latents beyond its own that a pixel of R depends on."""
    # A convolution of 3x3 sees one position of its scale further.
    seen = 1.0
    for scale, count in zip(_SCALES, self._config["blocks"], strict=True):
      seen += (2 * count + 1) * scale / codec_constants.STRIDE
    return math.ceil(seen)

  def start(self, deviation: tf.Tensor) -> None:
    """Takes the standard deviations `[latents]` of the codec's latents."""
    self.deviation.assign(deviation)

  def call(
    self,
    y_hat: tf.Tensor,
    faithful: tf.Tensor,
    quality: tf.Tensor,
    strength: tf.Tensor,
  ) -> tf.Tensor:
    features = self._latents(y_hat / self.deviation)
    centered = faithful - 0.5
    for i, scale in enumerate(_SCALES):
      if i:
        up = self._ups[i - 1](features)
        features = transforms.leaky(tf.nn.depth_to_space(up, 2))
      pixels = tf.nn.space_to_depth(centered, scale)
      features = features + self._pictures[i](pixels)
      features = self._qualities[i](features, quality)
      if self.conditioned:
        features = self._strengths[i](features, 1.0 + strength)
      for block in self._blocks[i]:
        features = block(features)
    pixels = self._last(tf.cast(features, tf.float32))
    return tf.nn.depth_to_space(pixels, 2)

  def get_config(self) -> dict[str, Any]:
    # Keras wraps lists that are attributes in a class of its own.
    return {
      key: list(value) if isinstance(value, list) else value
      for key, value in self._config.items()
    }


def _convolution(
  width: int, kernel: int, name: str, dtype: str | None, scale: float = 1.0
) -> keras.layers.Layer:
  return keras.layers.Conv2D(
    width,
    kernel,
    padding="same",
    kernel_initializer=keras.initializers.VarianceScaling(2 * scale**2),
    dtype=dtype,
    name=name,
  )


def _checked(
  latents: int,
  levels: int,
  widths: Sequence[int],
  blocks: Sequence[int],
  conditioned: bool,
) -> dict[str, Any]:
  """Returns the config of a head; raises ValueError if it is none."""
  whole = [latents, levels, *widths, *(count + 1 for count in blocks)]
  if (
    len(widths) != 4
    or len(blocks) != 4
    or not all(checks.is_whole(n) and n >= 1 for n in whole)
  ):
    raise ValueError(
      "a realism head needs whole numbers above 0, four widths, and four "
      f"numbers of blocks, which may be 0; got latents={latents}, levels="
      f"{levels}, widths={list(widths)}, blocks={list(blocks)}"
    )
  return {
    "latents": int(latents),
    "levels": int(levels),
    "widths": [int(width) for width in widths],
    "blocks": [int(count) for count in blocks],
    "conditioned": bool(conditioned),
  }

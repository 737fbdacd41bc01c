"""A generator that starts as the inverse KLT, with a network that refines."""

import math
from collections.abc import Sequence
from typing import Any

import keras
import tensorflow as tf

from tfpercept.models import base as networks
from tfpercept.models.generators import base, pca

_SLOPE = 0.2
_DEPTH = 3  # sides that the network sees: a half, a quarter, an eighth


@networks.register("klt_generator")
class KLTGenerator(base.LatentGenerator):
  """Principal components, and a residual network that adds what they lack.

  With p the picture of quantized coefficients, the output is p + R(p, step).
  The last layer of R starts from zero, so training starts at PCA itself, and a
  file of this generator has the very symbols of a file of PCA. R is a U-Net on
  1/2, 1/4 and 1/8 of the side.

  Input: float32 `[N, latent]`. Output: float32 `[N, side, side, channels]`,
  which may leave [0, 1] a little.

  Args:
    side: Side of the pictures: 32, 64 or 128 pixels.
    channels: Number of channels, 1 or 3.
    latent: Number of components.
    widths: Channels of R at 1/2, 1/4 and 1/8 of the side.
    blocks: Number of residual blocks of R at each side, on both ways.
    steps: Quantizer steps of a codec in units of pixels, coarsest first.
    seed: Seed of the initial weights.
    dtype: Keras dtype or policy of R, such as `"mixed_bfloat16"`.
    name: Keras model name.

  Raises:
    ValueError: if an argument is out of range.

  Source: ours; the U-Net is that of Ronneberger, Fischer, Brox, 2015, with the
  residual blocks of He et al., 2016.
  """

  def __init__(
    self,
    *,
    side: int = 64,
    channels: int = 3,
    latent: int = 192,
    widths: Sequence[int] = (32, 64, 96),
    blocks: int = 1,
    steps: Sequence[float] = base.STEPS,
    seed: int = 0,
    dtype: str | None = None,
    name: str = "klt_generator",
  ):
    config = base.check(
      "klt_generator", side=side, channels=channels, latent=latent, steps=steps
    )
    widths = base.check_widths("klt_generator", widths, _DEPTH)
    (blocks,) = base.check_widths("klt_generator", [blocks], 1)
    config |= {"widths": widths, "blocks": blocks, "seed": seed}
    super().__init__(config, name=name)
    self.basis = pca.Basis(self.image_shape, latent)
    self.refiner = Refiner(
      channels, widths, blocks=blocks, seed=seed, dtype=dtype
    )
    self.refiner(tf.zeros([1, *self.image_shape]), 0.0)
    self.build()

  @property
  def deviations(self) -> tf.Tensor:
    return tf.convert_to_tensor(self.basis.deviations)

  def decode(
    self, z: tf.Tensor, step: float | tf.Tensor, *, training: bool = False
  ) -> tf.Tensor:
    del training  # it makes no difference
    linear = self.basis.expand(z)
    return linear + self.refiner(linear, step)

  def encode(self, x: tf.Tensor) -> tf.Tensor:
    return self.basis.project(x)


class Refiner(keras.layers.Layer):
  """A U-Net from a picture of few coefficients to what it lacks.

  Args:
    channels: Number of channels of the picture.
    widths: Channels at 1/2, 1/4 and 1/8 of the side.
    blocks: Number of residual blocks at each side, on both ways.
    seed: Seed of the initial weights.
    dtype: Keras dtype or policy; the last layer is in float32.
  """

  def __init__(
    self,
    channels: int,
    widths: Sequence[int],
    *,
    blocks: int,
    seed: int,
    dtype: str | None,
  ):
    super().__init__(name="refiner", dtype=dtype, autocast=False)
    self._count = 0
    self._seed = seed
    self._down = [self._layer(width, 2 if i else 1) for i, width in
                  enumerate(widths)]  # fmt: skip
    self._down_blocks = [self._pairs(w, blocks) for w in widths]
    self._up = [self._layer(4 * w, 1) for w in widths[-2::-1]]
    self._merge = [self._layer(w, 1) for w in widths[-2::-1]]
    self._up_blocks = [self._pairs(w, blocks) for w in widths[-2::-1]]
    self._last = keras.layers.Conv2D(
      4 * channels,
      3,
      padding="same",
      kernel_initializer="zeros",
      dtype="float32",
      name="last",
    )

  @property
  def nested_layers(self) -> list[keras.layers.Layer]:
    """Layers in lists within lists, where Keras finds none when it saves."""
    return tf.nest.flatten([self._down_blocks, self._up_blocks])

  def call(self, x: tf.Tensor, step: float | tf.Tensor) -> tf.Tensor:
    """Returns float32 `[N, H, W, C]` of pictures of that shape and a step."""
    told = tf.math.log(tf.maximum(tf.cast(step, tf.float32), 2.0**-6))
    told = tf.ones_like(x[..., :1]) * told / math.log(16.0)
    x = tf.nn.space_to_depth(tf.concat([2.0 * x - 1.0, told], -1), 2)
    features = tf.cast(x, self.compute_dtype)
    kept = []
    for down, pairs in zip(self._down, self._down_blocks, strict=True):
      features = _refined(tf.nn.leaky_relu(down(features), _SLOPE), pairs)
      kept.append(features)
    kept.pop()
    for up, merge, pairs in zip(
      self._up, self._merge, self._up_blocks, strict=True
    ):
      features = tf.nn.depth_to_space(up(features), 2)
      features = tf.concat([features, kept.pop()], -1)
      features = _refined(tf.nn.leaky_relu(merge(features), _SLOPE), pairs)
    return tf.nn.depth_to_space(self._last(tf.cast(features, tf.float32)), 2)

  def _layer(self, width: int, strides: int) -> keras.layers.Conv2D:
    self._count += 1
    return keras.layers.Conv2D(
      width,
      3,
      strides=strides,
      padding="same",
      kernel_initializer=keras.initializers.HeNormal(
        seed=self._seed + self._count
      ),
      dtype=self.dtype_policy,
      name=f"conv{self._count}",
    )

  def _pairs(self, width: int, blocks: int) -> list[list[Any]]:
    return [[self._layer(width, 1), self._layer(width, 1)]
            for _ in range(blocks)]  # fmt: skip


def _refined(x: tf.Tensor, pairs: Sequence[Sequence[Any]]) -> tf.Tensor:
  """Returns features after residual blocks of two convolutions each."""
  for first, second in pairs:
    x = x + 0.3 * second(tf.nn.leaky_relu(first(x), _SLOPE))
  return x

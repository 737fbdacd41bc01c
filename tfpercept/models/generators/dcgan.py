"""The generator of a DCGAN."""

from collections.abc import Callable, Sequence
from typing import Any

import keras
import tensorflow as tf

from tfpercept.models import base as networks
from tfpercept.models.generators import base

STEPS = (2.0, 1.5, 1.0, 0.7, 0.5, 0.35, 0.25, 0.12)
"""Quantizer steps in standard deviations of a latent."""
_KERNEL = 4  # twice the stride: no checkerboard
_DEVIATION = 0.02  # of initial weights
_CALIBRATED = 1024  # pictures that statistics are taken over
_EPSILON = 1e-5


@networks.register("dcgan")
class DCGAN(base.LatentGenerator):
  """Pictures from standard normals, by transposed convolutions.

  A dense layer makes 4x4 pixels, and each convolution of 4x4 doubles the side.
  Batch normalization and ReLU stand before each convolution. In training it is
  by the batch; otherwise by statistics that `calibrate` takes over many draws,
  with the weights as they then are. They are no averages over training, which
  would not fit averaged weights. A decoded picture does not depend on others.

  Input: float32 `[N, latent]`. Output: float32 `[N, side, side, channels]` in
  [0, 1] under every precision policy.

  Args:
    side: Side of the pictures: 32, 64 or 128 pixels.
    channels: Number of channels, 1 or 3.
    latent: Length of the latent vector z.
    widths: Channels at 4x4, 8x8 and so on up to half the side.
    steps: Quantizer steps of a codec, coarsest first.
    seed: Seed of the initial weights.
    dtype: Keras dtype or policy, such as `"mixed_bfloat16"`.
    name: Keras model name.

  Raises:
    ValueError: if an argument is out of range.

  Source: Radford, Metz, Chintala, "Unsupervised representation learning with
  deep convolutional generative adversarial networks", 2016, section 3.
  """

  def __init__(
    self,
    *,
    side: int = 64,
    channels: int = 3,
    latent: int = 100,
    widths: Sequence[int] = (256, 128, 64, 32),
    steps: Sequence[float] = STEPS,
    seed: int = 0,
    dtype: str | None = None,
    name: str = "dcgan",
  ):
    config = base.check(
      "dcgan", side=side, channels=channels, latent=latent, steps=steps
    )
    widths = base.check_widths("dcgan", widths, base.doublings(side))
    super().__init__({**config, "widths": widths, "seed": seed}, name=name)
    self._dense = keras.layers.Dense(
      16 * widths[0], **_options(seed, dtype), name="dense"
    )
    self._dense.build((None, latent))
    self._norms = [
      _BatchNorm(width, name=f"norm{number}")
      for number, width in enumerate(widths, 1)
    ]
    self._hidden = []
    for number, (inputs, width) in enumerate(
      zip(widths, [*widths[1:], channels], strict=True), 1
    ):
      layer = keras.layers.Conv2DTranspose(
        width,
        _KERNEL,
        strides=2,
        padding="same",
        **_options(seed + number, dtype),
        name=f"double{number}",
      )
      layer.build((None, None, None, inputs))
      self._hidden.append(layer)
    self.build()

  @property
  def deviations(self) -> tf.Tensor:
    return tf.ones([self.latent])

  def decode(
    self, z: tf.Tensor, step: float | tf.Tensor, *, training: bool = False
  ) -> tf.Tensor:
    del step  # it makes no difference
    return self._pictures(z, lambda norm, x: norm(x, training=training))

  def calibrate(self, seed: int = 0) -> None:
    """Takes the statistics of batch normalization over draws from the prior.

    Args:
      seed: Seed of the draws.
    """
    z = self.draw(_CALIBRATED, tf.constant([seed, 2]))
    self._pictures(z, lambda norm, x: norm.calibrated(x))

  def _pictures(
    self,
    z: tf.Tensor,
    normalized: Callable[["_BatchNorm", tf.Tensor], tf.Tensor],
  ) -> tf.Tensor:
    features = self._dense(z)
    features = tf.reshape(features, [-1, 4, 4, features.shape[-1] // 16])
    for norm, layer in zip(self._norms, self._hidden, strict=True):
      features = layer(tf.nn.relu(normalized(norm, features)))
    return tf.nn.sigmoid(tf.cast(features, tf.float32))

  def encode(self, x: tf.Tensor) -> None:
    del x  # a GAN has no way back


def _options(seed: int, dtype: str | None) -> dict[str, Any]:
  return {
    "kernel_initializer": keras.initializers.RandomNormal(
      stddev=_DEVIATION, seed=seed
    ),
    "dtype": dtype,
  }


class _BatchNorm(keras.layers.Layer):
  """Batch normalization whose statistics are taken once, not averaged.

  Args:
    channels: Number of channels.
    name: Keras layer name.
  """

  def __init__(self, channels: int, *, name: str):
    super().__init__(name=name, dtype="float32", autocast=False)
    self._gain = self.add_weight("gain", (channels,), initializer="ones")
    self._offset = self.add_weight("offset", (channels,), initializer="zeros")
    self._mean, self._variance = (
      self.add_weight(
        what, (channels,), initializer=initializer, trainable=False
      )
      for what, initializer in (("mean", "zeros"), ("variance", "ones"))
    )
    self.built = True

  def call(self, x: tf.Tensor, training: bool = False) -> tf.Tensor:
    """Returns features, `[N, H, W, C]` of any float dtype, normalized."""
    if training:
      return self._normalized(x, *_moments(x))
    return self._normalized(x, self._mean, self._variance)

  def calibrated(self, x: tf.Tensor) -> tf.Tensor:
    """Takes the statistics of features, and returns these normalized."""
    mean, variance = _moments(x)
    self._mean.assign(mean)
    self._variance.assign(variance)
    return self._normalized(x, mean, variance)

  def _normalized(
    self, x: tf.Tensor, mean: tf.Tensor, variance: tf.Tensor
  ) -> tf.Tensor:
    gain = self._gain * tf.math.rsqrt(variance + _EPSILON)
    offset = self._offset - mean * gain
    return x * tf.cast(gain, x.dtype) + tf.cast(offset, x.dtype)


def _moments(x: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
  return tf.nn.moments(tf.cast(x, tf.float32), axes=[0, 1, 2])

"""A critic that judges whole small pictures."""

from collections.abc import Sequence
from typing import Any

import keras
import tensorflow as tf

from tfpercept.models import spectral_norm
from tfpercept.ops import checks

_KERNEL = 4
_SLOPE = 0.2
_WARM_UP = 20  # power iterations before training


class PictureCritic(keras.Model):
  """Logits of "this picture is real", by a DCGAN's convolutions.

  Convolutions of 4x4 and stride 2 with leaky ReLUs of slope 0.2 lead to a dense
  layer. Before that layer each group of pictures of the batch gets a channel
  more: the mean standard deviation of its features, which is low where a
  generator makes the same picture again and again. There is no batch
  normalization; `normalize` keeps the spectral norm of all kernels at 1.

  Input: pictures, float `[N, side, side, channels]`, and a condition of the
  same height and width, `[N, side, side, condition]`, where there is one; N is
  a multiple of `group`. Output: float32 logits `[N, 1]`.

  Args:
    side: Side of the pictures, a multiple of 2^len(widths).
    channels: Number of channels.
    condition: Number of channels of the condition; 0 for none.
    widths: Numbers of channels of the convolutions.
    group: Number of pictures that the deviation is over; 1 for none.
    seed: Seed of the initial weights.
    dtype: Keras dtype or policy of the convolutions.
    name: Keras model name.

  Raises:
    MissingExtra: if TensorFlow Addons is not installed.
    ValueError: if an argument is out of range.

  Source: Radford, Metz, Chintala, 2016, section 3; Miyato, Kataoka, Koyama,
  Yoshida, "Spectral normalization for generative adversarial networks", 2018;
  minibatch deviation: Karras et al., "Progressive growing of GANs", 2018,
  section 3.
  """

  def __init__(
    self,
    *,
    side: int,
    channels: int,
    condition: int = 0,
    widths: Sequence[int] = (32, 64, 128, 256),
    group: int = 4,
    seed: int = 0,
    dtype: str | None = None,
    name: str = "picture_critic",
  ):
    super().__init__(name=name, dtype="float32", autocast=False)
    whole = [side, channels, condition + 1, group, *widths]
    if not widths or not all(checks.is_whole(n) and n >= 1 for n in whole):
      raise ValueError(
        f"{name} needs whole numbers above 0; got side={side}, "
        f"channels={channels}, condition={condition}, group={group}, "
        f"widths={list(widths)}"
      )
    if side % 2 ** len(widths):
      raise ValueError(
        f"{name} halves {side} pixels at each of {len(widths)} layers, which "
        "does not come out even; give fewer widths"
      )
    self._group = group
    self._convolutions: list[Any] = []
    inputs = channels + condition
    for number, width in enumerate(widths, 1):
      layer = spectral_norm.bounded(
        keras.layers.Conv2D(
          width,
          _KERNEL,
          strides=2,
          padding="same",
          kernel_initializer=keras.initializers.HeNormal(seed=seed + number),
          dtype=dtype,
          name=f"conv{number}",
        )
      )
      layer.build((None, None, None, inputs))
      self._convolutions.append(layer)
      inputs = width
    small = side // 2 ** len(widths)
    self._last = spectral_norm.bounded(
      keras.layers.Dense(
        1,
        kernel_initializer=keras.initializers.GlorotUniform(seed=seed),
        dtype="float32",
        name="logit",
      )
    )
    self._last.build((None, small * small * (inputs + (group > 1))))
    for _ in range(_WARM_UP):
      self.normalize()

  def call(self, x: tf.Tensor, condition: tf.Tensor | None = None) -> tf.Tensor:
    features = 2.0 * x - 1.0
    if condition is not None:
      features = tf.concat([features, 2.0 * condition - 1.0], axis=-1)
    for layer in self._convolutions:
      features = tf.nn.leaky_relu(layer(features), _SLOPE)
    features = tf.cast(features, tf.float32)
    if self._group > 1:
      features = tf.concat([features, self._deviation(features)], axis=-1)
    size = features.shape[1] * features.shape[2] * features.shape[3]
    return self._last(tf.reshape(features, [-1, size]))

  @property
  def group(self) -> int:
    """Number of pictures whose deviation is taken together."""
    return self._group

  def normalize(self) -> None:
    """Divides all kernels by their spectral norms."""
    for layer in (*self._convolutions, self._last):
      spectral_norm.normalize(layer)

  def _deviation(self, features: tf.Tensor) -> tf.Tensor:
    """Returns the deviation within groups, float32 `[N, h, w, 1]`."""
    _, height, width, channels = features.shape
    groups = tf.reshape(features, [-1, self._group, height * width * channels])
    variance = tf.math.reduce_variance(groups, axis=1)
    mean = tf.reduce_mean(tf.sqrt(variance + 1e-8), axis=1)
    mean = tf.repeat(mean, self._group)[:, None, None, None]
    return tf.tile(mean, [1, height, width, 1])

"""A realism head of a codec that stays as it is."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import keras
import tensorflow as tf

from tfpercept import distances
from tfpercept.models.compression import transform_codec
from tfpercept.tasks import (
  adversarial,
  averaging,
  objectives,
  quantizers,
  spread,
)

DISTORTION = 0.0006
"""Weight of the squared error of 8-bit values, by default."""
_SHIFTS = 8  # pixels
_ENLARGED = 4.0  # what is added is some levels of 255
CHANNELS = 6
"""Number of channels that the critic sees."""


class Decoded(NamedTuple):
  """What a codec's own decoder makes of pictures, without gradient.

  Attributes:
    y_hat: Decoded latents, float32 `[N, h, w, latents]`, not scaled.
    faithful: Pictures in [0, 1], float32 `[N, H, W, 3]`.
  """

  y_hat: tf.Tensor
  faithful: tf.Tensor


class Realism(adversarial.Adversarial):
  """Trains what a decoder adds to the faithful picture of a frozen codec.

  The loss of a picture x, with x_hat = x_faithful + t R, is

      distortion 255^2 mse(x, x_hat)
        + t (perceptual d(x, x_hat) + adversarial G(x_hat))

  t is 1, or drawn evenly from [0, 1] where the head is conditioned on it.
  Qualities of a batch divide their range into equal parts, and each picture's
  is drawn from its part. The distance d sees pictures without up to 7 rows and
  columns, drawn at random: a grid that the strides of its network do not see
  would otherwise be free to grow.

  The critic is told the latents, and sees beside a picture what it has more
  than the faithful one. So it need not learn what the codec lost, and tells
  heads apart after tens of steps; from pictures alone it had not after 400.

  A batch is `(x, x)`. Terms beside those of `Adversarial`: `loss`, `mse` of
  8-bit values, `perceptual`, and `added`, the root of the mean square of t R in
  8-bit values.

  Args:
    codec: Codec network, built; it is not changed.
    head: Built head for it.
    objective: Distance d; None for no perceptual part.
    critic: Critic of six channels, with the codec's latents as its condition,
      or None.
    distortion: Weight of the squared error, 0 or more.
    perceptual: Weight of the distance, 0 or more.
    qualities: Lowest and highest quality.
    decay: Decay of averages of the head's weights; None for no averages.
    **options: Further arguments of `Adversarial`.

  Attributes:
    codec: The codec network.
    head: The head.
    qualities: Lowest and highest quality.
    averages: Averages of the head's weights, or None.

  Raises:
    ValueError: if an argument is out of range.
  """

  def __init__(
    self,
    codec: transform_codec.TransformCodec,
    head: keras.Model,
    objective: distances.Distance | None,
    critic: keras.Model | None,
    *,
    distortion: float = DISTORTION,
    perceptual: float = 1.0,
    qualities: Sequence[float],
    decay: float | None = None,
    **options: Any,
  ):
    super().__init__("realism", critic, **options)
    if not (distortion >= 0 and perceptual >= 0):
      raise ValueError(
        "the weights of distortion and distance are 0 or more; got "
        f"{distortion} and {perceptual}"
      )
    low, high = qualities
    if not 1 <= low <= high <= codec.levels:
      raise ValueError(
        f"qualities are two numbers from 1 to {codec.levels}, the smaller one "
        f"first; got {low} and {high}"
      )
    codec.trainable = False
    self.codec, self.head, self.objective = codec, head, objective
    self._distortion, self._perceptual = distortion, perceptual
    self.qualities = float(low), float(high)
    self.averages = None
    if decay is not None:
      self.averages = averaging.Averages(head.trainable_variables, decay)

  def generator_parts(self) -> dict[str, Any]:
    found = {"head": self.head}
    if self.objective is not None:
      found |= objectives.parts(self.objective)
    if self.averages is not None:
      found["averages"] = self.averages
    return found

  def generator_variables(self) -> Sequence[tf.Variable]:
    return self.head.trainable_variables

  def decoded(self, x: tf.Tensor, quality: tf.Tensor) -> Decoded:
    """Returns what the codec's decoder makes of pictures.

    Args:
      x: Float32 `[N, H, W, 3]` in [0, 1], sides multiples of the stride.
      quality: Qualities, float32 `[N]`.
    """
    y = self.codec.analysis(x, quality)
    _, y_hat = self.codec.code(y, quality, quantizers.Rounding())
    faithful = tf.clip_by_value(
      self.codec.reconstruct(y_hat, quality), 0.0, 1.0
    )
    return Decoded(tf.stop_gradient(y_hat), tf.stop_gradient(faithful))

  def generated(
    self, batch: Any, *, seed: tf.Tensor, step: tf.Tensor
  ) -> adversarial.Generated:
    x, _ = batch
    count = tf.shape(x)[0]
    low, high = self.qualities
    shares = (high - low) * spread.drawn(count, seed)
    quality = low + shares / tf.cast(count, tf.float32)
    strength = tf.ones([count])
    if self.head.conditioned:
      strength = tf.random.stateless_uniform([count], tf.add(seed, [0, 1]))
    decoded = self.decoded(x, quality)
    added = strength[:, None, None, None] * self.head(
      decoded.y_hat, decoded.faithful, quality, strength
    )
    x_hat = decoded.faithful + added
    mse = 255.0**2 * tf.reduce_mean((x - x_hat) ** 2)
    terms = {"loss": self._distortion * mse, "mse": mse}
    if self.objective is not None and self._perceptual:
      distance = self.objective(*_shifted(x, x_hat, tf.add(seed, [0, 2])))
      terms["perceptual"] = tf.reduce_mean(distance)
      terms["loss"] += self._perceptual * tf.reduce_mean(strength * distance)
    terms["added"] = 255.0 * tf.sqrt(tf.reduce_mean(added**2) + 1e-12)
    condition = decoded.y_hat / self.codec.deviation
    real, fake = (_seen(image, decoded.faithful) for image in (x, x_hat))
    return adversarial.Generated(real, fake, condition, terms, strength)

  def after_update(self, terms: dict[str, tf.Tensor], step: tf.Tensor) -> None:
    super().after_update(terms, step)
    if self.averages is not None:
      self.averages.update(self.head.trainable_variables, step)


def _seen(image: tf.Tensor, faithful: tf.Tensor) -> tf.Tensor:
  """Returns what the critic sees of pictures, `[N, H, W, 6]`."""
  return tf.concat([2.0 * image - 1.0, _ENLARGED * (image - faithful)], axis=-1)


def _shifted(
  x: tf.Tensor, x_hat: tf.Tensor, seed: tf.Tensor
) -> tuple[tf.Tensor, tf.Tensor]:
  """Returns two batches without some rows and columns, the same of both."""
  corner = tf.random.stateless_uniform(
    [2], seed, maxval=_SHIFTS, dtype=tf.int32
  )
  room = tf.shape(x)[1:3] - (_SHIFTS - 1)
  start = tf.concat([[0], corner, [0]], axis=0)
  size = tf.concat([tf.shape(x)[:1], room, tf.shape(x)[3:]], axis=0)
  return tf.slice(x, start, size), tf.slice(x_hat, start, size)

"""Trains a distance to agree with people on forced choices."""

from collections.abc import Callable
from typing import Any

import keras
import tensorflow as tf

from tfpercept import distances
from tfpercept.ops import color
from tfpercept.tasks import base


class RankingHead(keras.layers.Layer):
  """The small network that LPIPS was trained with: distances to a choice.

  Of d0 and d1 it sees d0, d1, d0 - d1, d0 / (d1 + .1) and d1 / (d0 + .1).

  Source: Zhang et al. 2018, section 4 and appendix; two hidden layers of 32,
  LeakyReLU of slope 0.2. Differs: Keras' own initial weights.
  """

  _GUARD = 0.1

  def __init__(self) -> None:
    super().__init__(name="ranking_head", dtype="float32")
    self._layers = [
      keras.layers.Dense(
        32,
        activation=lambda x: tf.nn.leaky_relu(x, alpha=0.2),
        dtype="float32",
      )
      for _ in range(2)
    ] + [keras.layers.Dense(1, dtype="float32")]
    width = 5
    for layer in self._layers:
      layer.build((None, width))
      width = layer.units
    self.built = True

  def call(self, first: tf.Tensor, second: tf.Tensor) -> tf.Tensor:
    """Returns the logit `[N]` of "the second is nearer"."""
    x = tf.stack(
      [
        first,
        second,
        first - second,
        first / (second + self._GUARD),
        second / (first + self._GUARD),
      ],
      axis=-1,
    )
    for layer in self._layers:
      x = layer(x)
    return x[:, 0]


class RatioHead(keras.layers.Layer):
  """Watson's head: the logit is exp(g) (d0 - d1) / (d0 + d1), 0 if both are 0.

  Blind to the scale of the distance. Source: Czolbe et al. 2020, section 3.3;
  g is trained and starts at 1.
  """

  def __init__(self) -> None:
    super().__init__(name="ratio_head", dtype="float32")
    self.gain = self.add_weight(name="gain", shape=(), initializer="ones")
    self.built = True

  def call(self, first: tf.Tensor, second: tf.Tensor) -> tf.Tensor:
    """Returns the logit `[N]` of "the second is nearer"."""
    ratio = tf.math.divide_no_nan(first - second, first + second)
    return tf.exp(tf.convert_to_tensor(self.gain)) * ratio


HEADS: dict[str, Callable[[], keras.layers.Layer]] = {
  "ranking": RankingHead,
  "ratio": RatioHead,
}


class Judge(keras.Model):
  """A distance and a head: how likely people find the second image nearer.

  Args:
    distance: Distance, which becomes trainable; ValueError if it has nothing to
      train.
    head: One of `HEADS`.
  """

  def __init__(self, distance: distances.Distance, head: str):
    super().__init__(name="judge", dtype="float32", autocast=False)
    if head not in HEADS:
      raise ValueError(f"head is one of {', '.join(HEADS)}; got {head!r}")
    distance.trainable = True
    if not distance.trainable_variables:
      distance.trainable = False
      raise ValueError(
        f"{distance.spec} has no parameters to train; take one that has, such "
        "as watson_dft, lpips or a weighted sum"
      )
    self.distance = distance
    self.head = HEADS[head]()
    self.built = True

  def call(
    self,
    inputs: tuple[tf.Tensor, tf.Tensor, tf.Tensor],
    seed: tf.Tensor | None = None,
  ) -> tf.Tensor:
    """Returns the logit `[N]` that the second image is nearer.

    Args:
      inputs: Reference, first and second image, `[N, H, W, 3]` in [0, 1]. A
        distance of gray pictures gets their luma.
      seed: Int32 `[2]`: the distance then drops what it drops in training.
    """
    reference, first, second = inputs
    seeds = [None, None]
    if seed is not None:
      seeds = tf.unstack(tf.random.experimental.stateless_split(seed, 2))
    values = [
      self._value(reference, image, s)
      for image, s in zip((first, second), seeds, strict=True)
    ]
    return self.head(*values)

  def on_contents(
    self, batch: dict[str, tf.Tensor], seed: tf.Tensor | None = None
  ) -> tf.Tensor:
    """Returns the logit `[Q]` of each question of a batch.

    Args:
      batch: A batch of `data.judged_contents`.
      seed: Seed of the dropout, int32 `[2]`, as in `call`; None for none.
    """
    if "parts" in batch:
      values = self.distance.weigh(batch["parts"])
    else:
      references = tf.gather(batch["references"], batch["owner"])
      values = self._value(references, batch["images"], seed)
    return self.head(
      tf.gather(values, batch["first"]), tf.gather(values, batch["second"])
    )

  def _value(
    self, reference: tf.Tensor, image: tf.Tensor, seed: tf.Tensor | None
  ) -> tf.Tensor:
    reference, image = (
      color.luma_if_gray(x, self.distance.channels) for x in (reference, image)
    )
    if seed is None:
      return self.distance(reference, image)
    return self.distance.training_value(reference, image, seed)


class Agreement(base.Task):
  """Trains a `Judge` by the cross-entropy to the share of people.

  Training moves the distance's parameters and the head's. Constraints that the
  distance set on its weights hold after each step.

  A batch is `(reference, first, second, share)`, or one of
  `data.judged_contents`; its terms are `loss` and `agreement` (the
  2AFC score of the batch, with what is dropped).

  Args:
    network: The distance and the head that are trained.
    seed: The seed of what the distance drops, which follows from the seed and
      the step alone.
    drops: Whether the distance drops anything, such as half of Watson's
      summands.
    pull: Factor, 0 or more, of the squared distance between the distance's
      parameters and those that the task is made with, which is added to the
      loss. Shifts that a row of a matrix has in common are free, so that
      thresholds may all change, while those of single frequencies follow few
      answers. Where parameters are logarithms, `pull = 1 / (2 n s ** 2)` for n
      answers expects ratios of about exp(s).
  """

  def __init__(
    self,
    network: Judge,
    *,
    seed: int = 0,
    drops: bool = True,
    pull: float = 0.0,
  ):
    super().__init__("agreement", seed=seed)
    self.network = network
    self._drops, self._pull = drops, pull
    self._start = [w.numpy() for w in network.distance.trainable_weights]

  def call(self, inputs: tuple[tf.Tensor, tf.Tensor, tf.Tensor]) -> tf.Tensor:
    return self.network(inputs)

  def parts(self) -> dict[str, Any]:
    return {"network": self.network}

  def terms(
    self,
    batch: tuple[tf.Tensor, ...] | dict[str, tf.Tensor],
    *,
    seed: tf.Tensor,
    step: tf.Tensor,
  ) -> dict[str, tf.Tensor]:
    seed = seed if self._drops else None
    if isinstance(batch, dict):
      logit = self.network.on_contents(batch, seed)
      share, people = batch["share"], batch["people"]
    else:
      *images, share = batch
      logit = self.network(tuple(images), seed=seed)
      people = tf.ones_like(share)
    share = tf.cast(share, logit.dtype)
    loss = tf.nn.sigmoid_cross_entropy_with_logits(labels=share, logits=logit)
    score = tf.where(logit > 0, share, 1 - share)
    score = tf.where(logit == 0, 0.5, score)
    weight = tf.cast(people / tf.reduce_sum(people), logit.dtype)
    found = {
      "loss": tf.reduce_sum(weight * loss),
      "agreement": tf.reduce_sum(weight * score),
    }
    if self._pull:
      found["pull"] = self._pull * self._moved()
      found["loss"] += found["pull"]
    return found

  def _moved(self) -> tf.Tensor:
    """Returns the squared distance of the parameters from their start."""
    total = tf.zeros([])
    weights = self.network.distance.trainable_weights
    for weight, start in zip(weights, self._start, strict=True):
      moved = tf.convert_to_tensor(weight) - start
      if start.ndim > 1:
        axes = list(range(1, start.ndim))
        moved -= tf.reduce_mean(moved, axis=axes, keepdims=True)
      total += tf.reduce_sum(tf.square(moved))
    return total

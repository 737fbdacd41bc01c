"""Base of tasks in which a critic judges what a generator makes."""

import abc
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import keras
import tensorflow as tf

from tfpercept.ops import adversarial
from tfpercept.tasks import base


class Generated(NamedTuple):
  """What a generator made of a batch.

  Attributes:
    real: Samples for the critic, float32 `[N, ...]`.
    fake: Generated samples of the same shape, with gradient.
    condition: Latents that both were made from, with first axis N; None where
      the critic sees none. No gradient passes it.
    terms: Scalars to log by name. `loss` is among them: the generator's loss
      without its adversarial part, or 0.
    shares: Factors `[N]` of the adversarial losses of samples; None for 1.
  """

  real: tf.Tensor
  fake: tf.Tensor
  condition: tf.Tensor | None
  terms: Mapping[str, tf.Tensor]
  shares: tf.Tensor | None = None


class Adversarial(base.Task):
  """A task of two moves, `critic` and `generator`.

  The generator lowers `loss`: its own terms plus `weight` times its loss in the
  game. The critic lowers `critic_loss`. Real and generated samples pass the
  critic as one batch.

  In the first `warm_up` steps the critic alone moves, and the generator is
  frozen. Afterwards both move in each step, on the gradients of one forward
  pass, or in turns: the critic in even steps, the generator in odd ones.
  Without a critic the generator alone moves, at once.

  Terms beside those of the subclass: `adversarial`, the generator's loss in the
  game; `critic_loss`; `critic_real` and `critic_fake`, the shares of real and
  of generated patches that the critic sees as such; `divergence`, the critic's
  estimate of what `game.measure` names; and `critic_logit`, the mean magnitude
  of logits, which grows where a critic runs away.

  A subclass states `generator_parts`, `generator_variables` and `generated`.

  Args:
    name: The name of the Keras model.
    critic: A network called with samples and condition that gives logits, with
      a method `normalize` to call after each step, whoever moved in it, if it
      has one; None for no critic.
    game: The name of the losses, one of `adversarial.ADVERSARIAL`.
    weight: The factor of the adversarial part of the generator's loss, 0 or
      more. With 0 the critic only measures.
    warm_up: The number of steps, 0 or more, in which the critic alone moves.
    ramp: The number of steps after those, 0 or more, over which the weight
      rises from 0.
    in_turns: Whether critic and generator take turns.
    clip: The norm that the gradients of either move are cut to.
    seed: The seed of what a step draws at random.

  Raises:
    ValueError: if an argument is out of range.
  """

  def __init__(
    self,
    name: str,
    critic: keras.Model | None,
    *,
    game: str = "non_saturating",
    weight: float = 1.0,
    warm_up: int = 0,
    ramp: int = 0,
    in_turns: bool = False,
    clip: float | None = 1.0,
    seed: int = 0,
  ):
    super().__init__(name, seed=seed)
    if not 0 <= weight < float("inf") or min(warm_up, ramp) < 0:
      raise ValueError(
        "the weight of the adversarial part, the steps of warm-up and those of "
        f"its ramp are 0 or more; got {weight}, {warm_up} and {ramp}"
      )
    if critic is None and weight:
      raise ValueError(
        f"an adversarial part of weight {weight} needs a critic; got none"
      )
    self.critic, self.game = critic, adversarial.get(game)
    self._weight, self._clip = float(weight), clip
    self._warm_up = warm_up if critic is not None else 0
    self._ramp = ramp
    self._in_turns = in_turns and critic is not None

  @abc.abstractmethod
  def generator_parts(self) -> dict[str, Any]:
    """Returns all that is saved but the critic, by the names of checkpoints."""

  @abc.abstractmethod
  def generator_variables(self) -> Sequence[tf.Variable]:
    """Returns the trainable variables that lower the generator's loss."""

  @abc.abstractmethod
  def generated(
    self, batch: Any, *, seed: tf.Tensor, step: tf.Tensor
  ) -> Generated:
    """Returns what the generator makes of a batch.

    Args:
      batch: An element of the data set.
      seed: Int32 `[2]`, another one in each step; its second number is a
        multiple of 8, so that up to eight draws may count on from it.
      step: Scalar int32, the number of steps before this one.
    """

  def parts(self) -> dict[str, Any]:
    found = self.generator_parts()
    return found if self.critic is None else {**found, "critic": self.critic}

  def moves(self) -> dict[str, base.Move]:
    generator = base.Move(
      self.generator_variables(),
      clip=self._clip,
      when=self._generator_moves if self._warm_up or self._in_turns else None,
    )
    if self.critic is None:
      return {"generator": generator}
    critic = base.Move(
      self.critic.trainable_variables,
      loss="critic_loss",
      clip=self._clip,
      when=self._critic_moves if self._in_turns else None,
    )
    return {"critic": critic, "generator": generator}

  def _critic_moves(self, step: tf.Tensor) -> tf.Tensor:
    return (step < self._warm_up) | (step % 2 == 0)

  def _generator_moves(self, step: tf.Tensor) -> tf.Tensor:
    has_turn = step >= self._warm_up
    return has_turn & (step % 2 == 1) if self._in_turns else has_turn

  def terms(
    self, batch: Any, *, seed: tf.Tensor, step: tf.Tensor
  ) -> dict[str, tf.Tensor]:
    made = self.generated(batch, seed=seed * [1, 8], step=step)
    terms = dict(made.terms)
    if self.critic is None:
      return terms
    real, fake = self._logits(self.critic, made)
    judged = self.judged(real, fake)
    judged["adversarial"] = self.game.generator_loss(fake)
    lowered = judged["adversarial"]
    if made.shares is not None:
      shape = tf.concat([[-1], tf.ones([tf.rank(fake) - 1], tf.int32)], axis=0)
      shares = tf.reshape(made.shares, shape)
      lowered = tf.reduce_mean(shares * self.game.c(fake))
    terms["loss"] += self._weight_at(step) * lowered
    return {**terms, **judged}

  def _weight_at(self, step: tf.Tensor) -> tf.Tensor | float:
    if not self._ramp:
      return self._weight
    done = tf.cast(step - self._warm_up, tf.float32) / self._ramp
    return self._weight * tf.clip_by_value(done, 0.0, 1.0)

  @staticmethod
  def _logits(
    critic: keras.Model, made: Generated
  ) -> tuple[tf.Tensor, tf.Tensor]:
    """Returns the critic's logits of real and of generated samples.

    Raises:
      ValueError: if a group of the critic would hold samples of both.
    """
    count, group = made.real.shape[0], getattr(critic, "group", 1)
    if count is not None and count % group:
      raise ValueError(
        f"{critic.name} judges groups of {group} pictures, real or generated; "
        f"a batch of {count} is no multiple of that"
      )
    pair = tf.concat([made.real, tf.cast(made.fake, made.real.dtype)], axis=0)
    condition = made.condition
    if condition is not None:
      condition = tf.tile(
        tf.stop_gradient(condition), [2] + [1] * (condition.shape.rank - 1)
      )
    return tf.split(critic(pair, condition), 2)

  def judged(self, real: tf.Tensor, fake: tf.Tensor) -> dict[str, tf.Tensor]:
    """Returns what is logged of a critic's logits, scalars by name.

    Args:
      real: Logits of real samples, float32 of any shape.
      fake: Logits of generated samples, float32 of any shape.
    """
    right_real, right_fake = self.game.accuracy(real, fake)
    return {
      "critic_loss": self.game.critic_loss(real, fake),
      "critic_real": right_real,
      "critic_fake": right_fake,
      "divergence": self.game.divergence(real, fake),
      "critic_logit": tf.reduce_mean(tf.abs(tf.concat([real, fake], axis=0))),
    }

  def estimate(
    self, batch: Any, *, seed: tf.Tensor, step: tf.Tensor
  ) -> dict[str, tf.Tensor]:
    """Returns what the critic says of pictures that it did not train on.

    Args:
      batch: A batch of held-out pictures, as `generated` takes it.
      seed: Int32 `[2]`, the seed of what is drawn.
      step: Scalar int32, as in `generated`.

    Returns:
      Scalars by name, as `judged` does; `divergence` is the estimate of
      `game.measure` on these pictures.

    Raises:
      ValueError: if the task has no critic.
    """
    if self.critic is None:
      raise ValueError(f"{self.name} has no critic to estimate divergences by")
    made = self.generated(batch, seed=seed, step=step)
    return self.judged(*self._logits(self.critic, made))

  def after_update(self, terms: dict[str, tf.Tensor], step: tf.Tensor) -> None:
    normalize = getattr(self.critic, "normalize", None)
    if normalize is not None:
      normalize()

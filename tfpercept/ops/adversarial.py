"""Losses of a critic and of the generator that it judges, by name.

A critic gives logits v of real samples, drawn from P, and of generated ones,
drawn from Q. It maximizes

    E_P[a(v)] - E_Q[b(v)]

which bounds a divergence of P and Q from below, up to a factor and an offset;
with the best critic it equals it. The generator minimizes E_Q[c(v)].
"""

import dataclasses
import math
from collections.abc import Callable, Mapping

import tensorflow as tf

Function = Callable[[tf.Tensor], tf.Tensor]


@dataclasses.dataclass(frozen=True)
class Game:
  """The losses of one kind of game between a critic and a generator.

  Attributes:
    measure: The divergence that `divergence` estimates, in words, with its
      unit.
    a: Function of logits of real samples, of any shape.
    b: Function of logits of generated samples.
    c: The loss of the generator, a function of logits of generated samples.
    boundary: The logit at which the critic takes both to be equally likely.
    factor: Factor of the divergence beside the critic's objective.
    offset: Divergence where the critic's objective is 0.
  """

  measure: str
  a: Function
  b: Function
  c: Function
  boundary: float = 0.0
  factor: float = 1.0
  offset: float = 0.0

  def critic_loss(self, real: tf.Tensor, fake: tf.Tensor) -> tf.Tensor:
    """Returns the critic's loss, a scalar.

    Args:
      real: Logits of real samples, float of any shape.
      fake: Logits of generated samples, float of any shape.
    """
    return tf.reduce_mean(self.b(fake)) - tf.reduce_mean(self.a(real))

  def generator_loss(self, fake: tf.Tensor) -> tf.Tensor:
    """Returns the generator's loss of logits of any shape, a scalar."""
    return tf.reduce_mean(self.c(fake))

  def divergence(self, real: tf.Tensor, fake: tf.Tensor) -> tf.Tensor:
    """Returns the estimate of the divergence of P and Q, a scalar.

    It is a lower bound in expectation, and may be below 0 for a poor critic.

    Args:
      real: Logits of real samples, float of any shape.
      fake: Logits of generated samples, float of any shape.
    """
    return self.offset - self.factor * self.critic_loss(real, fake)

  def accuracy(
    self, real: tf.Tensor, fake: tf.Tensor
  ) -> tuple[tf.Tensor, tf.Tensor]:
    """Returns the shares of real and of generated samples told as such.

    Args:
      real: Logits of real samples, float of any shape.
      fake: Logits of generated samples, float of any shape.
    """
    return (
      tf.reduce_mean(tf.cast(real > self.boundary, tf.float32)),
      tf.reduce_mean(tf.cast(fake < self.boundary, tf.float32)),
    )


def _log_sigmoid(v: tf.Tensor) -> tf.Tensor:
  return -tf.nn.softplus(-v)


_LOG_2 = math.log(2.0)

ADVERSARIAL: Mapping[str, Game] = {
  # Goodfellow et al., "Generative adversarial nets", 2014, section 3; the best
  # critic's objective is 2 JS - log 4 (theorem 1).
  "non_saturating": Game(
    "Jensen-Shannon divergence in nats, at most log 2",
    a=_log_sigmoid,
    b=tf.nn.softplus,
    c=lambda v: tf.nn.softplus(-v),
    factor=0.5,
    offset=_LOG_2,
  ),
  # Lim and Ye, "Geometric GAN", 2017, eq. 10; the best critic is +-1, and its
  # objective the total variation, doubled, less 2.
  "hinge": Game(
    "total variation distance, at most 1",
    a=lambda v: tf.minimum(v - 1.0, 0.0),
    b=lambda v: tf.maximum(v + 1.0, 0.0),
    c=lambda v: -v,
    factor=0.5,
    offset=1.0,
  ),
  # Nowozin, Cseke, Tomioka, "f-GAN: training generative neural samplers using
  # variational divergence minimization", 2016, table 6: a is the output
  # activation g_f, b the conjugate f* of it. The generator maximizes E_Q[g_f]
  # in place of E_Q[f*(g_f)], as section 3.2 recommends. The critic's best g_f
  # is f'(p / q), hence the boundaries f'(1).
  "kl": Game(
    "Kullback-Leibler divergence KL(real || generated) in nats",
    a=lambda v: v,
    b=lambda v: tf.exp(v - 1.0),
    c=lambda v: -v,
    boundary=1.0,
  ),
  "reverse_kl": Game(
    "Kullback-Leibler divergence KL(generated || real) in nats",
    a=lambda v: -tf.exp(-v),
    b=lambda v: v - 1.0,
    c=lambda v: tf.exp(-v),
  ),
  # Their f is that of twice the divergence.
  "jensen_shannon": Game(
    "Jensen-Shannon divergence in nats, at most log 2",
    a=lambda v: _LOG_2 + _log_sigmoid(v),
    b=lambda v: tf.nn.softplus(v) - _LOG_2,
    c=lambda v: -_LOG_2 - _log_sigmoid(v),
    factor=0.5,
  ),
  "pearson": Game(
    "Pearson's chi-squared divergence of real from generated",
    a=lambda v: v,
    b=lambda v: 0.25 * v**2 + v,
    c=lambda v: -v,
  ),
}
"""Games by name: non-saturating, hinge, and f-GANs."""


def get(name: str) -> Game:
  """Returns a game by its name.

  Raises:
    ValueError: if there is none of that name.
  """
  if name not in ADVERSARIAL:
    raise ValueError(
      f"an adversarial loss is one of {', '.join(ADVERSARIAL)}; got {name!r}"
    )
  return ADVERSARIAL[name]

"""Rules of descent: the next variable from values and gradients."""

import dataclasses
import math
from collections.abc import Callable
from typing import Protocol, TypeAlias

import numpy as np
import tensorflow as tf

_TINY = 1e-30  # keeps quotients of zeros finite


@dataclasses.dataclass(frozen=True)
class Problem:
  """The objective at one step, as a method gets it.

  Attributes:
    evaluate: Function from a variable to the objective `[N]` and its gradient,
      without the part that a constraint forbids.
    project: Function from a variable to the nearest allowed one.
    step: Number of steps taken so far, float scalar.
    fraction: Number of steps taken as a share of all steps, in [0, 1).
  """

  evaluate: Callable[[tf.Tensor], tuple[tf.Tensor, tf.Tensor]]
  project: Callable[[tf.Tensor], tf.Tensor]
  step: tf.Tensor
  fraction: tf.Tensor


Advanced: TypeAlias = tuple[
  tf.Tensor, tuple[tf.Tensor, ...], tf.Tensor, tf.Tensor
]


class Method(Protocol):
  """A rule of descent, whose memory is a tuple of tensors, the slots."""

  def slots(self, start: tf.Tensor) -> tuple[tf.Tensor, ...]:
    """Returns the slots before the first step."""

  def advance(
    self, problem: Problem, x: tf.Tensor, slots: tuple[tf.Tensor, ...]
  ) -> Advanced:
    """Returns the next variable and slots, and value and gradient at `x`."""


@dataclasses.dataclass(frozen=True)
class Adam:
  """Adam, with a learning rate that falls to a hundredth along a cosine.

  The scale of the objective has no effect, so one setting serves distances of
  any unit, as long as the squares of their gradients are numbers above 0.

  Attributes:
    learning_rate: Approximate change of a pixel in the first step.

  Source: Kingma, Ba, "Adam: a method for stochastic optimization", 2015,
  algorithm 1.
  """

  learning_rate: float = 0.02

  def slots(self, start: tf.Tensor) -> tuple[tf.Tensor, ...]:
    return tf.zeros_like(start), tf.zeros_like(start)

  def advance(
    self, problem: Problem, x: tf.Tensor, slots: tuple[tf.Tensor, ...]
  ) -> Advanced:
    value, gradient = problem.evaluate(x)
    mean = 0.9 * slots[0] + 0.1 * gradient
    square = 0.999 * slots[1] + 0.001 * tf.square(gradient)
    taken = problem.step + 1
    root = tf.sqrt(square / (1 - tf.pow(tf.cast(0.999, x.dtype), taken)))
    direction = mean / (1 - tf.pow(tf.cast(0.9, x.dtype), taken))
    rate = 0.505 + 0.495 * tf.cos(math.pi * problem.fraction)
    # Squares of gradients below about 3e-18 underflow in float32: there nothing
    # moves, as where all gradients were 0.
    is_told = square > x.dtype.as_numpy_dtype(
      np.finfo(x.dtype.as_numpy_dtype).tiny
    )
    move = tf.where(is_told, direction / tf.where(is_told, root, 1.0), 0.0)
    move *= self.learning_rate * rate
    return problem.project(x - move), (mean, square), value, gradient


@dataclasses.dataclass(frozen=True)
class LBFGS:
  """Limited-memory BFGS with a projected, backtracking line search.

  The objective never rises. The method needs no learning rate, and on smooth
  objectives it converges much closer to the minimum than Adam. Each image has
  its own memory and its own step length. It does not serve objectives that are
  random from step to step.

  Attributes:
    memory: Number of pairs of steps and gradient changes that are kept.
    first_step: Length of the first trial step, as root mean square.
    trials: Number of step lengths tried, each half of the one before, until the
      objective has fallen enough. If none succeeds, the image stays unchanged.

  Source: Nocedal, Wright, "Numerical optimization", 2006, algorithm 7.4 and
  equation 3.4.
  """

  memory: int = 8
  first_step: float = 0.01
  trials: int = 12

  def slots(self, start: tf.Tensor) -> tuple[tf.Tensor, ...]:
    pairs = tf.zeros([self.memory, *start.shape], start.dtype)
    return pairs, pairs, start, tf.zeros_like(start)

  def advance(
    self, problem: Problem, x: tf.Tensor, slots: tuple[tf.Tensor, ...]
  ) -> Advanced:
    value, gradient = problem.evaluate(x)
    moves, changes, last_x, last_gradient = slots
    moved, changed = x - last_x, gradient - last_gradient
    # Pairs without positive curvature would make the inverse Hessian
    # indefinite; zeros take their place and have no effect.
    curved = dot(moved, changed) > 1e-10 * norm(moved) * norm(changed)
    curved &= problem.step > 0
    moves, changes = (
      tf.concat([tf.where(curved, new, 0.0 * new)[None], old[:-1]], axis=0)
      for new, old in ((moved, moves), (changed, changes))
    )
    direction = -self._inverse_hessian(gradient, moves, changes)
    # Rounding, or a step back to the level set, can point it uphill. Then plain
    # gradient descent takes its place.
    downhill = dot(direction, gradient) < 0
    direction = tf.where(downhill, direction, -self._scaled(gradient))
    new = self._search(problem, x, value, gradient, direction)
    return new, (moves, changes, x, gradient), value, gradient

  def _scaled(self, gradient: tf.Tensor) -> tf.Tensor:
    size = tf.cast(tf.size(gradient[0]), gradient.dtype)
    return gradient * self.first_step * tf.sqrt(size) / positive(norm(gradient))

  def _inverse_hessian(
    self, gradient: tf.Tensor, moves: tf.Tensor, changes: tf.Tensor
  ) -> tf.Tensor:
    """Returns the inverse Hessian times the gradient by the two-loop recursion.

    Pairs of zeros have no effect.
    """
    moves, changes = tf.unstack(moves), tf.unstack(changes)  # latest first
    curvatures = [
      tf.math.divide_no_nan(tf.ones([], gradient.dtype), dot(m, c))
      for m, c in zip(moves, changes, strict=True)
    ]
    weights = []
    for m, c, r in zip(moves, changes, curvatures, strict=True):
      weights.append(r * dot(m, gradient))
      gradient -= weights[-1] * c
    latest = dot(moves[0], changes[0])
    scale = tf.math.divide_no_nan(latest, dot(changes[0], changes[0]))
    gradient = tf.where(scale > 0, scale * gradient, self._scaled(gradient))
    for m, c, r, w in reversed(
      list(zip(moves, changes, curvatures, weights, strict=True))
    ):
      gradient += m * (w - r * dot(c, gradient))
    return gradient

  def _search(
    self,
    problem: Problem,
    x: tf.Tensor,
    value: tf.Tensor,
    gradient: tf.Tensor,
    direction: tf.Tensor,
  ) -> tf.Tensor:
    """Returns the next variable by a backtracking search for each image.

    The step is halved until the objective has fallen by 1e-4 of the linear
    prediction (the condition of Armijo).
    """

    def trial(
      index: tf.Tensor, length: tf.Tensor, new: tf.Tensor, is_found: tf.Tensor
    ) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor, tf.Tensor]:
      candidate = problem.project(x + length * direction)
      expected = 1e-4 * dot(gradient, candidate - x)
      reached = like(problem.evaluate(candidate)[0], x)
      good = (reached <= like(value, x) + expected) & (expected < 0)
      new = tf.where(is_found | ~good, new, candidate)
      return index + 1, length / 2, new, is_found | good

    none = tf.zeros_like(dot(x, x), tf.bool)
    return tf.while_loop(
      lambda index, length, new, is_found: (
        (index < self.trials) & ~tf.reduce_all(is_found)
      ),
      trial,
      [0, tf.ones([], x.dtype), x, none],
    )[2]


def like(value: tf.Tensor, x: tf.Tensor) -> tf.Tensor:
  """Reshapes `[N]` so that it multiplies `[N, ...]`."""
  return tf.reshape(value, [-1] + [1] * (x.shape.rank - 1))


def dot(a: tf.Tensor, b: tf.Tensor) -> tf.Tensor:
  """Returns the inner product of each image, `[N, 1, ...]`."""
  axes = list(range(1, a.shape.rank))
  return tf.reduce_sum(a * b, axis=axes, keepdims=True)


def norm(a: tf.Tensor) -> tf.Tensor:
  """Returns the Euclidean norm of each image, `[N, 1, ...]`."""
  return tf.sqrt(dot(a, a))


def positive(a: tf.Tensor) -> tf.Tensor:
  """Returns numbers of at least 1e-30, so that they can divide."""
  return tf.maximum(a, tf.cast(_TINY, a.dtype))

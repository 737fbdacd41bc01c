"""Weights of the rate that keep a codec near a target."""

import abc
import math
from collections.abc import Mapping, Sequence
from typing import Any

import tensorflow as tf

_WARM_TARGET, _WARM_WEIGHT = 0.20 / 0.14, 0.5


class RateControl(abc.ABC):
  """Base of what weighs the rate in a loss.

  In the first `warm_up` steps the target is 0.20 / 0.14 times higher and
  weights are halved, so that a new network first learns to use its bits.

  Args:
    target: The rate to keep, in bits per pixel, above 0.
    warm_up: The number of steps with the higher target, 0 or more.

  Raises:
    ValueError: if an argument is out of range.

  Source: Mentzer et al., "High-fidelity generative image compression", 2020,
  appendix A.4.
  """

  def __init__(self, target: float, *, warm_up: int = 0):
    if not 0 < target < math.inf or warm_up < 0:
      raise ValueError(
        "the target rate is above 0 bits per pixel, and the steps of its "
        f"warm-up are 0 or more; got {target} and {warm_up}"
      )
    self._target, self._warm_up = float(target), warm_up

  @abc.abstractmethod
  def weight(self, bpp: tf.Tensor, step: tf.Tensor) -> tf.Tensor:
    """Returns the weight of the rate in a loss, a scalar without gradient.

    Args:
      bpp: The rate of the batch with quantized latents, a scalar.
      step: Scalar int32, the number of steps before this one.
    """

  @property
  def variables(self) -> list[tf.Variable]:
    """What changes from step to step, for checkpoints."""
    return []

  def update(self, bpp: tf.Tensor, step: tf.Tensor) -> None:
    """Takes in the rate of a batch after its step; arguments as `weight`."""
    del bpp, step  # some keep nothing

  def target(self, step: tf.Tensor) -> tf.Tensor:
    """Returns the target at a step, a scalar."""
    return self._target * tf.where(step < self._warm_up, _WARM_TARGET, 1.0)

  def share(self, step: tf.Tensor) -> tf.Tensor:
    """Returns the factor of weights at a step, a scalar."""
    return tf.where(step < self._warm_up, _WARM_WEIGHT, 1.0)


class Switch(RateControl):
  """A large weight while the rate is above the target, and a small one below.

  Args:
    target: The argument of that name of `RateControl`.
    weights: The weight above the target and the one at or below it; the first
      is the larger one, and both are above 0.
    warm_up: The argument of that name of `RateControl`.

  Raises:
    ValueError: if an argument is out of range.

  Source: Mentzer et al., 2020, section 3.2 and appendix A.4.
  """

  def __init__(
    self, target: float, weights: Sequence[float], *, warm_up: int = 0
  ):
    super().__init__(target, warm_up=warm_up)
    self._above, self._below = _two(weights)

  def weight(self, bpp: tf.Tensor, step: tf.Tensor) -> tf.Tensor:
    weight = tf.where(bpp > self.target(step), self._above, self._below)
    return tf.stop_gradient(self.share(step) * weight)


class Dual(RateControl):
  """A weight w that rises while the rate is above the target and falls below.

  After each step, log w grows by `pace` times the rate less the target, in bits
  per pixel. It stays between the two weights.

  Args:
    target: The argument of that name of `RateControl`.
    weights: The largest and the smallest weight; w starts at their geometric
      mean.
    pace: The pace, above 0.
    warm_up: The argument of that name of `RateControl`.

  Raises:
    ValueError: if an argument is out of range.

  Source: the dual ascent of constrained optimization, as in Rezende and Viola,
  "Taming VAEs", 2018, section 3, for the logarithm of the multiplier.
  """

  def __init__(
    self,
    target: float,
    weights: Sequence[float],
    *,
    pace: float = 0.1,
    warm_up: int = 0,
  ):
    super().__init__(target, warm_up=warm_up)
    most, least = _two(weights)
    if not 0 < pace < math.inf:
      raise ValueError(f"the pace of the rate's weight is above 0; got {pace}")
    self._pace, self._ends = pace, (math.log(least), math.log(most))
    self._log_weight = tf.Variable(
      0.5 * sum(self._ends),
      dtype=tf.float32,
      trainable=False,
      # The rate is a mean over replicas, so that any of them may write.
      aggregation=tf.VariableAggregation.ONLY_FIRST_REPLICA,
      name="log_rate_weight",
    )

  @property
  def variables(self) -> list[tf.Variable]:
    return [self._log_weight]

  def weight(self, bpp: tf.Tensor, step: tf.Tensor) -> tf.Tensor:
    weight = tf.exp(self._log_weight.read_value())
    return tf.stop_gradient(self.share(step) * weight)

  def update(self, bpp: tf.Tensor, step: tf.Tensor) -> None:
    moved = self._log_weight.read_value() + self._pace * (
      bpp - self.target(step)
    )
    self._log_weight.assign(tf.clip_by_value(moved, *self._ends))


def _two(weights: Sequence[float]) -> tuple[float, float]:
  """Returns the weights; raises ValueError unless they are two, falling."""
  found = [float(weight) for weight in weights]
  if len(found) != 2 or not 0 < found[1] <= found[0] < math.inf:
    raise ValueError(
      f"the weights of the rate are two numbers above 0, the larger one first;"
      f" got {found}"
    )
  return found[0], found[1]


CONTROLS: Mapping[str, Any] = {"switch": Switch, "dual": Dual}
"""Controls of the rate by the names of the flag `--rate_control`."""

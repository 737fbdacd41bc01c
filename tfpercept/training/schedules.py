"""Learning rates over a run that published recipes ask for."""

import math
from typing import Any

import keras
import tensorflow as tf

from tfpercept.tasks import base


def steady_then_linear(
  rate: float, *, steps: int, epochs: int
) -> keras.optimizers.schedules.PiecewiseConstantDecay | float:
  """Returns the schedule of LPIPS and Watson: half steady, half falling.

  The run is cut into `epochs` equal parts. After each part of the second half
  but the last the rate falls by the same amount, so that one more would be 0.

  Args:
    rate: Learning rate at the start.
    steps: Number of steps of the whole run.
    epochs: Even number of parts, or 1; with 1 or 2 the rate is steady
      throughout.

  Raises:
    ValueError: if `epochs` is neither 1 nor even.

  Source: richzhang/PerceptualSimilarity at 082bb24, `train.py`.
  """
  if epochs != 1 and (epochs < 1 or epochs % 2):
    raise ValueError(
      "the rate falls in the second half of the epochs, so their number is 1 "
      f"or even; got {epochs}"
    )
  if epochs <= 2:  # a schedule without boundaries fails when it is called
    return rate
  half = epochs // 2
  boundaries = [steps * (half + k) // epochs for k in range(1, half)]
  rates = [rate * (half - k) / half for k in range(half)]
  return keras.optimizers.schedules.PiecewiseConstantDecay(boundaries, rates)


@keras.saving.register_keras_serializable(package="tfpercept")
class SteadyThenCosine(keras.optimizers.schedules.LearningRateSchedule):
  """A linear warm-up, a steady rate, and a cosine to a hundredth at the end.

  What was trained at the steady rate can be ended at any time, by a short
  training of its own that only falls (`share=1`).

  Args:
    rate: The steady learning rate.
    steps: Number of steps of the whole run.
    warmup: Number of steps of the warm-up.
    share: Share of the steps, at the end, over which the rate falls; 0 to 1.

  Raises:
    ValueError: if the share is not in [0, 1].

  Source: Hu et al., "MiniCPM", 2024, section 4.2.
  """

  def __init__(self, rate: float, *, steps: int, warmup: int, share: float):
    if not 0 <= share <= 1:
      raise ValueError(f"the share of falling steps is in [0, 1]; got {share}")
    self._config = {
      "rate": rate,
      "steps": steps,
      "warmup": warmup,
      "share": share,
    }

  def __call__(self, step: tf.Tensor) -> tf.Tensor:
    config = self._config
    step = tf.cast(step, tf.float32)
    falling = max(config["share"] * config["steps"], 1.0)
    left = tf.clip_by_value((config["steps"] - step) / falling, 0.0, 1.0)
    if not config["share"]:
      left = tf.ones_like(left)
    cosine = 0.01 + 0.99 * (0.5 - 0.5 * tf.cos(math.pi * left))
    rising = tf.minimum((step + 1.0) / (config["warmup"] + 1.0), 1.0)
    return config["rate"] * rising * cosine

  def get_config(self) -> dict[str, Any]:
    return dict(self._config)


def of_move(
  move: base.Move, rate: float, *, steps: int, warmup: int, share: float
) -> SteadyThenCosine:
  """Returns the schedule of an optimizer that may not move in every step.

  Its rate begins to fall at the same step of the run as that of a move of every
  step, and it ends the fall with its own last move.

  Args:
    move: The variables of the optimizer, and the steps in which it moves them.
    rate: The steady learning rate, above 0.
    steps: Number of steps of the whole run, 1 or more.
    warmup: Number of moves of the warm-up; a tenth of all moves at most.
    share: Share of the steps of the run, at the end, over which the rate
      falls; 0 to 1.

  Raises:
    ValueError: if the share is not in [0, 1].
  """
  count = max(move.count(steps), 1)
  if move.when is not None and 0 < share <= 1:
    start = round((1 - share) * steps)
    share = max(move.count(steps, start=start), 1) / count
  return SteadyThenCosine(
    rate, steps=count, warmup=min(warmup, count // 10), share=share
  )

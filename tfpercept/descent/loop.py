"""The loop of descent: bounds, a constraint, noise, resuming."""

import dataclasses
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf

from tfpercept.descent import methods

Objective = Callable[[tf.Tensor], tf.Tensor]
"""Maps a variable `[N, ...]` to one number for each image, `[N]`."""


class NonFiniteError(ArithmeticError):
  """The objective or its gradient became NaN or infinite."""


@dataclasses.dataclass(frozen=True)
class Constraint:
  """A second measure that is kept at a value, as in MAD competition.

  The part of the gradient along the measure's gradient is removed. After each
  step Newton's method along that gradient moves the variable back to the level
  set. At the end the measure is near `value` but not exactly at it, above all
  where `bounds` clip; compute the measure to get its true value.

  Attributes:
    measure: Measure that stays constant, one number for each image.
    value: Value of the measure, a number or `[N]`.
    corrections: Number of Newton steps after each step of descent.

  Source: Wang, Simoncelli, "Maximum differentiation (MAD) competition", 2008,
  section 2.2; the authors return by line search.
  """

  measure: Objective
  value: float | np.ndarray
  corrections: int = 3


class State(NamedTuple):
  """The state of a descent; `minimise` takes it to go on."""

  step: int
  variable: tf.Tensor
  slots: tuple[tf.Tensor, ...]


@dataclasses.dataclass(frozen=True)
class Result:
  """The result of a descent.

  Attributes:
    variable: Last variable, `[N, ...]`.
    values: Values of the objective before each step of this call, float64
      `[S, N]`.
    state: State after the last step, to go on from.
  """

  variable: tf.Tensor
  values: np.ndarray
  state: State


def minimise(
  objective: Objective,
  start: tf.Tensor,
  *,
  steps: int,
  method: methods.Method | None = None,
  bounds: tuple[float, float] | None = None,
  constraint: Constraint | None = None,
  noise: float = 0.0,
  seed: int = 0,
  until: int | None = None,
  state: State | None = None,
  callback: Callable[[int, np.ndarray, tf.Tensor], None] | None = None,
) -> Result:
  """Minimizes an objective over a variable; every run gives the same result.

  Args:
    objective: Function to minimize, from `[N, ...]` to `[N]`. It is traced
      once; networks and weights that it holds are not changed.
    start: First variable, float32 or float64 `[N, ...]` of known shape. Its
      dtype is that of the descent.
    steps: Number of steps of the whole descent, at least 1.
    method: Rule of the steps, `Adam()` by default, or `LBFGS()`.
    bounds: Smallest and largest allowed value, `(0.0, 1.0)` for pictures.
    constraint: Second measure that has to stay at a value.
    noise: Standard deviation of Gaussian noise that the objective sees added to
      the variable. It falls to 0 over the first three quarters of the steps and
      follows from `seed` and the step alone.
    seed: Seed of the noise.
    until: Step to stop at, `steps` by default. A later call goes on from the
      `state` of the result.
    state: State to go on from; then only the shape and dtype of `start` matter.
      The descent ends as if it had never stopped.
    callback: Function called after each step with the number of steps taken,
      the values `[N]` before the step and the variable after it.

  Raises:
    ValueError: if `start` has another dtype or no batch axis, the objective
      does not return `[N]`, or `state` belongs to another descent.
    NonFiniteError: if a value or a gradient is NaN or infinite.
  """
  method = methods.Adam() if method is None else method
  start = _checked(tf.convert_to_tensor(start), steps, bounds, method, state)
  advance = _traced(objective, start, steps, method, bounds, constraint, noise)
  if state is None:
    allowed = _projection(bounds, constraint)(start)
    state = State(0, allowed, method.slots(allowed))
  step, x, slots = state
  values = []
  for index in range(step, steps if until is None else min(until, steps)):
    x, slots, value, is_finite = advance(
      x, slots, tf.constant(index), tf.constant([seed, index], tf.int32)
    )
    values.append(value.numpy().astype(np.float64))
    _require_finite(is_finite.numpy(), index, values[-1])
    if callback is not None:
      callback(index + 1, values[-1], x)
    step = index + 1
  shape = (len(values), start.shape[0])
  return Result(x, np.array(values).reshape(shape), State(step, x, slots))


def _require_finite(
  is_finite: np.ndarray, step: int, values: np.ndarray
) -> None:
  if not is_finite.all():
    bad = np.flatnonzero(~is_finite)
    raise NonFiniteError(
      f"the objective or its gradient is NaN or infinite at step {step} for "
      f"image {', '.join(map(str, bad))} of the batch (value "
      f"{values[bad[0]]}). Start elsewhere, or take smaller steps."
    )


def _traced(
  objective: Objective,
  start: tf.Tensor,
  steps: int,
  method: methods.Method,
  bounds: tuple[float, float] | None,
  constraint: Constraint | None,
  noise: float,
) -> Callable[..., Any]:
  """Returns one step as a graph, traced once: seed and step are tensors."""
  project = _projection(bounds, constraint)

  @tf.function(autograph=False)
  def advance(
    x: tf.Tensor, slots: tuple[tf.Tensor, ...], step: tf.Tensor, seed: tf.Tensor
  ) -> tuple[tf.Tensor, tuple[tf.Tensor, ...], tf.Tensor, tf.Tensor]:
    fraction = tf.cast(step, x.dtype) / steps

    def evaluate(x: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
      seen = x
      if noise:
        normal = tf.random.stateless_normal(x.shape, seed, dtype=x.dtype)
        fade = tf.square(tf.nn.relu(1 - fraction / 0.75))
        seen = x + noise * fade * normal
      value, gradient = _with_gradient(objective, seen)
      if constraint is not None:
        _, normal = _with_gradient(constraint.measure, x)
        share = methods.dot(gradient, normal) / methods.positive(
          methods.dot(normal, normal)
        )
        gradient -= share * normal
      return value, gradient

    problem = methods.Problem(
      evaluate, project, tf.cast(step, x.dtype), fraction
    )
    x, slots, value, gradient = method.advance(problem, x, slots)
    axes = list(range(1, x.shape.rank))
    is_finite = tf.reduce_all(tf.math.is_finite(gradient), axis=axes)
    return x, slots, value, is_finite & tf.math.is_finite(value)

  return advance


def _projection(
  bounds: tuple[float, float] | None, constraint: Constraint | None
) -> Callable[[tf.Tensor], tf.Tensor]:
  """Returns a function that maps a variable to the nearest allowed one."""

  def clip(x: tf.Tensor) -> tf.Tensor:
    return x if bounds is None else tf.clip_by_value(x, *bounds)

  def project(x: tf.Tensor) -> tf.Tensor:
    x = clip(x)
    if constraint is not None:
      target = tf.cast(constraint.value, x.dtype)
      for _ in range(constraint.corrections):
        value, normal = _with_gradient(constraint.measure, x)
        square = methods.positive(methods.dot(normal, normal))
        x = clip(x - methods.like(value - target, x) / square * normal)
    return x

  return project


def _with_gradient(
  function: Objective, x: tf.Tensor
) -> tuple[tf.Tensor, tf.Tensor]:
  with tf.GradientTape(watch_accessed_variables=False) as tape:
    tape.watch(x)
    value = function(x)
  if value.shape.rank != 1 or value.shape[0] not in (None, x.shape[0]):
    raise ValueError(
      f"an objective returns one number for each image, [{x.shape[0]}]; got "
      f"shape {value.shape}. Do not reduce over the batch."
    )
  value = tf.cast(value, x.dtype)
  gradient = tape.gradient(
    value, x, unconnected_gradients=tf.UnconnectedGradients.ZERO
  )
  return value, gradient


def _checked(
  start: tf.Tensor,
  steps: int,
  bounds: tuple[float, float] | None,
  method: methods.Method,
  state: State | None,
) -> tf.Tensor:
  """Returns the start; raises ValueError if an argument is out of range."""
  if start.dtype not in (tf.float32, tf.float64) or start.shape.rank < 2:
    raise ValueError(
      "a descent starts from a float32 or float64 tensor [N, ...]; got "
      f"{start.dtype.name} of shape {start.shape}"
    )
  if steps < 1:
    raise ValueError(f"a descent has at least one step; got steps={steps}")
  if bounds is not None and not bounds[0] < bounds[1]:
    raise ValueError(f"bounds are (lowest, highest); got {bounds}")
  if state is not None:
    wanted = [start, *method.slots(start)]
    given = [state.variable, *state.slots]
    if [(t.shape, t.dtype) for t in given] != [
      (t.shape, t.dtype) for t in wanted
    ]:
      raise ValueError(
        "the state belongs to another descent: it has "
        f"{', '.join(map(_form, given))}; this one has "
        f"{', '.join(map(_form, wanted))}"
      )
  return start


def _form(tensor: tf.Tensor) -> str:
  return f"{tensor.dtype.name} {list(tensor.shape)}"

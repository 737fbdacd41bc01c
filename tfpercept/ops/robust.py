"""The general robust loss and the distribution that it is the logarithm of.

Barron, "A general and adaptive robust loss function", 2019.
"""

import functools
import math
from collections.abc import Callable
from typing import Any

import numpy as np
import tensorflow as tf

MAX_SHAPE = 1e4
"""Largest shape of the table of `log_partition`."""

# Smallest value that |alpha - 2| is taken for, the rounding error of float32.
# There rho differs from that at alpha = 2 by 1e-6 of itself.
_NEAREST = float(np.finfo(np.float32).eps)
# Distance that the authors' fast variant keeps from alpha = 0 and 2.
_APART = 1e-6

# Powers of e at which rho stops growing, as in the authors' program, and at
# which its gradient becomes 0, since it would not be finite for small scales.
_LARGEST_POWER = 87.5
_LARGEST_SLOPING = 60.0

_KNOTS = 4096
_DENSE = 0.02  # the table is dense in alpha where |alpha - 2| is below this


def rho(
  residual: tf.Tensor,
  alpha: float | tf.Tensor,
  scale: float | tf.Tensor,
  *,
  approximate: bool = False,
) -> tf.Tensor:
  """Returns the general robust loss of residuals (equation 8).

  With z = (residual / scale)^2 it is z / 2 at alpha = 2, log(1 + z / 2) at 0,
  1 - exp(-z / 2) at minus infinity, and otherwise, with b = |alpha - 2|,
  b / alpha * ((z / b + 1)^(alpha / 2) - 1). It is 0 at 0, and finite with a
  finite gradient by all three arguments, also at and about alpha = 0 and 2.
  Beyond e^60 the gradient is 0; beyond e^87.5 rho stops growing.

  Args:
    residual: Residuals of any shape and floating type.
    alpha: Shape parameter: a number, which may be infinite, or a tensor of
      finite numbers.
    scale: Scale of the residuals, above 0.
    approximate: If True, takes the form of the authors' fast variant, which
      keeps alpha 1e-6 away from 0 and 2.
  """
  z = tf.square(residual / scale)
  if isinstance(alpha, (int, float)) and not approximate:
    if alpha == 2:
      return z / 2
    if alpha == -math.inf:
      return -tf.math.expm1(-z / 2)
    if alpha == math.inf:
      (power,) = _without_slope(z / 2 > _LARGEST_SLOPING, z / 2)
      return tf.math.expm1(tf.minimum(power, _LARGEST_POWER))
  alpha = tf.convert_to_tensor(alpha, z.dtype)
  b = tf.abs(alpha - 2)
  if approximate:
    b += _APART
    alpha = tf.where(alpha >= 0, alpha + _APART, alpha - _APART)
  else:
    b = tf.maximum(b, _NEAREST)
  log = tf.math.log1p(z / b)
  large = alpha / 2 * log > _LARGEST_SLOPING
  alpha, b, log = _without_slope(large, alpha, b, log)
  limit = 2 * _LARGEST_POWER / tf.where(large, alpha, tf.ones_like(alpha))
  log = tf.where(large, tf.minimum(log, limit), log)
  # b / alpha * expm1(alpha / 2 * log), without the pole at alpha = 0.
  return b / 2 * log * _expm1_ratio(alpha / 2 * log)


def _without_slope(large: tf.Tensor, *terms: tf.Tensor) -> list[tf.Tensor]:
  return [tf.where(large, tf.stop_gradient(t), t) for t in terms]


def _expm1_ratio(x: tf.Tensor) -> tf.Tensor:
  """Returns (e^x - 1) / x, which is 1 at 0."""
  near = tf.abs(x) < 0.1
  # Each branch gets only arguments that its gradient is finite for.
  far = tf.where(near, tf.ones_like(x), x)
  small = tf.where(near, x, tf.zeros_like(x))
  series = tf.ones_like(x)
  for k in range(9, 1, -1):  # leaves out 0.1^9 / 10!
    series = 1 + small / k * series
  return tf.where(near, series, tf.math.expm1(far) / far)


def log_partition(alpha: tf.Tensor) -> tf.Tensor:
  """Returns the logarithm of the integral of exp(-rho(r, alpha, 1)) over r.

  Equation 14 takes -rho(r, alpha, scale) - log(scale) - log_partition(alpha)
  for the logarithm of a density. Its slope is infinite at alpha = 2, where this
  bounds it at 4; elsewhere it errs by less than 1e-6 and is smooth.

  Args:
    alpha: Shape parameters in [0, 1e4], a tensor of any shape. Values outside
      count as the nearer end.
  """
  table = _table()
  alpha = tf.clip_by_value(alpha, 0.0, MAX_SHAPE)
  delta = alpha - 2
  position = (tf.asinh(delta / _DENSE) - table.start) / table.step
  index = tf.cast(tf.floor(tf.stop_gradient(position)), tf.int32)
  index = tf.clip_by_value(index, 0, _KNOTS - 2)
  t = position - tf.cast(index, alpha.dtype)
  values, slopes = (
    tf.constant(array, alpha.dtype) for array in (table.values, table.slopes)
  )
  v0, v1 = tf.gather(values, index), tf.gather(values, index + 1)
  s0, s1 = tf.gather(slopes, index), tf.gather(slopes, index + 1)
  # The cubic with these values and slopes at t = 0 and 1.
  rise = v1 - v0
  cubic = v0 + t * (
    s0 + t * (3 * rise - 2 * s0 - s1 + t * (s0 + s1 - 2 * rise))
  )
  return cubic + _cusp(delta, tf.math.log1p)


def _cusp(delta: Any, log1p: Callable[[Any], Any]) -> Any:
  """Returns delta / 8 log(delta^2 / (delta^2 + 1)), the cusp of log Z.

  At alpha = 2 + delta, log Z is delta log|delta| / 4 + O(delta), for which a
  table would need knots 1e-7 apart. So the table holds log Z less this term,
  which fades out far from 2. The cusp is rounded off for |delta| below 1e-6.
  """
  return -delta / 8 * log1p(1 / (delta * delta + 1e-12))


class _Table:
  """Log Z less its cusp, at equal steps of asinh((alpha - 2) / 0.02)."""

  def __init__(self) -> None:
    low, high = np.arcsinh((np.array([0.0, MAX_SHAPE]) - 2) / _DENSE)
    knots = np.linspace(low, high, _KNOTS)
    self.start, self.step = knots[0], knots[1] - knots[0]

    def smooth(position: np.ndarray) -> np.ndarray:
      delta = _DENSE * np.sinh(position)
      return _integrated(delta) - _cusp(delta, np.log1p)

    self.values = smooth(knots)
    # Slopes by central differences of 1e-3 steps, in values per step, as the
    # cubic wants them. At the ends both points are moved inward.
    e = 1e-3 * self.step
    inner = np.clip(knots, knots[0] + e, knots[-1] - e)
    self.slopes = (smooth(inner + e) - smooth(inner - e)) / 2e-3


@functools.lru_cache(maxsize=1)
def _table() -> _Table:
  return _Table()


def _integrated(delta: np.ndarray, nodes: int = 512) -> np.ndarray:
  """Returns the log of the integral at alpha = 2 + delta (midpoint rule).

  With r = sqrt(b) sinh(t) the integrand is exp(-b / alpha (cosh(t)^alpha - 1))
  cosh(t): smooth, and falling so fast that the rule errs by rounding alone.
  """
  alpha = np.maximum(2 + delta, 1e-9)[:, None]
  b = np.maximum(np.abs(delta), 1e-12)[:, None]

  def log_integrand(t: np.ndarray) -> np.ndarray:
    log_cosh = t + np.log1p(np.exp(-2 * t)) - np.log(2)
    with np.errstate(over="ignore"):
      return log_cosh - b / alpha * np.expm1(alpha * log_cosh)

  low, high = np.zeros_like(b), np.full_like(b, 50.0)
  # Bisection for the place where the integrand has fallen to e^-40. The part
  # beyond it is below the rounding error of float64.
  for _ in range(60):
    middle = (low + high) / 2
    beyond = log_integrand(middle) < -40 - np.log(b) / 2
    low, high = np.where(beyond, low, middle), np.where(beyond, middle, high)
  t = high * (np.arange(nodes) + 0.5) / nodes
  total = np.exp(log_integrand(t)).sum(axis=1) * high[:, 0] / nodes
  return np.log(2 * np.sqrt(b[:, 0]) * total)

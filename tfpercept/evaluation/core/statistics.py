"""Intervals of 95 %: by the bootstrap, and where all draws are alike.

Source: Efron and Tibshirani, "An introduction to the bootstrap", 1993, section
13.3 (percentiles); Clopper and Pearson, "The use of confidence or fiducial
limits illustrated in the case of the binomial", 1934, and Hanley and
Lippman-Hand, "If nothing goes wrong, is everything all right?", 1983 (draws
that are all alike); Hesterberg, "What teachers should know about the
bootstrap", 2015, section 4 (few draws).
"""

import dataclasses
import math
from collections.abc import Callable

import numpy as np

from tfpercept import extras
from tfpercept.evaluation.core.settings import RESAMPLES

TAILS = (0.025, 0.975)
FEW = 10
"""Number of drawn units below which an interval is too narrow to rely on.

The percentiles of a mean of n are narrower than Student's interval: 0.53 times
as wide for 4, 0.82 for 10, 0.91 for 20.
"""
FEWEST = 5
"""Number of drawn units below which `expanded_tail` does not help."""
_WIDTH = 1e-9  # relative width below which an interval is a single point


@dataclasses.dataclass(frozen=True)
class Estimate:
  """A score and its interval of 95 %; NaN where there is none.

  Attributes:
    value: The score.
    low: Lower end of the interval.
    high: Upper end of the interval.
    why: Reason why the value is NaN or, if it is not, why there is no interval;
      empty otherwise.
  """

  value: float
  low: float = math.nan
  high: float = math.nan
  why: str = ""


def mean(
  values: np.ndarray,
  *,
  of: str = "picture",
  resamples: int = RESAMPLES,
  seed: int = 0,
) -> Estimate:
  """Returns the mean of finite numbers, and its percentile bootstrap.

  Args:
    values: Finite numbers, `[n]`.
    of: Name of one unit, such as `"picture"`, for `why`.
    resamples: Number of bootstrap samples.
    seed: Seed of the bootstrap.
  """
  values = np.asarray(values, np.float64)
  if not values.size:
    return Estimate(math.nan, why=f"no {of} has a value")
  value = float(np.mean(values))
  if values.size == 1:
    return Estimate(value, why=f"there is one {of}, so no interval")
  found = bootstrap(np.mean, values, resamples=resamples, seed=seed)
  if is_point(found.low, found.high):
    return Estimate(value, why=f"every {of} has this value, so no interval")
  return found


def bootstrap(
  statistic: Callable[..., float],
  *samples: np.ndarray,
  resamples: int = RESAMPLES,
  seed: int = 0,
) -> Estimate:
  """Returns a statistic of samples and its bootstrap interval.

  Args:
    statistic: Function of the samples that returns a number.
    *samples: Arrays `[N, ...]`, each resampled along its first axis.
    resamples: Number of bootstrap samples.
    seed: Seed of the bootstrap.
  """
  random = np.random.default_rng(seed)
  values = [
    statistic(*(s[random.integers(len(s), size=len(s))] for s in samples))
    for _ in range(resamples)
  ]
  low, high = np.quantile(values, TAILS)
  return Estimate(float(statistic(*samples)), float(low), float(high))


def expanded_tail(count: int) -> float:
  """Returns the share of draws to leave out at either end of an interval.

  That of the expanded percentile interval, which is about as wide as Student's
  for a mean of 5 units or more: the plain 2.5 % would leave out too many. Of
  fewer units no draw is as far out, so it is too narrow.

  Args:
    count: Number of units that are drawn.

  Returns:
    The share; NaN for one unit.

  Source: Hesterberg, "What teachers should know about the bootstrap", 2015,
  section 4.3.
  """
  if count == 1:
    return math.nan
  with extras.needed("intervals from few units"):
    from scipy import stats

  wider = math.sqrt(count / (count - 1)) * stats.t.ppf(TAILS[1], count - 1)
  return float(stats.norm.cdf(-wider))


def student(values: np.ndarray) -> tuple[float, float]:
  """Returns Student's interval of the mean of two numbers `[n]` or more."""
  with extras.needed("intervals from few units"):
    from scipy import stats

  half = stats.t.ppf(TAILS[1], len(values) - 1) * stats.sem(values)
  return float(np.mean(values) - half), float(np.mean(values) + half)


def is_point(low: float, high: float) -> bool:
  """Whether an interval has no width but rounding."""
  return high - low <= _WIDTH * max(abs(low), abs(high), 1e-300)


def unanimous(
  value: float, count: int, least: float, most: float
) -> tuple[float, float]:
  """Returns the interval of a mean of which all draws were equal.

  Resampling them gives no width at all, as if nothing else could be. But of
  `count` draws none is otherwise with a probability of 2.5 % still if a share
  of u = 1 - 0.025^(1 / count) of what they are drawn from is: as far as such a
  share can move the mean, the interval goes. For a share of 0 or 1 that is
  Clopper's and Pearson's: of 4 who all agree, 0.40 to 1.

  Args:
    value: Value of all draws.
    count: Number of draws, at least 1.
    least: Smallest possible value of a draw.
    most: Largest possible value of a draw.
  """
  otherwise = 1 - TAILS[0] ** (1 / count)
  return (
    value - otherwise * (value - least),
    value + otherwise * (most - value),
  )


def warning(count: int, of: str) -> str:
  """Returns a warning about an interval from few units, or an empty string.

  Args:
    count: Number of units.
    of: Name of the units, in the plural.
  """
  if count < 2:
    return f"no interval: it takes two {of} or more"
  if count < FEW:
    return (
      f"{count} {of} are too few for the interval, which is narrower than it "
      f"should be below {FEW}"
    )
  return ""

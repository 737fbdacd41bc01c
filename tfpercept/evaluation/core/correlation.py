"""Rank and linear correlation of distances with mean opinion scores."""

import math
from types import ModuleType

import numpy as np

from tfpercept import extras

# The search for a logistic curve: range of slopes for values of deviation 1,
# grid points of each parameter, grid points of a refinement, and their number.
_SLOPES = (0.1, 30.0)
_GRID = 17
_FINER_GRID = 7
_REFINEMENTS = 4
_FEW = 300  # values that are enough to find the neighbourhood of the best curve


def srcc(values: np.ndarray, opinions: np.ndarray) -> float:
  """Returns Spearman's rank correlation of two arrays `[n]`.

  NaN where it is not defined: below 2 values, or all of one kind equal. So are
  the others here.

  Raises:
    ValueError: if SciPy is not installed.
  """
  stats = _stats()
  if _is_flat(values, opinions):
    return math.nan
  ranks = stats.rankdata(values), stats.rankdata(opinions)
  return float(np.corrcoef(*ranks)[0, 1])


def krcc(values: np.ndarray, opinions: np.ndarray) -> float:
  """Returns Kendall's rank correlation, tau-b, of two arrays `[n]`."""
  stats = _stats()
  if _is_flat(values, opinions):
    return math.nan
  return float(stats.kendalltau(values, opinions).statistic)


def require() -> None:
  """Raises ValueError if correlations cannot be computed here."""
  _stats()


def why_undefined(
  values: np.ndarray, opinions: np.ndarray, least: int = 2
) -> str:
  """Returns why a correlation of two arrays `[n]` is NaN.

  Args:
    values: Values of a distance.
    opinions: Mean opinion scores.
    least: Smallest number of pairs that the correlation needs.
  """
  if len(values) < least:
    return f"it takes {least} judgements; there are {len(values)}"
  if _is_flat(opinions):
    return "people gave all pictures the same score"
  if _is_flat(values):
    return "the distance is the same for all pictures"
  return "the distance is infinite somewhere"


def plcc(
  values: np.ndarray, opinions: np.ndarray, *, parameters: int = 4
) -> float:
  """Returns Pearson's correlation after the usual fit of a logistic curve.

  The curve is b + (a - b) / (1 + exp(-s (x - m))), with 5 parameters plus c x.
  It is fitted by least squares. For a given m and s that is a linear problem,
  so m and s are searched for, on a grid that is refined four times, and no
  start can miss the minimum. The curve may fall or rise: the result is in
  [0, 1]. Below three values for each parameter it is NaN, since a curve through
  all points shows nothing.

  Args:
    values: Values of a distance, `[n]`.
    opinions: Mean opinion scores, `[n]`.
    parameters: Number of parameters of the curve, 4 or 5.

  Raises:
    ValueError: if `parameters` is neither.

  Source: Video Quality Experts Group, "Final report ... phase I", 2000 (4
  parameters); Sheikh, Sabir, Bovik, "A statistical evaluation of recent full
  reference image quality assessment algorithms", 2006, equation 1 (5).
  """
  if parameters not in (4, 5):
    raise ValueError(f"the logistic has 4 or 5 parameters; got {parameters}")
  if len(values) < 3 * parameters or _is_flat(values, opinions):
    return math.nan
  x = (values - values.mean()) / values.std()
  # The whole grid is searched with some of many values, finer ones with all.
  few = slice(None, None, max(1, len(x) // _FEW))
  middle, width = (x.max() + x.min()) / 2, np.ptp(x) / 2
  slope, ratio = math.sqrt(_SLOPES[0] * _SLOPES[1]), _SLOPES[1] / _SLOPES[0]
  count, part = _GRID, few
  for _ in range(_REFINEMENTS + 1):
    middles = middle + width * np.linspace(-1, 1, count)
    slopes = slope * math.sqrt(ratio) ** np.linspace(-1, 1, count)
    explained = _explained(
      x[part], opinions[part], middles, slopes, linear=parameters == 5
    )
    at = np.unravel_index(np.argmax(explained), explained.shape)
    middle, slope = middles[at[0]], slopes[at[1]]
    # On to the neighbours of the best point.
    width, ratio = width * 2 / (count - 1), ratio ** (2 / (count - 1))
    count, part = _FINER_GRID, slice(None)
  return math.sqrt(min(max(float(explained[at]), 0.0), 1.0))


def _explained(
  x: np.ndarray,
  y: np.ndarray,
  middles: np.ndarray,
  slopes: np.ndarray,
  *,
  linear: bool,
) -> np.ndarray:
  """Returns the share of the variance of y that curves explain, `[m, s]`."""
  line = np.stack([np.ones_like(x), x][: 1 + linear], axis=1)
  basis, _ = np.linalg.qr(line)
  rest = y - basis @ (basis.T @ y)
  z = (x - middles[:, None, None]) * slopes[:, None]  # [m, s, n]
  step = 1.0 / (1.0 + np.exp(-np.clip(z, -60.0, 60.0)))
  step = step - (step @ basis) @ basis.T
  power = np.sum(step**2, axis=-1)
  # Where nothing is left of the step it is a line, up to rounding.
  power = np.where(power > 1e-12 * len(x), power, np.inf)
  left = rest @ rest - (step @ rest) ** 2 / power
  return 1.0 - left / np.sum((y - y.mean()) ** 2)


def _stats() -> ModuleType:
  with extras.needed("rank correlations"):
    from scipy import stats
  return stats


def _is_flat(*arrays: np.ndarray) -> bool:
  return any(len(a) < 2 or np.ptp(a) == 0 for a in arrays)

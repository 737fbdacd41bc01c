"""Distances between held-out pictures and their reconstructions."""

import types
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from tfpercept import distances, weights
from tfpercept.evaluation.core import runner, statistics
from tfpercept.evaluation.core.statistics import Estimate

_BATCH = 100  # pairs at once


def metrics(
  shape: tuple[int, ...],
  names: Iterable[str] | None = None,
  *,
  instead: Mapping[str, str] = types.MappingProxyType({}),
) -> tuple[dict[str, runner.Compiled], dict[str, str]]:
  """Returns the distances that suit small pictures, compiled, by spec.

  Where a distance needs larger ones and can do with fewer scales, it gets as
  many as fit; where it has parameters for grey, grey pictures get those.

  Args:
    shape: Height, width and channels of the pictures.
    names: Names of distances; None takes all registered ones, and of those with
      equal values one.
    instead: Specs that replace the default options of distances, by name.

  Returns:
    Compiled distances by spec, and the reasons why others do not suit, by
    name.
  """
  found, missing = {}, {}
  for name in distances.distinct_names() if names is None else names:
    try:
      if name in instead:
        distance = distances.get(instead[name])
      else:
        distance = _fitting(name, shape)
      distance.validate(*shape[:2])
      if distance.channels and shape[2] not in distance.channels:
        raise ValueError(f"it takes {distance.channels} channels")
    except (weights.MissingWeights, ValueError) as error:
      missing[name] = str(error)
    else:
      found[distance.spec] = runner.Compiled(distance)
  return found, missing


def _fitting(name: str, shape: tuple[int, ...]) -> distances.Distance:
  options = distances.DISTANCES.options(name)
  chosen: dict[str, Any] = {}
  if shape[2] == 1 and "channels" in options:
    chosen["channels"] = 1
  distance = distances.DISTANCES.create(name, chosen)
  if distance.min_size > min(shape[:2]) and "on_small" in options:
    chosen["on_small"] = "fewer_levels"
    distance = distances.DISTANCES.create(name, chosen)
  return distance


def values(
  metric: runner.Compiled, x: np.ndarray, x_hat: np.ndarray
) -> np.ndarray:
  """Returns the distance of each pair, float64 `[N]`.

  Args:
    metric: Compiled distance.
    x: Pictures, float32 `[N, H, W, C]` in [0, 1].
    x_hat: Reconstructions of the same shape and range.
  """
  starts = range(0, len(x), _BATCH)
  parts = [metric(x[i : i + _BATCH], x_hat[i : i + _BATCH])[0] for i in starts]
  return np.concatenate(parts).astype(np.float64)


def means(
  found: Mapping[str, runner.Compiled], x: np.ndarray, x_hat: np.ndarray
) -> dict[str, Estimate]:
  """Returns the mean of each distance over pairs, by spec, with intervals."""
  return {
    spec: statistics.mean(values(metric, x, x_hat))
    for spec, metric in found.items()
  }

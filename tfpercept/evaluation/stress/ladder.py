"""Distances of a picture under distortions of growing strength."""

import dataclasses
import itertools
from collections.abc import Callable, Mapping, Sequence

import numpy as np
import tensorflow as tf

from tfpercept import distances
from tfpercept.data import distortions
from tfpercept.evaluation.core import correlation, text_tables


@dataclasses.dataclass(frozen=True)
class Rung:
  """A distorted picture and its distances to the original.

  Attributes:
    distortion: Name of the distortion.
    level: Strength of the distortion, in its own unit.
    picture: Distorted picture, uint8 `[H, W, C]`.
    values: Distances by spec.
    maps: Error maps `[H, W]` by spec; empty if they were not asked for.
  """

  distortion: str
  level: float
  picture: np.ndarray
  values: dict[str, float]
  maps: dict[str, np.ndarray]


def climb(
  reference: np.ndarray,
  metrics: Mapping[str, distances.Distance],
  *,
  seed: int = 0,
  with_maps: bool = False,
  progress: Callable[[str], None] = lambda what: None,
) -> list[Rung]:
  """Distorts a picture in all ways and degrees and measures the results.

  Args:
    reference: Original, uint8 `[H, W, 1 or 3]`.
    metrics: Distances by spec.
    seed: Seed of the noise.
    with_maps: Whether to keep error maps.
    progress: Function called before each rung with its name.

  Returns:
    Rungs in the order of `distortions.LADDERS`, the weakest of each first. They
    are rounded to 8 bits before they are measured.
  """
  original = _floats(reference)
  rungs = []
  for name, steps in distortions.LADDERS.items():
    for index, level in enumerate(steps.levels):
      progress(f"{name} {level:g}")
      distorted = steps.apply(original, level, tf.constant([seed, index]))
      picture = np.round(distorted[0].numpy() * 255).astype(np.uint8)
      pair = original, _floats(picture)
      values = {s: float(metric(*pair)[0]) for s, metric in metrics.items()}
      maps = {}
      if with_maps:
        maps = {
          s: metric.map(*pair)[0].numpy() for s, metric in metrics.items()
        }
      rungs.append(Rung(name, level, picture, values, maps))
  return rungs


def count() -> int:
  """Returns the number of rungs of all ladders."""
  return sum(len(steps.levels) for steps in distortions.LADDERS.values())


def rank_correlation(rungs: Sequence[Rung]) -> tuple[np.ndarray, list[str]]:
  """Returns the rank correlation of distances on distorted pictures.

  Args:
    rungs: Distorted pictures of one original or more.

  Returns:
    Spearman's correlation of each two distances, `[D, D]`, and their specs. It
    is NaN for a distance that is the same for all pictures.
  """
  specs = list(rungs[0].values)
  columns = [np.array([r.values[spec] for r in rungs]) for spec in specs]
  matrix = np.eye(len(specs))
  for i, j in itertools.combinations(range(len(specs)), 2):
    matrix[i, j] = matrix[j, i] = correlation.srcc(columns[i], columns[j])
  return matrix, specs


def to_csv(rungs: Mapping[str, Sequence[Rung]]) -> str:
  """Formats values by picture as CSV: a line a distorted picture."""
  specs = list(next(iter(rungs.values()))[0].values)
  lines: list[list[object]] = [["picture", "distortion", "level", *specs]]
  for name, found in rungs.items():
    for rung in found:
      values = [repr(rung.values[spec]) for spec in specs]
      lines.append([name, rung.distortion, rung.level, *values])
  return text_tables.csv_text(lines)


def _floats(picture: np.ndarray) -> tf.Tensor:
  return tf.constant(picture[None] / np.float32(255), tf.float32)

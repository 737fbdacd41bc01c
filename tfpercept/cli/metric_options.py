"""Options of commands that take distances: the metrics, and the size."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import TYPE_CHECKING

from tfpercept.cli import deferred

if TYPE_CHECKING:
  import numpy as np

  from tfpercept import distances, weights
else:
  np = deferred.module("numpy")
  distances = deferred.module("tfpercept.distances")
  weights = deferred.module("tfpercept.weights")


def add_metric(parser: argparse.ArgumentParser) -> None:
  """Adds the option `--metric`."""
  parser.add_argument(
    "--metric",
    action="append",
    default=[],
    metavar="SPEC",
    help="spec of a distance; may be repeated; 'all' takes every registered "
    "distance whose weights are present (default: all)",
  )


def add_size(parser: argparse.ArgumentParser) -> None:
  """Adds the option `--size`."""
  parser.add_argument(
    "--size",
    type=int,
    default=192,
    help="side of the square cut from the middle of each picture, in pixels "
    "(default: 192)",
  )


def chosen(
  given: Sequence[str], picture: np.ndarray
) -> tuple[dict[str, distances.Distance], dict[str, str]]:
  """Returns the distances that `--metric` names, by spec.

  Of several distances with equal values, `all` takes one.

  Args:
    given: Values of the option.
    picture: Picture that the distances have to suit, `[H, W, C]`.

  Returns:
    Distances by spec, and the reasons why others are left out: missing weights,
    or a picture too small for them.

  Raises:
    ValueError: if a spec is malformed or unknown, or no distance can serve.
  """
  everything = distances.distinct_names()
  found, missing = {}, {}
  for item in given or ["all"]:
    for spec in everything if item == "all" else [item]:
      try:
        distance = distances.get(spec)
      except weights.MissingWeights as error:
        missing[spec] = str(error)
        continue
      try:
        distance.validate(*picture.shape[:2])
      except ValueError as error:
        missing[spec] = str(error)
        continue
      found[distance.spec] = distance
  if not found:
    reasons = "; ".join(f"{spec}: {why}" for spec, why in missing.items())
    raise ValueError(f"no distance can serve: {reasons}")
  return found, missing


def square(picture: np.ndarray, size: int) -> np.ndarray:
  """Cuts a square from the middle of `[H, W, C]`, or as much as there is.

  Raises:
    ValueError: if `size` is not above 0.
  """
  if size < 1:
    raise ValueError(f"--size is a number of pixels above 0; got {size}")
  top, left = (max(0, (side - size) // 2) for side in picture.shape[:2])
  # A copy, or the whole picture would stay as long as its middle.
  return picture[top : top + size, left : left + size].copy()

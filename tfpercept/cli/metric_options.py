"""What commands over all distances have in common: which, and on what."""

from __future__ import annotations

import argparse
from collections.abc import Sequence

from tfpercept.cli import deferred

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
    help="distance; may be repeated; 'all' (default) is every registered one "
    "whose weights are here",
  )


def add_size(parser: argparse.ArgumentParser) -> None:
  """Adds the option `--size`."""
  parser.add_argument(
    "--size",
    type=int,
    default=192,
    help="of the square cut from the middle, in pixels (default: 192)",
  )


def judges(
  given: Sequence[str], picture: np.ndarray
) -> tuple[dict[str, distances.Distance], dict[str, str]]:
  """Returns the distances that `--metric` names, by spec.

  Of distances that are one in value `all` takes one.

  Args:
    given: Values of the option.
    picture: `[H, W, C]`, which they have to suit.

  Returns:
    Those that can serve, and why others can not: for want of weights, or of a
    larger picture.

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
  """Cuts a square from the middle of `[H, W, C]`, or what there is of it.

  Raises:
    ValueError: if `size` is not above 0.
  """
  if size < 1:
    raise ValueError(f"--size is a number of pixels above 0; got {size}")
  top, left = (max(0, (side - size) // 2) for side in picture.shape[:2])
  # A copy, or the whole picture would stay as long as its middle.
  return picture[top : top + size, left : left + size].copy()

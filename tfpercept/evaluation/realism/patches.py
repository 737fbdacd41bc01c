"""Features of the patches of a picture, in which sets of pictures are compared.

    space = patches.SPACES["alex"]
    distance = distances.get(space.spec)
    embedding = distance.embed(picture[None])
    found = patches.features(space, distance, embedding, picture.shape[:2])

The features are those that a distance compares anyway, so one pass through its
network serves the distance of a pair and the comparison of sets.
"""

import dataclasses
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from tfpercept import distances

SIDE = 64
"""Default side of a patch in pixels."""


@dataclasses.dataclass(frozen=True)
class Space:
  """Features of patches.

  Attributes:
    name: Short name of the features, used in the names of measures.
    spec: Spec of the distance whose embedding holds them.
    about: Description of the features for tables and pages.
    maps: Function from the embedding of one picture to its maps `[h, w, C]`.
      They have the last of the strides that the distance states.
    has_spread: True if the standard deviation over the places of a patch counts
      beside the mean.
  """

  name: str
  spec: str
  about: str
  maps: Callable[[Any], Sequence[np.ndarray]]
  has_spread: bool = False


def _deepest(embedding: Any) -> Sequence[np.ndarray]:
  return [np.asarray(embedding[-1][0])]


def _codes(embedding: Any) -> Sequence[np.ndarray]:
  # One component of each distribution: [1, h, w, 1, z] -> [h, w, z].
  return [np.asarray(band.means[0, :, :, 0]) for band in embedding]


SPACES = {
  space.name: space
  for space in (
    Space(
      "alex",
      "lpips",
      "mean over a patch of AlexNet's deepest features (256) as LPIPS scales "
      "them",
      _deepest,
    ),
    Space(
      "pim",
      "pim",
      "mean and standard deviation over a patch of the ten codes of PIM-1 in "
      "each of its eight bands (160)",
      _codes,
      has_spread=True,
    ),
  )
}
"""Spaces by name. The features are not Inception's, so distances in them are
neither FID nor KID."""


def features(
  space: Space,
  distance: distances.Distance,
  embedding: Any,
  size: tuple[int, int],
  *,
  side: int = SIDE,
) -> np.ndarray:
  """Returns the features of the patches of a picture, float64 `[P, D]`.

  Patches lie side by side from the top left; what is left over at the right and
  at the bottom belongs to none. Features come from the whole picture, so they
  see a little of what lies around their patch.

  Args:
    space: Features to compute.
    distance: Distance of the spec `space.spec`.
    embedding: The embedding of one picture by that distance, a batch of one.
    size: Height and width of the picture in pixels.
    side: Side of a patch in pixels.

  Raises:
    ValueError: if the picture is smaller than a patch.
  """
  rows, columns = (length // side for length in size)
  if not rows * columns:
    raise ValueError(
      f"patches of {side}x{side} need a picture of at least that size; got "
      f"{size[1]}x{size[0]}. Use larger pictures or smaller patches."
    )
  parts, maps = [], space.maps(embedding)
  assert distance.locality is not None  # spaces are of distances that have one
  for band, stride in zip(
    maps, distance.locality.strides[-len(maps) :], strict=True
  ):
    means, spreads = _pooled(
      band.astype(np.float64), stride, (rows, columns), side
    )
    parts += [means, spreads] if space.has_spread else [means]
  return np.concatenate(parts, axis=1)


def _pooled(
  band: np.ndarray, stride: int, counts: tuple[int, int], side: int
) -> tuple[np.ndarray, np.ndarray]:
  """Returns the mean and the standard deviation of each patch, `[P, C]`."""
  sums, squares, count = band, np.square(band), np.ones([1, 1])
  for axis, number in enumerate(counts):
    # A map may end before the last whole stride.
    stop = min(number * side // stride, band.shape[axis])
    starts = np.minimum(np.arange(number) * side // stride, stop - 1)
    places = np.arange(stop)
    sums, squares = (
      np.add.reduceat(np.take(x, places, axis), starts, axis)
      for x in (sums, squares)
    )
    lengths = np.maximum(np.diff(starts, append=stop), 1)
    count = count * np.expand_dims(lengths, 1 - axis)
  means = sums / count[..., None]
  variances = squares / count[..., None] - np.square(means)
  flat = (-1, band.shape[-1])
  spreads = np.sqrt(np.maximum(variances, 0))
  return means.reshape(flat), spreads.reshape(flat)

"""How near the pictures of a generator are, as a set, to pictures held out.

    for figure in generated.figures(samples, held_out, trained):
      print(figure)

A picture is one patch of its whole size in the features of `patches`.
"""

import dataclasses
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from tfpercept import distances
from tfpercept.evaluation.core import set_distances
from tfpercept.evaluation.realism import patches

FEWEST = 2
"""Fewest pictures of a set, which has no covariance otherwise."""
_BATCH = 64  # pictures at once


@dataclasses.dataclass(frozen=True)
class Figure:
  """A Fréchet distance of generated pictures from pictures held out.

  It is too large of finite sets, so it compares with `floor` and with figures
  of equal numbers of pictures only. It is no FID, whose features are others.

  Attributes:
    name: Name of the distance with that of the features, such as
      `"frechet_alex"`.
    value: Distance of samples from pictures held out.
    floor: Distance of pictures trained on from pictures held out, which a
      perfect generator has.
    samples: Number of samples.
    trained: Number of pictures trained on that the floor is of.
    held_out: Number of pictures held out.
  """

  name: str
  value: float
  floor: float
  samples: int
  trained: int
  held_out: int

  def __str__(self) -> str:
    return (
      f"{self.name} {self.value:.4g} of {self.samples} samples against "
      f"{self.held_out} pictures held out; floor {self.floor:.4g}, of "
      f"{self.trained} pictures trained on against the same"
    )


def figures(
  samples: np.ndarray,
  held_out: np.ndarray,
  trained: np.ndarray,
  *,
  spaces: Sequence[str] = tuple(patches.SPACES),
) -> list[Figure]:
  """Returns the distance of samples in each of some features.

  Args:
    samples: Generated pictures, uint8 `[N, S, S, 1 or 3]`, N at least `FEWEST`.
    held_out: Pictures that were not trained on, of the same size.
    trained: Pictures that were trained on. As many as there are samples make
      the floor as much too large as the figure.
    spaces: Names of the features, keys of `patches.SPACES`.

  Raises:
    ValueError: if a set has too few pictures, or the pictures are smaller than
      the features need.
  """
  sets = {"samples": samples, "held out": held_out, "trained on": trained}
  for what, images in sets.items():
    if len(images) < FEWEST:
      raise ValueError(
        f"a Fréchet distance needs {FEWEST} pictures of each set; of those "
        f"{what} there are {len(images)}"
      )
  found = []
  for name in spaces:
    space = patches.SPACES[name]
    distance = distances.get(space.spec)
    distance.validate(*samples.shape[1:3])
    features = {
      what: np.concatenate(list(_features(space, distance, images)))
      for what, images in sets.items()
    }
    value, floor = (
      set_distances.frechet(features[what], features["held out"])
      for what in ("samples", "trained on")
    )
    found.append(
      Figure(
        f"frechet_{name}", value, floor,
        len(samples), len(trained), len(held_out),
      )
    )  # fmt: skip
  return found


def _features(
  space: patches.Space, distance: distances.Distance, images: np.ndarray
) -> Iterator[np.ndarray]:
  """Yields the features of each picture, float64 `[1, D]`."""
  _, height, width, _ = images.shape
  for start in range(0, len(images), _BATCH):
    part = images[start : start + _BATCH]
    color = np.broadcast_to(part, (*part.shape[:3], 3)) / np.float32(255)
    embedding = distance.embed(tf.constant(color))
    for place in range(len(part)):
      yield patches.features(
        space,
        distance,
        tf.nest.map_structure(lambda x, i=place: _one(x, i), embedding),
        (height, width),
        side=min(height, width),
      )


def _one(array: Any, place: int) -> Any:
  """Returns one picture's part of an embedding, a batch of one."""
  return None if array is None else array[place : place + 1]

"""Values of distances on disk, from which a stopped measurement goes on."""

import hashlib
import json
import math
from typing import Any

import numpy as np

import tfpercept
from tfpercept import distances
from tfpercept.evaluation.core import kept_lines, machine
from tfpercept.io import files


class KeptValues:
  """Values of distances for pairs of pictures, in a file that only grows.

  A value counts again if all of these are the same: spec of the distance, its
  weights, range and precision, the factor by which pictures are reduced, the
  pixels of both, the kind of machine, and the versions of this package, of
  TensorFlow and of Python.

  Args:
    path: Path of the file; it is made with its folder if it is missing.

  Raises:
    ValueError: if the file holds something else.
    OSError: if the file cannot be read or written.
  """

  def __init__(self, path: files.PathLike):
    self._lines = kept_lines.KeptLines(path, _numbers)
    self.path = self._lines.path

  def __len__(self) -> int:
    return len(self._lines)

  @property
  def used(self) -> int:
    """Number of values that were found instead of measured."""
    return self._lines.used

  def of(self, distance: distances.Distance, downscale: int) -> "OfDistance":
    """Returns the values of one distance.

    Args:
      distance: The distance.
      downscale: Factor by which pictures are first reduced.

    Raises:
      ValueError: if nothing tells what the values depend on: a distance that is
        not registered, or whose weights may be trained.
    """
    if not distance.is_registered or distance.trainable:
      raise ValueError(
        f"values of {distance.name} are not kept, since its weights or its "
        "program may change; register it, and freeze it"
      )
    return OfDistance(self._lines, distance, downscale)


class OfDistance:
  """The values of one distance; see `KeptValues.of`.

  Args:
    lines: The lines of the file.
    distance: The distance.
    downscale: Factor by which pictures are first reduced.
  """

  def __init__(
    self,
    lines: kept_lines.KeptLines,
    distance: distances.Distance,
    downscale: int,
  ):
    parts = {
      "metric": distance.spec,
      # They may change while their name stays.
      "weights": distance.checksum,
      "range": str(distance.value_range),
      "precision": str(distance.dtype),
      "downscale": downscale,
      "package": tfpercept.__version__,
      **machine.facts(),
    }
    self._lines, self._text = lines, json.dumps(parts, sort_keys=True)

  def find(
    self, reference: np.ndarray, image: np.ndarray
  ) -> tuple[float, float] | None:
    """Returns value and seconds of a pair, uint8; None if it is to measure."""
    found = self._lines.find(self._key(reference, image))
    return None if found is None else _numbers(found)

  def add(
    self,
    reference: np.ndarray,
    image: np.ndarray,
    value: float,
    seconds: float,
  ) -> None:
    """Keeps the value of a pair.

    Args:
      reference: Pixels of the reference, uint8.
      image: Pixels of the image, uint8.
      value: Distance of the pair.
      seconds: Wall time of its computation, in seconds.

    Raises:
      kept_lines.NotKept: if it cannot be written.
    """
    self._lines.add(self._key(reference, image), [value, seconds])

  def _key(self, reference: np.ndarray, image: np.ndarray) -> str:
    digest = hashlib.sha256(self._text.encode())
    for picture in (reference, image):
      digest.update(f"{picture.shape}".encode())
      digest.update(np.ascontiguousarray(picture).tobytes())
    return digest.hexdigest()


def _numbers(kept: Any) -> tuple[float, float]:
  """Returns value and seconds of what a line holds.

  Raises:
    ValueError: if it is something else.
  """
  value, seconds = kept
  if not all(isinstance(n, float) and math.isfinite(n) for n in kept):
    raise ValueError("a value and its seconds are two finite numbers")
  return value, seconds

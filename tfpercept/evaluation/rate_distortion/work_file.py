"""Measured points on disk, from which a stopped measurement goes on."""

import dataclasses
import hashlib
import json
import pathlib
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

import tfpercept
from tfpercept import distances
from tfpercept.codecs import Codec
from tfpercept.evaluation.core import kept_lines, machine, tiled
from tfpercept.evaluation.rate_distortion.result import Point, Run
from tfpercept.io import files

NAME = "work.jsonl"
"""Usual name of the file, in the folder of the results."""


class WorkFile:
  """Points by what they depend on, in a file that only grows.

  A point counts again if all of these are the same: spec, model and libraries
  of the codec and its realism head, quality, pixels of the picture, distances
  and their weights, number of repeats, and versions of this package, of
  TensorFlow and of Python. So is the kind of machine, since points have their
  seconds and memory.

  Args:
    path: Path of the file; it is made with its folder if it is missing.
    is_fresh: Whether points that are in the file are dropped.

  Raises:
    ValueError: if the file holds something else.
    OSError: if the file cannot be read or written.
  """

  def __init__(self, path: files.PathLike, *, is_fresh: bool = False):
    self._lines = kept_lines.KeptLines(
      path, _point, name="point", is_fresh=is_fresh
    )

  def __len__(self) -> int:
    return len(self._lines)

  @property
  def path(self) -> pathlib.Path:
    """Path of the file."""
    return self._lines.path

  @property
  def used(self) -> int:
    """Number of points that were found instead of measured."""
    return self._lines.used

  def find(self, key: str, picture: str) -> Point | None:
    """Returns a kept point.

    Args:
      key: Key of the point, from `key`.
      picture: Name that the picture has now.

    Returns:
      The point; None if it is to be measured.
    """
    found = self._lines.find(key)
    if found is None:
      return None
    return dataclasses.replace(_point(found), picture=picture)

  def add(self, key: str, point: Point) -> None:
    """Keeps a measured point.

    Raises:
      kept_lines.NotKept: if it cannot be written.
    """
    self._lines.add(key, dataclasses.asdict(point))


def key(
  codec: Codec,
  picture: np.ndarray,
  quality: float,
  metrics: Sequence[distances.Distance],
  repeats: int,
) -> str:
  """Returns a digest of all that a point depends on.

  Args:
    codec: Codec of the point.
    picture: Original, uint8 `[H, W, 1 or 3]`.
    quality: Quality given to the codec.
    metrics: Distances of the point.
    repeats: Number of timed runs.
  """
  model = getattr(codec, "identity", b"")
  parts = {
    "codec": codec.spec,
    "model": model.hex() if isinstance(model, bytes) else str(model),
    "libraries": codec.made_by,
    "quality": float(quality),
    "picture": hashlib.sha256(picture.tobytes()).hexdigest(),
    "shape": list(picture.shape),
    "metrics": [metric.spec for metric in metrics],
    "repeats": repeats,
    "package": tfpercept.__version__,
    **{name.lower(): text for name, text in machine.facts().items()},
  }
  # Weights may change while their name stays, and so may those of no name.
  weights = {m.spec: m.checksum for m in metrics if m.checksum}
  if weights:
    parts["weights"] = weights
  if head := getattr(codec, "head_identity", ""):
    parts["head"] = head
  text = json.dumps(parts, sort_keys=True)
  return hashlib.sha256(text.encode()).hexdigest()


def _point(values: Mapping[str, Any]) -> Point:
  """Returns the point that `dataclasses.asdict` was given.

  Raises:
    TypeError: if the fields are others.
  """
  measured = {
    spec: tiled.Measured(**found) for spec, found in values["measured"].items()
  }
  runs = {what: Run(**values[what]) for what in ("encode", "decode")}
  return Point(**{**values, "measured": measured, **runs})

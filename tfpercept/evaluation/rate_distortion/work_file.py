"""Measured points on disk, from which a stopped measurement goes on.

A line of the file is one point. It is written by one call once the point is
measured, so a process that is killed loses no more than the point in progress.
"""

import dataclasses
import errno
import hashlib
import json
import os
import pathlib
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

import tfpercept
from tfpercept import distances, registry
from tfpercept.codecs import Codec
from tfpercept.evaluation.core import machine, tiled
from tfpercept.evaluation.rate_distortion.result import Point, Run
from tfpercept.io import files

NAME = "work.jsonl"
"""Usual name of the file, in the folder of the results."""


class NotKept(OSError):  # noqa: N818 what became of the point
  """A measured point that could not be written."""


class WorkFile:
  """Points by what they depend on, in a file that only grows.

  A point counts again if all of these are the same: spec, model and libraries
  of the codec and its realism head, quality, pixels of the picture, distances
  and the weights that they name, number of repeats, and versions of this
  package, of TensorFlow and of Python. A line that is not
  whole, as the last one of a killed process, is dropped.

  Args:
    path: Path of the file; it is made with its folder if it is missing.
    is_fresh: Whether points that are in the file are dropped.

  Raises:
    OSError: if the file can not be read or written.
  """

  def __init__(self, path: files.PathLike, *, is_fresh: bool = False):
    self.path = files.resolved(path)
    self.used = 0
    """Number of points that were found instead of measured."""
    self._points: dict[str, Any] = {}
    text = b""
    if self.path.exists() and not is_fresh:
      text = self.path.read_bytes()
    lines = [line for line in text.splitlines() if _parsed(line)]
    for line in lines:
      found = _parsed(line)
      assert found is not None  # by the filter above
      self._points[found["key"]] = found["point"]
    whole = b"".join(line + b"\n" for line in lines)
    if whole != text or not self.path.exists() or is_fresh:
      files.write_bytes(self.path, whole)

  def __len__(self) -> int:
    return len(self._points)

  def find(self, key: str, picture: str) -> Point | None:
    """Returns a kept point.

    Args:
      key: Key of the point, from `key`.
      picture: Name that the picture has now.

    Returns:
      The point; None if it is to be measured.
    """
    found = self._points.get(key)
    if found is None:
      return None
    self.used += 1
    return dataclasses.replace(_point(found), picture=picture)

  def add(self, key: str, point: Point) -> None:
    """Keeps a measured point.

    Raises:
      NotKept: if it can not be written.
    """
    values = dataclasses.asdict(point)
    line = json.dumps({"key": key, "point": values}) + "\n"
    try:
      _append(self.path, line.encode())
    except OSError as error:
      raise NotKept(
        f"{self.path} can not be written: {error}. Mend that, and give the "
        "same command again; it goes on from the points before."
      ) from error
    self._points[key] = values


def _append(path: pathlib.Path, line: bytes) -> None:
  """Appends by one call, so that lines of two processes do not mix."""
  file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o666)
  try:
    written = os.write(file, line)
  finally:
    os.close(file)
  if written < len(line):
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


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
    "software": machine.facts()["Software"],
  }
  # Weights may change while their name stays. Other points keep their key.
  named = {
    m.spec: m.checksum for m in metrics if registry.names_weights(m.spec)
  }
  if named:
    parts["weights"] = named
  if head := getattr(codec, "head_identity", ""):
    parts["head"] = head
  text = json.dumps(parts, sort_keys=True)
  return hashlib.sha256(text.encode()).hexdigest()


def _parsed(line: bytes) -> dict[str, Any] | None:
  """Returns key and point of a line; None if it is not whole."""
  try:
    found = json.loads(line)
    _point(found["point"])
    assert isinstance(found["key"], str)
  except (
    ValueError, TypeError, LookupError, AttributeError, AssertionError,
    RecursionError,
  ):  # fmt: skip
    return None
  return found


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

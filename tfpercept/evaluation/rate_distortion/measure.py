"""Measurement of codecs on pictures: bytes, distances, seconds, memory.

found = measure.measure(pictures, codecs, metrics)
found.bd_rate("webp", "jpeg", "psnr")  # Difference(percent=-35.5, ...)
"""

import collections
import dataclasses
import functools
import pathlib
import statistics
import time
from collections.abc import Callable, Mapping, Sequence, Sized
from typing import Any

import numpy as np
import tensorflow as tf

from tfpercept import distances
from tfpercept.codecs import Codec
from tfpercept.evaluation.core import kept_lines, peak_memory, tiled
from tfpercept.evaluation.rate_distortion import work_file
from tfpercept.evaluation.rate_distortion.result import Point, Result, Run
from tfpercept.io import files, messages

FAILURES = (
  ValueError, TypeError, LookupError, ArithmeticError, RuntimeError,
  MemoryError, OSError, tf.errors.OpError,
)  # fmt: skip
"""Errors of a codec, its own bugs included, after which the others go on."""


def find_pictures(folders: Sequence[files.PathLike]) -> dict[str, pathlib.Path]:
  """Returns the pictures of folders by name, or by path if names repeat.

  Raises:
    ValueError: if a path is not a folder, or a folder holds no picture.
  """
  once = {files.resolved(f): pathlib.Path(f) for f in folders}
  paths = [p for folder in once.values() for p in files.list_images(folder)]
  counts = collections.Counter(path.stem for path in paths)
  return {
    path.stem if counts[path.stem] == 1 else str(path): path for path in paths
  }


def measure(
  pictures: Mapping[str, np.ndarray | files.PathLike],
  codecs: Sequence[Codec],
  metrics: Sequence[distances.Distance],
  *,
  qualities: Mapping[str, Sequence[float]] | None = None,
  repeats: int = 1,
  work: work_file.WorkFile | None = None,
  progress: Callable[[int, str], None] = lambda done, what: None,
) -> Result:
  """Compresses pictures with codecs at all their qualities.

  Pictures are read one at a time; grey counts as three equal channels when it
  is judged. The first call of a codec at a size of picture is a warm-up and
  not timed.

  Args:
    pictures: Pictures by name, uint8 `[H, W, 1 or 3]` or paths. Transparent
      pictures are laid over white, and 16 bits are reduced to 8.
    codecs: Codecs to measure, each once.
    metrics: Distances to measure.
    qualities: Qualities by the spec of a codec, for codecs that do not use
      their own ladder.
    repeats: Number of times to encode and to decode; times are their medians.
    work: File that keeps each point once it is measured. Points that it holds
      already are not measured again.
    progress: Function called before each file with the number of files done and
      the name of the next.

  Returns:
    The points, and the failures: pictures that cannot be read, codecs that
    fail on a picture, and distances that do not suit it.

  Raises:
    ValueError: if there is no picture, codec or distance, or one twice.
    kept_lines.NotKept: if a point cannot be written to `work`.
  """
  names = [codec.spec for codec in codecs]
  _check_arguments(pictures, names, metrics, repeats)
  ladders = {c.spec: (qualities or {}).get(c.spec, c.qualities) for c in codecs}
  step, points = sum(map(len, ladders.values())), []
  failures: dict[str, str] = {}
  warm: set[tuple[str, tuple[int, ...]]] = set()
  for place, (name, source) in enumerate(pictures.items()):
    progress(place * step, name)
    try:
      picture = read(source)
      suited = _suited(metrics, name, picture, failures)
    except (ValueError, OSError) as error:
      failures[name] = messages.first_line(error)
      continue
    done = place * step
    task = _Task(name, picture, suited, repeats, work, warm)
    for codec in codecs:
      show = functools.partial(_show, progress, done)
      points += _curve(task, codec, ladders[codec.spec], show, failures)
      done += len(ladders[codec.spec])
  return Result(tuple(names), tuple(j.spec for j in metrics), tuple(points),
                failures)  # fmt: skip


def _check_arguments(
  pictures: Sized, names: Sequence[str], metrics: Sized, repeats: int
) -> None:
  if not pictures or not names or not metrics or len({*names}) < len(names):
    raise ValueError(
      "expected pictures, codecs that differ, and distances; got "
      f"{len(pictures)} pictures, codecs {', '.join(names) or 'none'}, and "
      f"{len(metrics)} distances"
    )
  if repeats < 1:
    raise ValueError(f"repeats is at least 1; got {repeats}")


def read(source: np.ndarray | files.PathLike) -> np.ndarray:
  """Returns a picture that `measure` was given, uint8 `[H, W, 1 or 3]`.

  Raises:
    ValueError: if it cannot be read or has another shape or dtype.
  """
  if not isinstance(source, np.ndarray):
    return files.read_image(source)
  if source.dtype != np.uint8 or source.ndim != 3:
    raise ValueError(
      f"expected a picture uint8 [H, W, 1 or 3]; got {source.dtype} "
      f"{list(source.shape)}"
    )
  return source


def compare(
  metrics: Sequence[distances.Distance], picture: np.ndarray, image: np.ndarray
) -> dict[str, tiled.Measured]:
  """Returns the distances between a picture and its decoded version.

  Args:
    metrics: Distances to compute.
    picture: Original, uint8 `[H, W, 1 or 3]`.
    image: Decoded picture, uint8, of the same size.

  Raises:
    ValueError: if the sizes differ, or a distance does not suit them.
  """
  if image.shape[:2] != picture.shape[:2] or image.dtype != np.uint8:
    raise ValueError(
      f"it was decoded to {image.dtype} {list(image.shape)}; the picture is "
      f"uint8 {list(picture.shape)}"
    )
  pair = [np.broadcast_to(i, (*i.shape[:2], 3)) for i in (picture, image)]
  return {j.spec: tiled.measure(j, *pair) for j in metrics}


def _curve(
  task: "_Task",
  codec: Codec,
  ladder: Sequence[float],
  show: Callable[[int, str], None],
  failures: dict[str, str],
) -> list[Point]:
  """Returns the points of a codec; none, and a failure, if it fails."""
  try:
    return task.curve(codec, ladder, show)
  except kept_lines.NotKept:
    raise
  except FAILURES as error:
    failures[f"{codec.spec}: {task.name}"] = messages.first_line(error)
    return []


def _show(
  progress: Callable[[int, str], None], before: int, done: int, what: str
) -> None:
  progress(before + done, what)


@dataclasses.dataclass(frozen=True)
class _Task:
  """A picture, and how it is measured.

  Attributes:
    name: Name of the picture.
    picture: Original, uint8 `[H, W, 1 or 3]`.
    metrics: Distances that suit the picture.
    repeats: Number of timed runs.
    work: File that keeps points; None keeps none.
    warm: Codecs with the shapes of pictures that they have had; it grows.
  """

  name: str
  picture: np.ndarray
  metrics: Sequence[distances.Distance]
  repeats: int
  work: work_file.WorkFile | None
  warm: set[tuple[str, tuple[int, ...]]]

  def curve(
    self,
    codec: Codec,
    ladder: Sequence[float],
    show: Callable[[int, str], None],
  ) -> list[Point]:
    """Returns the points of a codec, one for each quality."""
    found: list[Point] = []
    for quality in ladder:
      show(len(found), f"{self.name}: {codec.spec} {quality:g}")
      found.append(self._kept(codec, quality, ladder[0]))
    return found

  def _kept(self, codec: Codec, quality: float, first: float) -> Point:
    """Returns a point that was kept, or measures and keeps it."""
    if self.work is None:
      return self._point(codec, quality, first)
    key = work_file.key(
      codec, self.picture, quality, self.metrics, self.repeats
    )
    point = self.work.find(key, self.name)
    if point is None:
      point = self._point(codec, quality, first)
      self.work.add(key, point)
    return point

  def _point(self, codec: Codec, quality: float, first: float) -> Point:
    """Measures a point; the codec is warmed up with its first quality."""
    picture = self.picture
    if (codec.spec, picture.shape) not in self.warm:
      codec.decompress(codec.compress(picture, quality=first))
      self.warm.add((codec.spec, picture.shape))
    data, encode = _timed(
      lambda: codec.timed_compress(picture, quality=quality), self.repeats
    )
    image, decode = _timed(lambda: codec.timed_decompress(data), self.repeats)
    return Point(
      codec=codec.spec,
      picture=self.name,
      quality=float(quality),
      pixels=picture.shape[0] * picture.shape[1],
      size=len(data),
      estimated_bits=codec.estimated_bits(picture, quality=quality),
      measured=compare(self.metrics, picture, image),
      encode=encode,
      decode=decode,
    )


def _timed(
  work: Callable[[], tuple[Any, Mapping[str, float]]], repeats: int
) -> tuple[Any, Run]:
  """Returns the result of work that times its parts, and the `Run` of it."""
  seconds = []
  with peak_memory.watch() as peak:
    for _ in range(repeats):
      start = time.perf_counter()
      result, parts = work()
      seconds.append(time.perf_counter() - start)
  parts = {part: float(s) for part, s in parts.items()}
  return result, Run(statistics.median(seconds), parts, peak.bytes)


def _suited(
  metrics: Sequence[distances.Distance],
  name: str,
  picture: np.ndarray,
  failures: dict[str, str],
) -> list[distances.Distance]:
  """Returns the distances that a picture suits, and notes the others."""
  suited = []
  for metric in metrics:
    try:
      metric.validate(*picture.shape[:2])
    except ValueError as error:
      failures[f"{name}: {metric.spec}"] = str(error)
    else:
      suited.append(metric)
  return suited

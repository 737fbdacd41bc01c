"""Measurement of codecs on pictures: bytes, distances, seconds, memory.

found = measure.measure(pictures, codecs, metrics)
found.bd_rate("webp", "jpeg", "psnr")  # Difference(percent=-35.5, ...)
"""

import collections
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
from tfpercept.evaluation.core import peak_memory, tiled
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
    progress: Function called before each file with the number of files done and
      the name of the next.

  Returns:
    The points, and the failures: pictures that can not be read, codecs that
    fail on a picture, and distances that do not suit it.

  Raises:
    ValueError: if there is no picture, codec or distance, or one twice.
  """
  names = [codec.spec for codec in codecs]
  _check_arguments(pictures, names, metrics, repeats)
  ladders = {c.spec: (qualities or {}).get(c.spec, c.qualities) for c in codecs}
  step, points = sum(map(len, ladders.values())), []
  failures: dict[str, str] = {}
  warm: set = set()
  for place, (name, source) in enumerate(pictures.items()):
    progress(place * step, name)
    try:
      picture = read(source)
      suited = _suited(metrics, name, picture, failures)
    except (ValueError, OSError) as error:
      failures[name] = messages.first_line(error)
      continue
    done = place * step
    for codec in codecs:
      ladder = ladders[codec.spec]
      show = functools.partial(_show, progress, done)
      try:
        _warm_up(codec, picture, ladder, warm)
        points += _curve(codec, name, picture, ladder, suited, repeats, show)
      except FAILURES as error:
        failures[f"{codec.spec}: {name}"] = messages.first_line(error)
      done += len(ladder)
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
    ValueError: if it can not be read or has another shape or dtype.
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


def _show(
  progress: Callable[[int, str], None], before: int, done: int, what: str
) -> None:
  progress(before + done, what)


def _curve(
  codec: Codec,
  name: str,
  picture: np.ndarray,
  ladder: Sequence[float],
  metrics: Sequence[distances.Distance],
  repeats: int,
  show: Callable[[int, str], None],
) -> list[Point]:
  """Returns the points of a codec on a picture, one for each quality."""
  found: list[Point] = []
  for quality in ladder:
    show(len(found), f"{name}: {codec.spec} {quality:g}")
    found.append(_point(codec, name, picture, quality, metrics, repeats))
  return found


def _point(
  codec: Codec,
  name: str,
  picture: np.ndarray,
  quality: float,
  metrics: Sequence[distances.Distance],
  repeats: int,
) -> Point:
  data, encode = _timed(
    lambda: codec.timed_compress(picture, quality=quality), repeats
  )
  image, decode = _timed(lambda: codec.timed_decompress(data), repeats)
  return Point(
    codec=codec.spec,
    picture=name,
    quality=float(quality),
    pixels=picture.shape[0] * picture.shape[1],
    size=len(data),
    estimated_bits=codec.estimated_bits(picture, quality=quality),
    measured=compare(metrics, picture, image),
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


def _warm_up(
  codec: Codec,
  picture: np.ndarray,
  ladder: Sequence[float],
  warm: set[tuple[str, tuple[int, ...]]],
) -> None:
  if (codec.spec, picture.shape) not in warm:
    codec.decompress(codec.compress(picture, quality=ladder[0]))
    warm.add((codec.spec, picture.shape))


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

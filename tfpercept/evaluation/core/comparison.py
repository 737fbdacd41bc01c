"""Distances of picture files: two files, or two folders of them."""

import contextlib
import dataclasses
import math
import pathlib
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from tfpercept import distances, registry
from tfpercept.evaluation.core import (
  picture_pairs,
  statistics,
  text_tables,
  tiled,
)
from tfpercept.io import files, messages
from tfpercept.reports import charts

MAP_LIST = "maps.csv"
_MAP_QUANTILE = 0.995  # where a colour scale ends
_FAILURES = ValueError, tf.errors.OpError, MemoryError, OSError


@dataclasses.dataclass(frozen=True)
class Table:
  """The values of distances for pairs of pictures.

  Attributes:
    metrics: Distances by spec, in the order of columns.
    rows: Measured values by name of the pair and by spec. A spec is missing
      where the distance could not be computed for the pair.
    failures: Reasons for what is missing. The keys are the name of a pair, a
      pair and a spec, an error map, or a picture without counterpart.
    folder: Name of the folder of the pictures; empty if there is only one
      folder.
    names: Names of all pairs, including those without a row.
    unmapped: Keys of the failures that concern error maps only.
  """

  metrics: dict[str, distances.Distance]
  rows: dict[str, dict[str, tiled.Measured]]
  failures: dict[str, str]
  folder: str = ""
  names: Sequence[str] = ()
  unmapped: set[str] = dataclasses.field(default_factory=set)

  def pictures(self) -> list[str]:
    """Returns the names of all pairs, then of what has no counterpart."""
    known = {f"{name}: {spec}" for name in self.names for spec in self.metrics}
    known.update(self.names, self.unmapped)
    return [*self.names, *(key for key in self.failures if key not in known)]

  def why(self, name: str, spec: str) -> str:
    """Returns why a distance says nothing of a picture, if it does not."""
    return self.failures.get(f"{name}: {spec}") or self.failures.get(name, "")

  def of(
    self, spec: str, among: Collection[str] | None = None
  ) -> list[tiled.Measured]:
    """Returns what one distance said, in row order.

    Args:
      spec: Spec of the distance.
      among: Names, by `without_suffix`, of the pictures to count; None counts
        all of them.
    """
    return [
      row[spec]
      for name, row in self.rows.items()
      if spec in row and (among is None or without_suffix(name) in among)
    ]

  def mean(
    self, spec: str, among: Collection[str] | None = None
  ) -> tuple[float, float]:
    """Returns the means of values and of finite scores.

    Identical pairs have an infinite PSNR. If all have, that is the mean; NaN
    without any row.
    """
    measured = self.of(spec, among)
    if not measured:
      return math.nan, math.nan
    finite = [m.score for m in measured if math.isfinite(m.score)]
    value = float(np.mean([m.value for m in measured]))
    return value, float(np.mean(finite)) if finite else measured[0].score

  def estimates(
    self, spec: str, among: Collection[str] | None = None
  ) -> tuple[statistics.Estimate, statistics.Estimate]:
    """Returns the means of values and of finite scores with their intervals."""
    measured = self.of(spec, among)
    finite = [m.score for m in measured if math.isfinite(m.score)]
    return (
      statistics.mean(np.array([m.value for m in measured])),
      statistics.mean(np.array(finite)),
    )

  def infinite(self, spec: str, among: Collection[str] | None = None) -> int:
    """Returns how many scores the mean leaves out."""
    return sum(not math.isfinite(m.score) for m in self.of(spec, among))


def compare(
  pairs: Sequence[picture_pairs.Pair],
  metrics: Sequence[distances.Distance],
  *,
  alpha: str = "white",
  maps: files.PathLike | None = None,
  folder: str = "",
  progress: Callable[[int, str], None] = lambda done, name: None,
) -> Table:
  """Measures pairs of pictures one after the other.

  16-bit samples count as such, a grey picture beside one in colour as one of
  three equal channels. See `tiled` for large pictures.

  Args:
    pairs: Pairs to measure.
    metrics: Distances to compute.
    alpha: Rule for transparency: `"white"`, or another value of
      `files.read_samples`.
    maps: Folder for error maps as PNG, one for each pair and distance; None
      writes none. Their colours run from 0 to a limit, which `maps.csv` in the
      folder states.
    folder: Name of the folder of the pictures, for the table.
    progress: Function called before each pair with the number of pairs done and
      the name of the next.

  Returns:
    The table. Its failures list the pairs that cannot be read or differ in
    size, and the distances and maps that cannot be computed.
  """
  names = [pair.name for pair in pairs]
  table = Table(
    {metric.spec: metric for metric in metrics}, {}, {}, folder, names
  )
  limits, places = [], _map_names(names, table.metrics)
  for done, pair in enumerate(pairs):
    progress(done, pair.name)
    try:
      pictures = _read(pair, alpha)
    except (ValueError, OSError) as error:
      table.failures[pair.name] = messages.first_line(error)
      continue
    for spec, metric in table.metrics.items():
      try:
        measured = tiled.measure(metric, *pictures)
      except _FAILURES as error:
        table.failures[f"{pair.name}: {spec}"] = messages.first_line(error)
        continue
      table.rows.setdefault(pair.name, {})[spec] = measured
      if maps is not None:
        path = pathlib.Path(maps) / places[pair.name, spec]
        with _without_map(table, f"{pair.name}: map of {spec}"):
          limits.append(_write_map(path, pair.name, metric, pictures))
  if maps is not None and limits:
    with _without_map(table, MAP_LIST):
      _write_limits(maps, limits)
  return table


def compare_all(
  found: Sequence[picture_pairs.Found],
  metrics: Sequence[distances.Distance],
  *,
  alpha: str = "white",
  maps: files.PathLike | None = None,
  progress: Callable[[int, str], None] = lambda done, name: None,
) -> list[Table]:
  """Measures the pairs of each folder that `picture_pairs.find` found.

  Args:
    found: Pairs of each folder.
    metrics: Distances to compute.
    alpha: Rule for transparency, as in `compare`.
    maps: Folder for error maps, with a folder for each of several folders of
      pictures; None writes none.
    progress: Function called before each pair with the number of pairs done and
      the name of the next.

  Returns:
    A table for each folder. Its failures list the pictures without counterpart,
    too.
  """
  places = _map_folders(maps, found)
  tables, done = [], 0
  for part, place in zip(found, places, strict=True):

    def show(count: int, name: str, done: int = done) -> None:
      progress(done + count, name)

    table = compare(
      part.pairs,
      metrics,
      alpha=alpha,
      maps=place,
      folder=part.folder,
      progress=show,
    )
    table.failures.update(part.failures)
    tables.append(table)
    done += len(part.pairs)
  return tables


def _map_folders(
  maps: files.PathLike | None, found: Sequence[picture_pairs.Found]
) -> list[pathlib.Path | None]:
  """Returns the folder of maps for each folder of pictures."""
  if maps is None:
    return [None] * len(found)
  if len(found) == 1:
    return [pathlib.Path(maps)]
  names = registry.file_names([part.folder for part in found])
  return [pathlib.Path(maps) / names[part.folder] for part in found]


def without_suffix(name: str) -> str:
  """Returns the name that a picture shares with its other forms: `a/x`."""
  return pathlib.PurePath(name).with_suffix("").as_posix()


@contextlib.contextmanager
def _without_map(table: Table, what: str) -> Iterator[None]:
  """Goes on where an error map cannot be made: the numbers are there."""
  try:
    yield
  except _FAILURES as error:
    table.failures[what] = messages.first_line(error)
    table.unmapped.add(what)


def _map_names(
  pairs: Collection[str], specs: Iterable[str]
) -> dict[tuple[str, str], str]:
  """Returns file names of error maps by names of pairs and specs, all unlike.

  They begin with the name of the pair without suffix, or with all of it where
  two would be alike, as on disks that do not tell capital letters apart.
  """
  parts = registry.file_names(specs)
  for starts in (
    {name: pathlib.Path(name).stem for name in pairs},
    registry.file_names(pairs),
  ):
    found = {
      (name, spec): f"{start}.{part}.png"
      for name, start in starts.items()
      for spec, part in parts.items()
    }
    if len({file.lower() for file in found.values()}) == len(found):
      break
  return found


def _read(
  pair: picture_pairs.Pair, alpha: str
) -> tuple[np.ndarray, np.ndarray]:
  """Reads two pictures; a grey one takes on the channels of the other."""
  pictures = [
    files.read_samples(path, alpha=alpha)
    for path in (pair.reference, pair.image)
  ]
  sizes = [f"{p.shape[1]}x{p.shape[0]}" for p in pictures]
  if sizes[0] != sizes[1]:
    raise ValueError(
      f"sizes differ: {sizes[0]} in {pair.reference}, {sizes[1]} in "
      f"{pair.image}"
    )
  channels = max(p.shape[2] for p in pictures)
  reference, image = (
    np.broadcast_to(p, (*p.shape[:2], channels)) for p in pictures
  )
  return reference, image


def _write_map(
  path: pathlib.Path,
  name: str,
  metric: distances.Distance,
  pictures: tuple[np.ndarray, np.ndarray],
) -> list[Any]:
  """Writes an error map; returns its line of the list."""
  values, square = tiled.error_map(metric, *pictures)
  limit = float(np.quantile(values, _MAP_QUANTILE)) or 1.0
  files.write_image(path, charts.colored(values / limit))
  return [path.name, name, metric.spec, 0, repr(limit), charts.COLORMAP, square]


def _write_limits(folder: files.PathLike, lines: list[list[Any]]) -> None:
  head = ["file", "picture", "metric", "from", "to", "colors", "square"]
  files.write_text(
    pathlib.Path(folder) / MAP_LIST, text_tables.csv_text([head, *lines])
  )

"""Distances of picture files: two files, or two folders of them."""

import collections
import contextlib
import csv
import dataclasses
import io
import math
import pathlib
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from tfpercept import distances, registry
from tfpercept.evaluation.core import statistics, tiled
from tfpercept.io import files, messages
from tfpercept.reports import charts

MAP_LIST = "maps.csv"
_MAP_QUANTILE = 0.995  # where a colour scale ends
_FAILURES = ValueError, tf.errors.OpError, MemoryError, OSError


@dataclasses.dataclass(frozen=True)
class Pair:
  """A picture to measure and the picture it should be.

  Attributes:
    name: Name of the pair in tables.
    reference: Path of the undistorted picture.
    image: Path of the picture to measure.
  """

  name: str
  reference: pathlib.Path
  image: pathlib.Path


@dataclasses.dataclass(frozen=True)
class Table:
  """The values of distances for pairs of pictures.

  Attributes:
    judges: Distances by spec, in the order of columns.
    rows: Measured values by name of the pair and by spec. A spec is missing
      where the distance could not be computed for the pair.
    failures: Reasons for what is missing. The keys are the name of a pair, a
      pair and a spec, an error map, or a picture without counterpart.
    folder: Name of the folder of the pictures; empty if there is only one
      folder.
    names: Names of all pairs, including those without a row.
    unmapped: Keys of the failures that concern error maps only.
  """

  judges: dict[str, distances.Distance]
  rows: dict[str, dict[str, tiled.Measured]]
  failures: dict[str, str]
  folder: str = ""
  names: Sequence[str] = ()
  unmapped: set[str] = dataclasses.field(default_factory=set)

  def pictures(self) -> list[str]:
    """Returns the names of all pairs, then of what has no counterpart."""
    known = {f"{name}: {spec}" for name in self.names for spec in self.judges}
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
      among: Names, without suffix, of the pictures to count; None counts all of
        them.
    """
    return [
      row[spec]
      for name, row in self.rows.items()
      if spec in row and (among is None or pathlib.Path(name).stem in among)
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


def find_pairs(
  reference: files.PathLike, image: files.PathLike
) -> tuple[list[Pair], dict[str, str]]:
  """Returns the pairs to compare, and the pictures without counterpart.

  Args:
    reference: A picture file or a folder of pictures.
    image: A file if `reference` is a file, else a folder. Pictures directly in
      the two folders are matched by name without suffix.

  Raises:
    ValueError: if one is a file and one a folder, one is missing, or a folder
      holds no picture.
  """
  paths = pathlib.Path(reference), pathlib.Path(image)
  for path in paths:
    if not path.exists():
      raise ValueError(f"expected a picture or a folder; {path} is neither")
  are_folders = [path.is_dir() for path in paths]
  if not any(are_folders):
    return [Pair(paths[1].name, *paths)], {}
  if not all(are_folders):
    raise ValueError(
      f"give two pictures or two folders; {paths[are_folders.index(False)]} is "
      f"no folder and {paths[are_folders.index(True)]} is one"
    )
  references, images = (_by_stem(path) for path in paths)
  pairs, failures = [], {}
  for stem in sorted({**references, **images}):
    found = references[stem], images[stem]
    counts = tuple(map(len, found))
    if counts == (1, 1):
      pairs.append(Pair(found[1][0].name, found[0][0], found[1][0]))
    elif 0 in counts:
      alone, missing = paths if counts[1] == 0 else paths[::-1]
      name = (found[0] or found[1])[0].name
      failures[f"{alone}/{name}"] = f"no picture of that name in {missing}"
    else:
      names = ", ".join(p.name for twins in found for p in twins)
      failures[stem] = f"the name is ambiguous: {names}"
  return pairs, failures


@dataclasses.dataclass(frozen=True)
class Found:
  """Result of `find` for one folder, or for the files given.

  Attributes:
    folder: Name of the folder; empty if there is only one.
    pairs: Pairs to compare.
    failures: Reasons, by the path of a picture without counterpart.
  """

  folder: str
  pairs: list[Pair]
  failures: dict[str, str]


def find(
  reference: files.PathLike, images: Sequence[files.PathLike]
) -> list[Found]:
  """Returns the pairs to compare with one reference, a file or a folder.

  Args:
    reference: A picture file or a folder of pictures.
    images: Files to compare with a reference file; or folders, whose pictures
      are matched with the reference by name without suffix. Folders of the same
      name are told apart by their paths.

  Raises:
    ValueError: as `find_pairs`; if files and folders are mixed, or something is
      given twice.
  """
  reference, paths = pathlib.Path(reference), [pathlib.Path(i) for i in images]
  if len({files.resolved(path) for path in paths}) < len(paths):
    raise ValueError(f"given twice: {', '.join(map(str, paths))}")
  are_folders = {path.is_dir() for path in paths}
  if len(paths) > 1 and len(are_folders) > 1:
    raise ValueError("give pictures or folders to compare, not both")
  if True not in are_folders:
    pairs = [find_pairs(reference, path)[0][0] for path in paths]
    names = collections.Counter(pair.name for pair in pairs)
    return [
      Found(
        "",
        [
          dataclasses.replace(p, name=str(p.image)) if names[p.name] > 1 else p
          for p in pairs
        ],
        {},
      )
    ]
  names = collections.Counter(files.resolved(path).name for path in paths)
  found = []
  for path in paths:
    name = files.resolved(path).name
    name = "" if len(paths) == 1 else name if names[name] == 1 else str(path)
    in_folder = _named_as if reference.is_file() else find_pairs
    found.append(Found(name, *in_folder(reference, path)))
  return found


def _named_as(
  reference: pathlib.Path, folder: pathlib.Path
) -> tuple[list[Pair], dict[str, str]]:
  """Returns the picture of a folder that is called as the reference."""
  found = _by_stem(folder)[reference.stem]
  if len(found) > 1:
    names = ", ".join(path.name for path in found)
    return [], {f"{folder}/{reference.stem}": f"the name is ambiguous: {names}"}
  if not found:
    why = f"no picture of the name of {reference}"
    return [], {str(folder): why}
  return [Pair(found[0].name, reference, found[0])], {}


def compare(
  pairs: Sequence[Pair],
  judges: Sequence[distances.Distance],
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
    judges: Distances to compute.
    alpha: Rule for transparency: `"white"`, or another value of
      `files.read_samples`.
    maps: Folder for error maps as PNG, one for each pair and distance; None
      writes none. Their colours run from 0 to a limit, which `maps.csv` in the
      folder states.
    folder: Name of the folder of the pictures, for the table.
    progress: Function called before each pair with the number of pairs done and
      the name of the next.

  Returns:
    The table. Its failures list the pairs that can not be read or differ in
    size, and the distances and maps that can not be computed.
  """
  names = [pair.name for pair in pairs]
  table = Table({judge.spec: judge for judge in judges}, {}, {}, folder, names)
  limits, places = [], _map_names(names, table.judges)
  for done, pair in enumerate(pairs):
    progress(done, pair.name)
    try:
      pictures = _read(pair, alpha)
    except (ValueError, OSError) as error:
      table.failures[pair.name] = messages.first_line(error)
      continue
    for spec, judge in table.judges.items():
      try:
        measured = tiled.measure(judge, *pictures)
      except _FAILURES as error:
        table.failures[f"{pair.name}: {spec}"] = messages.first_line(error)
        continue
      table.rows.setdefault(pair.name, {})[spec] = measured
      if maps is not None:
        path = pathlib.Path(maps) / places[pair.name, spec]
        with _without_map(table, f"{pair.name}: map of {spec}"):
          limits.append(_write_map(path, pair.name, judge, pictures))
  if maps is not None and limits:
    with _without_map(table, MAP_LIST):
      _write_limits(maps, limits)
  return table


@contextlib.contextmanager
def _without_map(table: Table, what: str) -> Iterator[None]:
  """Goes on where an error map can not be made: the numbers are there."""
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


def _by_stem(folder: pathlib.Path) -> dict[str, list[pathlib.Path]]:
  found = collections.defaultdict(list)
  for path in files.list_images(folder):
    found[path.stem].append(path)
  return found


def _read(pair: Pair, alpha: str) -> tuple[np.ndarray, np.ndarray]:
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
  judge: distances.Distance,
  pictures: tuple[np.ndarray, np.ndarray],
) -> list[Any]:
  """Writes an error map; returns its line of the list."""
  values, square = tiled.error_map(judge, *pictures)
  limit = float(np.quantile(values, _MAP_QUANTILE)) or 1.0
  files.write_image(path, charts.colored(values / limit))
  return [path.name, name, judge.spec, 0, repr(limit), charts.COLORMAP, square]


def _write_limits(folder: files.PathLike, lines: list[list[Any]]) -> None:
  head = ["file", "picture", "metric", "from", "to", "colors", "square"]
  files.write_text(pathlib.Path(folder) / MAP_LIST, _csv(head, lines))


def _csv(head: Sequence[str], lines: Iterable[Sequence[Any]]) -> str:
  text = io.StringIO()
  csv.writer(text, lineterminator="\n").writerows([head, *lines])
  return text.getvalue()

"""Which file each result was made from, so that it is taken for no other's.

A file is told from others by its path, its size and the time of its last
change. Its contents are not read: that would take as long as the work.
"""

import json
import os
import pathlib
from collections.abc import Callable, Iterable, Mapping
from typing import NamedTuple

from pipelines import inputs
from tfpercept.io import files

FILE = "sources.jsonl"

Target = Callable[[inputs.Item], pathlib.Path]
"""A function that returns the path of the result of a picture."""


class Source(NamedTuple):
  """A file as it was.

  Attributes:
    path: Absolute path.
    size: Size in bytes; -1 if it was out of reach.
    changed: Time of its last change in nanoseconds; -1 if it was out of reach.
  """

  path: str
  size: int
  changed: int

  @property
  def is_there(self) -> bool:
    """Whether the file could be looked at."""
    return self.size >= 0


def of(path: str) -> Source:
  """Returns a file as it is, or as out of reach."""
  try:
    found = os.stat(path)
  except OSError:
    return Source(path, -1, -1)
  return Source(path, found.st_size, found.st_mtime_ns)


def read(folder: pathlib.Path) -> dict[str, Source]:
  """Returns the sources of the results of a job's folder, by their stems.

  Raises:
    ValueError: if the file is damaged.
  """
  path = folder / FILE
  if not path.exists():
    return {}
  try:
    with open(path, encoding="utf-8") as lines:
      listed = [json.loads(line) for line in lines]
    return {stem: Source(*source) for stem, *source in listed}
  except (ValueError, TypeError) as error:
    raise ValueError(
      f"{path} is damaged ({error}); choose another --output"
    ) from error


def write(folder: pathlib.Path, found: Mapping[str, Source]) -> None:
  """Writes the file that `read` reads."""
  lines = (json.dumps([stem, *source]) + "\n" for stem, source in found.items())
  files.write_text(folder / FILE, "".join(lines))


def others(
  before: Mapping[str, Source],
  now: Mapping[str, Source],
  items: Iterable[inputs.Item],
  target: Target,
) -> list[pathlib.Path]:
  """Returns the results that were made from other files than those of now.

  Nothing is looked for on the disk where the source is the same.

  Args:
    before: Sources of what earlier calls have made or begun, by stem.
    now: Sources of the pictures to work on, by stem. One out of reach is no
      other file: its result may be all that is left of it.
    items: The pictures.
    target: Function from a picture to the path of its result.

  Raises:
    ValueError: if there is a file in the place of a result that no earlier call
      has made.
  """
  found = []
  for item in items:
    stem = inputs.stem(item.name)
    if before.get(stem) == now[stem] or not now[stem].is_there:
      continue
    path = target(item)
    if os.path.lexists(path):
      if stem not in before:
        raise ValueError(
          f"{path} exists, and no earlier call of this program has written it; "
          "choose another --output"
        )
      found.append(path)
  return found

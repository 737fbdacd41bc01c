"""Folders for results: a check that they can be written, names for TensorFlow.

TensorFlow looks up checkpoints, event files and SavedModels by functions that
take `[a]*?` for a pattern and a backslash for an escape, and that have no names
for bytes that are not UTF-8.
"""

import contextlib
import os
import pathlib
import tempfile
from collections.abc import Iterable, Iterator

_PATTERN = frozenset("*?[]{}\\")
_PROBE = 1 << 16  # bytes written to check that there is room


def require(folder: pathlib.Path) -> None:
  """Raises OSError unless a folder, which need not exist, can be written.

  It does not make the folder. It writes an invisible temporary file into the
  nearest folder that exists.
  """
  place = pathlib.Path(folder).absolute()
  missing = []
  while not os.path.lexists(place):
    missing.append(place.name)
    place = place.parent
  if not place.is_dir():
    _refuse(folder, place)
  _require_short(missing, place)
  try:
    with tempfile.TemporaryFile(dir=place) as file:
      file.write(bytes(_PROBE))
  except OSError as error:
    raise OSError(
      f"{folder} cannot be written: {error.strerror} (in {place}). Choose "
      "another --out, or remove the cause",
    ) from error


def _require_short(names: Iterable[str], place: pathlib.Path) -> None:
  if not hasattr(os, "pathconf"):  # Windows reports long names by itself
    return
  longest = os.pathconf(place, "PC_NAME_MAX")
  for name in names:
    if len(os.fsencode(name)) > longest:
      raise OSError(
        f"a name has at most {longest} bytes, {name[:40]}... has more; choose "
        "another --out",
      )


def _refuse(folder: pathlib.Path, place: pathlib.Path) -> None:
  if place.is_symlink():
    try:
      place.stat()
    except OSError as error:
      raise OSError(
        f"{folder} cannot be made: {place} is a link to {os.readlink(place)} "
        f"({error.strerror}). Choose another --out, or remove the link",
      ) from error
  raise OSError(
    f"{folder} cannot be made: {place} is no folder. Choose another --out",
  )


@contextlib.contextmanager
def plain(folder: str | os.PathLike) -> Iterator[pathlib.Path]:
  """Yields a path of a folder that TensorFlow and Python read alike.

  It is the folder itself. If its path has special characters, it is a link to
  the folder, in a temporary folder, for the time of the block.

  Args:
    folder: Path of an existing folder.
  """
  folder = pathlib.Path(folder)
  if is_plain(folder):
    yield folder
    return
  with tempfile.TemporaryDirectory(prefix="tfpercept-") as place:
    link = pathlib.Path(place) / "folder"
    link.symlink_to(folder.absolute(), target_is_directory=True)
    yield link


@contextlib.contextmanager
def made_plain(folder: str | os.PathLike) -> Iterator[pathlib.Path]:
  """Makes a new folder and yields a path of it as `plain` does."""
  pathlib.Path(folder).mkdir()
  with plain(folder) as place:
    yield place


def is_plain(path: str | os.PathLike) -> bool:
  """Returns True if TensorFlow reads a path as Python does."""
  text = os.fspath(path)
  try:
    text.encode()
  except UnicodeEncodeError:  # bytes that are not UTF-8
    return False
  return _PATTERN.isdisjoint(text)

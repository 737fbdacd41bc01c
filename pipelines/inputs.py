"""The pictures of bulk work: folders, globs and lists of files."""

import glob
import os
import pathlib
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from tfpercept.io import picture_files

LIST = ".txt"
"""Suffix of a list of files, a path on each line."""


class Item(NamedTuple):
  """A picture to work on.

  Attributes:
    path: Absolute path.
    name: Path within the folder that it was found in, with `/`; its own name if
      it was named by itself.
    reference: Absolute path of the picture to compare it with; empty if there
      is none.
  """

  path: str
  name: str
  reference: str = ""


def find(given: Sequence[str]) -> list[Item]:
  """Returns the pictures of folders, globs and lists, sorted by name.

  Folders are searched with all folders below, and only for suffixes of
  pictures. Files that are named, in a list or by a glob, are taken whatever
  their suffix, also if they are missing: the work reports that.

  Args:
    given: Paths of folders, of pictures, of lists ending in `.txt` whose paths
      are relative to the list, and globs such as `photos/**/*.png`, whose
      pictures are named from where the first special character stands.

  Raises:
    ValueError: if nothing is found, or two pictures have the same name without
      suffix, whose results would be one file.
    OSError: if a list cannot be read.
  """
  found: dict[str, Item] = {}
  for text in given:
    for item in _items(text):
      found.setdefault(item.path, item)
  if not found:
    raise ValueError(f"no picture in {', '.join(given) or 'nothing'}")
  items = sorted(found.values(), key=lambda item: item.name)
  stems: dict[str, Item] = {}
  for item in items:
    other = stems.setdefault(stem(item.name), item)
    if other is not item:
      raise ValueError(
        f"{other.path} and {item.path} would have one result; give them "
        "different names, or folders to keep apart"
      )
  return items


def stem(name: str) -> str:
  """Returns the name of a picture without its suffix, with its folders."""
  return os.path.splitext(name)[0]


def _items(text: str) -> Iterator[Item]:
  path = pathlib.Path(text)
  if path.is_dir():
    for file in picture_files.list_files(
      path, picture_files.SUFFIXES, is_recursive=True
    ):
      yield _item(file, file.relative_to(path).as_posix())
  elif path.suffix.lower() == LIST:
    for line in path.read_text(encoding="utf-8-sig").splitlines():
      if line.strip():
        file = path.parent / line.strip()
        yield _item(file, _name(line.strip()))
  elif not path.exists() and glob.has_magic(text):
    start = _start(text)
    for match in glob.iglob(text, recursive=True):
      if os.path.isfile(match):
        inner = pathlib.PurePath(os.path.relpath(match, start))
        yield _item(pathlib.Path(match), inner.as_posix())
  else:
    yield _item(path, path.name)


def _item(path: pathlib.Path, name: str) -> Item:
  return Item(os.path.abspath(path), name)


def _start(pattern: str) -> str:
  """Returns the folder of a glob, before its first part with magic."""
  parts = pathlib.PurePath(pattern).parts
  count = next(i for i, part in enumerate(parts) if glob.has_magic(part))
  return os.path.join(*parts[:count]) if count else "."


def _name(text: str) -> str:
  """Returns the path of a file that was named, below any folder.

  A path that leads upwards or begins at the root keeps its last part alone.
  """
  path = pathlib.PurePath(os.path.normpath(text))
  if path.is_absolute() or ".." in path.parts:
    return path.name
  return path.as_posix()

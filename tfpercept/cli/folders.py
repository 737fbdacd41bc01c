"""Folders that commands are given: their names, and what is not read there."""

from __future__ import annotations

import os
import pathlib
from collections.abc import Collection, Iterable, Sequence
from typing import TYPE_CHECKING

from tfpercept.cli import deferred
from tfpercept.io import notes, picture_files

if TYPE_CHECKING:
  from tfpercept.io import files
else:
  files = deferred.module("tfpercept.io.files")

_OTHER_KIND = "passed over, since of another kind"
_INNER = "folders passed over, which --recursive takes"
_NEVER_TAKEN = "folders below a folder passed over"
_LINKS = "links to folders passed over"


def named(given: Sequence[str]) -> dict[str, pathlib.Path]:
  """Returns folders by name; the name of a folder is its own by default.

  Args:
    given: Words `[NAME=]FOLDER` of a command.

  Raises:
    ValueError: if two have one name.
  """
  found: dict[str, pathlib.Path] = {}
  for text in given:
    name, equals, path = text.partition("=")
    if not equals or os.path.isdir(text):
      name, path = files.resolved(text).name, text
    if name in found:
      raise ValueError(
        f"two folders are called {name!r}; name them, as in first={path}"
      )
    found[name] = pathlib.Path(path)
  return found


def tell_passed_over(
  folder: pathlib.Path,
  kinds: Collection[str],
  made: str = "",
  *,
  is_recursive: bool | None,
) -> None:
  """Notes what a folder holds that is not taken.

  Args:
    folder: Path of the folder.
    kinds: Suffixes of the files that are taken.
    made: Suffix of the results, which are not told.
    is_recursive: Whether the folders below are searched, too; None for a
      command that never does.
  """
  others, inner = picture_files.passed_over(
    folder, kinds, is_recursive=bool(is_recursive)
  )
  for path in others:
    if path.suffix.lower() != made:
      notes.add(path, _OTHER_KIND)
  what = {True: _LINKS, False: _INNER, None: _NEVER_TAKEN}[is_recursive]
  for path in inner:
    notes.add(path, what)


def tell_passed_over_in(paths: Iterable[str | os.PathLike]) -> None:
  """Notes what is no picture in those of some paths that are folders.

  For commands that never search the folders below.
  """
  for path in map(pathlib.Path, paths):
    if path.is_dir():
      tell_passed_over(path, picture_files.SUFFIXES, is_recursive=None)

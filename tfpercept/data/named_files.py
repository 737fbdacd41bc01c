"""The file that a name in a table means, or why none is meant."""

import os
import pathlib
import re
import unicodedata
from collections.abc import Callable

from tfpercept import files


class NamedFiles:
  """Finds the files in a folder that a table in it names.

  A name is a path from the folder on, with slashes or backslashes; one without
  a folder may also lie in one of the subfolders. A file of the very name comes
  before one that differs in capital letters or in how Unicode composes its
  accents. Where two are equally good, neither is meant.

  Args:
    folder: Where the table lies.
  """

  def __init__(self, folder: files.PathLike):
    self._folder = pathlib.Path(folder)
    self._listed: dict[pathlib.Path, list[str]] = {}

  def __call__(self, name: str) -> pathlib.Path:
    """Returns the path.

    Raises:
      ValueError: if there is no such file, if there are several, or if the name
        leads out of the folder.
    """
    if not name:
      raise ValueError("a name of a file is missing")
    if name.startswith(("/", "\\")) or re.match(r"[A-Za-z]:[\\/]", name):
      raise ValueError(
        f"{name!r} is an absolute path; name files from {self._folder} on"
      )
    for spelling in dict.fromkeys((name, name.replace("\\", "/"))):
      for fold in (str, _folded):
        found = self._found(spelling, fold)
        if len(found) > 1:
          paths = [p.relative_to(self._folder).as_posix() for p in found]
          raise ValueError(
            f"{name!r} is ambiguous in {self._folder}: {' and '.join(paths)}"
          )
        if found:
          return found[0]
    raise ValueError(
      f"there is no {name!r} in {self._folder} or its subfolders"
    )

  def _found(self, name: str, fold: Callable[[str], str]) -> list[pathlib.Path]:
    parts = [part for part in name.split("/") if part not in ("", ".")]
    if not parts or ".." in parts:
      return []
    found = self._below(self._folder, parts, fold)
    if not found and "/" not in name:
      for part in self._names(self._folder):
        if (self._folder / part).is_dir():
          found += self._below(self._folder / part, parts, fold)
    return found

  def _below(
    self, folder: pathlib.Path, parts: list[str], fold: Callable[[str], str]
  ) -> list[pathlib.Path]:
    """Returns the files whose path from a folder on is that one."""
    wanted = fold(parts[0])
    paths = [folder / n for n in self._names(folder) if fold(n) == wanted]
    if len(parts) == 1:
      return [path for path in paths if path.is_file()]
    folders = [path for path in paths if path.is_dir()]
    return [p for f in folders for p in self._below(f, parts[1:], fold)]

  def _names(self, folder: pathlib.Path) -> list[str]:
    if folder not in self._listed:
      names = sorted(os.listdir(folder)) if folder.is_dir() else []
      self._listed[folder] = [n for n in names if not files.is_system_file(n)]
    return self._listed[folder]


def _folded(name: str) -> str:
  return unicodedata.normalize("NFC", name).lower()

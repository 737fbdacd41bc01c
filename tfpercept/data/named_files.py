"""Search for the file that a name in a table stands for."""

import os
import pathlib
import re
import unicodedata
from collections.abc import Callable

from tfpercept.io import files


class NamedFiles:
  """Finds the files in a folder that a table in it names.

  A name is a path relative to the folder, with slashes or backslashes. The file
  of a name without a folder may also be in one of the subfolders. A file with
  exactly this name is preferred to one that differs in case or in the Unicode
  composition of accents. If two files fit equally well, the name is refused as
  ambiguous. A folder is listed once, when it is first needed; a folder without
  permission to list it counts as empty.

  Args:
    folder: Path of the folder with the table.
  """

  def __init__(self, folder: files.PathLike):
    self._folder = pathlib.Path(folder)
    self._listed: dict[pathlib.Path, list[str]] = {}
    self._folders: list[pathlib.Path] | None = None  # subfolders of `folder`
    self._by_name: dict[
      tuple[pathlib.Path, Callable[[str], str]], dict[str, list[str]]
    ] = {}
    self._closed: dict[pathlib.Path, str] = {}  # reason by unlisted folder

  def __call__(self, name: str) -> pathlib.Path:
    """Returns the path of the file that a name stands for.

    Raises:
      ValueError: if there is no such file, if there are several, or if the name
        leads out of the folder.
    """
    if not name:
      raise ValueError("a name of a file is missing")
    if name.startswith(("/", "\\")) or re.match(r"[A-Za-z]:[\\/]", name):
      raise ValueError(
        f"{name!r} is an absolute path; give paths relative to {self._folder}"
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
    closed = "".join(
      f"; {path} cannot be listed: {why}" for path, why in self._closed.items()
    )
    raise ValueError(
      f"there is no {name!r} in {self._folder} or its subfolders{closed}"
    )

  def _found(self, name: str, fold: Callable[[str], str]) -> list[pathlib.Path]:
    parts = [part for part in name.split("/") if part not in ("", ".")]
    if not parts or ".." in parts:
      return []
    found = self._below(self._folder, parts, fold)
    if not found and "/" not in name:
      for folder in self._subfolders():
        found += self._below(folder, parts, fold)
    return found

  def _below(
    self, folder: pathlib.Path, parts: list[str], fold: Callable[[str], str]
  ) -> list[pathlib.Path]:
    """Returns the files that have this path relative to a folder."""
    if (folder, fold) not in self._by_name:
      by_name = self._by_name[folder, fold] = {}
      for name in self._names(folder):
        by_name.setdefault(fold(name), []).append(name)
    names = self._by_name[folder, fold].get(fold(parts[0]), [])
    paths = [folder / name for name in names]
    # Without permission `os.path.isfile` returns False and does not raise.
    if len(parts) == 1:
      return [path for path in paths if os.path.isfile(path)]
    folders = [path for path in paths if os.path.isdir(path)]
    return [p for f in folders for p in self._below(f, parts[1:], fold)]

  def _subfolders(self) -> list[pathlib.Path]:
    if self._folders is None:
      paths = [self._folder / name for name in self._names(self._folder)]
      self._folders = [path for path in paths if os.path.isdir(path)]
    return self._folders

  def _names(self, folder: pathlib.Path) -> list[str]:
    if folder not in self._listed:
      names = []
      if os.path.isdir(folder):
        try:
          names = sorted(os.listdir(folder))
          # Without search permission names are listed but no file opens.
          os.stat(os.path.join(folder, os.curdir))
        except OSError as error:
          self._closed[folder] = error.strerror or type(error).__name__
      self._listed[folder] = [n for n in names if not files.is_system_file(n)]
    return self._listed[folder]


def _folded(name: str) -> str:
  return unicodedata.normalize("NFC", name).lower()

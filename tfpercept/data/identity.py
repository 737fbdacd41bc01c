"""Identity of data: digests of their content, independent of their place.

A folder that is moved, or named by another path, is the same. A folder in which
a picture is added, removed, renamed or changed is another. Names within a
folder count, since pictures are read in their order.
"""

import hashlib
import os
import pathlib
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from tfpercept.data import sources
from tfpercept.io import files

Identity = list[dict[str, Any]]
"""A JSON value with one entry for each source: `source`, the name that it was
given by, and `files`, size and digest by name. A source that is a single file
has the name ""."""

_SAMPLED = 1 << 26  # bytes; only parts of larger files are read
_PARTS, _PART = 64, 1 << 18
_NAMED = 10  # changes that a message lists


def of(names: Iterable[str], *, download: bool = False) -> Identity:
  """Returns the identity of sources of `sources.load` or `examples.load`.

  Args:
    names: Names of sources, such as `"packaged"`, a folder or a `.npz` file.
    download: If True, tfds may download.

  Raises:
    ValueError: if a source does not exist or has no picture.
  """
  return [_source(n, sources.files_of(n, download=download)) for n in names]


def of_paths(paths: Iterable[files.PathLike]) -> Identity:
  """Returns the identity of files, and of folders of pictures.

  Raises:
    ValueError: if a folder holds no picture, or a path does not exist.
  """
  return [_source(path, sources.files_at(path)) for path in paths]


def of_files(name: str, found: Mapping[str, files.PathLike]) -> dict[str, Any]:
  """Returns the entry of a source that consists of some files, by name."""
  return _source(name, found)


def changes(before: Identity, now: Identity) -> list[str]:
  """Returns the differences in words; an empty list if there are none."""
  if len(before) != len(now):
    return [f"{_count(len(before), 'source')} then, {len(now)} now"]
  found = []
  for then, this in zip(before, now, strict=True):
    found += _differences(then["files"], this["files"], this["source"])
  if len(found) > _NAMED:
    found[_NAMED:] = [f"and {len(found) - _NAMED} more"]
  return found


def _differences(
  then: Mapping[str, str], this: Mapping[str, str], source: str
) -> list[str]:
  def path(name: str) -> str:
    return os.path.join(source, name) if name else source

  # A single file became a folder or the reverse; names then mean nothing.
  if {*then} == {""} != {*this} or {*this} == {""} != {*then}:
    return [f"{source} is not what it was"]
  return [
    *(f"{path(name)} was added" for name in sorted(this.keys() - then.keys())),
    *(f"{path(name)} is gone" for name in sorted(then.keys() - this.keys())),
    *(
      f"{path(name)} has changed"
      for name in sorted(then.keys() & this.keys())
      if then[name] != this[name]
    ),
  ]


def is_identity(value: Any) -> bool:
  """Returns True if a value read from a file has the form of an identity."""
  return isinstance(value, list) and all(
    isinstance(entry, dict) and isinstance(entry.get("files"), dict)
    for entry in value
  )


def _source(
  name: files.PathLike, found: Mapping[str, files.PathLike]
) -> dict[str, Any]:
  return {
    "source": str(name),
    "files": {part: _digest(path) for part, path in found.items()},
  }


def _digest(path: files.PathLike) -> str:
  """Returns size and digest of a file, of a large one from parts only.

  An archive ends with the checksums of all its members, so its last part shows
  any change.
  """
  digest = hashlib.blake2b(digest_size=12)
  try:
    size = pathlib.Path(path).stat().st_size
    with open(path, "rb") as file:
      for place in _places(size):
        file.seek(place)
        digest.update(file.read(_PART))
  except OSError:
    return "unreadable"  # the reader of the data will report the cause
  return f"{size} {digest.hexdigest()}"


def _places(size: int) -> Sequence[int]:
  if size <= _SAMPLED:
    return range(0, size, _PART)
  last = size - _PART
  return [last * part // (_PARTS - 1) for part in range(_PARTS)]


def _count(number: int, what: str) -> str:
  return f"{number} {what}" + ("" if number == 1 else "s")

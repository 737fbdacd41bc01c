"""What tells whether data are the same: their content, not their place.

A folder that is moved, or spelled in another way, is the same; a picture that
is added, removed, renamed or changed makes it another. Names within a folder
count, since pictures are taken in their order.
"""

import hashlib
import os
import pathlib
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from tfpercept.data import sources
from tfpercept.io import files

Identity = list[dict[str, Any]]
"""A JSON value, one entry for each source: `source`, what it was called, and
`files`, size and digest by name. A source that is one file has it under ""."""

_SAMPLED = 1 << 26  # bytes; of larger files parts are read
_PARTS, _PART = 64, 1 << 18
_NAMED = 10  # changes that a message lists


def of(names: Iterable[str], *, download: bool = False) -> Identity:
  """Returns the identity of what `sources.load` or `examples.load` reads.

  Args:
    names: As they take them.
    download: Whether tfds may download.

  Raises:
    ValueError: if a name is none of these, or there is no picture.
  """
  return [_source(n, sources.files_of(n, download=download)) for n in names]


def of_paths(paths: Iterable[files.PathLike]) -> Identity:
  """Returns the identity of files, and of folders of pictures.

  Raises:
    ValueError: if a folder holds no picture, or a path is not there.
  """
  return [_source(path, sources.files_at(path)) for path in paths]


def of_files(name: str, found: Mapping[str, files.PathLike]) -> dict[str, Any]:
  """Returns the entry of a source that consists of some files, by name."""
  return _source(name, found)


def changes(before: Identity, now: Identity) -> list[str]:
  """Returns what is not the same any more, in words; nothing if all is."""
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

  # One file for another: which names it has does not matter.
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
  """Whether a value that was read from a file can be an identity."""
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
  """Returns size and digest of a file; of a large one parts are read.

  An archive ends with the checksums of all that it holds, so that its last part
  tells of any change.
  """
  digest = hashlib.blake2b(digest_size=12)
  try:
    size = pathlib.Path(path).stat().st_size
    with open(path, "rb") as file:
      for place in _places(size):
        file.seek(place)
        digest.update(file.read(_PART))
  except OSError:
    return "unreadable"  # who reads it says why
  return f"{size} {digest.hexdigest()}"


def _places(size: int) -> Sequence[int]:
  if size <= _SAMPLED:
    return range(0, size, _PART)
  last = size - _PART
  return [last * part // (_PARTS - 1) for part in range(_PARTS)]


def _count(number: int, what: str) -> str:
  return f"{number} {what}" + ("" if number == 1 else "s")

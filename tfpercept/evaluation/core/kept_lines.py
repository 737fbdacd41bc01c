"""What was measured, in a file of lines from which a measurement goes on.

A line is one JSON object with a key and a value. It is written by one call once
the value is measured, so a process that is killed loses no more than the value
in progress. Several processes may use one file: each finds what the others had
kept when it began.
"""

import errno
import json
import os
import pathlib
from collections.abc import Callable
from typing import Any

from tfpercept.io import files, lock

_BEGINS = b'{"key": "'


class NotKept(OSError):  # noqa: N818 what became of the value
  """A measured value that could not be written."""


class KeptLines:
  """Values by what they depend on, in a file that only grows.

  A last line that is not whole, as that of a killed process, is cut off; others
  that are no values are passed over. A file none of whose lines is of this kind
  is somebody's, and left alone.

  Args:
    path: Path of the file; it is made with its folder if it is missing.
    check: Function that raises for what is no value: an error of kind
      ValueError, TypeError, LookupError or AttributeError.
    name: Name of the value in a line.
    is_fresh: Whether values that are in the file are dropped.

  Raises:
    ValueError: if the file holds something else.
    OSError: if the file cannot be read or written.
  """

  def __init__(
    self,
    path: files.PathLike,
    check: Callable[[Any], object],
    *,
    name: str = "value",
    is_fresh: bool = False,
  ):
    self._name = name
    self.path = files.resolved(path)
    self.used = 0
    """Number of values that were found instead of measured."""
    self._values: dict[str, Any] = {}
    if is_fresh:
      files.write_bytes(self.path, b"")
    self.path.parent.mkdir(parents=True, exist_ok=True)
    if not self.path.exists():
      with lock.appending(self.path):  # which others may make meanwhile
        pass
    text = self.path.read_bytes()
    for line in text.splitlines():
      if (found := _parsed(line, name, check)) is not None:
        self._values[found[0]] = found[1]
    is_begun = b"\n" not in text and _BEGINS.startswith(text[: len(_BEGINS)])
    if self._values or is_begun:
      self._end_last_line(check)
    else:
      raise ValueError(
        f"{self.path} holds something else than measured values; name another "
        "file, or move it away"
      )

  def _end_last_line(self, check: Callable[[Any], object]) -> None:
    """Cuts the last line off if it is not whole, which may be the only one."""
    if self.path.read_bytes()[-1:] in (b"", b"\n"):
      return
    with lock.appending(self.path) as file:
      file.seek(0)
      text = file.readall()
      begin = text.rfind(b"\n") + 1
      if _parsed(text[begin:], self._name, check) is None:
        file.truncate(begin)
      else:
        file.write(b"\n")

  def __len__(self) -> int:
    return len(self._values)

  def find(self, key: str) -> Any:
    """Returns the value of a key; None if it is to be measured."""
    found = self._values.get(key)
    self.used += found is not None
    return found

  def add(self, key: str, value: Any) -> None:
    """Keeps a measured value.

    Raises:
      NotKept: if it cannot be written.
    """
    line = json.dumps({"key": key, self._name: value}) + "\n"
    try:
      _append(self.path, line.encode())
    except OSError as error:
      raise NotKept(
        f"{self.path} cannot be written: {error}. Mend that, and give the "
        "same command again; it goes on from what was measured before."
      ) from error
    self._values[key] = value


def _append(path: pathlib.Path, line: bytes) -> None:
  """Adds a whole line, or nothing, which the next one would be glued to."""
  with lock.appending(path) as file:
    end, written = file.seek(0, os.SEEK_END), 0
    try:
      written = os.write(file.fileno(), line)
    finally:
      if written < len(line):
        file.truncate(end)
  if written < len(line):
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def _parsed(
  line: bytes, name: str, check: Callable[[Any], object]
) -> tuple[str, Any] | None:
  """Returns key and value of a line; None if it is not whole."""
  try:
    found = json.loads(line)
    key, value = found["key"], found[name]
    check(value)
  except (
    ValueError, TypeError, LookupError, AttributeError, RecursionError,
  ):  # fmt: skip
    return None
  return (key, value) if isinstance(key, str) else None

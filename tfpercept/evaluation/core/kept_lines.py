"""What was measured, in a file of lines from which a measurement goes on.

A line is one JSON object with a key and a value. It is written by one call once
the value is measured, so a process that is killed loses no more than the value
in progress.
"""

import errno
import json
import os
import pathlib
from collections.abc import Callable
from typing import Any

from tfpercept.io import files

_BEGINS = b'{"key": "'


class NotKept(OSError):  # noqa: N818 what became of the value
  """A measured value that could not be written."""


class KeptLines:
  """Values by what they depend on, in a file that only grows.

  A line that is not whole, as the last one of a killed process, is dropped. A
  file none of whose lines is of this kind is somebody's, and left alone.

  Args:
    path: Path of the file; it is made with its folder if it is missing.
    check: Function that raises for what is no value: an error of kind
      ValueError, TypeError, LookupError or AttributeError.
    name: Name of the value in a line.
    is_fresh: Whether values that are in the file are dropped.

  Raises:
    ValueError: if the file holds something else.
    OSError: if the file can not be read or written.
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
    text, kept = b"", []
    if self.path.exists() and not is_fresh:
      text = self.path.read_bytes()
    for line in text.splitlines():
      found = _parsed(line, name, check)
      if found is not None:
        self._values[found[0]] = found[1]
        kept.append(line + b"\n")
    # The very first line may be the one that is not whole.
    if (
      text and not kept and (b"\n" in text or not _BEGINS.startswith(text[:9]))
    ):
      raise ValueError(
        f"{self.path} holds something else than measured values; name another "
        "file, or move it away"
      )
    if b"".join(kept) != text or not self.path.exists() or is_fresh:
      files.write_bytes(self.path, b"".join(kept))

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
      NotKept: if it can not be written.
    """
    line = json.dumps({"key": key, self._name: value}) + "\n"
    try:
      _append(self.path, line.encode())
    except OSError as error:
      raise NotKept(
        f"{self.path} can not be written: {error}. Mend that, and give the "
        "same command again; it goes on from what was measured before."
      ) from error
    self._values[key] = value


def _append(path: pathlib.Path, line: bytes) -> None:
  """Appends by one call, so that lines of two processes do not mix."""
  file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o666)
  try:
    written = os.write(file, line)
  finally:
    os.close(file)
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

"""One job at a time in a folder, or at a file."""

import contextlib
import io
import json
import os
import pathlib
import socket
import time
from collections.abc import Iterator

from absl import logging

try:
  import fcntl
except ImportError:  # not on Windows, where nothing is locked
  fcntl = None  # type: ignore[assignment]  # a module has no type of its own

NAME = "run.lock"
_TRIES, _PAUSE = 5, 0.05  # who only looks holds it for a moment
_held: dict[str, tuple[int, int]] = {}  # descriptor and depth by folder


class BusyError(ValueError):
  """Another process is at work in a folder."""


@contextlib.contextmanager
def held(folder: pathlib.Path) -> Iterator[None]:
  """Keeps other processes from working in a folder, which is made.

  The system itself holds the lock, on the open file `run.lock`, and lets go of
  it when the process ends, however it does: no lock is ever stale, and no
  number of a process is taken for another's. The file stays; while it is locked
  it says who holds it. Within a process the lock can be taken again.

  On network file systems this is as good as their `flock`; where there is none
  it is logged and nothing is locked.

  Raises:
    BusyError: if another process holds it; it names that process.
  """
  folder.mkdir(parents=True, exist_ok=True)
  key = os.path.realpath(folder)
  if key not in _held and fcntl is not None:
    descriptor = _locked(folder)
    _held[key] = descriptor, 0
  if key not in _held:
    yield
    return
  descriptor, depth = _held[key]
  _held[key] = descriptor, depth + 1
  try:
    yield
  finally:
    _release(key)


@contextlib.contextmanager
def appending(path: pathlib.Path) -> Iterator[io.FileIO]:
  """Opens a file to append to while no other process does; makes it.

  Nothing is buffered. Where there is no `flock`, nothing is locked.

  Raises:
    OSError: if the file cannot be opened.
  """
  with open(path, "ab+", buffering=0) as file:
    if fcntl is not None:
      with contextlib.suppress(OSError):  # of file systems without it
        fcntl.flock(file, fcntl.LOCK_EX)
    yield file


def _release(key: str) -> None:
  if key not in _held:
    return  # in a child that was forked meanwhile
  descriptor, depth = _held.pop(key)
  if depth > 1:
    _held[key] = descriptor, depth - 1
    return
  with contextlib.suppress(OSError):
    os.ftruncate(descriptor, 0)
  os.close(descriptor)


def check(folder: pathlib.Path) -> None:
  """Raises `BusyError` if another process works in a folder; makes nothing."""
  path = folder / NAME
  if fcntl is None or os.path.realpath(folder) in _held or not path.exists():
    return
  with open(path, "rb") as file:
    try:
      fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError as error:
      raise _busy(folder) from error
    except OSError:
      return  # said when it is to be locked


def _locked(folder: pathlib.Path) -> int:
  """Returns the descriptor of a file that this process has locked."""
  path = folder / NAME
  descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
  try:
    _lock(descriptor, folder)
  except BaseException:
    os.close(descriptor)
    raise
  who = {"pid": os.getpid(), "host": socket.gethostname(), "since": _now()}
  with contextlib.suppress(OSError):  # a full disk is met again
    os.ftruncate(descriptor, 0)
    os.pwrite(descriptor, (json.dumps(who) + "\n").encode(), 0)
  return descriptor


def _lock(descriptor: int, folder: pathlib.Path) -> None:
  for left in reversed(range(_TRIES)):
    try:
      fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
      return
    except BlockingIOError as error:
      if not left:
        raise _busy(folder) from error
    except OSError as error:
      logging.warning(
        "%s cannot be locked (%s); see to it that nothing else works there",
        folder,
        error.strerror,
      )
      return
    time.sleep(_PAUSE)


def _busy(folder: pathlib.Path) -> BusyError:
  try:
    who = json.loads((folder / NAME).read_text())
    name = f"process {who['pid']} on {who['host']} since {who['since']}"
  except (OSError, ValueError, LookupError, TypeError):
    name = "another process"
  return BusyError(
    f"{folder} is in use by {name}. Wait for its end, end it, or choose "
    "another folder for the output."
  )


def _now() -> str:
  return time.strftime("%Y-%m-%d %H:%M:%S")


def _let_go() -> None:
  """In a forked child: its copies would hold the locks of a dead parent."""
  for descriptor, _ in _held.values():
    os.close(descriptor)
  _held.clear()


if hasattr(os, "register_at_fork"):
  os.register_at_fork(after_in_child=_let_go)

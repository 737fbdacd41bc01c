"""What a Triton server takes of a machine: its program, ports, shared memory.

A lock file beside the regions of shared memory says that their server lives.
Its lock ends with the process that holds it, however that ends.
"""

import contextlib
import ctypes
import fcntl
import importlib.util
import os
import pathlib
import shutil
import signal
import socket
import sys
import tempfile
from collections.abc import Iterator

from programs import program

_SHARED = pathlib.Path("/dev/shm")
_PREFIX = "tfpercept_triton_"
_LOCK = ".lock"
_PR_SET_PDEATHSIG = 1
_STUB = "triton_python_b"  # the first 15 characters of its name


def binaries() -> tuple[pathlib.Path, pathlib.Path]:
  """Returns the folders of the server and of its libraries.

  Raises:
    program.ProgramError: if nvidia-pytriton is not installed.
  """
  found = importlib.util.find_spec("pytriton")
  if found is None or found.origin is None:
    raise program.ProgramError(
      'Triton is not installed; `pip install "tfpercept[triton]"`'
    )
  package = pathlib.Path(found.origin).parent
  return package / "tritonserver", package.parent / "nvidia_pytriton.libs"


def backends(place: pathlib.Path) -> pathlib.Path:
  """Returns a folder of backends with the program of this Python's models.

  Args:
    place: Empty folder to make it in.

  Raises:
    program.ProgramError: if Triton has none for this Python.
  """
  server, _ = binaries()
  version = "{}.{}".format(*sys.version_info)
  stub = server / f"python_backend_stubs/{version}/triton_python_backend_stub"
  if not stub.is_file():
    raise program.ProgramError(f"Triton has no backend for Python {version}")
  target = place / "backends" / "python"
  shutil.copytree(server / "backends/python", target)
  shutil.copy(stub, target)
  return target.parent


@contextlib.contextmanager
def held() -> Iterator[tuple[str, pathlib.Path]]:
  """Holds a prefix for names of shared memory, and a folder, for one server.

  What is left of servers that were killed is removed first, and what is left of
  this one at the end.

  Yields:
    The prefix and the folder.
  """
  forget_dead()
  prefix = f"{_PREFIX}{os.urandom(6).hex()}_"
  lock = _SHARED / f"{prefix}{_LOCK}"
  with contextlib.ExitStack() as stack:
    folder = stack.enter_context(tempfile.TemporaryDirectory(prefix=prefix))
    file = stack.enter_context(open(lock, "wb"))
    fcntl.flock(file, fcntl.LOCK_EX)
    stack.callback(_remove, prefix)
    yield prefix, pathlib.Path(folder)


def forget_dead() -> None:
  """Removes what servers that were killed have left, and nothing of others."""
  for lock in _SHARED.glob(f"{_PREFIX}*{_LOCK}"):
    with contextlib.suppress(OSError), open(lock, "rb") as file:
      fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)  # fails if it lives
      _remove(lock.name.removesuffix(_LOCK))


def _remove(prefix: str) -> None:
  for place in (_SHARED, pathlib.Path(tempfile.gettempdir())):
    for path in place.glob(f"{prefix}*"):
      if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
      else:
        with contextlib.suppress(OSError):
          path.unlink()


def require_free(address: str, *ports: int) -> None:
  """Looks whether ports can be listened on, which Triton would say late.

  Args:
    address: Address of the interface.
    *ports: Numbers of the ports.

  Raises:
    program.ProgramError: if one is taken or named twice.
  """
  if len(set(ports)) < len(ports):
    raise program.ProgramError(f"give a port of its own to each of {ports}")
  for port in ports:
    with socket.socket() as one:
      one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
      try:
        one.bind((address, port))
      except (OSError, OverflowError) as error:
        reason = getattr(error, "strerror", None) or error
        raise program.ProgramError(
          f"cannot listen on {address}:{port} ({reason}); give other ports"
        ) from error


def die_with_parent() -> None:
  """Has a process that was just forked end if the one that started it does."""
  ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)


def dead_models(server: int) -> set[int]:
  """Returns the model processes of a server that have ended, and it not seen.

  Args:
    server: Number of the server's process.
  """
  found = set()
  for place in pathlib.Path("/proc").glob("[0-9]*"):
    with contextlib.suppress(OSError, ValueError, IndexError):
      name, _, rest = (place / "stat").read_text().partition(") ")
      state, parent = rest.split()[:2]
      is_stub = name.endswith(f"({_STUB}")
      if is_stub and state == "Z" and int(parent) == server:
        found.add(int(place.name))
  return found

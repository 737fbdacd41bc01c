"""Files and folders that are written whole, or not at all."""

import contextlib
import errno
import os
import pathlib
import shutil
import tempfile
from collections.abc import Iterator

PathLike = str | os.PathLike
TEMPORARY = ".tfpercept."
"""Beginning of the names of temporary folders; a killed process leaves one."""


@contextlib.contextmanager
def atomic(path: PathLike, *, replace: bool = True) -> Iterator[pathlib.Path]:
  """Yields a temporary path that becomes `path` when the block succeeds.

  The temporary path is in the same folder, so that the rename is atomic. The
  block may create a file or a folder there. A file replaces a file, whose
  permissions it gets, and a folder replaces a folder. If `path` is a link, its
  target is replaced. If it is a pipe or a device, the data are written to it.
  If the block raises, `path` is unchanged.

  Args:
    path: Path to write.
    replace: Whether what is there is replaced. If not, two processes that write
      the same file at the same time cannot replace each other's.

  Raises:
    FileExistsError: if there is a file or a folder and `replace` is false.
    OSError: if the path cannot be written; it is then unchanged, too.
  """
  path = pathlib.Path(path)
  if is_device(path):
    with tempfile.TemporaryDirectory() as folder:
      temporary = pathlib.Path(folder) / path.name
      yield temporary
      with open(temporary, "rb") as file, open(path, "wb") as device:
        shutil.copyfileobj(file, device)
    return
  path = resolved(path)
  path.parent.mkdir(parents=True, exist_ok=True)
  # The prefix is fixed, since the name of `path` may have the maximum length.
  with tempfile.TemporaryDirectory(dir=path.parent, prefix=TEMPORARY) as folder:
    place = pathlib.Path(folder, "new")
    place.mkdir()
    yield place / path.name
    (_replace if replace else _settle)(path, place / path.name)


def _settle(path: pathlib.Path, new: pathlib.Path) -> None:
  """Moves a file to a path where there is none, in one step."""
  try:
    os.link(new, path)
  except FileExistsError:
    raise FileExistsError(f"{path} exists, and is kept") from None
  except OSError:
    # The disk has no second names for a file, as FAT. An empty file takes the
    # name, and is replaced at once.
    with open(path, "xb"):
      pass
    try:
      os.replace(new, path)
    except BaseException:
      path.unlink(missing_ok=True)
      raise


def _replace(path: pathlib.Path, new: pathlib.Path) -> None:
  if not new.exists():
    raise FileNotFoundError(f"nothing was written that could become {path}")
  if not path.is_dir():
    with contextlib.suppress(OSError):  # there is none, or disks without modes
      shutil.copymode(path, new)
    os.replace(new, path)
    return
  if not new.is_dir():
    raise IsADirectoryError(
      f"a file cannot be written at {path}, which is a folder; name one in it"
    )
  # A folder cannot be replaced in one step. The old one is moved away first and
  # is deleted with the temporary folder.
  old = new.parents[1] / "old"
  os.rename(path, old)
  try:
    os.replace(new, path)
  except BaseException:
    os.rename(old, path)
    raise


def resolved(path: PathLike) -> pathlib.Path:
  """Returns a path without links; the file need not exist.

  Raises:
    OSError: if its links form a circle.
  """
  try:
    found = pathlib.Path(path).resolve()
  except RuntimeError:  # Python up to 3.12 raises; later ones return a link
    found = None
  if found is None or found.is_symlink():
    raise OSError(errno.ELOOP, "links lead in a circle", str(path))
  return found


def is_device(path: pathlib.Path) -> bool:
  """Returns True if a path is a pipe, a terminal or another device."""
  return path.exists() and not (path.is_file() or path.is_dir())

"""The kinds of pictures that are read, and the pictures of a folder."""

import itertools
import os
import pathlib
from collections.abc import Collection, Iterator

from tfpercept import extras
from tfpercept.io import atomic, notes

PathLike = str | os.PathLike
WRITTEN_SUFFIXES = (
  ".png", ".jpg", ".jpeg", ".bmp", ".gif", ".jp2", ".pgm", ".ppm", ".tif",
  ".tiff", ".webp",
)  # fmt: skip
"""Suffixes of pictures that are written."""
INEXACT_SUFFIXES = (".jpg", ".jpeg", ".gif")
"""Suffixes of pictures that are written with other pixels than those given; a
gray GIF has the same."""
_BOXED_SUFFIXES = (".avif", ".heic", ".heif")
SUFFIXES = (*WRITTEN_SUFFIXES, *_BOXED_SUFFIXES)
"""Suffixes of pictures that are read, by every command. The content of
a file, not its suffix, decides how it is read."""
CLOSED = "folders passed over, since they may not be listed"
OTHERS = "only the main picture of several is read"
# Formats of Pillow that are read; an MPO opens as a JPEG.
_FORMATS = (
  "PNG", "JPEG", "BMP", "GIF", "JPEG2000", "PPM", "TIFF", "WEBP",
)  # fmt: skip
_MOST_ENTRIES = 10_000  # of a folder that is not searched
_BRANDS = 64  # bytes that name the brands of a file
_AVIF_BRANDS = (b"avif", b"avis")
_HEIC_BRANDS = (
  b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs",
  b"mif1", b"msf1",
)  # fmt: skip
# Files that operating systems leave in folders, in small letters. There are
# also `._x` of macOS and `x:Zone.Identifier` of Windows.
_SYSTEM_NAMES = frozenset({
  "thumbs.db", "ehthumbs.db", "ehthumbs_vista.db", "desktop.ini", "icon\r",
  "$recycle.bin", "system volume information", "__macosx", ".ds_store",
  ".appledouble", ".localized", ".fseventsd", ".trashes", "@eadir",
  ".spotlight-v100", ".directory", ".picasa.ini", "picasa.ini",
})  # fmt: skip


def formats(path: PathLike) -> tuple[str, ...]:
  """Returns the formats of Pillow that a file may have, by its first bytes.

  AVIF and HEIC are named only where a file begins as one, since their readers
  take long to import.

  Raises:
    extras.MissingExtra: if the file is a HEIC and pillow-heif is not installed.
    ValueError: if the file is an AVIF and this Pillow does not read it.
  """
  with open(path, "rb") as file:
    head = file.read(_BRANDS)
  brand = head[8:12] if head[4:8] == b"ftyp" else b""
  is_avif = brand in _AVIF_BRANDS or b"avif" in head[12:]
  if brand and is_avif:
    _require_avif()
    return ("AVIF",)
  if brand in _HEIC_BRANDS:  # raises MissingExtra, which names the remedy
    _require_heic()
    return ("HEIF",)
  return _FORMATS


def _require_avif() -> None:
  with extras.needed("pictures"):
    from PIL import features

  if "avif" not in features.modules or not features.check("avif"):
    raise ValueError("this Pillow does not read AVIF: pip install -U Pillow")


def _require_heic() -> None:
  with extras.needed("HEIC pictures"):
    import pillow_heif

  pillow_heif.register_heif_opener(thumbnails=False)


def is_system_file(path: PathLike) -> bool:
  """Returns True for names that are no user's.

  They are those of operating systems, and of our own temporary folders.
  """
  name = pathlib.PurePath(path).name.lower()
  return (
    name in _SYSTEM_NAMES
    or name.startswith(("._", atomic.TEMPORARY))
    or ":zone.id" in name
  )


def list_images(
  folder: PathLike, *, is_recursive: bool = False
) -> list[pathlib.Path]:
  """Returns the pictures in a folder, sorted by path.

  Args:
    folder: Path of the folder.
    is_recursive: Whether the folders below it are searched, too.

  Raises:
    ValueError: if there is no such folder or it holds no picture.
  """
  folder = pathlib.Path(folder)
  if not folder.is_dir():
    raise ValueError(f"expected a folder of pictures; {folder} is none")
  found = list_files(folder, SUFFIXES, is_recursive=is_recursive)
  if not found:
    raise ValueError(
      f"no picture in {folder}; expected files ending in {', '.join(SUFFIXES)}"
    )
  return found


def list_files(
  folder: PathLike, suffixes: Collection[str], *, is_recursive: bool = False
) -> list[pathlib.Path]:
  """Returns the files of a folder with these suffixes, sorted by path.

  Files of the operating system, folders, pipes and devices are left out. A
  broken link is kept, since a file is missing there and the reader should
  report it.

  Args:
    folder: Path of the folder.
    suffixes: Suffixes in small letters, with their dots.
    is_recursive: Whether the folders below it are searched, too. Links to
      folders are not followed.
  """
  return sorted(
    path
    for path in _entries(pathlib.Path(folder), is_recursive)
    if path.suffix.lower() in suffixes and (path.is_file() or not path.exists())
  )


def passed_over(
  folder: PathLike, suffixes: Collection[str], *, is_recursive: bool = False
) -> tuple[list[pathlib.Path], list[pathlib.Path]]:
  """Returns what `list_files` leaves out that a person may have meant.

  Args:
    folder: Path of the folder.
    suffixes: Suffixes as `list_files` takes them.
    is_recursive: Whether the folders below it are searched, too.

  Returns:
    Files with other suffixes, and folders in which such files are and that are
    not searched; both sorted by path, without those of the operating system.
  """
  others, folders = [], []
  for path in _entries(pathlib.Path(folder), is_recursive):
    if path.is_dir():
      is_searched = is_recursive and not path.is_symlink()
      if not is_searched and _holds(path, suffixes):
        folders.append(path)
    elif path.suffix.lower() not in suffixes:
      others.append(path)
  return sorted(others), sorted(folders)


def _entries(
  folder: pathlib.Path, is_recursive: bool
) -> Iterator[pathlib.Path]:
  """Yields files and folders, without those that are no user's.

  Folders below that may not be listed are noted.
  """
  for path in folder.iterdir():
    if is_system_file(path):
      continue
    yield path
    if is_recursive and path.is_dir() and not path.is_symlink():
      try:
        yield from _entries(path, is_recursive)
      except PermissionError:  # as of lost+found
        notes.add(path, CLOSED)


def _holds(folder: pathlib.Path, suffixes: Collection[str]) -> bool:
  """Returns True if such a file is among the first entries of a folder.

  Also where that cannot be known, since a folder may not be listed.
  """
  try:
    with notes.collected() as closed:
      entries = itertools.islice(_entries(folder, True), _MOST_ENTRIES)
      is_there = any(path.suffix.lower() in suffixes for path in entries)
  except OSError:  # it may not be listed itself
    return True
  return is_there or bool(closed)

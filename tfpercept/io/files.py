"""Reading pictures, and writing files so that nothing is ever half there."""

import contextlib
import errno
import hashlib
import json
import os
import pathlib
import shutil
import struct
import tempfile
import warnings
from collections.abc import Collection, Iterator
from typing import Any

import numpy as np

from tfpercept import extras
from tfpercept.io import samples
from tfpercept.offers import ALPHA, MAX_PICTURE_PIXELS

PathLike = str | os.PathLike
PICTURE_SUFFIXES = (
  ".png", ".jpg", ".jpeg", ".bmp", ".gif", ".jp2", ".pgm", ".ppm", ".tif",
  ".tiff", ".webp",
)  # fmt: skip
# Of Pillow's; an MPO opens as a JPEG.
_FORMATS = (
  "PNG", "JPEG", "BMP", "GIF", "JPEG2000", "PPM", "TIFF", "WEBP",
)  # fmt: skip
# Decoders let through whatever damaged numbers lead to.
_DAMAGE = (
  ValueError, TypeError, LookupError, OverflowError, RuntimeError, MemoryError,
  OSError, SyntaxError, EOFError, struct.error,
)  # fmt: skip
# What systems leave in folders, in small letters; beside these `._x` of macOS
# and `x:Zone.Identifier` of Windows.
_SYSTEM_NAMES = frozenset({
  "thumbs.db", "ehthumbs.db", "ehthumbs_vista.db", "desktop.ini", "icon\r",
  "$recycle.bin", "system volume information", "__macosx", ".ds_store",
  ".appledouble", ".localized", ".fseventsd", ".trashes", "@eadir",
  ".spotlight-v100", ".directory", ".picasa.ini", "picasa.ini",
})  # fmt: skip


@contextlib.contextmanager
def atomic(path: PathLike) -> Iterator[pathlib.Path]:
  """Yields a temporary path that becomes `path` when the block succeeds.

  The temporary name lies in the same folder, so that the rename is atomic; it
  may be made a file or a folder. A file replaces a file and a folder a folder;
  where `path` is a link, what it leads to is replaced. What is neither, such as
  a pipe, is written to. If the block raises, `path` is as it was.

  Raises:
    OSError: if that cannot be done; `path` is as it was, too.
  """
  path = pathlib.Path(path)
  if _is_device(path):
    with tempfile.TemporaryDirectory() as folder:
      temporary = pathlib.Path(folder) / path.name
      yield temporary
      with open(temporary, "rb") as file, open(path, "wb") as device:
        shutil.copyfileobj(file, device)
    return
  path = resolved(path)
  path.parent.mkdir(parents=True, exist_ok=True)
  # A name of its own, since that of `path` may be as long as names can be.
  with tempfile.TemporaryDirectory(
    dir=path.parent, prefix=".tfpercept."
  ) as folder:
    place = pathlib.Path(folder, "new")
    place.mkdir()
    yield place / path.name
    _replace(path, place / path.name)


def _replace(path: pathlib.Path, new: pathlib.Path) -> None:
  if not new.exists():
    raise FileNotFoundError(f"nothing was written that could become {path}")
  if not path.is_dir():
    os.replace(new, path)
    return
  if not new.is_dir():
    raise IsADirectoryError(
      f"a file was to be written at {path}, which is a folder; name one in it"
    )
  # A folder cannot be replaced in one step; the old one is moved aside first
  # and vanishes with the temporary folder.
  old = new.parents[1] / "old"
  os.rename(path, old)
  try:
    os.replace(new, path)
  except BaseException:
    os.rename(old, path)
    raise


def require_writable(path: PathLike) -> None:
  """Raises OSError if a file cannot be written there; makes its folder."""
  path = pathlib.Path(path)
  if path.is_dir():
    raise IsADirectoryError(f"{path} is a folder; name a file in it")
  if not _is_device(path):  # opening would begin a pipe
    require_writable_folder(resolved(path).parent)


def require_writable_folder(path: PathLike) -> None:
  """Raises OSError if nothing can be written into a folder; makes it."""
  path = pathlib.Path(path)
  if path.exists() and not path.is_dir():
    raise NotADirectoryError(f"{path} is no folder; name one, or a new one")
  resolved(path).mkdir(parents=True, exist_ok=True)
  with tempfile.TemporaryFile(dir=path):
    pass


def resolved(path: PathLike) -> pathlib.Path:
  """Returns a path without links, of something that need not exist.

  Raises:
    OSError: if its links lead in a circle.
  """
  try:
    found = pathlib.Path(path).resolve()
  except RuntimeError:  # of Python up to 3.12; later ones return a link
    found = None
  if found is None or found.is_symlink():
    raise OSError(errno.ELOOP, "links lead in a circle", str(path))
  return found


def _is_device(path: pathlib.Path) -> bool:
  """Whether a path is of a pipe, a terminal or the like."""
  return path.exists() and not (path.is_file() or path.is_dir())


def write_bytes(path: PathLike, data: bytes) -> None:
  """Writes a file whole or not at all."""
  with atomic(path) as temporary, open(temporary, "wb") as file:
    file.write(data)
    file.flush()
    os.fsync(file.fileno())


def write_text(path: PathLike, text: str) -> None:
  """Writes UTF-8 text whole or not at all; what is not Unicode is escaped.

  Names of files need not be: Python has lone surrogates for their bytes.
  """
  write_bytes(path, text.encode(errors="backslashreplace"))


def write_json(path: PathLike, value: Any) -> None:
  """Writes indented JSON whole or not at all; refuses NaN."""
  text = json.dumps(value, indent=2, allow_nan=False)
  write_text(path, text + "\n")


def sha256(path: PathLike) -> str:
  """Hexadecimal SHA-256 of a file."""
  with open(path, "rb") as file:
    digest = hashlib.sha256()
    while chunk := file.read(1 << 20):
      digest.update(chunk)
  return digest.hexdigest()


def is_system_file(path: PathLike) -> bool:
  """Whether a system keeps its own notes under such a name, and nobody data."""
  name = pathlib.PurePath(path).name.lower()
  return name in _SYSTEM_NAMES or name.startswith("._") or ":zone.id" in name


def list_images(folder: PathLike) -> list[pathlib.Path]:
  """Returns the pictures in a folder, not below it, sorted by name.

  Raises:
    ValueError: if there is no such folder or it holds no picture.
  """
  folder = pathlib.Path(folder)
  if not folder.is_dir():
    raise ValueError(f"expected a folder of pictures; {folder} is none")
  found = list_files(folder, PICTURE_SUFFIXES)
  if not found:
    raise ValueError(
      f"no picture in {folder}; expected files ending in "
      f"{', '.join(PICTURE_SUFFIXES)}"
    )
  return found


def list_files(
  folder: PathLike, suffixes: Collection[str]
) -> list[pathlib.Path]:
  """Returns the files of a folder that end so, by name.

  What systems leave is none, nor is a folder, a pipe or a device, whatever its
  name. A link that leads nowhere is one: somebody meant a file.

  Args:
    folder: The folder; what lies in folders below it does not count.
    suffixes: In small letters, with their dots.
  """
  return sorted(
    path
    for path in pathlib.Path(folder).iterdir()
    if path.suffix.lower() in suffixes
    and not is_system_file(path)
    and (path.is_file() or not path.exists())
  )


def read_image(path: PathLike) -> np.ndarray:
  """Reads a picture as uint8 `[H, W, 3]`, or `[H, W, 1]` if it is gray.

  Transparency is dropped after laying the picture over white, the EXIF rotation
  is applied and more than 8 bits are reduced to 8.

  Raises:
    ValueError: if the file is no picture, is damaged, animated or too large, or
      holds floating-point or 32-bit numbers, whose range is not known.
  """
  with extras.needed("pictures"):
    from PIL import ImageOps

  with _opened(path) as picture, _named(path):
    if not picture.mode.startswith("I") and not (
      samples.is_deep(picture) and "transparency" in picture.info
    ):
      return _to_array(ImageOps.exif_transpose(picture))
  found = read_samples(path)
  return samples.reduced(found) if found.dtype == np.uint16 else found


def read_samples(path: PathLike, *, alpha: str = "white") -> np.ndarray:
  """Reads a picture with all the bits it has, in little memory.

  The EXIF rotation is applied. An 8-bit picture of N pixels takes 7 N bytes
  while it is read, 8 N with transparency.

  Args:
    path: The file.
    alpha: What to do with transparency: lay the picture over `"white"` or
      `"black"`, `"ignore"` it, or raise an `"error"`.

  Returns:
    uint8 or uint16, `[H, W, 3]`, or `[H, W, 1]` if it is gray.

  Raises:
    ValueError: as `read_image`; if `alpha` is unknown; or if 16-bit samples are
      in planes, premultiplied, or color in JPEG 2000.
  """
  if alpha not in ALPHA:
    raise ValueError(f"alpha is one of {', '.join(ALPHA)}; got {alpha!r}")
  with _opened(path) as picture, _named(path):
    found, orientation = samples.decoded(picture, lambda: _opened(path))
  if found.shape[-1] in (2, 4):
    if alpha == "error":
      raise ValueError(f"{path} has transparency, which alpha='error' refuses")
    found = samples.without_alpha(found, alpha)
  return samples.upright(found, orientation)


@contextlib.contextmanager
def _opened(path: PathLike) -> Iterator[Any]:
  """Yields a Pillow picture; whatever is wrong with it is a ValueError."""
  with extras.needed("pictures"):
    from PIL import Image

  path = pathlib.Path(path)
  if not path.is_file():
    why = "is no file" if path.exists() else "does not exist"
    raise ValueError(f"expected a picture file; {path} {why}")
  with _named(path), warnings.catch_warnings():
    # Pillow warns of half of what is read here.
    warnings.simplefilter("ignore", Image.DecompressionBombWarning)
    picture = Image.open(path, formats=_FORMATS)
  with picture:
    if picture.width * picture.height > MAX_PICTURE_PIXELS:
      raise ValueError(
        f"{path} has {picture.width}x{picture.height} pixels; at most "
        f"{MAX_PICTURE_PIXELS} are read"
      )
    with _named(path):
      frames = getattr(picture, "n_frames", 1)
    # Behind a telephone's photograph, the first of an MPO, comes its gain map.
    if frames > 1 and picture.format != "MPO":
      raise ValueError(
        f"{path} is animated ({frames} frames); give one picture"
      )
    if picture.mode == "F" or (
      picture.mode == "I" and picture.format not in ("PNG", "PPM")
    ):
      raise ValueError(
        f"{path} holds floating-point or 32-bit numbers; give a picture of 8 "
        "or 16 bits"
      )
    with _named(path):
      samples.mend(picture)
    yield picture


@contextlib.contextmanager
def _named(path: PathLike) -> Iterator[None]:
  """Turns what Pillow raises for damage into a ValueError that has the path."""
  from PIL import Image

  try:
    yield
  except (*_DAMAGE, Image.DecompressionBombError) as error:
    why = str(error) or type(error).__name__
    raise ValueError(f"{path} is not a readable picture: {why}") from error


def _to_array(picture: Any) -> np.ndarray:
  from PIL import Image

  gray = picture.mode in ("1", "L", "LA")
  if "A" in picture.getbands() or "transparency" in picture.info:
    picture = picture.convert("RGBA")
    white = Image.new("RGBA", picture.size, "white")
    picture = Image.alpha_composite(white, picture).convert("RGB")
  if gray:
    return np.asarray(picture.convert("L"))[..., None]
  return np.asarray(picture.convert("RGB"))


def write_image(path: PathLike, image: np.ndarray) -> None:
  """Writes uint8 `[H, W, 3]`, `[H, W, 1]` or `[H, W]` by the path's suffix."""
  with extras.needed("pictures"):
    from PIL import Image

  image = np.asarray(image)
  if image.dtype != np.uint8:
    raise ValueError(f"write_image needs uint8 pixels; got {image.dtype}")
  if image.ndim == 3 and image.shape[-1] == 1:
    image = image[..., 0]
  with atomic(path) as temporary:
    Image.fromarray(image).save(temporary)


def free_space(folder: PathLike) -> int:
  """Bytes left on the disk of a folder that may not exist yet."""
  folder = pathlib.Path(folder).absolute()
  while not folder.exists():
    folder = folder.parent
  return shutil.disk_usage(folder).free

"""Readers of pictures, and writers that never leave half a file."""

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
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np

from tfpercept import extras
from tfpercept.io import color_profiles, notes, picture_files, samples
from tfpercept.offers import ALPHA, MAX_PICTURE_PIXELS

PathLike = str | os.PathLike
PICTURE_SUFFIXES = picture_files.SUFFIXES
WRITTEN_SUFFIXES = picture_files.WRITTEN_SUFFIXES
is_system_file = picture_files.is_system_file
list_files = picture_files.list_files
list_images = picture_files.list_images
CLEAR = "transparency is laid over white"
# Errors that Pillow's decoders raise for damaged files.
_DAMAGE = (
  ValueError, TypeError, LookupError, OverflowError, RuntimeError, MemoryError,
  OSError, SyntaxError, EOFError, struct.error,
)  # fmt: skip


@contextlib.contextmanager
def atomic(path: PathLike, *, replace: bool = True) -> Iterator[pathlib.Path]:
  """Yields a temporary path that becomes `path` when the block succeeds.

  The temporary path is in the same folder, so that the rename is atomic. The
  block may create a file or a folder there. A file replaces a file and a folder
  replaces a folder. If `path` is a link, its target is replaced. If it is a
  pipe or a device, the data are written to it. If the block raises, `path` is
  unchanged.

  Args:
    path: Path to write.
    replace: Whether what is there is replaced. If not, two processes that write
      the same file at the same time can not replace each other's.

  Raises:
    FileExistsError: if there is a file or a folder and `replace` is false.
    OSError: if the path cannot be written; it is then unchanged, too.
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
  # The prefix is fixed, since the name of `path` may have the maximum length.
  with tempfile.TemporaryDirectory(
    dir=path.parent, prefix=".tfpercept."
  ) as folder:
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


def require_writable(path: PathLike) -> None:
  """Makes the folder of a path; raises OSError if no file can be written."""
  path = pathlib.Path(path)
  if path.is_dir():
    raise IsADirectoryError(f"{path} is a folder; name a file in it")
  if not _is_device(path):  # opening a pipe would already use it
    require_writable_folder(resolved(path).parent)


def require_writable_folder(path: PathLike) -> None:
  """Makes a folder; raises OSError if no file can be written into it."""
  path = pathlib.Path(path)
  if path.exists() and not path.is_dir():
    raise NotADirectoryError(f"{path} is no folder; name one, or a new one")
  resolved(path).mkdir(parents=True, exist_ok=True)
  with tempfile.TemporaryFile(dir=path):
    pass


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


def _is_device(path: pathlib.Path) -> bool:
  """Returns True if a path is a pipe, a terminal or another device."""
  return path.exists() and not (path.is_file() or path.is_dir())


def write_bytes(path: PathLike, data: bytes, *, replace: bool = True) -> None:
  """Writes a complete file or none; `replace` is that of `atomic`."""
  with (
    atomic(path, replace=replace) as temporary,
    open(temporary, "wb") as file,
  ):
    file.write(data)
    file.flush()
    os.fsync(file.fileno())


def write_text(path: PathLike, text: str) -> None:
  """Writes a complete UTF-8 file or none; lone surrogates are escaped.

  Names of files in a text may have them: Python uses surrogates for bytes that
  are not UTF-8.
  """
  write_bytes(path, text.encode(errors="backslashreplace"))


def write_json(path: PathLike, value: Any) -> None:
  """Writes a complete file of indented JSON or none; NaN raises ValueError."""
  text = json.dumps(value, indent=2, allow_nan=False)
  write_text(path, text + "\n")


def sha256(path: PathLike) -> str:
  """Returns the hexadecimal SHA-256 of a file."""
  with open(path, "rb") as file:
    digest = hashlib.sha256()
    while chunk := file.read(1 << 20):
      digest.update(chunk)
  return digest.hexdigest()


def read_image(path: PathLike) -> np.ndarray:
  """Reads a picture as uint8 `[H, W, 3]`, or `[H, W, 1]` if it is gray.

  Colors with a profile are converted to sRGB, a transparent picture is laid
  over white, the EXIF rotation is applied, and more than 8 bits are reduced to
  8. `notes` has what could not be kept.

  Raises:
    ValueError: if the file is no picture, is damaged, animated or too large, or
      holds floating-point or 32-bit numbers, whose range is not known.
  """
  with extras.needed("pictures"):
    from PIL import ImageOps

  with _opened(path) as picture, _named(path):
    is_whole = picture.mode.startswith("I") or (
      samples.is_deep(picture) and "transparency" in picture.info
    )
    with notes.collected() as found:  # `read_samples` would add them again
      has_profile = color_profiles.of(picture, _teller(path)) is not None
    if not is_whole and not has_profile:
      notes.extend(found)
      array, is_clear = _to_array(ImageOps.exif_transpose(picture))
      if is_clear:
        notes.add(path, CLEAR)
      return array
  pixels = read_samples(path)
  return samples.reduced(pixels) if pixels.dtype == np.uint16 else pixels


class Header(NamedTuple):
  """What a picture file says of itself before its pixels are read.

  Attributes:
    height: Height in pixels, as stored: a telephone's picture may lie on its
      side.
    width: Width in pixels.
    is_deep: Whether there may be more than 8 bits for a sample.
  """

  height: int
  width: int
  is_deep: bool


def read_header(path: PathLike) -> Header:
  """Returns the size of a picture without decoding it.

  Raises:
    ValueError: as `read_image`, except for damage of the pixels.
  """
  with notes.collected(), _opened(path) as picture, _named(path):
    return Header(picture.height, picture.width, samples.is_deep(picture))


def read_samples(path: PathLike, *, alpha: str = "white") -> np.ndarray:
  """Reads a picture with all the bits it has, in little memory.

  Colors with a profile are converted to sRGB, and the EXIF rotation is applied.
  `notes` has what could not be kept. An 8-bit picture of N pixels takes 7 N
  bytes while it is read, 8 N with transparency.

  Args:
    path: Path of the picture.
    alpha: Treatment of transparency: `"white"` and `"black"` lay the picture
      over this color, `"ignore"` drops the opacity, `"error"` raises an error.

  Returns:
    Samples, uint8 or uint16, `[H, W, 3]`, or `[H, W, 1]` if the picture is
    gray.

  Raises:
    ValueError: for the reasons of `read_image`; if `alpha` is unknown; or if
      16-bit samples are in planes, premultiplied, or color in JPEG 2000.
  """
  if alpha not in ALPHA:
    raise ValueError(f"alpha is one of {', '.join(ALPHA)}; got {alpha!r}")
  with extras.needed("pictures"):
    from PIL import ImageOps

  with _opened(path) as picture, _named(path):
    profile = color_profiles.of(picture, _teller(path))
    if profile and profile.mode == "CMYK":
      upright = ImageOps.exif_transpose(picture)
      picture, profile = color_profiles.of_inks(upright, profile), None
    found, orientation = samples.decoded(picture, lambda: _opened(path))
    if profile:
      color_profiles.convert(found, profile, _teller(path))
  if found.shape[-1] in (2, 4):
    if alpha == "error":
      raise ValueError(f"{path} has transparency, which alpha='error' refuses")
    if alpha == "white" and _is_clear(found[..., -1]):
      notes.add(path, CLEAR)
    found = samples.without_alpha(found, alpha)
  return samples.upright(found, orientation)


def _teller(path: PathLike) -> Callable[[str], None]:
  return lambda what: notes.add(path, what)


def _is_clear(opacity: np.ndarray) -> bool:
  return bool(opacity.min() < np.iinfo(opacity.dtype).max)


@contextlib.contextmanager
def _opened(path: PathLike) -> Iterator[Any]:
  """Yields a Pillow picture; any fault of the file raises ValueError."""
  with extras.needed("pictures"):
    from PIL import Image

  path = pathlib.Path(path)
  if not path.is_file():
    why = "is no file" if path.exists() else "does not exist"
    raise ValueError(f"expected a picture file; {path} {why}")
  formats = picture_files.formats(path)
  with _named(path), warnings.catch_warnings():
    # Pillow warns from half the size that is read here.
    warnings.simplefilter("ignore", Image.DecompressionBombWarning)
    try:
      picture = Image.open(path, formats=formats)
    except Image.UnidentifiedImageError as error:
      raise ValueError(
        "cannot identify image file; the kinds that are read end in "
        f"{', '.join(PICTURE_SUFFIXES)}"
      ) from error
  with picture:
    _require_readable(picture, path)
    with _named(path):
      samples.mend(picture)
    yield picture


def _require_readable(picture: Any, path: PathLike) -> None:
  """Raises ValueError for what is too large, animated or of unknown range."""
  if picture.width * picture.height > MAX_PICTURE_PIXELS:
    raise ValueError(
      f"{path} has {picture.width}x{picture.height} pixels; at most "
      f"{MAX_PICTURE_PIXELS} are read"
    )
  with _named(path):
    frames = getattr(picture, "n_frames", 1)
  # Of an MPO or a HEIC, as telephones have them, the photograph is read; an MPO
  # holds its gain map, too.
  if frames > 1 and picture.format == "HEIF":
    notes.add(path, picture_files.OTHERS)
  elif frames > 1 and picture.format != "MPO":
    raise ValueError(f"{path} is animated ({frames} frames); give one picture")
  if picture.mode == "F" or (
    picture.mode == "I" and picture.format not in ("PNG", "PPM")
  ):
    raise ValueError(
      f"{path} holds floating-point or 32-bit numbers; give a picture of 8 or "
      "16 bits"
    )


@contextlib.contextmanager
def _named(path: PathLike) -> Iterator[None]:
  """Turns Pillow's errors for damage into a ValueError with the path."""
  from PIL import Image

  try:
    yield
  except (*_DAMAGE, Image.DecompressionBombError) as error:
    why = str(error) or type(error).__name__
    raise ValueError(f"{path} is not a readable picture: {why}") from error


def _to_array(picture: Any) -> tuple[np.ndarray, bool]:
  """Returns the pixels of a picture, and whether some let white through."""
  from PIL import Image

  is_clear = False
  gray = picture.mode in ("1", "L", "LA")
  if "A" in picture.getbands() or "transparency" in picture.info:
    picture = picture.convert("RGBA")
    is_clear = picture.getextrema()[-1][0] < 255
    white = Image.new("RGBA", picture.size, "white")
    picture = Image.alpha_composite(white, picture).convert("RGB")
  if gray:
    return np.asarray(picture.convert("L"))[..., None], is_clear
  return np.asarray(picture.convert("RGB")), is_clear


def write_image(
  path: PathLike, image: np.ndarray, *, replace: bool = True
) -> None:
  """Writes a picture in the format of the path's suffix.

  Args:
    path: Path of the file, such as `picture.png`.
    image: Picture, uint8 `[H, W, 3]`, `[H, W, 1]` or `[H, W]`.
    replace: Whether an existing file is replaced, as in `atomic`.
  """
  with extras.needed("pictures"):
    from PIL import Image

  image = np.asarray(image)
  if image.dtype != np.uint8:
    raise ValueError(f"write_image needs uint8 pixels; got {image.dtype}")
  if image.ndim == 3 and image.shape[-1] == 1:
    image = image[..., 0]
  with atomic(path, replace=replace) as temporary:
    Image.fromarray(image).save(temporary)


def free_space(folder: PathLike) -> int:
  """Returns the free bytes on the disk of a folder, which need not exist."""
  folder = pathlib.Path(folder).absolute()
  while not folder.exists():
    folder = folder.parent
  return shutil.disk_usage(folder).free

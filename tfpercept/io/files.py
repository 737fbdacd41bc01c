"""Readers of pictures, and writers that never leave half a file."""

import contextlib
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
from tfpercept.io import atomic as atomic_files
from tfpercept.io import color_profiles, notes, picture_files, samples
from tfpercept.offers import ALPHA, MAX_PICTURE_PIXELS

PathLike = str | os.PathLike
PICTURE_SUFFIXES = picture_files.SUFFIXES
WRITTEN_SUFFIXES = picture_files.WRITTEN_SUFFIXES
atomic = atomic_files.atomic
resolved = atomic_files.resolved
is_system_file = picture_files.is_system_file
list_files = picture_files.list_files
list_images = picture_files.list_images
CLEAR = "transparency is laid over white"
NO_EXIF = "the camera data are damaged, so that a rotation may be missing"
# Errors that Pillow's decoders raise for damaged files.
_DAMAGE = (
  ValueError, TypeError, LookupError, OverflowError, RuntimeError, MemoryError,
  OSError, SyntaxError, EOFError, struct.error,
)  # fmt: skip


def require_writable(path: PathLike) -> None:
  """Makes the folder of a path; raises OSError if no file can be written."""
  path = pathlib.Path(path)
  if path.is_dir():
    raise IsADirectoryError(f"{path} is a folder; name a file in it")
  if not atomic_files.is_device(path):  # opening a pipe would already use it
    require_writable_folder(resolved(path).parent)


def require_writable_folder(path: PathLike) -> None:
  """Makes a folder; raises OSError if no file can be written into it."""
  path = pathlib.Path(path)
  if path.exists() and not path.is_dir():
    raise NotADirectoryError(f"{path} is no folder; name one, or a new one")
  resolved(path).mkdir(parents=True, exist_ok=True)
  with tempfile.TemporaryFile(dir=path):
    pass


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
  with _opened(path) as picture, _named(path):
    is_whole = (
      picture.mode.startswith("I")
      or samples.raw_mode(picture) == samples.GRAY_WITH_OPACITY
      or (samples.is_deep(picture) and "transparency" in picture.info)
    )
    with notes.collected() as found:  # `read_samples` would add them again
      has_profile = color_profiles.of(picture, _teller(path)) is not None
    if not is_whole and not has_profile:
      notes.extend(found)
      array, is_clear = _to_array(picture)
      if is_clear:
        notes.add(path, CLEAR)
      return _upright(path, array, samples.orientation(picture))
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
      over this color, `"ignore"` drops the opacity, `"error"` raises an error
      if any pixel is not opaque.

  Returns:
    Samples, uint8 or uint16, `[H, W, 3]`, or `[H, W, 1]` if the picture is
    gray.

  Raises:
    ValueError: for the reasons of `read_image`; if `alpha` is unknown; or if
      16-bit samples are in planes, premultiplied, or color in JPEG 2000.
  """
  if alpha not in ALPHA:
    raise ValueError(f"alpha is one of {', '.join(ALPHA)}; got {alpha!r}")
  with _opened(path) as picture, _named(path):
    profile = color_profiles.of(picture, _teller(path))
    if profile and profile.mode == "CMYK":
      orientation = samples.orientation(picture)
      picture, profile = color_profiles.of_inks(picture, profile), None
      found, _ = samples.decoded(picture, lambda: _opened(path))
    else:
      found, orientation = samples.decoded(picture, lambda: _opened(path))
    if profile:
      color_profiles.convert(found, profile, _teller(path))
  if found.shape[-1] in (2, 4):
    is_clear = _is_clear(found[..., -1])
    if alpha == "error" and is_clear:
      raise ValueError(f"{path} has transparency, which alpha='error' refuses")
    if alpha == "white" and is_clear:
      notes.add(path, CLEAR)
    found = samples.without_alpha(found, alpha)
  return _upright(path, found, orientation)


def _upright(path: PathLike, array: np.ndarray, orientation: int) -> np.ndarray:
  """Returns a picture turned upright; notes that it is not known how."""
  if not orientation:
    notes.add(path, NO_EXIF)
  return np.ascontiguousarray(samples.upright(array, orientation))


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

  The pixels are kept, except in JPEG and GIF.

  Args:
    path: Path of the file, such as `picture.png`.
    image: Picture, uint8 `[H, W, 3]`, `[H, W, 1]` or `[H, W]`.
    replace: Whether an existing file is replaced, as in `atomic`.

  Raises:
    ValueError: if the picture is not uint8, or is of color and called as PGM.
    FileExistsError: if there is a file and `replace` is false.
    OSError: if the file cannot be written.
  """
  with extras.needed("pictures"):
    from PIL import Image

  image = np.asarray(image)
  if image.dtype != np.uint8:
    raise ValueError(f"write_image needs uint8 pixels; got {image.dtype}")
  if image.ndim == 3 and image.shape[-1] == 1:
    image = image[..., 0]
  suffix = pathlib.Path(path).suffix.lower()
  if suffix == ".pgm" and image.ndim == 3:
    raise ValueError(f"{path} is of color, and a PGM is gray; call it .ppm")
  settings: dict[str, Any] = {"lossless": True} if suffix == ".webp" else {}
  with atomic(path, replace=replace) as temporary:
    Image.fromarray(image).save(temporary, **settings)


def free_space(folder: PathLike) -> int:
  """Returns the free bytes on the disk of a folder, which need not exist."""
  folder = pathlib.Path(folder).absolute()
  while not folder.exists():
    folder = folder.parent
  return shutil.disk_usage(folder).free

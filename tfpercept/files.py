"""Reading pictures, and writing files so that nothing is ever half there."""

import contextlib
import hashlib
import json
import os
import pathlib
import re
import shutil
import struct
import sys
import tempfile
import warnings
from collections.abc import Iterator
from typing import Any

import numpy as np

from tfpercept import extras
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
_STRIP_ROWS = 64  # that are copied at once
# What systems leave in folders, in small letters; beside these `._x` of macOS
# and `x:Zone.Identifier` of Windows.
_SYSTEM_NAMES = frozenset({
  "thumbs.db", "ehthumbs.db", "ehthumbs_vista.db", "desktop.ini", "icon\r",
  "$recycle.bin", "system volume information", "__macosx", ".ds_store",
  ".appledouble", ".localized", ".fseventsd", ".trashes", "@eadir",
  ".spotlight-v100", ".directory", ".picasa.ini", "picasa.ini",
})  # fmt: skip
_ORIENTATION = 0x0112  # EXIF tag
_BITS_PER_SAMPLE, _PLANAR_CONFIGURATION = 258, 284  # TIFF tags


@contextlib.contextmanager
def atomic(path: PathLike) -> Iterator[pathlib.Path]:
  """Yields a temporary path that becomes `path` when the block succeeds.

  The temporary name lies in the same folder, so that the rename is atomic; it
  may be made a file or a folder. A file replaces a file and a folder a folder;
  where `path` is a link, what it leads to is replaced. What is neither, such as
  a pipe, is written to. If the block raises, `path` is as it was.

  Raises:
    OSError: if that can not be done; `path` is as it was, too.
  """
  path = pathlib.Path(path)
  if path.exists() and not (path.is_file() or path.is_dir()):
    with tempfile.TemporaryDirectory() as folder:
      temporary = pathlib.Path(folder) / path.name
      yield temporary
      with open(temporary, "rb") as file, open(path, "wb") as device:
        shutil.copyfileobj(file, device)
    return
  path = path.resolve()
  path.parent.mkdir(parents=True, exist_ok=True)
  with tempfile.TemporaryDirectory(
    dir=path.parent, prefix=f".{path.name}."
  ) as folder:
    temporary = pathlib.Path(folder) / path.name
    yield temporary
    _replace(path, temporary)


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
  # A folder can not be replaced in one step; the old one is moved aside first
  # and vanishes with the temporary folder.
  old = new.with_name(f"{new.name}.replaced")
  os.rename(path, old)
  try:
    os.replace(new, path)
  except BaseException:
    os.rename(old, path)
    raise


def require_writable(path: PathLike) -> None:
  """Raises OSError if a file can not be written there; makes its folder."""
  path = pathlib.Path(path)
  if path.is_dir():
    raise IsADirectoryError(f"{path} is a folder; name a file in it")
  if path.exists() and not path.is_file():
    return  # a pipe, which opening would begin
  folder = path.resolve().parent
  folder.mkdir(parents=True, exist_ok=True)
  with tempfile.TemporaryFile(dir=folder):
    pass


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
  found = sorted(
    p
    for p in folder.iterdir()
    if p.suffix.lower() in PICTURE_SUFFIXES and not is_system_file(p)
  )
  if not found:
    raise ValueError(
      f"no picture in {folder}; expected files ending in "
      f"{', '.join(PICTURE_SUFFIXES)}"
    )
  return found


def read_image(path: PathLike) -> np.ndarray:
  """Reads a picture as uint8 `[H, W, 3]`, or `[H, W, 1]` if it is grey.

  Transparency is dropped after laying the picture over white, the EXIF rotation
  is applied and 16 bits are reduced to 8.

  Raises:
    ValueError: if the file is no picture, is damaged, animated or too large, or
      holds floating-point or 32-bit numbers, whose range is not known.
  """
  with extras.needed("pictures"):
    from PIL import ImageOps

  with _opened(path) as picture, _named(path):
    return _to_array(ImageOps.exif_transpose(picture))


def read_samples(path: PathLike, *, alpha: str = "white") -> np.ndarray:
  """Reads a picture with all the bits it has, in little memory.

  The EXIF rotation is applied. An 8-bit picture of N pixels takes 7 N bytes
  while it is read, 8 N with transparency.

  Args:
    path: The file.
    alpha: What to do with transparency: lay the picture over `"white"` or
      `"black"`, `"ignore"` it, or raise an `"error"`.

  Returns:
    uint8 or uint16, `[H, W, 3]`, or `[H, W, 1]` if it is grey.

  Raises:
    ValueError: as `read_image`; if `alpha` is unknown; or if 16-bit samples are
      in planes, premultiplied, or grey with transparency.
  """
  if alpha not in ALPHA:
    raise ValueError(f"alpha is one of {', '.join(ALPHA)}; got {alpha!r}")
  samples, orientation = _decoded(path)
  if samples.shape[-1] in (2, 4):
    if alpha == "error":
      raise ValueError(f"{path} has transparency, which alpha='error' refuses")
    samples = _without_alpha(samples, alpha)
  return _upright(samples, orientation)


@contextlib.contextmanager
def _opened(path: PathLike) -> Iterator[Any]:
  """Yields a Pillow picture; whatever is wrong with it is a ValueError."""
  with extras.needed("pictures"):
    from PIL import Image

  path = pathlib.Path(path)
  if not path.is_file():
    raise ValueError(f"expected a picture file; {path} does not exist")
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
    if picture.mode == "F" or (picture.mode == "I" and picture.format != "PNG"):
      raise ValueError(
        f"{path} holds floating-point or 32-bit numbers; give a picture of 8 "
        "or 16 bits"
      )
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


def _decoded(path: PathLike) -> tuple[np.ndarray, int]:
  """Returns samples `[H, W, 1 to 4]` as stored, and the EXIF orientation."""
  with _opened(path) as picture, _named(path):
    raw = _raw_mode(picture)
    pixels = _pixels(picture)
    orientation = picture.getexif().get(_ORIENTATION, 1)
  if ";16" not in raw or pixels.dtype == np.uint16:
    return pixels, orientation
  if not re.fullmatch("RGBA?;16[BLN]", raw):
    raise ValueError(
      f"{path} holds 16-bit samples in a form that is not read ({raw}); save "
      "them as RGB or RGBA, pixel by pixel"
    )
  # Pillow has no 16-bit colour and keeps the high byte of each sample. With the
  # order of bytes turned round it keeps the low one.
  samples = pixels.astype(np.uint16)
  del pixels
  samples <<= 8
  with _opened(path) as picture, _named(path):
    picture.tile = [_swapped(tile) for tile in picture.tile]
    samples |= _pixels(picture)
  return samples, orientation


def _raw_mode(picture: Any) -> str:
  """How samples are stored, in Pillow's words, such as `RGB;16B`."""
  if not picture.tile:
    return picture.mode
  arguments = picture.tile[0].args
  raw = arguments[0] if isinstance(arguments, tuple) else arguments
  tags = getattr(picture, "tag_v2", {})
  is_deep = 16 in tags.get(_BITS_PER_SAMPLE, ())
  if is_deep and tags.get(_PLANAR_CONFIGURATION) == 2:
    return f"{picture.mode};16 in planes"  # Pillow would read them as 8 bits
  return str(raw)


def _swapped(tile: Any) -> Any:
  """A Pillow tile whose 16-bit samples are read in the other byte order."""
  arguments = tile.args if isinstance(tile.args, tuple) else (tile.args,)
  raw = arguments[0]
  native = "L" if sys.byteorder == "little" else "B"
  order = native if raw[-1] == "N" else raw[-1]
  arguments = (raw[:-1] + {"L": "B", "B": "L"}[order], *arguments[1:])
  return tile._replace(
    args=arguments if isinstance(tile.args, tuple) else arguments[0]
  )


def _pixels(picture: Any) -> np.ndarray:
  """Returns `[H, W, bands]`, copied in strips."""
  picture.load()
  if picture.mode.startswith("I"):
    mode, bands, dtype = picture.mode, 1, np.uint16
  else:
    grey = picture.mode in ("1", "L", "LA", "La")
    has_alpha = "transparency" in picture.info or picture.mode[-1] in "Aa"
    mode = ("L" if grey else "RGB") + ("A" if has_alpha else "")
    bands, dtype = len(mode), np.uint8
  pixels = np.empty((picture.height, picture.width, bands), dtype)
  for top in range(0, picture.height, _STRIP_ROWS):
    bottom = min(top + _STRIP_ROWS, picture.height)
    strip = picture.crop((0, top, picture.width, bottom))
    if strip.mode != mode:
      strip = strip.convert(mode)
    pixels[top:bottom] = np.asarray(strip).reshape(pixels[top:bottom].shape)
  return pixels


def _without_alpha(samples: np.ndarray, background: str) -> np.ndarray:
  """Lays samples whose last channel is opacity over a background."""
  if background == "ignore":
    return np.ascontiguousarray(samples[..., :-1])
  full = np.uint32(np.iinfo(samples.dtype).max)
  behind = full if background == "white" else np.uint32(0)
  result = np.empty((*samples.shape[:2], samples.shape[-1] - 1), samples.dtype)
  for top in range(0, len(samples), _STRIP_ROWS):
    strip = samples[top : top + _STRIP_ROWS].astype(np.uint32)
    color, opacity = strip[..., :-1], strip[..., -1:]
    # At most 65535^2 + 32767, which 32 bits hold.
    mixed = color * opacity + behind * (full - opacity) + full // 2
    result[top : top + _STRIP_ROWS] = mixed // full
  return result


def _upright(samples: np.ndarray, orientation: int) -> np.ndarray:
  """Undoes what the EXIF orientation, 1 to 8, says of the camera."""
  if orientation in (5, 6, 7, 8):
    samples = samples.swapaxes(0, 1)
  if orientation in (2, 3, 6, 7):
    samples = samples[:, ::-1]
  if orientation in (3, 4, 7, 8):
    samples = samples[::-1]
  return samples


def _to_array(picture) -> np.ndarray:
  from PIL import Image

  if picture.mode.startswith("I;16") or picture.mode == "I":
    values = np.asarray(picture).astype(np.float64)
    return np.round(values / 257.0).clip(0, 255).astype(np.uint8)[..., None]
  grey = picture.mode in ("1", "L", "LA")
  if "A" in picture.getbands() or "transparency" in picture.info:
    picture = picture.convert("RGBA")
    white = Image.new("RGBA", picture.size, "white")
    picture = Image.alpha_composite(white, picture).convert("RGB")
  if grey:
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

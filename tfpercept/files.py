"""Reading pictures, and writing files so that nothing is ever half there."""

import contextlib
import hashlib
import json
import os
import pathlib
import shutil
import tempfile
import warnings
from collections.abc import Iterator
from typing import Any

import numpy as np

PathLike = str | os.PathLike
PICTURE_SUFFIXES = (".png", ".jpg", ".jpeg", ".bmp", ".webp", ".tif", ".tiff")
MAX_PICTURE_PIXELS = 170_000_000
"""More are taken for an attack; Pillow's own limit is a little higher."""


@contextlib.contextmanager
def atomic(path: PathLike) -> Iterator[pathlib.Path]:
  """Yields a temporary path that becomes `path` when the block succeeds.

  The temporary name lies in the same folder, so that the rename is atomic; it
  may be made a file or a folder. An existing file at `path` is replaced, an
  existing folder too. If the block raises, `path` is as it was.
  """
  path = pathlib.Path(path)
  path.parent.mkdir(parents=True, exist_ok=True)
  with tempfile.TemporaryDirectory(
    dir=path.parent, prefix=f".{path.name}."
  ) as folder:
    temporary = pathlib.Path(folder) / path.name
    yield temporary
    if path.is_dir():
      # A folder can not be replaced in one step; the old one is moved aside
      # first and vanishes with the temporary folder.
      os.rename(path, pathlib.Path(folder) / "replaced")
    os.replace(temporary, path)


def write_bytes(path: PathLike, data: bytes) -> None:
  """Writes a file whole or not at all."""
  with atomic(path) as temporary, open(temporary, "wb") as file:
    file.write(data)
    file.flush()
    os.fsync(file.fileno())


def write_text(path: PathLike, text: str) -> None:
  """Writes UTF-8 text whole or not at all."""
  write_bytes(path, text.encode())


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


def list_images(folder: PathLike) -> list[pathlib.Path]:
  """Returns the pictures in a folder, not below it, sorted by name.

  Raises:
    ValueError: if there is no such folder or it holds no picture.
  """
  folder = pathlib.Path(folder)
  if not folder.is_dir():
    raise ValueError(f"expected a folder of pictures; {folder} is none")
  found = sorted(
    p for p in folder.iterdir() if p.suffix.lower() in PICTURE_SUFFIXES
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
  from PIL import Image, ImageOps, UnidentifiedImageError

  path = pathlib.Path(path)
  if not path.is_file():
    raise ValueError(f"expected a picture file; {path} does not exist")
  try:
    with warnings.catch_warnings(), Image.open(path) as picture:
      # Pillow warns of half of what is read here.
      warnings.simplefilter("ignore", Image.DecompressionBombWarning)
      if picture.width * picture.height > MAX_PICTURE_PIXELS:
        raise ValueError(
          f"{path} has {picture.width}x{picture.height} pixels; at most "
          f"{MAX_PICTURE_PIXELS} are read"
        )
      if getattr(picture, "n_frames", 1) > 1:
        raise ValueError(
          f"{path} is animated ({picture.n_frames} frames); give one picture"
        )
      if picture.mode == "F" or (
        picture.mode == "I" and picture.format != "PNG"
      ):
        raise ValueError(
          f"{path} holds floating-point or 32-bit numbers; give a picture of 8 "
          "or 16 bits"
        )
      return _to_array(ImageOps.exif_transpose(picture))
  except (
    UnidentifiedImageError,
    OSError,
    SyntaxError,
    EOFError,
    Image.DecompressionBombError,
  ) as error:
    raise ValueError(f"{path} is not a readable picture: {error}") from error


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

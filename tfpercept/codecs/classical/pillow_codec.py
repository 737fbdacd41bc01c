"""The base class of codecs by Pillow and its plug-ins."""

import abc
import contextlib
import io
import struct
import threading
import warnings
from collections.abc import Iterator
from types import ModuleType
from typing import Any

import numpy as np

from tfpercept.codecs.base import (
  Codec,
  CorruptStream,
  MissingLibrary,
  check_picture,
  check_size,
)
from tfpercept.io import messages

# Errors that decoders raise on damaged files.
_DAMAGE = (
  ValueError, TypeError, LookupError, OverflowError, RuntimeError, MemoryError,
  OSError, SyntaxError, EOFError, AttributeError, struct.error,
)  # fmt: skip
_ROOM = threading.Lock()


class PillowCodec(Codec):
  """Base of the codecs by Pillow; a subclass sets the format and its options.

  Raises:
    MissingLibrary: if this Pillow lacks the format, or its plug-in.
  """

  pillow_format = ""
  """Pillow's name of the format, the only one that is read."""

  default_quality: float

  _library = ("", "")  # name, and what Pillow calls it

  def __init__(self) -> None:
    self._pillow = _pillow()
    self._require()

  @property
  def made_by(self) -> str:
    from PIL import features

    name, key = self._library
    return f"Pillow {self._pillow.__version__}, {name} {features.version(key)}"

  def _require(self) -> None:
    """Raises MissingLibrary if the format cannot be written here."""
    self._pillow.init()
    if self.pillow_format not in self._pillow.SAVE:
      raise MissingLibrary(
        f"{self.registered_name} needs a Pillow that was built with "
        f"{self.pillow_format}: pip install --upgrade Pillow"
      )

  @abc.abstractmethod
  def _settings(self, quality: float, channels: int) -> dict[str, Any]:
    """Returns the options of Pillow's `save`."""

  def _check_header(self, data: bytes) -> None:
    """Raises CorruptStream before a decoder takes memory for a picture.

    For most formats Pillow reads the size first; this is for the others.
    """

  def compress(
    self, image: np.ndarray, *, quality: float | None = None
  ) -> bytes:
    image = check_picture(image, self.spec)
    quality = self.default_quality if quality is None else quality
    low, high = self.qualities[0], self.qualities[-1]
    if not low <= quality <= high:
      raise ValueError(
        f"{self.spec} takes qualities from {low:g} to {high:g}; got {quality:g}"
      )
    pixels = image[..., 0] if image.shape[-1] == 1 else image
    picture = self._pillow.fromarray(np.ascontiguousarray(pixels))
    try:
      return self._saved(picture, self._settings(quality, image.shape[-1]))
    except _DAMAGE as error:
      height, width = image.shape[:2]
      raise ValueError(
        f"{self.spec} cannot store a picture of {width}x{height}: "
        f"{messages.first_line(error)}"
      ) from error

  def _saved(self, picture: Any, settings: dict[str, Any]) -> bytes:
    """Returns the file of a Pillow picture."""
    stream = io.BytesIO()
    picture.save(stream, self.pillow_format, **settings)
    return stream.getvalue()

  def decompress(self, data: bytes) -> np.ndarray:
    data = bytes(data)
    with self._damage_is_corrupt():
      self._check_header(data)
      stream = io.BytesIO(data)
      with self._pillow.open(stream, formats=(self.pillow_format,)) as picture:
        return self._pixels(picture)

  def picture_size(self, data: bytes) -> tuple[int, int] | None:
    data = bytes(data)
    with self._damage_is_corrupt():
      self._check_header(data)
      stream = io.BytesIO(data)
      with self._pillow.open(stream, formats=(self.pillow_format,)) as picture:
        return picture.height, picture.width

  def _pixels(self, picture: Any) -> np.ndarray:
    size = picture.size
    check_size(size[1], size[0], self.spec)
    frames = getattr(picture, "n_frames", 1)
    if frames != 1:
      raise CorruptStream(f"{self.spec} reads one picture; got {frames} frames")
    mode = picture.mode
    if mode not in ("L", "RGB") or "transparency" in picture.info:
      raise CorruptStream(
        f"{self.spec} reads grey and RGB of 8 bits without transparency; got "
        f"a picture of mode {mode}"
      )
    picture.load()
    if (picture.size, picture.mode) != (size, mode):
      raise CorruptStream(
        f"{self.spec}: the header says {size[0]}x{size[1]} {mode}, the pixels "
        f"are {picture.width}x{picture.height} {picture.mode}"
      )
    pixels = np.array(picture)
    return pixels[..., None] if pixels.ndim == 2 else pixels

  @contextlib.contextmanager
  def _damage_is_corrupt(self) -> Iterator[None]:
    """Turns errors of decoders into CorruptStream, with their reason."""
    try:
      with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Pillow warns of large pictures
        yield
    except CorruptStream:
      raise
    except self._pillow.UnidentifiedImageError as error:
      # Its own message ends in an address in memory.
      raise CorruptStream(
        f"no {self.pillow_format} picture: it does not begin as one"
      ) from error
    except (*_DAMAGE, self._pillow.DecompressionBombError) as error:
      raise CorruptStream(
        f"no whole {self.pillow_format} picture: {messages.first_line(error)}"
      ) from error


@contextlib.contextmanager
def room(size: int) -> Iterator[None]:
  """Makes Pillow give an encoder a buffer of at least `size` bytes."""
  from PIL import ImageFile

  with _ROOM:
    before = ImageFile.MAXBLOCK
    ImageFile.MAXBLOCK = max(before, size)
    try:
      yield
    finally:
      ImageFile.MAXBLOCK = before


def missing(codec: str, what: str, extra: str) -> MissingLibrary:
  """Returns the error for a missing library, with the extra to install."""
  return MissingLibrary(
    f"{codec} needs {what}, which is not installed: pip install "
    f"'tfpercept[{extra}]'"
  )


def _pillow() -> ModuleType:
  try:
    from PIL import Image
  except ImportError as error:
    raise missing("a classical codec", "Pillow", "images") from error
  return Image

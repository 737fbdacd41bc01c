"""The base class of all codecs, their registry and their errors."""

import abc
from collections.abc import Callable, Mapping
from typing import TypeVar

import numpy as np

from tfpercept import registry
from tfpercept.io import files

CODECS = registry.Registry("codec")


class CorruptStream(ValueError):  # noqa: N818 the name of the format's spec
  """A bitstream that is damaged, incomplete, or of another codec."""


class MissingLibrary(ValueError):  # noqa: N818 as weights.MissingWeights
  """A codec whose library is not installed; the message says how to get it."""


class Codec(abc.ABC):
  """Turns a picture into bytes and bytes into a picture.

  A picture is uint8 `[H, W, 3]`, sRGB, or `[H, W, 1]` if it is grey. A codec
  reads no files but its weights, and downloads nothing.

  A subclass takes its options as keyword-only arguments and keeps each as an
  attribute of the same name, of which `spec` is made.
  """

  registered_name = ""
  """Name in the registry, set by `register`."""

  suffix = ""
  """Suffix of the codec's files, with its dot: the name in the registry where a
  class does not set another."""

  bytes_per_pixel: tuple[int, int] = (48, 48)
  """Most bytes of memory for each pixel that a process takes to compress a file
  and to decompress one, the picture's own included; `codecs.memory` adds them
  up."""

  bytes_at_once: tuple[int, int] = (0, 0)
  """Further bytes for each pixel that is processed at once, and the largest
  number of such pixels, for codecs that process pictures in strips."""

  refined_at_once: tuple[int, int] = (0, 0)
  """As `bytes_at_once`, in its place for codecs that choose symbols for each
  picture, and to compress only."""

  qualities: tuple[float, ...]
  """Qualities of a rate-distortion curve, the lowest rate first. All between
  the first and the last are allowed; a codec with steps rounds them."""

  rises_with_quality: bool = True
  """Whether files and PSNR grow with the quality, which targets rely on."""

  @property
  def made_by(self) -> str:
    """The libraries that do the work and their versions; empty for our own."""
    return ""

  @abc.abstractmethod
  def compress(
    self, image: np.ndarray, *, quality: float | None = None
  ) -> bytes:
    """Returns the bitstream of a picture, a complete file.

    Args:
      image: Picture, uint8 `[H, W, 3]` or `[H, W, 1]`.
      quality: Quality, in the range of `qualities`; a larger value gives a
        better picture and a larger file. None takes the codec's default.

    Raises:
      ValueError: if the picture is of another kind or too large for the format,
        or the quality is out of range.
    """

  @abc.abstractmethod
  def decompress(self, data: bytes) -> np.ndarray:
    """Returns the picture of a file, uint8 `[H, W, 3]` or `[H, W, 1]`.

    A format without grey gives three channels, equal but for rounding.

    Raises:
      CorruptStream: if the bytes are damaged, of another format, or of a kind
        that `compress` does not write. Nothing is allocated for a picture of
        more than `files.MAX_PICTURE_PIXELS`.
    """

  def picture_size(self, data: bytes) -> tuple[int, int] | None:
    """Returns height and width by the header of a file, without decoding it.

    None if the codec's files do not say them.

    Args:
      data: Whole file.

    Raises:
      CorruptStream: if not even the header can be read.
    """
    del data
    return None

  def timed_compress(
    self, image: np.ndarray, *, quality: float | None = None
  ) -> tuple[bytes, Mapping[str, float]]:
    """Returns the file of a picture, and the seconds of its parts.

    Args:
      image: Picture, as `compress` takes it.
      quality: Quality, as `compress` takes it.

    Returns:
      The file, and seconds by the name of the part, such as `analysis` and
      `coder`; none if the codec does not know them.
    """
    return self.compress(image, quality=quality), {}

  def timed_decompress(
    self, data: bytes
  ) -> tuple[np.ndarray, Mapping[str, float]]:
    """Returns the picture of a file, and the seconds of its parts.

    Args:
      data: Whole file.

    Returns:
      The picture, and seconds as `timed_compress` returns them.
    """
    return self.decompress(data), {}

  def estimated_bits(
    self, image: np.ndarray, *, quality: float | None = None
  ) -> float | None:
    """Returns the rate that the codec's entropy model estimates, in bits.

    It is None without an entropy model. The file is larger by the overhead of
    range coding and by the header.
    """
    del image, quality
    return None

  @property
  def spec(self) -> str:
    """The canonical spec that `codecs.get` turns into this codec."""
    options = {
      option: getattr(self, option)
      for option, default in CODECS.options(self.registered_name).items()
      if getattr(self, option) != default
    }
    return str(registry.Term(self.registered_name, options))


_Class = TypeVar("_Class", bound=type[Codec])


def register(name: str) -> Callable[[_Class], _Class]:
  """Returns a class decorator that registers a codec and names it."""

  def decorate(cls: _Class) -> _Class:
    cls.registered_name = name
    cls.suffix = cls.suffix or f".{name}"
    return CODECS.register(name)(cls)

  return decorate


def check_picture(image: np.ndarray, spec: str) -> np.ndarray:
  """Returns a picture as an array; raises ValueError on any other kind."""
  image = np.asarray(image)
  if image.dtype != np.uint8:
    why = " 16-bit samples are not stored." if image.dtype.kind in "iu" else ""
    raise ValueError(
      f"{spec} needs uint8 pixels; got {image.dtype}.{why} Scale the picture "
      "to 0..255 and round it."
    )
  if image.ndim == 3 and image.shape[-1] in (2, 4):
    raise ValueError(
      f"{spec} stores no transparency; got a picture {list(image.shape)}. Lay "
      "it over a background, as files.read_image does."
    )
  if image.ndim != 3 or image.shape[-1] not in (1, 3) or not image.size:
    raise ValueError(
      f"{spec} needs a picture [H, W, 3] or [H, W, 1]; got {list(image.shape)}"
    )
  height, width = image.shape[:2]
  check_size(height, width, spec)
  return image


def check_size(height: int, width: int, spec: str) -> None:
  """Raises ValueError for a picture of more pixels than are handled."""
  if height * width > files.MAX_PICTURE_PIXELS:
    raise ValueError(
      f"{spec} takes at most {files.MAX_PICTURE_PIXELS} pixels; got "
      f"{width}x{height}"
    )

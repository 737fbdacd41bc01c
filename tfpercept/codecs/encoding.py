"""What a person asks of a file: a quality or a target, with or without loss."""

import dataclasses
import math

import numpy as np

from tfpercept.codecs import targets
from tfpercept.codecs.base import Codec
from tfpercept.codecs.bitstream import container
from tfpercept.codecs.lossless import choice, lossless_codec

_TOO_FEW = (
  "{target:g} bits per pixel are too few: at the lowest quality, {quality:g}, "
  "it takes {value:.4g}"
)
_TOO_SMALL = (
  "{target:.0f} bytes are too few: at the lowest quality, {quality:g}, it "
  "takes {value:.0f}"
)
_TOO_MUCH = (
  "a PSNR of {target:g} dB is too much: at the highest quality, {quality:g}, "
  "it has {value:.2f}"
)
_EXACT = "no quality has a PSNR of {target:g} dB, so the file is lossless"
_NEAR = (
  "lossless this drawing takes {size} bytes, {bpp:.4f} bits per pixel; a limit "
  "of that keeps it exact"
)
_ONLY_LOSSLESS = (
  "lossless='always' has no quality and no target; leave them out"
)


@dataclasses.dataclass(frozen=True)
class Request:
  """What is asked of a file. At most one of the first four is given.

  Attributes:
    quality: Quality, in the range of the codec's.
    bpp: Rate in bits per pixel, at most.
    size: Size of the whole file in bytes, at most.
    psnr: PSNR in dB, at least.
    lossless: One of `offers.LOSSLESS`. By `auto` a `.tfp` holds the picture
      without loss where that keeps the rate or the size, has no more bytes than
      the model's file, or is up to twice as large at a quality and the picture
      is a drawing.

  Raises:
    ValueError: if two of them exclude each other.
  """

  quality: float | None = None
  bpp: float | None = None
  size: int | None = None
  psnr: float | None = None
  lossless: str = "auto"

  def __post_init__(self) -> None:
    wanted = (self.quality, self.bpp, self.size, self.psnr)
    count = sum(value is not None for value in wanted)
    if count > 1:
      raise ValueError(
        "give one of quality, target_bpp, target_bytes and target_psnr"
      )
    choice.check_rule(self.lossless)
    if self.lossless == "always" and count:
      raise ValueError(_ONLY_LOSSLESS)


@dataclasses.dataclass(frozen=True)
class Encoded:
  """The file of a picture.

  Attributes:
    data: Bytes of the file.
    quality: Quality of the encoding; None if it is not known or there is none.
    note: Sentence on a target that was missed, or on a near one that keeps a
      drawing exact; empty if there is nothing to say.
  """

  data: bytes
  quality: float | None
  note: str = ""


def encode(codec: Codec, picture: np.ndarray, request: Request) -> Encoded:
  """Returns the file of a picture.

  Args:
    codec: Codec that compresses.
    picture: Picture, uint8 `[H, W, 1 or 3]`.
    request: What is asked of the file. Its `lossless` concerns codecs of `.tfp`
      files; `always` is refused for others.

  Raises:
    ValueError: as `Codec.compress`, or if a target is out of range.
  """
  writes_tfp = codec.suffix == lossless_codec.Lossless.suffix
  if request.lossless == "always":
    if not writes_tfp:
      raise ValueError(
        f"{codec.spec} writes {codec.suffix}; lossless='always' is for .tfp "
        "files. Other codecs without loss are png and webp(lossless=True)."
      )
    return Encoded(lossless_codec.Lossless().compress(picture), None)
  if not writes_tfp or request.lossless == "never":
    return _lossy(codec, picture, request)
  return _better(codec, picture, request)


def _better(codec: Codec, picture: np.ndarray, request: Request) -> Encoded:
  """Returns the lossless file where it is better than the codec's."""
  limit = _limit(picture, request)
  exact = None if limit is None else choice.tried(picture, limit)
  near = ""
  if limit is not None and exact is not None:
    if len(exact) <= limit:
      return Encoded(exact, None)
    near = _near(picture, exact, limit)
  exact = None  # many bytes, which the model's turn needs
  found = _lossy(codec, picture, request)
  if request.psnr is not None and found.note:
    exact = lossless_codec.Lossless().compress(picture)
    return Encoded(exact, None, _EXACT.format(target=request.psnr))
  if limit is not None and not found.note:
    # It fits, where the lossless one does not.
    return dataclasses.replace(found, note=near)
  if limit is not None or request.psnr is not None:
    exact = choice.within(picture, len(found.data))
    return Encoded(exact, None, _beside(found.note, exact)) if exact else found
  data = choice.better(picture, found.data)
  return found if data is found.data else Encoded(data, None)


def _beside(note: str, exact: bytes) -> str:
  """Returns a note on a model's file, beside which a lossless one is taken."""
  return note and f"{note}. Lossless it takes {len(exact)} bytes and is kept so"


def _near(picture: np.ndarray, exact: bytes, limit: float) -> str:
  """Returns a note on a limit that would keep a drawing; empty if it is far."""
  if not choice.is_near_drawing(picture, exact, limit):
    return ""
  bpp = 8 * len(exact) / (picture.shape[0] * picture.shape[1])
  # Above it, or the file would not fit the limit that is named.
  return _NEAR.format(size=len(exact), bpp=(math.floor(bpp * 1e4) + 1) / 1e4)


def _limit(picture: np.ndarray, request: Request) -> float | None:
  """Returns the most bytes that a request allows; None if it has no limit."""
  limit: float | None = request.size
  if request.bpp is not None:
    limit = request.bpp * picture.shape[0] * picture.shape[1] / 8
  if limit is None or not math.isfinite(limit):
    return None  # `targets` says what is wrong
  return limit


def _lossy(codec: Codec, picture: np.ndarray, request: Request) -> Encoded:
  """Returns the codec's own file, nearest to a target that is missed."""
  if request.bpp is not None:
    found = targets.at_most_bpp(codec, picture, request.bpp)
    return _told(found, _TOO_FEW, request.bpp)
  if request.size is not None:
    found = targets.at_most_bytes(codec, picture, request.size)
    return _told(found, _TOO_SMALL, request.size)
  if request.psnr is not None:
    found = targets.at_least_psnr(codec, picture, request.psnr)
    return _told(found, _TOO_MUCH, request.psnr)
  data = codec.compress(picture, quality=request.quality)
  return Encoded(data, _used_quality(codec, data, request.quality))


def _told(found: targets.Coded, note: str, target: float) -> Encoded:
  """Returns the file of a search, with a note if the target is missed."""
  if found.is_reached:
    return Encoded(found.data, found.quality)
  note = note.format(target=target, quality=found.quality, value=found.value)
  return Encoded(found.data, found.quality, note)


def _used_quality(
  codec: Codec, data: bytes, given: float | None
) -> float | None:
  """Returns the quality that was used for `given`, if it is known."""
  if data.startswith(container.MAGIC):
    step = container.read_header(data).header.quality
    return step / container.STEPS if step else None  # the model's only one
  return getattr(codec, "default_quality", None) if given is None else given

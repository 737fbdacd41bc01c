"""Pictures with a color profile, converted to sRGB.

LittleCMS converts 8 bits, by the way of Pillow: relative colorimetric, with
black point compensation. `icc_matrix` converts 16 bits. A profile that moves no
color by more than one level of 255 counts as sRGB, and the picture is left as
it is. Colors that sRGB lacks are clipped. Their share is told for profiles of
curves and a matrix; what the tables of others do to them is not known.
"""

import dataclasses
import functools
import io
from collections.abc import Callable
from typing import Any

import numpy as np

from tfpercept import extras
from tfpercept.io import color_numbers, icc_matrix, samples

UNREADABLE = "the color profile is not readable, so colors are taken as sRGB"
UNFIT = "the color profile is of another kind, so colors are taken as sRGB"
NO_LIBRARY = "this Pillow lacks LittleCMS, so colors are taken as sRGB"
ROUNDED = "16 bits are reduced to 8, since the color profile has tables"
CLIPPED = "over {percent} % of the pixels have colors that sRGB cannot show"
SHARES = (50, 10, 1)
"""Percentages that `CLIPPED` names: few, so that a folder has few lines."""
NO_PROFILE = "CMYK without a color profile is converted by a rough formula"
_STRIP_ROWS = 64
_COUNTED = 3_000_000  # samples of which more are not looked at for a note
_NEAR = 2  # levels of 255 by which LittleCMS may miss black or white
_MAX_BYTES = 1 << 24  # of a profile; those of printers have up to 4 MB
_SPACES = {b"RGB ": "RGB", b"GRAY": "L", b"CMYK": "CMYK"}
"""Modes of Pillow by the color space in the header of a profile."""
_Change = Callable[[np.ndarray], np.ndarray]


@dataclasses.dataclass(frozen=True)
class Profile:
  """A profile that can be used.

  Attributes:
    mode: Mode of Pillow that it applies to: `"L"`, `"RGB"` or `"CMYK"`.
    transform: Transform of Pillow from this mode to RGB; None if the profile is
      that of sRGB.
    data: Bytes of the profile.
  """

  mode: str
  transform: Any
  data: bytes


def of(picture: Any, tell: Callable[[str], None]) -> Profile | None:
  """Returns the profile by which a picture has to be converted, or None.

  Args:
    picture: Picture opened by Pillow.
    tell: Function that is given a note if colors cannot be kept.
  """
  data = _profile(picture, tell)
  is_cmyk = picture.mode == "CMYK"
  if not data:
    if is_cmyk:
      tell(NO_PROFILE)
    return None
  try:
    profile = _read(bytes(data))
  except ImportError:
    tell(NO_LIBRARY)
    return None
  except ValueError:
    tell(UNREADABLE)
    return None
  is_gray = picture.mode in ("1", "L", "LA", "La") or picture.mode[0] == "I"
  wanted = ("CMYK",) if is_cmyk else ("L", "RGB") if is_gray else ("RGB",)
  if profile.mode not in wanted:
    tell(UNFIT)
    return None
  return profile if profile.transform else None


def _profile(picture: Any, tell: Callable[[str], None]) -> bytes | None:
  """Returns the profile of a picture, or one that its numbers stand for."""
  profile = picture.info.get("icc_profile")
  numbers = color_numbers.stated(picture)
  if numbers is None or (profile and not numbers.is_first):
    return profile
  if numbers.note:
    if not profile:
      tell(numbers.note)
    return profile
  return numbers.profile or None


def of_inks(picture: Any, profile: Profile) -> Any:
  """Returns a CMYK picture of Pillow, converted to RGB."""
  from PIL import ImageCms

  return ImageCms.applyTransform(picture, profile.transform)


def convert(
  pixels: np.ndarray, profile: Profile, tell: Callable[[str], None]
) -> None:
  """Turns samples into sRGB, in place.

  Args:
    pixels: Samples `[H, W, C]`, uint8 or uint16; C is 1 for gray, 3 for RGB, 2
      and 4 with opacity, which is kept.
    profile: Profile of the samples, of gray or RGB.
    tell: Function that is given a note if 16 bits or colors cannot be kept.
  """
  color = pixels[..., : 1 if pixels.shape[-1] < 3 else 3]
  change = _of_8_bits(color.shape[-1], profile)
  if pixels.dtype == np.uint16:
    change = _of_16_bits(color.shape[-1], profile, tell)
  count = _clipped(color.shape[-1], profile)
  every = 1 + color.size // _COUNTED  # a share of the rows tells the class
  clipped, seen = 0, 0
  for top in range(0, len(color), _STRIP_ROWS):
    rows = slice(top, top + _STRIP_ROWS)
    changed = change(color[rows])
    some = slice(None, None, every)
    clipped += count(color[rows][some], changed[some])
    seen += changed[some, :, 0].size
    color[rows] = changed
  percent = 100 * clipped / max(seen, 1)
  if shares := [share for share in SHARES if percent > share]:
    tell(CLIPPED.format(percent=shares[0]))


def _clipped(
  bands: int, profile: Profile
) -> Callable[[np.ndarray, np.ndarray], int]:
  """Returns a function that counts the pixels that sRGB cannot show.

  It takes the samples of a strip before and after their change. It counts none
  where tables of the profile decide.
  """
  try:
    linear = icc_matrix.linear_converter(profile.data)
  except ValueError:
    bands = 0
  if bands < 3:
    return lambda strip, changed: 0

  def count(strip: np.ndarray, changed: np.ndarray) -> int:
    # Only what is at an end of the range may have been beyond it.
    level = np.iinfo(changed.dtype).max // 255
    ends = (changed <= _NEAR * level) | (changed >= (255 - _NEAR) * level)
    red, green, blue = (strip[..., band] for band in range(3))
    is_vivid = (red != green) | (green != blue)  # gray is in every space
    found = strip[is_vivid & (ends[..., 0] | ends[..., 1] | ends[..., 2])]
    if found.dtype == np.uint8:
      found = found * np.uint16(257)
    return int(icc_matrix.are_outside(linear(found)).sum())

  return count


def _of_8_bits(bands: int, profile: Profile) -> _Change:
  if bands == 3:
    return lambda strip: _applied(strip, profile.transform)
  levels = np.arange(256, dtype=np.uint8)[None, :, None]
  try:  # LittleCMS is off by more than a level near black
    change = _of_deep(bands, profile)
    table = samples.reduced(change(levels * np.uint16(257)))[0, :, 0]
  except ValueError:
    given = np.repeat(levels, 3, -1) if profile.mode == "RGB" else levels
    table = _applied(given, profile.transform)[0, :, 1]
  return lambda strip: table[strip]


def _of_16_bits(
  bands: int, profile: Profile, tell: Callable[[str], None]
) -> _Change:
  try:
    return _of_deep(bands, profile)
  except ValueError:  # LittleCMS can read it, so colors come before bits
    tell(ROUNDED)
  rough = _of_8_bits(bands, profile)
  return lambda strip: rough(samples.reduced(strip.copy())) * np.uint16(257)


def _of_deep(bands: int, profile: Profile) -> _Change:
  """Returns the change of 16-bit samples; ValueError as `deep_converter`."""
  change = icc_matrix.deep_converter(profile.data)
  if bands == 1 and profile.mode == "RGB":
    # Gray becomes neutral up to rounding; green weighs most in luma.
    return lambda strip: change(np.repeat(strip, 3, -1))[..., 1:2]
  return change


@functools.lru_cache(maxsize=8)
def _read(data: bytes) -> Profile:
  """Reads a profile.

  Raises:
    ImportError: if Pillow was built without LittleCMS.
    ValueError: if the profile is damaged or of another color space.
  """
  with extras.needed("color profiles"):
    from PIL import ImageCms

  mode = _SPACES.get(data[16:20])
  if mode is None or len(data) > _MAX_BYTES:
    raise ValueError("no profile of gray, RGB or CMYK")
  try:
    transform = ImageCms.buildTransform(
      ImageCms.ImageCmsProfile(io.BytesIO(data)),
      ImageCms.createProfile("sRGB"),
      mode,
      "RGB",
      ImageCms.Intent.RELATIVE_COLORIMETRIC,
      ImageCms.Flags.BLACKPOINTCOMPENSATION,
    )
  except (ImageCms.PyCMSError, OSError, TypeError) as error:
    raise ValueError(f"damaged color profile: {error}") from error
  is_srgb = mode != "CMYK" and _is_identity(transform, mode)
  return Profile(mode, None if is_srgb else transform, data)


def _is_identity(transform: Any, mode: str) -> bool:
  """Returns True if no color of a grid moves by more than one level."""
  gray = np.repeat(np.arange(256, dtype=np.uint8)[None, :, None], 3, -1)
  steps = np.arange(0, 256, 15, dtype=np.uint8)
  grid = np.stack(np.meshgrid(steps, steps, steps), -1).reshape(1, -1, 3)
  colors = gray if mode == "L" else np.concatenate([gray, grid], 1)
  given = colors[..., :1] if mode == "L" else colors
  moved = _applied(given, transform).astype(int) - colors
  return bool(np.abs(moved).max() <= 1)


def _applied(color: np.ndarray, transform: Any) -> np.ndarray:
  """Returns uint8 `[H, W, 3]` of uint8 `[H, W, 1 or 3]`."""
  from PIL import Image, ImageCms

  pixels = color[..., 0] if color.shape[-1] == 1 else color
  picture = Image.fromarray(np.ascontiguousarray(pixels))
  return np.asarray(ImageCms.applyTransform(picture, transform))

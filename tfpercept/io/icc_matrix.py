"""Color profiles of three curves and a matrix, applied in floating point.

LittleCMS, as Pillow has it, converts 8 bits. This module converts 16 bits, for
the profiles that cameras and screens have: Display-P3, Adobe RGB, ProPhoto.
It also converts gray by its one curve, and knows which colors sRGB lacks.

Source: ICC.1:2022, sections 7, 9.2, 10.6, 10.18 and F.3.
"""

import functools
import struct
from collections.abc import Callable, Iterable, Sequence

import numpy as np

_XYZ_OF_SRGB = np.array([
  [0.43604125, 0.38511291, 0.14304584],
  [0.22248454, 0.71690508, 0.06061038],
  [0.01392019, 0.09706724, 0.71391257],
])  # fmt: skip
"""XYZ of linear sRGB, adapted from white (0.3127, 0.3290) to D50 (0.9642, 1,
0.8249) by Bradford, as profiles have it."""
_D50 = (0.9642, 1.0, 0.8249)
_BRADFORD = np.array([
  [0.8951, 0.2664, -0.1614],
  [-0.7502, 1.7135, 0.0367],
  [0.0389, -0.0685, 1.0296],
])  # fmt: skip
_FLAT = 1e-3  # determinant of three primaries; that of sRGB is 19
_LARGEST = 100.0  # XYZ that a profile can hold
_FULL = 65535
# Linear light of sRGB a level of 255 below black and above white. The curve
# goes on below black as its straight piece, IEC 61966-2-1, amendment 1.
_BELOW = -1 / 255 / 12.92
_ABOVE = ((1 + 1 / 255 + 0.055) / 1.055) ** 2.4
_MOST_TAGS = 1000
# Numbers of the parameters of parametric curves, by their type.
_PARAMETERS = (1, 3, 4, 5, 7)

Curve = Callable[[np.ndarray], np.ndarray]


class Tables(ValueError):  # noqa: N818 says what the profile has
  """A profile that is not made of curves and a matrix."""


def made(
  points: Sequence[tuple[float, float]], gamma: float | None = None
) -> bytes:
  """Returns the profile of a screen.

  Args:
    points: The chromaticities x, y of red, green, blue and white.
    gamma: Exponent of all channels; None is the curve of sRGB.

  Raises:
    ValueError: if the points are no triangle with the white in it.
  """
  numbers: tuple[float, ...] = (gamma,) if gamma else (
    2.4, 1 / 1.055, 0.055 / 1.055, 1 / 12.92, 0.04045
  )  # fmt: skip
  kind = 0 if gamma else 3
  curve = b"para\0\0\0\0" + struct.pack(">HH", kind, 0) + _fixed(numbers)
  tags = {b"wtpt": b"XYZ \0\0\0\0" + _fixed(_D50)}
  for channel, xyz in zip("rgb", _xyz_of_points(points).T, strict=True):
    tags[f"{channel}XYZ".encode()] = b"XYZ \0\0\0\0" + _fixed(xyz)
    tags[f"{channel}TRC".encode()] = curve
  offset = 132 + 12 * len(tags)
  table, data = struct.pack(">I", len(tags)), b""
  for name, body in tags.items():
    table += struct.pack(">4sII", name, offset + len(data), len(body))
    data += body
  head = struct.pack(">I4xI", offset + len(data), 0x02400000)
  head += b"mntrRGB XYZ " + bytes(12) + b"acsp" + bytes(28) + _fixed(_D50)
  return head.ljust(128, b"\0") + table + data


def _xyz_of_points(points: Sequence[tuple[float, float]]) -> np.ndarray:
  """Returns XYZ of linear red, green and blue as columns, adapted to D50.

  Raises:
    ValueError: if the points are no triangle with the white in it.
  """
  xy = np.array(points, np.float64)
  if xy.shape != (4, 2) or not (xy[:, 1] > 0).all() or (xy > 1).any():
    raise ValueError("no chromaticities")
  xyz = np.stack([xy[:, 0], xy[:, 1], 1 - xy.sum(axis=1)]) / xy[:, 1]
  colors, white = xyz[:, :3], xyz[:, 3]
  if abs(np.linalg.det(colors)) < _FLAT:
    raise ValueError("the primaries are on one line")
  shares = np.linalg.solve(colors, white)
  cones = _BRADFORD @ white
  if (shares <= 0).any() or (cones <= 0).any():
    raise ValueError("the white is outside of the primaries")
  scale = np.diag((_BRADFORD @ _D50) / cones)
  found = np.linalg.inv(_BRADFORD) @ scale @ _BRADFORD @ (colors * shares)
  if np.abs(found).max() > _LARGEST:
    raise ValueError("the primaries are far from all colors")
  return found


def _fixed(values: Iterable[float]) -> bytes:
  """Returns numbers with 16 bits below the point, as profiles have them."""
  return b"".join(struct.pack(">i", round(v * 65536)) for v in values)


def deep_converter(profile: bytes) -> Callable[[np.ndarray], np.ndarray]:
  """Returns a function that converts 16-bit samples to sRGB.

  It takes and returns uint16 `[H, W, C]` with C of the profile's kind: 1 for
  gray, 3 for RGB. Colors outside of sRGB are clipped, channel by channel.

  Args:
    profile: Bytes of an ICC profile.

  Raises:
    Tables: if the profile has tables instead of curves and a matrix.
    ValueError: if it is damaged.
  """
  mixed = linear_converter(profile)

  def convert(samples: np.ndarray) -> np.ndarray:
    coded = encoded(np.clip(mixed(samples), 0, 1))
    return np.rint(coded * _FULL).astype(np.uint16)

  return convert


def are_outside(linear: np.ndarray) -> np.ndarray:
  """Returns which colors are over a level of 255 away from those of sRGB.

  Args:
    linear: Linear light of sRGB, `[..., C]`, not clipped.

  Returns:
    bool `[...]`.
  """
  return ((linear < _BELOW) | (linear > _ABOVE)).any(axis=-1)


@functools.lru_cache(maxsize=8)
def linear_converter(profile: bytes) -> Callable[[np.ndarray], np.ndarray]:
  """Returns a function from 16-bit samples to linear light of sRGB.

  It takes uint16 `[..., C]` with C of the profile's kind and returns float64
  `[..., C]`, below 0 or above 1 for colors outside of sRGB.

  Args:
    profile: Bytes of an ICC profile.

  Raises:
    Tables: if the profile has tables instead of curves and a matrix.
    ValueError: if it is damaged.
  """
  try:
    tags = _tags(profile)
    space = profile[16:20]
    if profile[20:24] != b"XYZ " or b"A2B0" in tags:
      raise Tables("it has tables")
    if space == b"GRAY":
      curves, matrix = [_curve(tags[b"kTRC"])], np.ones((1, 1))
    elif space == b"RGB ":
      curves = [_curve(tags[name]) for name in (b"rTRC", b"gTRC", b"bTRC")]
      columns = [_xyz(tags[name]) for name in (b"rXYZ", b"gXYZ", b"bXYZ")]
      matrix = np.linalg.inv(_XYZ_OF_SRGB) @ np.stack(columns, axis=1)
    else:
      raise Tables(f"it is of {space!r}")
  except (struct.error, LookupError) as error:
    raise ValueError(f"damaged color profile: {error}") from error
  levels = np.arange(_FULL + 1) / _FULL
  with np.errstate(all="ignore"):  # of curves that were made to overflow
    light = [np.nan_to_num(curve(levels)) for curve in curves]
  linear = [np.clip(part, 0, 1) for part in light]

  def convert(samples: np.ndarray) -> np.ndarray:
    parts = [part[samples[..., i]] for i, part in enumerate(linear)]
    return np.stack(parts, axis=-1) @ matrix.T

  return convert


def encoded(linear: np.ndarray) -> np.ndarray:
  """Returns sRGB values of linear light, both in [0, 1]; IEC 61966-2-1."""
  return np.where(
    linear <= 0.0031308,
    12.92 * linear,
    1.055 * np.power(np.maximum(linear, 0.0031308), 1 / 2.4) - 0.055,
  )


def _tags(profile: bytes) -> dict[bytes, bytes]:
  """Returns the data of each tag by its signature."""
  if profile[36:40] != b"acsp":
    raise ValueError("no color profile: it lacks its signature")
  (count,) = struct.unpack_from(">I", profile, 128)
  if count > _MOST_TAGS:
    raise ValueError(f"a color profile of {count} tags")
  found = {}
  for index in range(count):
    name, offset, size = struct.unpack_from(">4sII", profile, 132 + 12 * index)
    found[name] = profile[offset : offset + size]
  return found


def _xyz(data: bytes) -> np.ndarray:
  if data[:4] != b"XYZ ":
    raise ValueError("damaged color profile: a color is not XYZ")
  return np.array(struct.unpack_from(">3i", data, 8)) / 65536


def _curve(data: bytes) -> Curve:
  """Returns the function of a tag of type `curv` or `para`."""
  if data[:4] == b"curv":
    return _sampled(data)
  if data[:4] == b"para":
    return _parametric(data)
  raise ValueError("damaged color profile: a curve of an unknown type")


def _sampled(data: bytes) -> Curve:
  (count,) = struct.unpack_from(">I", data, 8)
  values = np.frombuffer(data[12 : 12 + 2 * count], ">u2").astype(np.float64)
  if len(values) < count:
    raise ValueError("damaged color profile: a curve is cut")
  if not count:
    return lambda x: x
  if count == 1:
    return lambda x: np.power(x, values[0] / 256)
  places = np.linspace(0, 1, count)
  return lambda x: np.interp(x, places, values / _FULL)


def _parametric(data: bytes) -> Curve:
  """Returns (a x + b)^g + e from x = d on, and c x + f below."""
  (kind,) = struct.unpack_from(">H", data, 8)
  if kind >= len(_PARAMETERS):
    raise ValueError("damaged color profile: a curve of an unknown function")
  count = _PARAMETERS[kind]
  numbers = np.zeros(len("gabcdef"))
  numbers[:count] = struct.unpack_from(f">{count}i", data, 12)
  g, a, b, c, d, e, f = (float(number) / 65536 for number in numbers)
  if kind == 0:
    a, d = 1.0, 0.0
  elif kind in (1, 2):
    if not a:
      raise ValueError("damaged color profile: a curve has no slope")
    # The third number of type 2 is added on both sides of the break.
    e = f = c
    c, d = 0.0, -b / a

  def apply(x: np.ndarray) -> np.ndarray:
    power = np.power(np.maximum(a * x + b, 0), g) + e
    return np.where(x >= d, power, c * x + f)

  return apply

"""PSNR and MS-SSIM of one decoded picture in NumPy, to be had at once.

They are those of `distances`, for tables of commands that do without
TensorFlow. A strip of rows is judged at a time.
"""

import math
from collections.abc import Iterator, Sequence

import numpy as np

SMALLEST = 161
"""Smallest side of a picture that MS-SSIM judges, in pixels."""
_WEIGHTS = (0.0448, 0.2856, 0.3001, 0.2363, 0.1333)
_TAPS, _SIGMA = 11, 1.5
_C1, _C2 = 0.01**2, 0.03**2
_LEAST = 1e-6  # of the mean of a scale
_ROWS = 256


def psnr(picture: np.ndarray, image: np.ndarray) -> float:
  """Returns the PSNR in dB over all channels; infinite if pictures are equal.

  Args:
    picture: The original, uint8 `[H, W, 1 or 3]`.
    image: The decoded picture, uint8, of the same size.
  """
  channels = max(picture.shape[-1], image.shape[-1])
  total, count = 0, picture.shape[0] * picture.shape[1] * channels
  for top in range(0, len(picture), _ROWS):
    rows = slice(top, top + _ROWS)
    difference = picture[rows].astype(np.int32) - image[rows]
    total += int(np.square(difference).sum(dtype=np.int64))
  return 10 * math.log10(255**2 * count / total) if total else math.inf


def ms_ssim(picture: np.ndarray, image: np.ndarray) -> float | None:
  """Returns MS-SSIM in [0, 1]; None if the picture is too small.

  Args:
    picture: The original, uint8 `[H, W, 1 or 3]`.
    image: The decoded picture, uint8, of the same size.

  Source: Wang, Simoncelli, Bovik, "Multi-scale structural similarity for image
  quality assessment", 2003, equation 7.
  """
  if min(picture.shape[:2]) < SMALLEST:
    return None
  x, y = np.broadcast_arrays(picture, image)
  channels = range(x.shape[-1])
  return float(np.mean([_of_channel(x[..., c], y[..., c]) for c in channels]))


def _of_channel(x: np.ndarray, y: np.ndarray) -> float:
  product = 1.0
  for scale, weight in enumerate(_WEIGHTS):
    if scale:
      x, y = _halved(x), _halved(y)
    is_last = scale == len(_WEIGHTS) - 1
    product *= max(1 - _deficit(x, y, is_last=is_last), _LEAST) ** weight
  return product


def _strips(height: int, rows: int, overlap: int) -> Iterator[slice]:
  """Yields the rows of strips that share some rows with the next one."""
  for top in range(0, height - overlap, rows):
    yield slice(top, min(top + rows + overlap, height))


def _unit(values: np.ndarray) -> np.ndarray:
  """Returns float32 in [0, 1]."""
  if values.dtype == np.uint8:
    return values / np.float32(255)
  return values


def _deficit(x: np.ndarray, y: np.ndarray, *, is_last: bool) -> float:
  """Returns the mean of 1 - cs of a scale, or of 1 - l cs of the last one.

  With a = x + y - 1 and v = x - y no digits are lost where x and y are nearly
  equal, as in `ops.structure`.
  """
  total, count = 0.0, 0
  for rows in _strips(len(x), _ROWS, _TAPS - 1):
    one, two = _unit(x[rows]), _unit(y[rows])
    a, v = one + two - 1, one - two
    mean_a, mean_v = _filtered(a), _filtered(v)
    var_a = np.maximum(_filtered(a * a) - mean_a**2, 0)
    var_v = np.maximum(_filtered(v * v) - mean_v**2, 0)
    short = var_v / ((var_a + var_v) / 2 + np.float32(_C2))
    if is_last:
      light = mean_v**2
      light = light / (((mean_a + 1) ** 2 + light) / 2 + np.float32(_C1))
      short = light + short - light * short
    total += float(short.sum(dtype=np.float64))
    count += short.size
  return total / count


def _taps() -> Sequence[np.float32]:
  place = np.arange(_TAPS) - (_TAPS - 1) / 2
  taps = np.exp(-0.5 * np.square(place / _SIGMA))
  return list((taps / taps.sum()).astype(np.float32))


def _filtered(x: np.ndarray) -> np.ndarray:
  """Returns means of windows, `[H - 10, W - 10]`."""
  for axis in (0, 1):
    x = np.moveaxis(x, axis, 0)
    size = len(x) - _TAPS + 1
    total = np.zeros((size, *x.shape[1:]), np.float32)
    for place, tap in enumerate(_taps()):
      total += tap * x[place : place + size]
    x = np.moveaxis(total, 0, axis)
  return x


def _halved(x: np.ndarray) -> np.ndarray:
  """Returns means of 2x2; an odd side repeats its last row."""
  height, width = (-(-side // 2) for side in x.shape)
  halves = np.empty((height, width), np.float32)
  for rows in _strips(height, _ROWS, 0):
    part = _unit(x[2 * rows.start : 2 * rows.stop])
    odd = [(0, side % 2) for side in part.shape]
    part = np.pad(part, odd, mode="edge")
    halves[rows] = part.reshape(-1, 2, width, 2).mean(axis=(1, 3))
  return halves

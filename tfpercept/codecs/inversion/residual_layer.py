"""What a generator cannot make: the residual of its picture, coded apart.

The residual goes through an orthonormal transform of its colors, to luma and
two opponent colors, and of blocks of 8x8 pixels, and is rounded to multiples of
one quantizer step. The string holds the step, then one row of blocks after the
other: a class for each block of each channel, and the symbols of all blocks
whose class is not 0. A class says how large symbols are expected to be, and so
chooses the tables of the block; class 0 is a block of zeros.

Tables are two-sided geometric distributions. They are made of whole numbers
alone, so that they are the same on all machines.

Source: Sullivan, "Efficient scalar quantization of exponential and Laplacian
random variables", 1996 (dead zone); Yovanof and Liu, "Statistical analysis of
the DCT coefficients and their quantization error", 1996 (Laplacian symbols);
van de Sande, Gevers and Snoek, "Evaluating color descriptors for object and
scene recognition", 2010, eq. 3 (opponent colors, of another order here).
"""

import functools
import itertools

import numpy as np

from tfpercept.codecs.base import CorruptStream
from tfpercept.codecs.bitstream import range_coder

SIDE = 8
"""Pixels on a side of a block."""
STEPS = tuple(8.0 * 2 ** (n / 4) for n in range(21))
"""Quantizer steps in levels of 255, the finest first."""
_SHARES = (
  2, 4, 8, 14, 23, 36, 52, 71, 92, 114, 135, 155, 173, 188, 201, 211, 220, 227,
  233, 238, 242, 245,
)  # fmt: skip
"""Ratios of a frequency to the one before, in parts of 256, of each table."""
_MOST = 442
"""Largest symbol: that of the luma of a block which is 255 all over, 8 * 255 *
sqrt(3), in steps of 8."""
_CLASSES = 1 + len(_SHARES)
_BITS = range_coder.PRECISION
_NEAR = 128  # ratio of the frequencies of classes farther from the one above
_ROUND = 0.3  # added before symbols are rounded down
_COLORS = np.array(
  [
    [1 / 3**0.5, 1 / 3**0.5, 1 / 3**0.5],
    [1 / 2**0.5, 0.0, -1 / 2**0.5],
    [1 / 6**0.5, -2 / 6**0.5, 1 / 6**0.5],
  ]
)
"""Rows: luma, red against blue, and both against green."""


def nearest(step: float) -> float:
  """Returns the quantizer step of `STEPS` that is nearest to another.

  Raises:
    ValueError: if the step is not within them.
  """
  if not STEPS[0] <= step <= STEPS[-1]:
    raise ValueError(
      f"a residual has steps from {STEPS[0]:g} to {STEPS[-1]:g} levels of 255; "
      f"got {step:g}"
    )
  return min(STEPS, key=lambda known: abs(np.log(known / step)))


def count(height: int, width: int, channels: int) -> int:
  """Returns the number of symbols of a picture's residual, at most."""
  rows, columns = _blocks(height, width)
  return 1 + rows * columns * channels * (1 + SIDE * SIDE)


def write(residual: np.ndarray, step: float) -> bytes:
  """Returns the string of a residual.

  Args:
    residual: Difference of a picture and that of a generator, in levels of 255,
      float32 `[H, W, 1 or 3]`.
    step: Quantizer step, one of `STEPS`.
  """
  height, width, channels = residual.shape
  rows, columns = _blocks(height, width)
  coded = _tables()
  encoder = range_coder.RangeEncoder(coded.tables)
  place = np.array([STEPS.index(step)], np.int32)
  encoder.write(np.array([coded.steps], np.int32), place)
  above = np.zeros((columns, channels), np.int32)
  for row in range(rows):
    part = residual[SIDE * row : SIDE * (row + 1)]
    room = (0, SIDE - len(part)), (0, SIDE * columns - width), (0, 0)
    blocks = _forward(np.pad(part, room, mode="edge"))
    symbols = _quantized(blocks / step)  # [columns, C, 64]
    classes = coded.best(symbols, above)
    encoder.write(coded.of_classes(above), classes)
    kept = symbols[classes > 0]
    which = coded.of_blocks(classes[classes > 0])
    encoder.write(which, kept - coded.offsets[which])
    above = classes
  return encoder.finish()


def read(string: bytes, height: int, width: int, channels: int) -> np.ndarray:
  """Returns the residual of a string, float32 `[H, W, C]` in levels of 255.

  Args:
    string: String that `write` returned, or any other.
    height: Height of the picture.
    width: Width of the picture.
    channels: Number of its channels, 1 or 3.

  Raises:
    CorruptStream: if the string is not what its symbols become.
  """
  rows, columns = _blocks(height, width)
  coded = _tables()
  # A container holds one zero byte in place of an empty string.
  decoder = range_coder.RangeDecoder(
    b"" if string == b"\0" else string, coded.tables
  )
  (place,) = decoder.read(np.array([coded.steps], np.int32))
  step = np.float32(STEPS[place])
  above = np.zeros((columns, channels), np.int32)
  found = np.zeros((SIDE * rows, SIDE * columns, channels), np.float32)
  for row in range(rows):
    classes = decoder.read(coded.of_classes(above))
    above = classes
    if not classes.any():
      continue
    which = coded.of_blocks(classes[classes > 0])
    kept = decoder.read(which) + coded.offsets[which]
    if not kept.any(axis=-1).all():
      raise CorruptStream("a block of zeros whose class says otherwise")
    symbols = np.zeros((columns, channels, SIDE * SIDE), np.int32)
    symbols[classes > 0] = kept
    found[SIDE * row : SIDE * (row + 1)] = _backward(symbols * step)
  decoder.require_end()
  return found[:height, :width]


class _Coded:
  """Tables, and which of them codes what.

  Attributes:
    tables: First those of symbols, then one of classes for each class above a
      block, then that of the step.
    offsets: Value of the first symbol of each table, int32.
    steps: Number of the table of the step.
  """

  def __init__(self) -> None:
    made = [_geometric(share) for share in _SHARES]
    near = [_around(above) for above in range(_CLASSES)]
    made += [(frequencies, 0) for frequencies in (*near, _even(len(STEPS)))]
    kept = [[_BITS, 0, *itertools.accumulate(f)] for f, _ in made]
    self.tables = range_coder.Tables(
      np.array([*itertools.chain(*kept)], np.int32)
    )
    self.offsets = np.array([offset for _, offset in made], np.int32)
    self.steps = len(made) - 1
    # Symbols of higher frequencies are smaller: by a table for each step down
    # or to the right.
    self._fall = np.add.outer(np.arange(SIDE), np.arange(SIDE)).ravel()
    # Only the encoder, which chooses classes, computes with these.
    self._cost = np.full((len(_SHARES), 2 * _MOST + 1), np.inf, np.float32)
    for number, (frequencies, offset) in enumerate(made[: len(_SHARES)]):
      places = _MOST + offset + np.arange(len(frequencies))
      self._cost[number, places] = _BITS - np.log2(frequencies)
    self._near = _BITS - np.log2(np.array(near, np.float32))

  def of_classes(self, above: np.ndarray) -> np.ndarray:
    """Returns the tables of classes below others, int32 of their shape."""
    return above + len(_SHARES)

  def of_blocks(self, classes: np.ndarray) -> np.ndarray:
    """Returns the tables of symbols, int32 `[N, 64]`, of classes `[N]`.

    The last class has one table for all symbols, which any symbol is in.
    """
    tables = np.maximum(classes[:, None] - 1 - self._fall, 0)
    tables[classes == _CLASSES - 1] = len(_SHARES) - 1
    return tables.astype(np.int32)

  def best(self, symbols: np.ndarray, above: np.ndarray) -> np.ndarray:
    """Returns the classes, int32 `[columns, C]`, that code blocks shortest.

    Args:
      symbols: Symbols of a row of blocks, int32 `[columns, C, 64]`.
      above: Classes of the blocks above, int32 `[columns, C]`.
    """
    is_zero = ~symbols.any(-1)
    costs = np.empty((_CLASSES, *above.shape), np.float32)
    costs[0] = np.where(is_zero, 0, np.inf)
    for each in range(1, _CLASSES):
      tables = self.of_blocks(np.array([each], np.int32))[0]
      costs[each] = self._cost[tables, symbols + _MOST].sum(-1)
    costs[1:, is_zero] = np.inf
    costs += np.moveaxis(self._near[above], -1, 0)
    return costs.argmin(axis=0).astype(np.int32)


@functools.cache
def _tables() -> _Coded:
  return _Coded()


def _geometric(share: int) -> tuple[list[int], int]:
  """Returns whole frequencies that sum to 2^16, and the first symbol.

  They fall on both sides of 0 by `share` / 256, to the symbol whose frequency
  would be below a half. The last table goes on to the largest symbol there is.
  """
  reach = 1
  while reach < _MOST and share**reach << _BITS + 1 > 256**reach:
    reach += 1
  if share == _SHARES[-1]:
    reach = _MOST
  sizes = [share**n * 256 ** (reach - n) for n in range(reach + 1)]
  total = sizes[0] + 2 * sum(sizes[1:])
  falling = [max((size << _BITS) // total, 1) for size in sizes[1:]]
  top = (1 << _BITS) - 2 * sum(falling)
  return [*falling[::-1], top, *falling], -reach


def _around(above: int) -> list[int]:
  """Returns whole frequencies of all classes below a block of one class."""
  sizes = [
    _NEAR**away * 256 ** (_CLASSES - away)
    for away in (abs(other - above) for other in range(_CLASSES))
  ]
  # Blocks of zeros stand below any others, and most below their like.
  sizes[0] += 3 * sum(sizes) if above == 0 else sum(sizes) // 8
  found = [max((s << _BITS) // sum(sizes), 1) for s in sizes]
  found[above] += (1 << _BITS) - sum(found)
  return found


def _even(number: int) -> list[int]:
  """Returns whole frequencies of symbols that are equally likely."""
  found = [(1 << _BITS) // number] * number
  found[0] += (1 << _BITS) - sum(found)
  return found


def _quantized(values: np.ndarray) -> np.ndarray:
  """Returns symbols with a dead zone, int32, of values in steps."""
  size = np.floor(np.abs(values) + _ROUND)
  return (np.sign(values) * np.minimum(size, _MOST)).astype(np.int32)


def _forward(row: np.ndarray) -> np.ndarray:
  """Returns coefficients `[columns, C, 64]` of a row of blocks `[8, W, C]`."""
  if row.shape[2] == 3:
    row = row @ _COLORS.T.astype(np.float32)
  blocks = row.reshape(SIDE, -1, SIDE, row.shape[2]).transpose(1, 3, 0, 2)
  return blocks.reshape(*blocks.shape[:2], SIDE * SIDE) @ _basis().T


def _backward(coefficients: np.ndarray) -> np.ndarray:
  """Returns a row of blocks `[8, W, C]` of what `_forward` returned."""
  columns, channels, _ = coefficients.shape
  blocks = coefficients.astype(np.float32) @ _basis()
  blocks = blocks.reshape(columns, channels, SIDE, SIDE).transpose(2, 0, 3, 1)
  row = blocks.reshape(SIDE, columns * SIDE, channels)
  return row @ _COLORS.astype(np.float32) if channels == 3 else row


@functools.cache
def _basis() -> np.ndarray:
  """Returns the orthonormal DCT-II of a block, float32 `[64, 64]`.

  A row is the block of one coefficient. One product with it is quicker than two
  along rows and columns, for all that it has four times the multiplications.
  """
  at = np.arange(SIDE)
  found = np.cos(np.pi * np.outer(at, 2 * at + 1) / (2 * SIDE))
  found *= np.where(at == 0, 1, 2**0.5)[:, None] / SIDE**0.5
  return np.kron(found, found).astype(np.float32)


def _blocks(height: int, width: int) -> tuple[int, int]:
  """Returns the rows and columns of blocks of a picture."""
  return -(-height // SIDE), -(-width // SIDE)

"""A range decoder in plain Python, from the arithmetic alone.

A string of bytes is a fraction in [0, 1), zeros without end behind it. Coding
keeps an interval of it, a symbol takes its share of that, and the string lies
within the last. Interval and fraction are followed in windows of 32 bits, which
move on by 16 whenever the interval has at most 2^16 left of the window.

Source: Martin, "Range encoding: an algorithm for removing redundancy from a
digitised message", 1979. The windows, the rounding down of shares, and
how strings end are those of TensorFlow Compression 2.14.
"""

import bisect
import struct
from collections.abc import Iterable, Iterator
from typing import NamedTuple

import numpy as np

from tfpercept.codecs.base import CorruptStream

_WINDOW, _MOVE = 32, 16
_MAX_BITS = 16


class Table(NamedTuple):
  """Frequencies of the symbols 0, 1, ...

  Attributes:
    ends: 0, then the sum of frequencies up to each symbol.
    bits: Frequencies sum to 2^bits.
  """

  ends: list[int]
  bits: int


def tables(lookup: np.ndarray) -> list[Table]:
  """Splits the tables of a model.

  Args:
    lookup: Int32; for each table bits, 0 and the sums of frequencies up to
      2^bits.

  Raises:
    ValueError: if it is no such thing.
  """
  found, values, at = [], lookup.tolist(), 0
  while at < len(values):
    bits = values[at]
    top = 1 << min(max(bits, 0), _MAX_BITS)
    try:
      end = values.index(top, at + 1) + 1
    except ValueError:
      end = at + 1
    ends = values[at + 1 : end]
    if not 1 <= bits <= _MAX_BITS or ends[:1] != [0] or ends != sorted(ends):
      raise ValueError(f"there is no table of frequencies at {at}")
    found.append(Table(ends, bits))
    at = end
  return found


class RangeDecoder:
  """Takes symbols from a string, one after the other.

  Args:
    string: Bytes of the string.
    tables: Coding tables, as `tables` returns them.
  """

  def __init__(self, string: bytes, tables: list[Table]):
    self._tables = tables
    self._words = struct.iter_unpack(">H", string + bytes(len(string) % 2))
    self._left = (len(string) + 1) // 2  # words not yet taken
    # The interval is [base, base + size), the string is base + offset.
    self._base, self._size, self._offset = 0, 1 << _WINDOW, 0
    for _ in range(_WINDOW // _MOVE):
      self._offset = self._offset << _MOVE | self._word()

  def read(self, which: Iterable[int]) -> Iterator[int]:
    """Yields the next symbols, each by the table of that number.

    Past the end of the string all bits are zero.
    """
    for number in which:
      ends, bits = self._tables[number]
      # The last end whose share of the interval, rounded down, is at most the
      # offset: size * end < (offset + 1) * 2^bits.
      limit = ((self._offset + 1 << bits) - 1) // self._size
      symbol = bisect.bisect_right(ends, limit) - 1
      self._narrow(ends[symbol], ends[symbol + 1], bits)
      yield symbol

  def require_end(self) -> None:
    """Raises CorruptStream unless the string is what its symbols become.

    Of all fractions in the last interval that is the one with most zeros at its
    end, counted in bytes or from the window on. They are not written, or read
    as they are.
    """
    for bits in (_WINDOW, _WINDOW - 8, _WINDOW - 16):
      shortest = -(-self._base >> bits) << bits
      if shortest < self._base + self._size:
        break
    if self._left > 0 or self._base + self._offset != shortest:
      raise CorruptStream("a string does not end where its symbols do")

  def _word(self) -> int:
    self._left -= 1
    return next(self._words, (0,))[0]

  def _narrow(self, low: int, high: int, bits: int) -> None:
    """Goes on with the share [low, high) / 2^bits of the interval."""
    start = self._size * low >> bits
    self._size = (self._size * high >> bits) - start
    self._base += start
    self._offset -= start
    if self._size <= 1 << _MOVE:
      self._size <<= _MOVE
      self._base = self._base << _MOVE & (1 << _WINDOW) - 1
      self._offset = self._offset << _MOVE | self._word()

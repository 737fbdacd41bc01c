"""The range coder of `.tfp` files, for whole arrays of symbols.

It writes and reads the strings of TensorFlow Compression 2.14, byte for byte.
`range_decoder` states the arithmetic and stays the plain reference.

The two inner loops are in C (`_range_coder.c`). Where that was not built, or
the environment variable `TFPERCEPT_PURE` is 1, they are in Python
(`pure_range_coder`), to the same bytes but slower.

Source: Martin, "Range encoding: an algorithm for removing redundancy from a
digitised message", 1979.
"""

import importlib
import os
import types

import numpy as np

from tfpercept.codecs.base import CorruptStream

PRECISION = 16
"""Largest number of bits of a table's frequencies."""
_WINDOW, _MOVE = 32, 16
_NO_TABLE = "there is no table of frequencies at {}"


def _loops_at_hand() -> types.ModuleType:
  """Returns the loops in C where they are built and wanted, or in Python."""
  package = __name__.rpartition(".")[0]
  if os.environ.get("TFPERCEPT_PURE") != "1":
    try:
      return importlib.import_module(f"{package}._range_coder")
    except ImportError:
      pass
  return importlib.import_module(f"{package}.pure_range_coder")


_loops = _loops_at_hand()


def is_compiled() -> bool:
  """Whether the inner loops are those in C."""
  return _loops.__name__.endswith("._range_coder")


class Tables:
  """Coding tables, checked and prepared for `RangeEncoder` and `RangeDecoder`.

  Args:
    lookup: Int32 `[T]`. For each table in turn the bits of its frequencies, 1
      to 16, then the cumulative frequencies from 0 to 2^bits.

  Attributes:
    ends: Int32 `[T - K]`, the cumulative frequencies of each table in turn, in
      units of 2^-16.
    starts: Int32 `[K + 1]`, the place in `ends` at which each table begins;
      then the length of `ends`.
    last: Int32 `[K]`, the place of the last symbol in each table.

  Raises:
    ValueError: if `lookup` is no such array.
  """

  def __init__(self, lookup: np.ndarray):
    if lookup.dtype != np.int32 or lookup.ndim != 1:
      raise ValueError(
        f"coding tables are int32 [T]; got {lookup.dtype} {list(lookup.shape)}"
      )
    begins = np.array(_begins(lookup.tolist()), np.int64)
    is_end = np.ones(lookup.shape, bool)
    is_end[begins] = False
    bits = np.repeat(lookup[begins], np.diff(begins, append=len(lookup)) - 1)
    own = lookup[is_end]
    self.starts = np.append(begins, len(lookup)).astype(np.int32)
    self.starts -= np.arange(len(self.starts), dtype=np.int32)
    falls = np.flatnonzero(np.diff(own, prepend=0) < 0)
    # Only the first of a table may be smaller than what stands before it.
    for at in np.setdiff1d(falls, self.starts):
      table = np.searchsorted(self.starts, at, side="right") - 1
      raise ValueError(_NO_TABLE.format(begins[table]))
    self.ends = own << PRECISION - bits
    self.last = np.diff(self.starts) - 2

  def check(self, which: np.ndarray) -> None:
    """Raises ValueError unless there are tables of all these numbers."""
    if which.dtype != np.int32:
      raise ValueError(f"numbers of tables are int32; got {which.dtype}")
    if which.size and not 0 <= which.min() <= which.max() < len(self.last):
      raise ValueError(
        f"tables have numbers from 0 to {len(self.last) - 1}; got "
        f"{which.min()} to {which.max()}"
      )


def _begins(values: list[int]) -> list[int]:
  """Returns the places of the bits of each table."""
  begins, at = [], 0
  while at < len(values):
    bits = values[at]
    if not 1 <= bits <= PRECISION or values[at + 1 : at + 2] != [0]:
      raise ValueError(_NO_TABLE.format(at))
    begins.append(at)
    try:
      at = values.index(1 << bits, at + 1) + 1
    except ValueError:
      raise ValueError(_NO_TABLE.format(at)) from None
  return begins


class RangeEncoder:
  """Writes symbols into one string.

  Args:
    tables: Coding tables.
  """

  def __init__(self, tables: Tables):
    self._tables = tables
    self._base, self._size = 0, 1 << _WINDOW
    self._words: list[bytes] = []

  def write(self, which: np.ndarray, places: np.ndarray) -> None:
    """Writes symbols, each by its table.

    Args:
      which: Number of the table of each symbol, int32 `[...]`.
      places: Place of each symbol in its table, from 0 on, int32 of the same
        shape.

    Raises:
      ValueError: if a table or a place does not exist, or the frequency of a
        symbol is 0. Nothing is written then.
    """
    if which.shape != places.shape or places.dtype != np.int32:
      raise ValueError(
        f"{list(which.shape)} tables need as many int32 symbols; got "
        f"{places.dtype} {list(places.shape)}"
      )
    self._tables.check(which)
    if ((places < 0) | (places > self._tables.last[which])).any():
      raise ValueError("a symbol is at no place of its table")
    at = (self._tables.starts[which] + places).ravel()
    lows, highs = self._tables.ends[at], self._tables.ends[at + 1]
    if (lows == highs).any():
      raise ValueError("a symbol of frequency 0 cannot be written")
    words, self._base, self._size = _loops.encode(
      lows.tobytes(), highs.tobytes(), self._base, self._size
    )
    self._words.append(words)

  def finish(self) -> bytes:
    """Returns the string.

    Of all fractions in the last interval it is the one with most zeros at its
    end, counted in bytes or from the window on. These are not written.
    """
    words = np.frombuffer(b"".join(self._words), np.uint32)
    carry, base = divmod(self._base, 1 << _WINDOW)
    shortest = _shortest(base, self._size)
    straddles = shortest >> _WINDOW
    # A word is what it adds to the fraction, a carry to the one before it
    # included.
    low, high = words & 0xFFFF, words >> 16
    number = int.from_bytes(low.astype(">u2").tobytes(), "big")
    number += int.from_bytes(high.astype(">u2").tobytes(), "big") << _MOVE
    string = (number + carry + straddles).to_bytes(2 * len(words), "big")
    if straddles:
      return string.rstrip(b"\0")
    return string + shortest.to_bytes(4, "big").rstrip(b"\0")


class RangeDecoder:
  """Reads symbols from a string.

  Args:
    string: String that `RangeEncoder.finish` returned, or any other.
    tables: Coding tables that the symbols were written with.
  """

  def __init__(self, string: bytes, tables: Tables):
    self._tables = tables
    self._string = string
    self._starts, self._ends = tables.starts.tobytes(), tables.ends.tobytes()
    self._size, self._taken = 1 << _WINDOW, _WINDOW // _MOVE
    self._offset = self._window()

  def read(self, which: np.ndarray) -> np.ndarray:
    """Returns the places of the next symbols in their tables, int32 `[...]`.

    Past the end of the string all bits are zero.

    Args:
      which: Number of the table of each symbol, int32 `[...]`.

    Raises:
      ValueError: if a table does not exist.
    """
    self._tables.check(which)
    places, self._size, self._offset, self._taken = _loops.decode(
      self._string,
      self._ends,
      self._starts,
      which.tobytes(),
      self._size,
      self._offset,
      self._taken,
    )
    return np.frombuffer(places, np.int32).reshape(which.shape).copy()

  def require_end(self) -> None:
    """Raises CorruptStream unless the string is what its symbols become."""
    base = self._window() - self._offset & (1 << _WINDOW) - 1
    is_whole = 2 * self._taken >= len(self._string)
    if not is_whole or base + self._offset != _shortest(base, self._size):
      raise CorruptStream("a string does not end where its symbols do")

  def _window(self) -> int:
    """Returns the four bytes of the string that end where it was taken to."""
    end = _MOVE // 8 * self._taken
    taken = self._string[end - _WINDOW // 8 : end]
    return int.from_bytes(taken.ljust(_WINDOW // 8, b"\0"), "big")


def _shortest(base: int, size: int) -> int:
  """Returns the number in an interval that has most zero bytes at its end."""
  for bits in (_WINDOW, _WINDOW - 8, _WINDOW - 16):
    shortest = -(-base >> bits) << bits
    if shortest < base + size:
      break
  return shortest

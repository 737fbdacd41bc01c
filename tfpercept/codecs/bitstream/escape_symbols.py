"""Symbols with an escape, for values that no symbol of a table stands for.

The strings are those of `models.compression.entropy_coding`, byte for byte,
without TensorFlow. The last symbol of each table is the escape symbol.
"""

import numpy as np

from tfpercept.codecs.bitstream import range_coder

_FAREST = (1 << 15) - 1  # from the nearest value that has a symbol


class FarEncoder:
  """Writes symbols into one string, and escaped values into another.

  A value that no symbol of its table stands for is written as the escape
  symbol, and as a number in the second string. A number is twice the distance
  from the nearest value that has a symbol, less 1, plus 1 if it lies below; it
  fills two bytes, and values beyond it are written as the farthest.

  Args:
    tables: Coding tables; the last symbol of each is the escape symbol.
    offsets: Value of the first symbol of each table, int32 `[K]`.
    far_tables: Two coding tables, of the first and the second byte of numbers.

  Raises:
    ValueError: if there are not as many offsets as tables.
  """

  def __init__(
    self,
    tables: range_coder.Tables,
    offsets: np.ndarray,
    far_tables: range_coder.Tables,
  ):
    self._tables, self._offsets = tables, _checked(offsets, tables)
    self._near = range_coder.RangeEncoder(tables)
    self._far = range_coder.RangeEncoder(far_tables)

  def write(self, which: np.ndarray, symbols: np.ndarray) -> None:
    """Writes symbols, each by its table.

    Args:
      which: Number of the table of each symbol, int32 `[...]`.
      symbols: Values, int32 of the same shape.

    Raises:
      ValueError: as `range_coder.RangeEncoder.write`.
    """
    self._tables.check(which)
    places, octets = split(self._tables, self._offsets, which, symbols)
    self._near.write(which, places)
    self._far.write(_far_index(len(octets)), octets)

  def finish(self) -> tuple[bytes, bytes]:
    """Returns the string of symbols and that of numbers."""
    return self._near.finish(), self._far.finish()


class FarDecoder:
  """Reads what `FarEncoder` wrote.

  Args:
    tables: Coding tables that the symbols were written with.
    offsets: Value of the first symbol of each table, int32 `[K]`.
    far_tables: Coding tables that the numbers were written with.
    string: String of symbols.
    far_string: String of numbers.

  Raises:
    ValueError: if there are not as many offsets as tables.
  """

  def __init__(
    self,
    tables: range_coder.Tables,
    offsets: np.ndarray,
    far_tables: range_coder.Tables,
    string: bytes,
    far_string: bytes,
  ):
    self._offsets = _checked(offsets, tables)
    self._last = tables.last
    self._near = range_coder.RangeDecoder(string, tables)
    self._far = range_coder.RangeDecoder(far_string, far_tables)

  def read(self, which: np.ndarray) -> np.ndarray:
    """Returns the next symbols, int32 `[...]`.

    Args:
      which: Number of the table of each symbol, int32 `[...]`.

    Raises:
      ValueError: if a table does not exist.
    """
    symbols = self._near.read(which)
    last = self._last[which]
    is_far = symbols == last
    ends = last[is_far]
    octets = self._far.read(_far_index(len(ends)))
    beyond, below = np.divmod(256 * octets[:, 0] + octets[:, 1], 2)
    symbols[is_far] = np.where(below > 0, -1 - beyond, beyond + ends)
    return symbols + self._offsets[which]

  def require_end(self) -> None:
    """Raises CorruptStream unless both strings end where their symbols do."""
    self._near.require_end()
    self._far.require_end()


def split(
  tables: range_coder.Tables,
  offsets: np.ndarray,
  which: np.ndarray,
  symbols: np.ndarray,
) -> tuple[np.ndarray, np.ndarray]:
  """Returns places in tables, and the numbers of values that are escaped.

  Args:
    tables: Coding tables; the last symbol of each is the escape symbol.
    offsets: Value of the first symbol of each table, int32 `[K]`.
    which: Number of the table of each symbol, int32 `[...]`.
    symbols: Values, int32 of the same shape.

  Returns:
    Int32 `[...]`, and the two bytes of each number, int32 `[F, 2]`.
  """
  places = symbols - offsets[which]
  last = tables.last[which]
  is_far = (places < 0) | (places >= last)
  values, ends = places[is_far], last[is_far]
  places[is_far] = ends
  below = values < 0
  beyond = np.where(below, -1 - values, values - ends)
  numbers = 2 * np.minimum(beyond, _FAREST) + below
  octets = np.stack(np.divmod(numbers, 256), axis=-1).astype(np.int32)
  return places, octets


def _checked(offsets: np.ndarray, tables: range_coder.Tables) -> np.ndarray:
  """Returns the offsets of tables; raises ValueError on any others."""
  if offsets.dtype != np.int32 or offsets.shape != tables.last.shape:
    raise ValueError(
      f"{len(tables.last)} tables need as many int32 offsets; got "
      f"{offsets.dtype} {list(offsets.shape)}"
    )
  return offsets


def _far_index(count: int) -> np.ndarray:
  """Returns the tables of the two bytes of numbers, int32 `[count, 2]`."""
  return np.tile(np.array([0, 1], np.int32), (count, 1))

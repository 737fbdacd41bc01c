"""The inner loops of the range coder, in Python.

The functions are those of `_range_coder.c`: bytes go in and bytes come out, so
that neither depends on anything but Python. Cumulative frequencies are in units
of 2^-16.
"""

import bisect
import functools
import itertools

import numpy as np

Prepared = tuple[list[list[int]], np.ndarray, np.ndarray, np.ndarray]


def encode(
  lows: bytes, highs: bytes, base: int, size: int
) -> tuple[bytes, int, int]:
  """Narrows an interval by the shares [low, high) of symbols.

  Args:
    lows: Int32, the cumulative frequency below each symbol.
    highs: Int32 of the same number, that up to each symbol.
    base: Begin of the interval in the window; from 2^32 on it carries.
    size: Size of the interval, 2^16 to 2^32.

  Returns:
    Uint32, the words that the window has left behind. Where one is larger than
    16 bits, the rest is added to the word before. Then the new base and size.
  """
  words: list[int] = []
  keep = words.append
  shares = zip(_numbers(lows), _numbers(highs), strict=True)
  for low, high in shares:
    start = size * low >> 16
    size = (size * high >> 16) - start
    base += start
    if size <= 65536:
      keep(base >> 16)
      base = (base & 65535) << 16
      size <<= 16
  return np.array(words, np.uint32).tobytes(), base, size


def decode(
  string: bytes,
  ends: bytes,
  starts: bytes,
  which: bytes,
  size: int,
  offset: int,
  taken: int,
) -> tuple[bytes, int, int, int]:
  """Finds the symbols that a string stands for.

  Args:
    string: String of symbols.
    ends: Int32, the cumulative frequencies of each table in turn.
    starts: Int32, the place in `ends` at which each table begins, then the
      length of `ends`.
    which: Int32, the number of the table of each symbol.
    size: Size of the interval, 2^16 to 2^32.
    offset: Distance of the string from the begin of the interval.
    taken: Number of 16-bit words that were taken from the string.

  Returns:
    Int32, the place of each symbol in its table. Then the new size, offset and
    number of words.
  """
  tables, modes, lows, highs = _prepared(ends, starts)
  numbers = np.frombuffer(which, np.int32)
  # A symbol moves the window by a word at most.
  words = _words(string, taken, len(numbers))
  places = modes[numbers].tolist()
  likely = zip(
    numbers.tolist(),
    lows[numbers].tolist(),
    highs[numbers].tolist(),
    strict=True,
  )
  word, find = 0, bisect.bisect_right
  for at, (number, low, high) in enumerate(likely):
    start, stop = size * low >> 16, size * high >> 16
    if not start <= offset < stop:  # it is not the most likely symbol
      own = tables[number]
      # The last end whose share of the interval is at most the offset.
      place = find(own, ((offset + 1 << 16) - 1) // size)
      places[at] = place - 1
      start, stop = size * own[place - 1] >> 16, size * own[place] >> 16
    offset -= start
    size = stop - start
    if size <= 65536:
      size <<= 16
      offset = offset << 16 | words[word]
      word += 1
  return np.array(places, np.int32).tobytes(), size, offset, taken + word


def _numbers(data: bytes) -> list[int]:
  return np.frombuffer(data, np.int32).tolist()


def _words(string: bytes, taken: int, count: int) -> list[int]:
  """Returns the next 16-bit words of a string, zeros past its end."""
  left = string[2 * taken : 2 * (taken + count)]
  words = np.frombuffer(left + bytes(len(left) % 2), ">u2").tolist()
  return words + [0] * (count - len(words))


@functools.lru_cache(maxsize=8)
def _prepared(ends: bytes, starts: bytes) -> Prepared:
  """Returns tables, and the most likely symbol of each with its share."""
  every, begins = np.frombuffer(ends, np.int32), _numbers(starts)
  tables = [every[begin:end] for begin, end in itertools.pairwise(begins)]
  modes = np.array([np.diff(table).argmax() for table in tables], np.int32)
  first = np.array(begins[:-1], np.int32) + modes
  return (
    [table.tolist() for table in tables],
    modes,
    every[first],
    every[first + 1],
  )

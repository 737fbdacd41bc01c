"""Our range decoder reads what TensorFlow Compression writes."""

import numpy as np
import pytest
import tensorflow as tf
import tensorflow_compression as tfc

from tfpercept.codecs.base import CorruptStream
from tfpercept.codecs.bitstream import range_decoder


def random_lookup(random, bits, count):
  """Tables of 2 to 40 symbols, some of them very rare."""
  lookup = []
  for _ in range(count):
    size = random.integers(2, 40)
    weights = random.gamma(0.2, size=size) + 1e-9
    pmf = tf.constant(weights / weights.sum(), tf.float32)
    cdf = tfc.pmf_to_quantized_cdf(pmf, precision=bits).numpy()
    lookup += [[bits], cdf]
  return np.concatenate(lookup).astype(np.int32)


def encoded(lookup, which, symbols):
  handle = tfc.create_range_encoder(shape=[], lookup=tf.constant(lookup))
  handle = tfc.entropy_encode_index(
    handle, tf.constant(which, tf.int32), tf.constant(symbols, tf.int32)
  )
  return tfc.entropy_encode_finalize(handle).numpy()


def decoded(lookup, which, string):
  decoder = range_decoder.RangeDecoder(string, range_decoder.tables(lookup))
  symbols = list(decoder.read(which))
  decoder.require_end()
  return symbols


def drawn(random, lookup, count):
  """Tables and symbols, each drawn as its table says."""
  tables = range_decoder.tables(lookup)
  which = random.integers(len(tables), size=count)
  symbols = []
  for number in which:
    ends, bits = tables[number]
    at = random.integers(1 << bits)
    symbols.append(int(np.searchsorted(ends, at, side="right")) - 1)
  return which.tolist(), symbols


@pytest.mark.parametrize("bits", [1, 2, 7, 12, 16])
@pytest.mark.parametrize("count", [0, 1, 2, 3, 10, 5000])
def test_random_symbols_come_back(bits, count):
  random = np.random.default_rng(count + bits)
  lookup = (
    random_lookup(random, bits, 20)
    if bits > 6
    else np.array([bits, 0, 1, 1 << bits] * 2, np.int32)
  )
  which, symbols = drawn(random, lookup, count)
  if bits <= 6:
    which, symbols = [0] * count, [symbol % 2 for symbol in symbols]
  string = encoded(lookup, which, symbols)
  assert decoded(lookup, which, string) == symbols
  assert count < 5000 or len(string) > 100


def test_carries_that_stay_undecided_for_long_are_read():
  """Intervals about one half: what is written waits for the carry."""
  lookup = np.array([16, 0, 32767, 32769, 65536], np.int32)
  for length in range(1, 200):
    symbols = [1] * length
    string = encoded(lookup, [0] * length, symbols)
    assert decoded(lookup, [0] * length, string) == symbols


def test_nearly_certain_symbols_take_no_byte_or_one_zero():
  lookup = np.array([16, 0, 65535, 65536], np.int32)
  string = encoded(lookup, [0] * 1000, [0] * 1000)
  assert string == b""
  for stored in (b"", b"\0"):
    assert decoded(lookup, [0] * 1000, stored) == [0] * 1000
  with pytest.raises(CorruptStream, match="does not end"):
    decoded(lookup, [0] * 1000, b"\0" * 8)


def test_a_changed_string_is_other_symbols_or_none():
  """Not always none: a string cut short is the shortest of other symbols."""
  random = np.random.default_rng(0)
  lookup = random_lookup(random, 16, 20)
  which, symbols = drawn(random, lookup, 300)
  string = encoded(lookup, which, symbols)
  assert len(string) > 80
  assert string[-1]
  changed = [string[:n] for n in range(len(string))]
  for at in range(len(string)):
    flipped = bytearray(string)
    flipped[at] ^= 1
    changed.append(bytes(flipped))
  refused = 0
  for damaged in changed:
    try:
      assert decoded(lookup, which, damaged) != symbols
    except CorruptStream:
      refused += 1
  assert 0 < refused < len(changed)


# Four zeros are still in the window: the same fraction.
@pytest.mark.parametrize("tail", [b"\0" * 6, b"\1\0", b"\xff" * 10])
def test_what_follows_a_string_is_found(tail):
  random = np.random.default_rng(0)
  lookup = random_lookup(random, 16, 20)
  which, symbols = drawn(random, lookup, 300)
  string = encoded(lookup, which, symbols)
  with pytest.raises(CorruptStream, match="does not end where its symbols do"):
    decoded(lookup, which, string + tail)


def test_random_strings_are_too_long_or_too_short_but_never_for_ever():
  random = np.random.default_rng(0)
  lookup = random_lookup(random, 16, 20)
  which = random.integers(20, size=200).tolist()
  refused = []
  for length in range(0, 400, 2):
    try:
      assert len(decoded(lookup, which, random.bytes(length))) == 200
    except CorruptStream:
      refused.append(length)
  assert refused[-100:] == list(range(200, 400, 2))


@pytest.mark.parametrize(
  "lookup",
  [
    [17, 0, 1 << 17],
    [-4, 0, 16],
    [0, 0, 1],
    [4, 0, 8],
    [4],
    [4, 1, 16],
    [4, 0, 9, 8, 16],
    [4, 0, 16, 3],
    [4, 0, -1, 16],
  ],
)
def test_what_is_no_table_is_refused(lookup):
  with pytest.raises(ValueError, match="no table of frequencies at"):
    range_decoder.tables(np.array(lookup, np.int32))

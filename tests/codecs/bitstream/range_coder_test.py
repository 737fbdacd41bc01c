"""Our range coder writes and reads the strings of TensorFlow Compression."""

import importlib

import hypothesis
import numpy as np
import pytest
from hypothesis import strategies as st

from tests.conftest import ROOT
from tfpercept.codecs.base import CorruptStream
from tfpercept.codecs.bitstream import range_coder, range_decoder

CERTAIN = np.array([16, 0, 65535, 65536], np.int32)
HALVES = np.array([16, 0, 32767, 32769, 65536], np.int32)


@pytest.fixture(autouse=True, params=["pure_range_coder", "_range_coder"])
def loops(request, monkeypatch):
  """Runs each test with each implementation of the inner loops."""
  monkeypatch.setattr(range_coder, "_loops", implementation(request.param))
  return range_coder._loops


def implementation(name):
  """Returns the loops in Python or in C; skips where these are not built."""
  try:
    return importlib.import_module(f"tfpercept.codecs.bitstream.{name}")
  except ImportError:
    pytest.skip(
      "the loops in C were not built, for which `make venv` needs gcc"
    )


def tensorflow_compression():
  import tensorflow as tf

  tfc = pytest.importorskip("tensorflow_compression")
  return tf, tfc


def tfc_string(lookup, which, places):
  tf, tfc = tensorflow_compression()
  handle = tfc.create_range_encoder(shape=[], lookup=tf.constant(lookup))
  handle = tfc.entropy_encode_index(
    handle, tf.constant(which), tf.constant(places)
  )
  return tfc.entropy_encode_finalize(handle).numpy()


def tfc_symbols(lookup, which, string):
  """Returns symbols, and whether the string ended where it should have."""
  tf, tfc = tensorflow_compression()
  handle = tfc.create_range_decoder(string, lookup=tf.constant(lookup))
  handle, places = tfc.entropy_decode_index(
    handle, tf.constant(which), tf.shape(which), Tdecoded=tf.int32
  )
  is_end = tfc.entropy_decode_finalize(handle)
  return places.numpy().tolist(), bool(is_end)


def encoded(lookup, which, places):
  encoder = range_coder.RangeEncoder(range_coder.Tables(lookup))
  encoder.write(which, places)
  return encoder.finish()


def decoded(lookup, which, string):
  """Returns symbols, and whether the string ended where it should have."""
  decoder = range_coder.RangeDecoder(string, range_coder.Tables(lookup))
  places = decoder.read(which).tolist()
  try:
    decoder.require_end()
  except CorruptStream:
    return places, False
  return places, True


def random_table(random, bits):
  """A table of 2 to 40 symbols: even, or one with nearly all of the mass."""
  top = 1 << bits
  count = int(random.integers(2, min(40, top) + 1))
  cuts = (
    np.sort(random.choice(np.arange(1, top), count - 1, replace=False)),
    np.arange(1, count),
    top - np.arange(1, count)[::-1],
  )[random.integers(3)]
  return np.concatenate([[bits, 0], cuts, [top]]).astype(np.int32)


def random_lookup(random):
  # TensorFlow Compression takes the bits of a table for the sum of that before
  # it where they are equal, as 2 and 2^1; none of these are.
  bits = random.choice([1, 3, 7, 12, 16], size=random.integers(1, 6))
  return np.concatenate([random_table(random, int(n)) for n in bits])


def drawn(random, lookup, count):
  """Tables, and symbols of any frequency, or mostly the first ones."""
  last = range_coder.Tables(lookup).last
  which = random.integers(len(last), size=count).astype(np.int32)
  places = (random.random(count) * (last[which] + 1)).astype(np.int32)
  if random.random() < 0.3:
    places = np.minimum(places, random.integers(2, size=count, dtype=np.int32))
  return which, places


def forged(random, string):
  """Strings that a careless or a hostile encoder might have written."""
  return (
    string,
    string[:-1],
    string[:-2],
    string + bytes(int(random.integers(1, 7))),
    string + random.bytes(2),
    string[: len(string) // 2] + random.bytes(3),
    random.bytes(int(random.integers(20))),
    b"",
  )


@pytest.mark.parametrize("seed", range(100))
def test_bytes_symbols_and_verdicts_are_those_of_tensorflow_compression(seed):
  random = np.random.default_rng(seed)
  verdicts = []
  lookup = random_lookup(random)
  which, places = drawn(random, lookup, int(random.integers(60)))
  string = encoded(lookup, which, places)
  assert string == tfc_string(lookup, which, places)
  assert decoded(lookup, which, string) == (places.tolist(), True)
  for other in forged(random, string):
    found = decoded(lookup, which, other)
    assert found == tfc_symbols(lookup, which, other)
    verdicts.append(found[1])
  assert verdicts[0]


@pytest.mark.parametrize("seed", range(10))
def test_the_plain_reference_agrees_where_there_is_no_tensorflow(seed):
  random = np.random.default_rng(seed)
  lookup = random_lookup(random)
  which, places = drawn(random, lookup, 300)
  reference = range_decoder.RangeDecoder(
    encoded(lookup, which, places), range_decoder.tables(lookup)
  )
  assert list(reference.read(which)) == places.tolist()
  reference.require_end()


@pytest.mark.parametrize("lookup", [CERTAIN, HALVES])
@pytest.mark.parametrize("place", [0, 1])
def test_carries_that_wait_for_long_and_certain_symbols(lookup, place):
  lengths = {}
  for length in [*range(70), 500, 5000]:
    which = np.zeros(length, np.int32)
    places = np.full(length, place, np.int32)
    string = encoded(lookup, which, places)
    assert string == tfc_string(lookup, which, places)
    assert decoded(lookup, which, string) == (places.tolist(), True)
    lengths[length] = len(string)
  assert lengths[0] == 0
  is_certain = lookup is CERTAIN and not place
  assert (lengths[5000] == 0) == is_certain


@pytest.mark.parametrize("model", ["photo_mse", "photo_ms_ssim"])
@pytest.mark.parametrize("name", ["y_tables", "z_tables", "far_tables"])
def test_tables_of_shipped_models(model, name):
  path = ROOT / "tfpercept" / "pretrained" / model / "coding.npz"
  lookup = np.load(path)[name]
  tables = range_coder.Tables(lookup)
  plain = range_decoder.tables(lookup)
  assert len(tables.last) == len(plain)
  assert tables.last.tolist() == [len(table.ends) - 2 for table in plain]
  random = np.random.default_rng(0)
  which = random.integers(len(plain), size=20_000).astype(np.int32)
  at = random.integers(1 << 16, size=which.size)
  places = [
    np.searchsorted(table.ends, n >> 16 - table.bits, side="right") - 1
    for table, n in zip((plain[number] for number in which), at, strict=True)
  ]
  places = np.array(places, np.int32)
  string = encoded(lookup, which, places)
  assert len(string) > 1000
  assert string == tfc_string(lookup, which, places)
  assert decoded(lookup, which, string) == (places.tolist(), True)


@hypothesis.given(
  st.lists(st.integers(0, 6), max_size=40), st.binary(max_size=12), st.data()
)
def test_calls_may_be_split_anywhere(symbols, noise, data):
  """Also with nothing in a call, and of any shape."""
  lookup = np.array([4, 0, 1, 2, 9, 10, 11, 15, 16], np.int32)
  places = np.array(symbols, np.int32)
  which = np.zeros_like(places)
  cut = data.draw(st.integers(0, len(places)))
  tables = range_coder.Tables(lookup)
  encoder = range_coder.RangeEncoder(tables)
  for part in (slice(0, cut), slice(cut, None)):
    encoder.write(which[None, part, None], places[None, part, None])
  string = encoder.finish()
  assert string == encoded(lookup, which, places)
  for stored in (string, noise):
    decoder = range_coder.RangeDecoder(stored, tables)
    found = [decoder.read(which[None, :cut]), decoder.read(which[None, cut:])]
    assert [part.shape for part in found] == [(1, cut), (1, len(places) - cut)]
    joined = np.concatenate(found, axis=1)[0].tolist()
    assert joined == decoded(lookup, which, stored)[0]


def test_symbols_come_back_in_an_array_that_may_be_changed():
  decoder = range_coder.RangeDecoder(b"", range_coder.Tables(CERTAIN))
  places = decoder.read(np.zeros((2, 3), np.int32))
  assert places.shape == (2, 3)
  assert places.dtype == np.int32
  places += 1


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
    [4, 0, -1, 16],
    [4, 0, 17, 16],
  ],
)
def test_what_is_no_table_is_refused(lookup):
  with pytest.raises(ValueError, match="no table of frequencies at 0"):
    range_coder.Tables(np.array(lookup, np.int32))
  after = np.array([1, 0, 1, 2, *lookup], np.int32)
  with pytest.raises(ValueError, match="no table of frequencies at 4"):
    range_coder.Tables(after)


def test_there_may_be_no_tables():
  tables = range_coder.Tables(np.zeros([0], np.int32))
  assert (len(tables.last), tables.starts.tolist()) == (0, [0])


@pytest.mark.parametrize(
  "lookup", [np.zeros([1, 4], np.int32), np.array([1, 0, 1, 2])]
)
def test_tables_of_another_kind_are_refused(lookup):
  with pytest.raises(ValueError, match=r"coding tables are int32 \[T\]; got"):
    range_coder.Tables(lookup)


@pytest.mark.parametrize(
  ("which", "places", "message"),
  [
    ([0], [0, 1], r"\[1\] tables need as many int32 symbols; got int32 \[2\]"),
    ([2], [0], "tables have numbers from 0 to 1; got 2 to 2"),
    ([0, -1], [0, 0], "tables have numbers from 0 to 1; got -1 to 0"),
    ([0], [-1], "at no place"),
    ([0, 0], [0, 2], "at no place"),
    ([1], [1], "frequency 0"),
  ],
)
def test_what_can_not_be_written_is_refused_and_leaves_no_trace(
  which, places, message
):
  lookup = np.array([4, 0, 3, 16, 4, 0, 8, 8, 16], np.int32)
  encoder = range_coder.RangeEncoder(range_coder.Tables(lookup))
  good = np.array([1, 0, 1], np.int32), np.array([2, 1, 0], np.int32)
  encoder.write(*good)
  with pytest.raises(ValueError, match=message):
    encoder.write(np.array(which, np.int32), np.array(places, np.int32))
  encoder.write(*good)
  twice = [np.tile(part, 2) for part in good]
  assert encoder.finish() == encoded(lookup, *twice)


@pytest.mark.parametrize("which", [[3], [-1], [0, 1 << 30]])
def test_numbers_of_no_table_are_not_read(which):
  decoder = range_coder.RangeDecoder(b"abc", range_coder.Tables(HALVES))
  with pytest.raises(ValueError, match="tables have numbers from 0 to 0; got"):
    decoder.read(np.array(which, np.int32))
  with pytest.raises(ValueError, match="numbers of tables are int32; got"):
    decoder.read(np.array([0.0]))

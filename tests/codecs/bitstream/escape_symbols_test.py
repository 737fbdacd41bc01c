"""Values without a symbol are written as by the coder of TensorFlow."""

import hashlib
import os
import subprocess
import sys

import numpy as np
import pytest

from tests.codecs.bitstream import known_string
from tests.conftest import ROOT
from tfpercept.codecs.base import CorruptStream
from tfpercept.codecs.bitstream import escape_symbols, range_coder

LIMITS = np.iinfo(np.int32)


@pytest.fixture(scope="module")
def kept():
  path = ROOT / "tfpercept" / "pretrained" / "photo_mse" / "coding.npz"
  return dict(np.load(path))


def tables(kept):
  return (
    range_coder.Tables(kept["y_tables"]),
    kept["y_offsets"],
    range_coder.Tables(kept["far_tables"]),
  )


def drawn(kept, count, spread):
  random = np.random.default_rng(count)
  which = random.integers(len(kept["y_offsets"]), size=(2, count, 3))
  symbols = random.laplace(size=which.shape) * spread
  return which.astype(np.int32), np.rint(symbols).astype(np.int32)


def encoded(kept, which, symbols):
  encoder = escape_symbols.FarEncoder(*tables(kept))
  for part in zip(which, symbols, strict=True):
    encoder.write(*part)
  return encoder.finish()


@pytest.mark.parametrize("count", [0, 1, 1000])
@pytest.mark.parametrize("spread", [0, 2, 300])
def test_strings_and_symbols_are_those_of_tensorflow(kept, count, spread):
  tf = pytest.importorskip("tensorflow")
  pytest.importorskip("tensorflow_compression")
  from tfpercept.models.compression import entropy_coding

  which, symbols = drawn(kept, count, spread)
  theirs = entropy_coding.Tables(kept["y_tables"], kept["y_offsets"])
  peer = entropy_coding.FarEncoder(theirs, kept["far_tables"])
  peer.write(tf.constant(which), tf.constant(symbols))
  strings = encoded(kept, which, symbols)
  assert strings == tuple(string.numpy() for string in peer.finish())
  assert (len(strings[1]) > 0) == (count * spread >= 300)
  decoder = escape_symbols.FarDecoder(*tables(kept), *strings)
  np.testing.assert_array_equal(decoder.read(which), symbols)
  decoder.require_end()


def test_forged_strings_give_the_symbols_that_tensorflow_gives(kept):
  tf = pytest.importorskip("tensorflow")
  pytest.importorskip("tensorflow_compression")
  from tfpercept.models.compression import entropy_coding

  random = np.random.default_rng(0)
  theirs = entropy_coding.Tables(kept["y_tables"], kept["y_offsets"])
  which, _ = drawn(kept, 100, 1)
  for length in range(0, 60, 3):
    strings = random.bytes(length), random.bytes(random.integers(40))
    ours = escape_symbols.FarDecoder(*tables(kept), *strings)
    peer = entropy_coding.FarDecoder(theirs, kept["far_tables"], *strings)
    expected = peer.read(tf.constant(which)).numpy()
    np.testing.assert_array_equal(ours.read(which), expected)
    if peer.finish():
      ours.require_end()
    else:
      with pytest.raises(CorruptStream):
        ours.require_end()


def test_values_beyond_two_bytes_become_the_farthest(kept):
  last, offsets = range_coder.Tables(kept["y_tables"]).last, kept["y_offsets"]
  which = np.arange(len(offsets), dtype=np.int32).repeat(2)
  # A place, which is a value less an offset, stays in 32 bits.
  values = np.tile([-100_000, 100_000], len(offsets)).astype(np.int32)
  strings = encoded(kept, which[None], values[None])
  decoder = escape_symbols.FarDecoder(*tables(kept), *strings)
  found = decoder.read(which).reshape(-1, 2)
  decoder.require_end()
  np.testing.assert_array_equal(found[:, 0], offsets - 2**15)
  np.testing.assert_array_equal(found[:, 1], offsets + last + 2**15 - 1)


def test_each_string_must_end_where_its_symbols_do(kept):
  which, symbols = drawn(kept, 50, 10)
  near, far = encoded(kept, which, symbols)
  for strings in ((near + b"\1" * 4, far), (near, far + b"\1" * 4)):
    decoder = escape_symbols.FarDecoder(*tables(kept), *strings)
    np.testing.assert_array_equal(decoder.read(which), symbols)
    with pytest.raises(CorruptStream, match="does not end where"):
      decoder.require_end()


def test_other_offsets_and_numbers_of_no_table_are_refused(kept):
  y, offsets, far = tables(kept)
  for other in (offsets[1:], offsets.astype(np.int64)):
    with pytest.raises(ValueError, match="64 tables need as many int32 offs"):
      escape_symbols.FarEncoder(y, other, far)
    with pytest.raises(ValueError, match="64 tables need as many int32 offs"):
      escape_symbols.FarDecoder(y, other, far, b"", b"")
  with pytest.raises(ValueError, match="numbers from 0 to 63; got 64 to 64"):
    escape_symbols.FarEncoder(y, offsets, far).write(
      np.array([64], np.int32), np.array([0], np.int32)
    )


@pytest.mark.parametrize("pure", ["0", "1"])
def test_the_known_string_is_that_of_tensorflow(pure):
  """By the program that runs where there is no TensorFlow to ask."""
  tf = pytest.importorskip("tensorflow")
  pytest.importorskip("tensorflow_compression")
  from tfpercept.models.compression import entropy_coding

  kept, which, symbols = known_string.symbols()
  theirs = entropy_coding.Tables(kept["y_tables"], kept["y_offsets"])
  peer = entropy_coding.FarEncoder(theirs, kept["far_tables"])
  peer.write(tf.constant(which), tf.constant(symbols))
  written = b"".join(string.numpy() for string in peer.finish())
  assert hashlib.sha256(written).hexdigest() == known_string.SHA256
  program = "import sys; sys.argv = ['tfpercept']\n" + (
    "from tests.codecs.bitstream import known_string; known_string.main()"
  )
  done = subprocess.run(
    [sys.executable, "-c", program],
    cwd=ROOT,
    env={**os.environ, "TFPERCEPT_PURE": pure},
    capture_output=True,
    text=True,
  )
  assert (done.stderr, done.returncode) == ("", 0)
  assert "as known" in done.stdout

"""Prints the speed of range coders beside that of TensorFlow Compression.

    python -m benchmarks.range_coder

The symbols are the latents of a photograph, as the codec writes them. All
coders take turns in one process and must write the same bytes. `start` is the
time of a fresh process that imports a coder and ends, less that of one that
imports nothing. `--numba_python` names an interpreter that has Numba, whose
import is then timed as well. All times are those that a processor spent, which
other work on the machine changes little.
"""

import functools
import importlib
import os
import platform
import subprocess
import sys
from collections.abc import Callable, Iterator
from unittest import mock

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
import tensorflow as tf
from absl import app, flags, logging

from benchmarks import pictures, timing
from tfpercept import manifests
from tfpercept.codecs.bitstream import range_coder, range_decoder
from tfpercept.codecs.learned import learned_codec
from tfpercept.models.compression import entropy_coding

IS_COMPILED = range_coder.is_compiled()
PEER = "TensorFlow Compression"
ROOM = "tfpercept.codecs.bitstream"
AS_COMMAND = "import sys; sys.argv = ['tfpercept']; "
STARTS = {
  "ours": f"{AS_COMMAND}from {ROOM} import range_coder",
  PEER: "import tensorflow_compression",
}

_MODEL = flags.DEFINE_string("model", "photo_mse", "Codec, name or folder.")
_SHAPE = flags.DEFINE_string("shape", "512x768", "Size of the picture, HxW.")
_QUALITIES = flags.DEFINE_multi_float("quality", [2, 5, 8], "Quality.")
_ROUNDS = flags.DEFINE_integer("rounds", 9, "Timed calls of each.", 1)
_STARTS = flags.DEFINE_boolean("starts", True, "Time imports, too.")
_NUMBA = flags.DEFINE_string("numba_python", None, "Interpreter with Numba.")

Coded = tuple[np.ndarray, np.ndarray]
"""Numbers of tables and places in them, int32 of one shape."""


def latents(
  codec: learned_codec.Hyperprior, picture: np.ndarray, quality: float
) -> Coded:
  """Returns the latents that the codec writes, its longest string."""
  written: dict[int, list[Coded]] = {}
  write = range_coder.RangeEncoder.write

  def kept(self, which: np.ndarray, places: np.ndarray) -> None:
    calls = written.setdefault(id(self._tables), [])
    calls.append((which.ravel(), places.ravel()))
    write(self, which, places)

  with mock.patch.object(range_coder.RangeEncoder, "write", kept):
    codec.compress(picture, quality=quality)
  longest = max(
    written.values(), key=lambda calls: sum(w.size for w, _ in calls)
  )
  which, places = map(np.concatenate, zip(*longest, strict=True))
  return which, places


class Ours:
  """Our range coder with one of its two implementations of the loops."""

  def __init__(self, lookup: np.ndarray, loops: str):
    self._tables = range_coder.Tables(lookup)
    self._loops = importlib.import_module(f"{ROOM}.{loops}")

  def encode(self, coded: Coded) -> bytes:
    range_coder._loops = self._loops
    encoder = range_coder.RangeEncoder(self._tables)
    encoder.write(*coded)
    return encoder.finish()

  def decode(self, which: np.ndarray, string: bytes) -> np.ndarray:
    range_coder._loops = self._loops
    decoder = range_coder.RangeDecoder(string, self._tables)
    places = decoder.read(which)
    decoder.require_end()
    return places


class Peer:
  """The range coder of TensorFlow Compression."""

  def __init__(self, lookup: np.ndarray):
    offsets = np.zeros(len(range_coder.Tables(lookup).last), np.int32)
    self._tables = entropy_coding.Tables(lookup, offsets)

  def encode(self, coded: Coded) -> bytes:
    encoder = entropy_coding.Encoder(self._tables)
    encoder.append(*map(tf.constant, coded))
    return encoder.finish().numpy()

  def decode(self, which: np.ndarray, string: bytes) -> np.ndarray:
    decoder = entropy_coding.Decoder(self._tables, tf.constant(string))
    places = decoder.take(tf.constant(which)).numpy()
    assert decoder.finish()
    return places


def reference(lookup: np.ndarray, which: np.ndarray, string: bytes) -> list:
  """Decodes by the plain reference."""
  decoder = range_decoder.RangeDecoder(string, range_decoder.tables(lookup))
  return list(decoder.read(which.tolist()))


def rows(lookup: np.ndarray, coded: Coded) -> Iterator[tuple[str, str, str]]:
  """Yields the name of each coder with its times in both directions."""
  coders = {PEER: Peer(lookup)}
  if IS_COMPILED:
    coders["ours, loops in C"] = Ours(lookup, "_range_coder")
  coders["ours, loops in Python"] = Ours(lookup, "pure_range_coder")
  string = coders[PEER].encode(coded)
  for name, coder in coders.items():
    assert coder.encode(coded) == string, name
    np.testing.assert_array_equal(coder.decode(coded[0], string), coded[1])
  ways: dict[str, dict[str, Callable[[], object]]] = {
    "encode": {
      name: functools.partial(coder.encode, coded)
      for name, coder in coders.items()
    },
    "decode": {
      name: functools.partial(coder.decode, coded[0], string)
      for name, coder in coders.items()
    },
  }
  plain = "ours, the plain reference"
  ways["decode"][plain] = functools.partial(reference, lookup, coded[0], string)
  times = {
    way: timing.medians(
      functions,
      rounds=_ROUNDS.value,
      warm_up=1,
      clock=timing.CLOCKS["processor"],
    )
    for way, functions in ways.items()
  }
  for name in ways["decode"]:
    cells = (
      f"{found[name] / found[PEER]:.1f} ({1000 * found[name]:.0f} ms)"
      if name in found
      else ""
      for found in (times["encode"], times["decode"])
    )
    yield name, *cells


def of_children() -> float:
  """Returns the seconds that a processor spent on ended child processes."""
  spent = os.times()
  return spent.children_user + spent.children_system


def starts() -> dict[str, float]:
  """Returns the seconds that the import of each coder takes."""
  programs = {
    "": [sys.executable, "-c", ""],
    **{name: [sys.executable, "-c", text] for name, text in STARTS.items()},
  }
  if _NUMBA.value:
    programs["Numba"] = [_NUMBA.value, "-c", "import numba"]
  functions = {
    name: functools.partial(
      subprocess.run, command, check=True, capture_output=True
    )
    for name, command in programs.items()
  }
  found = timing.medians(
    functions, rounds=min(_ROUNDS.value, 5), warm_up=1, clock=of_children
  )
  return {name: found[name] - found[""] for name in found if name}


def main(argv: list[str]) -> None:
  """Prints tables in Markdown."""
  if len(argv) > 1:
    raise app.UsageError(f"no arguments are taken; got {' '.join(argv[1:])}")
  logging.set_verbosity(logging.ERROR)
  height, width = map(int, _SHAPE.value.split("x"))
  (photo,), _ = pictures.photographs((1, height, width, 3))
  picture = np.round(255 * photo).astype(np.uint8)
  print(
    f"Python {platform.python_version()}, NumPy {np.__version__}; times "
    f"{PEER}'s, medians of {_ROUNDS.value}, in one process"
  )
  codec = learned_codec.Hyperprior(model=_MODEL.value)
  lookup = np.load(manifests.folder(_MODEL.value) / "coding.npz")["y_tables"]
  for quality in _QUALITIES.value:
    coded = latents(codec, picture, quality)
    size = len(Peer(lookup).encode(coded))
    print(f"\nQuality {quality:g}: {coded[0].size} symbols, {size} bytes\n")
    print("| range coder | encode | decode |\n| --- | ---: | ---: |")
    for cells in rows(lookup, coded):
      print(f"| {' | '.join(cells)} |", flush=True)
  if not _STARTS.value:
    return
  print("\n| import in a fresh process | start |\n| --- | ---: |")
  for name, seconds in starts().items():
    print(f"| {name} | {1000 * seconds:.0f} ms |")


if __name__ == "__main__":
  app.run(main)

"""The same bytes decode to the same symbols, whatever the process computes."""

import json
import os
import pathlib
import subprocess
import sys

import numpy as np
import pytest

from tests.codecs import networks
from tfpercept import codecs
from tfpercept.codecs import reference

ROOT = pathlib.Path(__file__).parents[2]
SETTINGS = {
  "1 thread, no oneDNN": {
    "TF_NUM_INTRAOP_THREADS": "1",
    "TF_ENABLE_ONEDNN_OPTS": "0",
  },
  "2 threads, XLA": {
    "TF_NUM_INTRAOP_THREADS": "2",
    "TFPERCEPT_TEST_JIT": "1",
  },
  "8 threads, AVX2": {
    "TF_NUM_INTRAOP_THREADS": "8",
    "ONEDNN_MAX_CPU_ISA": "AVX2",
  },
}


def read(settings, model, streams, out):
  """Returns what a process with other settings reads of streams."""
  subprocess.run(
    [
      *(sys.executable, "-m", "tests.codecs.symbols_program"),
      *(str(model), str(streams), str(out)),
    ],
    cwd=ROOT,
    env={**os.environ, **settings},
    check=True,
  )
  return json.loads(out.read_text())


def test_symbols_are_the_same_in_every_process(tmp_path, photograph):
  """Pixels may differ a little: the synthesis is in floating point."""
  model = networks.save(tmp_path / "model", photograph(256, 256))
  codec = codecs.get(f"hyperprior(model={str(model)!r})")
  pictures = [photograph(70, 130, seed=seed) for seed in range(2)]
  streams = {
    f"{i}_{quality}": codec.compress(picture, quality=quality)
    for i, picture in enumerate(pictures)
    for quality in (1, 8)
  }
  arrays = {name: np.frombuffer(s, np.uint8) for name, s in streams.items()}
  np.savez(tmp_path / "streams.npz", **arrays)
  found = {
    name: read(
      settings, model, tmp_path / "streams.npz", tmp_path / f"{i}.json"
    )
    for i, (name, settings) in enumerate(SETTINGS.items())
  }
  for i, stream in enumerate(streams.values()):
    expected = codec.symbols(stream)
    told = {name: answers[i]["symbols"] for name, answers in found.items()}
    assert set(told.values()) == {codecs.selftest.digest(expected)}, told
    picture = codec.decompress(stream).astype(int)
    for answers in found.values():
      difference = np.abs(np.array(answers[i]["picture"]) - picture)
      # A sum in another order now and then rounds to the next level.
      assert difference.max() <= 1
      assert np.mean(difference > 0) < 1e-3


def test_the_reference_decoder_reads_the_same_symbols(tmp_path, photograph):
  model = networks.save(tmp_path / "model", photograph(256, 256))
  codec = codecs.get(f"hyperprior(model={str(model)!r})")
  decoder = reference.ReferenceDecoder(model)
  for quality in (1, 4.5, 8):
    stream = codec.compress(photograph(70, 130), quality=quality)
    expected, latents = codec.symbols(stream), decoder.latents(stream)
    np.testing.assert_array_equal(latents.z, expected["z"][0])
    np.testing.assert_array_equal(latents.symbols, expected["y"][0])
    assert len(np.unique(latents.indexes)) > 10
    difference = np.abs(
      decoder.decompress(stream).astype(int) - codec.decompress(stream)
    )
    # Float32 and NumPy's order of sums, rounded to 8 bits.
    assert difference.max() <= 1
    assert np.mean(difference > 0) < 1e-3


def test_a_machine_that_computes_otherwise_is_found_out(
  tmp_path, photograph, monkeypatch
):
  model = networks.save(tmp_path / "model", photograph(256, 256))
  spec = f"hyperprior(model={str(model)!r})"
  codecs.get(spec)
  exact = codecs.coding.HyperSynthesis.hidden
  monkeypatch.setattr(
    codecs.coding.HyperSynthesis, "hidden", lambda self, z: exact(self, z) + 1
  )
  with pytest.raises(codecs.selftest.WrongArithmetic, match="float32"):
    codecs.get(spec)

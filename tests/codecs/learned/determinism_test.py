"""The same bytes decode to the same symbols, whatever the process computes."""

import numpy as np
import pytest

from tests.codecs import determinism, small_models, symbols_program
from tfpercept import codecs, weights
from tfpercept.codecs.learned import hyper_synthesis, reference_decoder
from tfpercept.data import packaged

# `python -m tests.codecs.determinism` has each of them alone, on more pictures.
SETTINGS = {
  "NumPy of other kernels, 1 thread": {
    **determinism.NUMPY,
    "OPENBLAS_CORETYPE": "Haswell",
    "OPENBLAS_NUM_THREADS": "1",
    "TFPERCEPT_PURE": "1",
  },
  "1 thread, no oneDNN, XLA": {
    "TF_NUM_INTRAOP_THREADS": "1",
    "TF_ENABLE_ONEDNN_OPTS": "0",
    symbols_program.KIND: "xla",
  },
  "8 threads, AVX2": {
    "TF_NUM_INTRAOP_THREADS": "8",
    "ONEDNN_MAX_CPU_ISA": "AVX2",
  },
}


def test_the_shipped_model_decodes_to_the_same_symbols_in_every_process(
  tmp_path,
):
  """Pixels may differ a little: the synthesis is in floating point."""
  pictures = [picture[:256, :384] for picture in packaged.test().values()]
  digests = determinism.encode("photo_mse", pictures[:2], (1, 8), tmp_path)
  assert len(set(digests.values())) == 4
  decoder = reference_decoder.ReferenceDecoder(weights.find("photo_mse"))
  with np.load(tmp_path / "streams.npz") as file:
    latents = decoder.latents(file["0_8"].tobytes())
  symbols = {"z": latents.z[None], "y": latents.symbols[None]}
  assert codecs.selftest.digest(symbols) == digests["0_8"]
  assert len(np.unique(latents.indexes)) >= determinism.SCALES
  for name, settings in SETTINGS.items():
    found = determinism.read(settings, "photo_mse", tmp_path)
    line = determinism.row(name, digests, found, found)
    assert determinism.is_good(line), line


def test_a_wrong_symbol_and_a_wrong_pixel_are_counted():
  digests = {"a": "1", "b": "2"}
  good = {
    "a": {"symbols": "1", "levels": 1, "share": 1e-4, "float_indexes": "x"},
    "b": {"symbols": "2", "float_indexes": "y"},
  }
  line = determinism.row("same", digests, good, good)
  assert determinism.is_good(line)
  assert (line["indexes in floats"], line["means in floats"]) == (0, "-")
  for change in ({"symbols": "3"}, {"levels": 2}, {"share": 0.1}):
    bad = {**good, "a": good["a"] | change}
    assert not determinism.is_good(determinism.row("", digests, good, bad))
  control = {**good, "b": good["b"] | {"float_indexes": "z"}}
  line = determinism.row("other", digests, good, control)
  assert determinism.is_good(line)  # it is not the codec that differs
  assert line["indexes in floats"] == 1


def test_crops_cover_photographs_in_turn(tmp_path):
  random = np.random.default_rng(0)
  for name, size in {
    "a": (600, 1500),
    "b": (800, 512),
    "c": (500, 800),
  }.items():
    picture = random.integers(0, 256, (*size, 3), np.uint8)
    determinism.files.write_image(tmp_path / f"{name}.png", picture)
  found = determinism.crops([tmp_path], 6)
  assert [crop.shape[:2] for crop in found] == [
    (512, 768), (768, 512), (512, 768), (768, 512), (512, 768), (512, 768)
  ]  # fmt: skip
  with pytest.raises(ValueError, match="6 crops of 768x512 are in"):
    determinism.crops([tmp_path], 7)


def test_the_reference_decoder_reads_the_same_symbols(tmp_path, photograph):
  model = small_models.save(tmp_path / "model", photograph(256, 256))
  codec = codecs.get(f"hyperprior(model={str(model)!r})")
  decoder = reference_decoder.ReferenceDecoder(model)
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


@pytest.mark.parametrize("largest", [0, 100])
def test_a_machine_that_computes_otherwise_is_found_out(
  tmp_path, photograph, monkeypatch, largest
):
  """Also where only large sums are wrong, which no picture may have."""
  model = small_models.save(tmp_path / "model", photograph(256, 256))
  spec = f"hyperprior(model={str(model)!r})"
  codec = codecs.get(spec)
  z = codec.symbols(codec.compress(photograph(96, 160)))["z"]
  assert 0 < np.abs(z).max() < 100
  exact = hyper_synthesis.HyperSynthesis.hidden

  def wrong(self, z):
    return exact(self, z) + np.float32(np.abs(z).max() > largest)

  monkeypatch.setattr(hyper_synthesis.HyperSynthesis, "hidden", wrong)
  with pytest.raises(codecs.selftest.WrongArithmetic, match="float32"):
    codecs.get(spec)


def test_the_hyper_latents_of_the_test_are_those_of_the_generator():
  """Anybody can make them; the states are those of C++'s minstd_rand0."""
  z = codecs.selftest.hyper_latents(64)
  assert z.shape == (1, 8, 12, 64)
  assert (z.min(), z.max()) == (-127, 127)
  states = [16807, 282475249, 1622650073]
  np.testing.assert_array_equal(z[0, 0, 0, :3], np.mod(states, 255) - 127)

"""Both engines compute alike, and each file is read by either."""

import json
import shutil
import sys

import numpy as np
import pytest

from tests.codecs import small_models
from tfpercept import codecs, manifests
from tfpercept.codecs.learned import (
  coding_tables,
  engines,
  learned_codec,
  numpy_engine,
)
from tfpercept.models.compression import transform_codec

# The transforms of HiFiC are TensorFlow's alone (`architectures_test.py`).
NETWORKS = tuple(name for name in transform_codec.names() if name != "hific")


@pytest.fixture(scope="module")
def folders(tmp_path_factory, photograph):
  """A model of each network, by its name."""
  place = tmp_path_factory.mktemp("engines")
  return {
    name: str(
      small_models.save(place / name, photograph(128, 128), architecture=name)
    )
    for name in NETWORKS
  }


@pytest.fixture(scope="module")
def pairs(folders):
  """A codec of each engine, by the name of the network."""
  return {
    name: [
      learned_codec.Hyperprior(model=folder, engine=engine)
      for engine in (engines.NUMPY, engines.TENSORFLOW)
    ]
    for name, folder in folders.items()
  }


def close(one, other):
  """Sums of float32 differ in their last bits, whatever their size."""
  assert one.dtype == other.dtype == np.float32
  largest = np.abs(other).max()
  np.testing.assert_allclose(one, other, rtol=0, atol=2e-5 * largest)


@pytest.mark.parametrize("name", NETWORKS)
def test_transforms_are_those_of_the_network(pairs, name, photograph):
  light, full = (codec._engine for codec in pairs[name])
  assert light.halo == full.halo
  x = photograph(64, 192)[None] / np.float32(255)
  levels = pairs[name][0].qualities[-1]
  for quality in {1.0, min(2.375, levels), levels}:
    y = full.analysis(x, quality)
    close(light.analysis(x, quality), y)
    close(light.synthesis(y, quality), full.synthesis(y, quality))
    if pairs[name][0].hyper_latents:
      assert light.analysis_halo == full.analysis_halo
      z = full.hyper_analysis(y, quality)
      close(light.hyper_analysis(y, quality), z)


@pytest.mark.parametrize("name", NETWORKS)
@pytest.mark.parametrize("size", [(1, 1), (70, 130)])
def test_each_reads_the_files_of_the_other(pairs, name, size, photograph):
  picture = photograph(70, 130, seed=4)[: size[0], : size[1]]
  two = pairs[name]
  for writer in two:
    for quality in {writer.qualities[0], writer.qualities[-1]}:
      data = writer.compress(picture, quality=quality)
      (one, other) = (reader.symbols(data) for reader in two)
      assert one.keys() == other.keys()
      for key, symbols in one.items():
        np.testing.assert_array_equal(symbols, other[key])
      images = [reader.decompress(data).astype(int) for reader in two]
      # A value on the edge of two levels may fall either way.
      assert np.abs(images[0] - images[1]).max() <= 1


def test_hardly_a_latent_is_rounded_otherwise(photograph):
  """Where one is, within float32 of a half, both files are right."""
  picture = photograph(256, 384, seed=6)
  found = []
  for engine in (engines.NUMPY, engines.TENSORFLOW):
    codec = learned_codec.Hyperprior(check=False, engine=engine)
    data = codec.compress(picture, quality=8)
    found.append(codec.symbols(data)["y"])
  assert np.mean(found[0] != found[1]) < 1e-4


def test_auto_takes_numpy_unless_only_tensorflow_can(folders):
  def engine_of(**options):
    codec = learned_codec.Hyperprior(check=False, **options)
    return type(codec._engine).__name__

  folder = folders["mean_scale_hyperprior"]
  assert engine_of(model=folder) == "NumPyEngine"
  assert engine_of(model=folder, effort=1) == "TensorFlowEngine"
  assert engine_of(model=folder, engine="tensorflow") == "TensorFlowEngine"


def test_another_network_s_weights_are_left_to_tensorflow(folders, tmp_path):
  copy = tmp_path / "copy"
  shutil.copytree(folders["mean_scale_hyperprior"], copy)
  manifest = json.loads((copy / "manifest.json").read_text())
  for change in ("gdn1/beta_root", "block1/conv1/bias"):
    other = json.loads(json.dumps(manifest))
    other["names"] = [n.replace(change, "other") for n in manifest["names"]]
    with pytest.raises(engines.Unfit, match="the model has"):
      numpy_engine.create(copy, other, coding_tables.load(copy, manifest)[0])
  (copy / "manifest.json").write_text(
    json.dumps({**manifest, "names": manifest["names"][:-1]})
  )
  codec = learned_codec.Hyperprior(model=str(copy), check=False)
  assert type(codec._engine).__name__ == "TensorFlowEngine"
  with pytest.raises(ValueError, match="does not name each weight"):
    learned_codec.Hyperprior(model=str(copy), engine="numpy")


def test_what_an_engine_can_not_do_is_refused(folders):
  folder = folders["scale_hyperprior"]
  with pytest.raises(ValueError, match="effort needs the engine 'tensorflow'"):
    learned_codec.Hyperprior(model=folder, engine="numpy", effort=1)
  with pytest.raises(ValueError, match="engines are auto, numpy, tensorflow"):
    codecs.get(f"hyperprior(model={folder!r}, engine='torch')")


def test_without_tensorflow_it_says_what_to_install(folders, monkeypatch):
  module = "tfpercept.codecs.learned.tensorflow_engine"
  monkeypatch.delitem(sys.modules, module, raising=False)
  monkeypatch.setitem(sys.modules, "tensorflow", None)
  folder = folders["scale_hyperprior"]
  codec = learned_codec.Hyperprior(model=folder)
  picture = small_models.picture(20, 30)
  assert codec.decompress(codec.compress(picture)).shape == picture.shape
  with pytest.raises(codecs.MissingLibrary, match=r"tfpercept\[compression\]"):
    learned_codec.Hyperprior(model=folder, engine="tensorflow")


def test_damaged_weights_are_named(folders, tmp_path):
  copy = tmp_path / "copy"
  shutil.copytree(folders["factorized_prior"], copy)
  data = bytearray((copy / "weights.npz").read_bytes())
  data[len(data) // 2] ^= 1
  (copy / "weights.npz").write_bytes(data)
  with pytest.raises(ValueError, match=r"weights\.npz is missing or is not"):
    numpy_engine.create(
      copy,
      manifests.read(copy),
      coding_tables.load(copy, manifests.read(copy))[0],
    )

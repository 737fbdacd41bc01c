"""A file's model is found by its hash among those that are here."""

import dataclasses
import json
import shutil

import numpy as np
import pytest

from tests.codecs import small_models
from tfpercept import codecs, models, offers, weights
from tfpercept.codecs.bitstream import container
from tfpercept.codecs.learned import learned_codec, model_ids, model_lookup

PICTURE = np.arange(40 * 50 * 3, dtype=np.uint8).reshape(40, 50, 3)


@pytest.fixture(scope="module")
def folders(tmp_path_factory, photograph):
  """Two run folders of other weights."""
  folder = tmp_path_factory.mktemp("models")
  for seed, name in enumerate(("a", "b")):
    small_models.save(folder / name / "model", photograph(64, 64, seed))
  return [folder / name for name in ("a", "b")]


@pytest.fixture(scope="module")
def files_of(folders):
  """A file of each model."""
  return [
    learned_codec.Hyperprior(model=str(folder)).compress(PICTURE)
    for folder in folders
  ]


def test_each_file_finds_the_model_that_wrote_it(folders, files_of):
  known = model_lookup.KnownModels(folders)
  for folder, data in zip(folders, files_of, strict=True):
    assert known.name(container.read_header(data).header) == str(folder)
    codec = known.codec_of(data)
    assert codec.model == str(folder)
    assert known.codec_of(data) is codec  # loaded once
    assert codec.decompress(data).shape == PICTURE.shape


def test_a_file_of_no_known_model_names_those_that_are(folders, files_of):
  known = model_lookup.KnownModels(folders[:1])
  header = container.read_header(files_of[1]).header
  with pytest.raises(container.WrongModel) as caught:
    known.codec_of(files_of[1])
  assert header.model.hex() in str(caught.value)
  assert str(folders[0]) in str(caught.value)


@pytest.mark.parametrize("given", [3, None, ["coding.npz"]])
def test_a_manifest_whose_files_are_no_table_is_damaged(
  folders, tmp_path, given
):
  shutil.copytree(folders[0], tmp_path / "copy")
  path = tmp_path / "copy" / "model" / "manifest.json"
  path.write_text(json.dumps(json.loads(path.read_text()) | {"files": given}))
  with pytest.raises(ValueError, match="not a model manifest: its files"):
    model_lookup.KnownModels([tmp_path / "copy"])


def test_half_a_hash_will_do_and_another_codec_will_not(folders, files_of):
  known = model_lookup.KnownModels(folders)
  header = container.read_header(files_of[1]).header
  short = dataclasses.replace(header, model=header.model[:4])
  assert known.name(short) == str(folders[1])
  assert known.name(dataclasses.replace(header, codec=5)) is None


def test_a_damaged_file_is_no_file_of_a_missing_model(files_of):
  damaged = bytearray(files_of[0])
  damaged[8] ^= 1  # of the hash
  with pytest.raises(codecs.CorruptStream, match="the checksum is") as caught:
    model_lookup.KnownModels().codec_of(bytes(damaged))
  assert not isinstance(caught.value, container.WrongModel)


def test_a_head_of_the_package_serves_only_where_none_is_given():
  data = learned_codec.Hyperprior(model="photo_mse", check=False).compress(
    PICTURE, quality=1
  )
  known = model_lookup.KnownModels(realism=1.0)
  assert known.codec_of(data).head == "photo_mse_realism"
  other = model_lookup.KnownModels(
    realism=1.0, given_heads=["photo_ms_ssim_realism"]
  )
  with pytest.raises(
    ValueError, match=r"is for photo_mse .* given: photo_ms_ssim_realism"
  ):
    other.codec_of(data)


def test_models_that_come_with_the_package_are_known(
  folders, files_of, monkeypatch
):
  monkeypatch.setattr(weights, "shipped", lambda: ("photo",))
  monkeypatch.setattr(
    weights, "find", lambda name: folders[0] if name == "photo" else None
  )
  known = model_lookup.KnownModels()
  assert known.name(container.read_header(files_of[0]).header) == "photo"


def test_a_model_that_another_replaced_still_reads_its_files(
  folders, files_of, tmp_path, monkeypatch
):
  """The mechanism that keeps the promise of `released_test.py`."""
  new, old = folders
  shutil.copytree(new / "model", tmp_path / "photo")
  shutil.copytree(old / "model", tmp_path / "retired" / "photo_1")
  monkeypatch.setattr(offers, "PRETRAINED", tmp_path)
  monkeypatch.setattr(weights, "PRETRAINED", tmp_path)
  for module in (offers, weights):
    monkeypatch.setattr(module, "RETIRED", tmp_path / "retired")
  assert weights.shipped() == ("photo",)
  known = model_lookup.KnownModels()
  for data, name in zip(files_of, ("photo", "photo_1"), strict=True):
    assert known.name(container.read_header(data).header) == name
    assert known.codec_of(data).decompress(data).shape == PICTURE.shape


def test_a_model_that_codes_nothing_is_refused(tmp_path):
  network = models.SRCNN(filters=(4, 3), kernels=(5, 3, 3))
  network.build()
  models.save(network, tmp_path / "sharp")
  with pytest.raises(ValueError, match="holds a srcnn that codes no pictures"):
    model_lookup.KnownModels([tmp_path / "sharp"])


def test_the_codec_id_is_that_of_the_model_s_own_stream(folders, files_of):
  manifest = models.read_manifest(folders[0])
  header = container.read_header(files_of[0]).header
  assert model_ids.number(manifest) == header.codec == 2
  for kept in ({}, {"stream": 3}, {"stream": "AAAA"}, None):
    with pytest.raises(ValueError, match="no stream to tell its codec by"):
      model_ids.number({**manifest, "bitstream": None, "selftest": kept})

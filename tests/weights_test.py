"""Weights are found where they should be, fetched with care, and do their work.

Nothing is downloaded here: see downloads_test.py for the network.
"""

import dataclasses
import hashlib
import json
import pathlib
import tarfile

import numpy as np
import pytest

from tfpercept import distances, models, weights
from tfpercept.data import packaged, super_resolution
from tfpercept.io import downloads

SUPER_RESOLUTION = (
  "srcnn_x4_mae",
  "srcnn_x4_ms_ssim",
  "srcnn_x4_ms_ssim_mirror",
  "srcnn_x4_mse",
)


def test_the_trained_networks_ship():
  assert set(SUPER_RESOLUTION) == set(weights.shipped("srcnn"))


def test_a_folder_is_taken_before_a_name(tmp_path, monkeypatch):
  (tmp_path / "srcnn_x4_mse").mkdir()
  monkeypatch.chdir(tmp_path)
  assert weights.find("srcnn_x4_mse").samefile(tmp_path / "srcnn_x4_mse")


def test_an_unknown_name_is_answered_with_the_nearest():
  with pytest.raises(ValueError, match="Did you mean 'srcnn_x4_mse'"):
    weights.find("srcnn_x4_msee")
  with pytest.raises(ValueError, match="no_such'"):
    models.load("no_such")


@pytest.mark.parametrize("name", weights.shipped())
def test_each_model_has_a_card_and_is_small(name):
  folder = weights.find(name)
  card = (folder / "README.md").read_text()
  for word in ("Command", "Data", "Licence", "Seed", "Steps", "Scores"):
    assert f"{word}" in card
  assert (folder / "weights.npz").stat().st_size < 6_000_000


@pytest.mark.parametrize("name", SUPER_RESOLUTION)
def test_a_shipped_network_beats_bicubic_on_pictures_it_never_saw(name):
  network, manifest = models.load(name)
  distance = distances.get(manifest["objective"])  # what it was trained for
  pairs = super_resolution.luma_pairs(
    packaged.test().values(), scale=manifest["scale"]
  )
  ratios = []
  for enlarged, target in pairs:
    x, y = (a[None, :128, :128] for a in (enlarged, target))
    ratios.append(float((distance(y, network(x)) / distance(y, x))[0]))
  assert np.mean(ratios) < 0.95


NAME = "watson_dft_gray"
MEMBER = b"pickled arrays"


@pytest.fixture
def places(tmp_path, monkeypatch):
  """Makes the folder and the cache empty ones of this test."""
  monkeypatch.setenv("TFPERCEPT_WEIGHTS", str(tmp_path / "folder"))
  monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
  monkeypatch.setenv("TFPERCEPT_OFFLINE", "1")
  return tmp_path / "folder", tmp_path / "cache" / "tfpercept"


@pytest.fixture
def published(shared):
  """The folder of the authors' files."""
  return shared / "data" / "weights"


def put(data: bytes, place: pathlib.Path, name: str) -> pathlib.Path:
  path = place / weights.manifest()[name].file
  path.parent.mkdir(parents=True, exist_ok=True)
  path.write_bytes(data)
  return path


def test_the_manifest_is_complete():
  for name, source in weights.manifest().items():
    assert source.name == name
    assert len(bytes.fromhex(source.sha256)) == 32
    assert source.bytes > 0
    assert source.licence
    ways = (source.shipped, bool(source.url), source.archive is not None)
    assert sum(ways) == 1
    assert source.url.startswith("https://") or not source.url
    # What has no licence is not passed on.
    assert not (source.shipped and source.licence.startswith("none"))


def test_the_manifest_tells_the_truth_about_the_authors_files(published):
  checked = 0
  for source in weights.manifest().values():
    path = published / source.file
    if path.is_file():
      data = path.read_bytes()
      assert hashlib.sha256(data).hexdigest() == source.sha256
      assert len(data) == source.bytes
      checked += 1
  assert checked == sum(bool(s.url) for s in weights.manifest().values()) == 13


@pytest.mark.parametrize(
  "name", [n for n, s in weights.manifest().items() if s.shipped]
)
def test_shipped_weights_are_those_of_the_manifest(name):
  found, is_published = weights.verify(weights.manifest()[name])
  assert is_published
  assert found
  assert all(array.dtype == np.float32 for array in weights.load(name).values())
  for path in found:
    assert path.stat().st_size < 6_000_000


def test_alexnet_is_that_of_the_reference(published):
  found = weights.load("lpips_alex")
  with np.load(published / "lpips_backbones" / "alex.npz") as original:
    assert set(found) == set(original.files)
    for name, array in found.items():
      assert array.shape == original[name].shape
      # Each weight is kept to half a step of an 18-bit number.
      bound = np.abs(original[name]).max() / 2**17
      np.testing.assert_allclose(array, original[name], rtol=0, atol=bound)


def test_the_folder_comes_before_the_cache(places, published):
  folder, cache = places
  data = (published / weights.manifest()[NAME].file).read_bytes()
  with pytest.raises(weights.MissingWeights):
    weights.load(NAME)
  cached = put(data, cache, NAME)
  assert weights.locate(NAME) == [cached]
  given = put(data, folder, NAME)
  assert weights.locate(NAME) == [given]
  assert weights.load(NAME)["t_tild"].shape == (8, 5)
  np.savez(folder / f"{NAME}.npz", mine=np.ones(3))
  assert list(weights.load(NAME)) == ["mine"]


def test_a_path_is_taken_as_it_is(tmp_path):
  np.savez(tmp_path / "a.npz", x=np.float16([1, 2]))
  (found,) = weights.load(tmp_path / "a.npz").values()
  assert found.dtype == np.float32
  with pytest.raises(weights.MissingWeights, match="there is no file"):
    weights.load(str(tmp_path / "b.npz"))
  with pytest.raises(ValueError, match="Did you mean 'watson_dft_gray'"):
    weights.load("watson_dft_grey")
  with pytest.raises(ValueError, match=r"ending in \.npz, \.pth"):
    weights.load("weights.h5")


def test_a_missing_file_says_its_name_its_place_its_licence_and_the_command(
  places,
):
  with pytest.raises(weights.MissingWeights) as caught:
    weights.load(NAME)
  message = str(caught.value)
  source = weights.manifest()[NAME]
  for part in (
    f"`tfpercept weights fetch {NAME}`",
    source.url,
    str(places[1] / source.file),
    source.licence,
    "TFPERCEPT_OFFLINE=1",
  ):
    assert part in message


def test_a_damaged_file_is_named_and_left_alone(places):
  path = put(b"damaged", places[1], NAME)
  with pytest.raises(ValueError, match=rf"{path} is not {NAME}.*7 bytes found"):
    weights.load(NAME)
  assert path.read_bytes() == b"damaged"


def test_a_download_is_kept_and_announced(
  places, published, monkeypatch, capsys
):
  source = weights.manifest()[NAME]
  calls = []

  def download(url, path, *, size):
    calls.append((url, size))
    pathlib.Path(path).write_bytes((published / source.file).read_bytes())

  monkeypatch.delenv("TFPERCEPT_OFFLINE")
  monkeypatch.setattr(downloads, "download", download)
  for _ in range(2):
    assert set(weights.load(NAME)) >= {"t_tild", "w_phase_tild"}
    assert weights.fetch(NAME) == places[1] / source.file
  assert calls == [(source.url, source.bytes)]
  out, err = capsys.readouterr()
  assert out == ""
  assert source.url in err
  assert source.licence in err


@pytest.mark.parametrize(
  "failure",
  ["wrong", OSError("no route"), ValueError("too much"), KeyboardInterrupt],
)
def test_a_download_that_fails_leaves_nothing(places, monkeypatch, failure):
  def download(url, path, *, size):
    pathlib.Path(path).write_bytes(b"other")
    if failure != "wrong":
      raise failure

  monkeypatch.delenv("TFPERCEPT_OFFLINE")
  monkeypatch.setattr(downloads, "download", download)
  error = weights.MissingWeights
  if failure is KeyboardInterrupt:
    error = failure
  with pytest.raises(error):
    weights.load(NAME)
  assert not [p for p in places[1].rglob("*") if p.is_file()]


def test_a_wrong_copy_does_not_replace_a_good_one(places, published, tmp_path):
  good = (published / weights.manifest()[NAME].file).read_bytes()
  path = put(good, places[1], NAME)
  (tmp_path / "wrong.pth").write_bytes(b"wrong")
  with pytest.raises(ValueError, match=r"wrong\.pth is not what was published"):
    weights.fetch(NAME, source=tmp_path / "wrong.pth")
  assert path.read_bytes() == good


@pytest.fixture
def archived(tmp_path, monkeypatch):
  """Makes a source archive and a manifest that names it."""
  (tmp_path / "w.ckpt").write_bytes(MEMBER)
  archive = tmp_path / "p-1.0.tar.gz"
  with tarfile.open(archive, "w:gz") as made:
    made.add(tmp_path / "w.ckpt", "p-1.0/w.ckpt")
  data = archive.read_bytes()
  source = weights.Source(
    "made_up",
    "p/w.ckpt",
    len(MEMBER),
    hashlib.sha256(MEMBER).hexdigest(),
    "MIT",
    archive=downloads.Archive(
      "p",
      archive.name,
      len(data),
      hashlib.sha256(data).hexdigest(),
      "p-1.0/w.ckpt",
    ),
  )
  monkeypatch.setattr(weights, "manifest", lambda: {"made_up": source})
  return source, archive


def test_a_member_is_taken_out_of_an_archive(places, archived, tmp_path):
  _, archive = archived
  for copy in (archive, tmp_path / "w.ckpt"):
    path = weights.fetch(
      "made_up", source=copy, folder=tmp_path / copy.name[:2]
    )
    assert path.read_bytes() == MEMBER
    assert path == tmp_path / copy.name[:2] / "p" / "w.ckpt"


def test_an_archive_is_verified_before_it_is_opened(
  places, archived, monkeypatch
):
  source, archive = archived
  archive.write_bytes(archive.read_bytes() + b"more")
  opened = []
  monkeypatch.setattr(downloads, "extract", lambda *a, **k: opened.append(a))
  with pytest.raises(ValueError, match=f"{source.archive.bytes} bytes wanted"):
    weights.fetch("made_up", source=archive)
  assert not opened


def test_a_member_that_differs_is_refused(places, archived, monkeypatch):
  source, archive = archived
  other = dataclasses.replace(source, sha256="0" * 64)
  monkeypatch.setattr(weights, "manifest", lambda: {"made_up": other})
  with pytest.raises(ValueError, match="SHA-256 0000"):
    weights.fetch("made_up", source=archive)
  assert not places[1].joinpath("p", "w.ckpt").exists()


def test_shipped_weights_are_not_fetched():
  with pytest.raises(weights.MissingWeights, match="comes with tfpercept"):
    weights.fetch("lpips_alex")


@pytest.mark.parametrize(
  ("dtype", "bound"),  # half a step, relative to the largest of the channel
  [
    ("float32", 0.0),
    ("float16", 2**-11),
    ("int16", 0.5 / 32767),
    ("int18", 0.5 / 131071),
  ],
)
def test_packed_weights_come_back(dtype, bound):
  random = np.random.default_rng(1)
  arrays = {
    "kernel": random.normal(size=(3, 3, 2, 5)).astype(np.float32),
    "scalar": np.float32(0.25).reshape(()),
    "zeros": np.zeros((2, 3), np.float32),
    "steps": np.arange(3),
  }
  found = weights.unpacked(weights.packed(arrays, dtype))
  assert list(found) == list(arrays)
  for name, array in arrays.items():
    assert found[name].dtype == array.dtype
    largest = np.abs(array).max(tuple(range(array.ndim - 1)), initial=0)
    # Rounding of the product, in float32, comes on top.
    assert (np.abs(found[name] - array) <= largest * (bound + 1e-7)).all()


@pytest.mark.parametrize("dtype", ["int16", "int18"])
@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_what_is_not_finite_is_no_integer(dtype, value):
  arrays = {"w": np.float32([[1, 2], [value, 3]])}
  with pytest.raises(ValueError, match="w holds NaN or infinity"):
    weights.packed(arrays, dtype)
  kept = weights.unpacked(weights.packed(arrays, "float16"))
  np.testing.assert_array_equal(kept["w"], arrays["w"])


@pytest.mark.parametrize(
  ("array", "scale"),
  [
    (np.ones((300, 1), np.int16), np.ones((1, 300), np.float32)),
    (np.ones((1, 3), np.int16), np.ones((), np.float32)),
    (np.ones((1, 3), np.float32), np.ones(3, np.float32)),
  ],
)
def test_steps_that_do_not_fit_are_not_broadcast(tmp_path, array, scale):
  np.savez(tmp_path / "a.npz", **{"w": array, "w@scale": scale})
  with pytest.raises(ValueError, match="w should be int16, with a step for"):
    weights.load(tmp_path / "a.npz")


def test_weights_that_half_precision_can_not_hold_are_not_packed():
  arrays = {"w": np.float32([1, -7e4])}
  with pytest.raises(ValueError, match="w holds 70000, and the largest float"):
    weights.packed(arrays, "float16")
  assert weights.packed({"w": np.float32([np.inf])}, "float16")["w"] == np.inf


def test_a_low_byte_that_does_not_fit_is_refused(tmp_path):
  arrays = weights.packed({"w": np.float32([[1, 2], [3, 4]])}, "int18")
  arrays["w@low"] = arrays["w@low"][:1]
  np.savez(tmp_path / "a.npz", **arrays)
  with pytest.raises(ValueError, match="w@low should be uint8 of shape"):
    weights.load(tmp_path / "a.npz")


def test_an_empty_folder_hides_nothing(places):
  (places[0] / "lpips_alex").mkdir(parents=True)
  assert weights.load("lpips_alex")


def test_without_a_home_the_message_says_what_to_set(monkeypatch):
  def homeless():
    raise RuntimeError("Could not determine home directory.")

  monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
  monkeypatch.setattr(pathlib.Path, "home", homeless)
  with pytest.raises(weights.MissingWeights, match="set XDG_CACHE_HOME"):
    weights.cache()


@pytest.mark.parametrize("value", ["1", "true", "yes"])
def test_offline_is_whatever_is_not_false(places, monkeypatch, value):
  asked = []
  monkeypatch.setattr(downloads, "download", lambda *a, **k: asked.append(a))
  monkeypatch.setenv("TFPERCEPT_OFFLINE", value)
  with pytest.raises(weights.MissingWeights, match=f"OFFLINE={value} is set"):
    weights.load(NAME)
  assert not asked


def test_the_manifest_is_sorted_json():
  text = (
    pathlib.Path(weights.__file__).parent / "pretrained/sources.json"
  ).read_text()
  assert (
    text == json.dumps(dict(sorted(json.loads(text).items())), indent=2) + "\n"
  )


@pytest.mark.parametrize("way", ["cache", "into"])
def test_a_place_that_can_not_be_written_is_said_before_the_download(
  tmp_path, monkeypatch, way
):
  asked = []
  monkeypatch.delenv("TFPERCEPT_OFFLINE")
  monkeypatch.setattr(downloads, "download", lambda *a, **k: asked.append(a))
  (tmp_path / "file").touch()  # no folder can be made below it
  monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
  folder = tmp_path / "file" / "x" if way == "into" else None
  with pytest.raises(weights.MissingWeights) as failure:
    weights.fetch(NAME, folder=folder)
  assert not asked
  message = str(failure.value)
  assert f"{NAME} is not here and cannot be kept at {tmp_path}/file" in message
  says_ways = "Set XDG_CACHE_HOME" in message and "TFPERCEPT_WEIGHTS" in message
  assert says_ways == (way == "cache")


def test_a_disk_that_is_full_is_said_before_the_download(places, monkeypatch):
  asked = []
  monkeypatch.delenv("TFPERCEPT_OFFLINE")
  monkeypatch.setattr(downloads, "download", lambda *a, **k: asked.append(a))
  monkeypatch.setattr(weights.files, "free_space", lambda folder: 1000)
  with pytest.raises(weights.MissingWeights, match="1000 bytes are free there"):
    weights.fetch(NAME)
  assert not asked

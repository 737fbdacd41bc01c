"""Data are what is in them, not where they are or how that is spelled."""

import os
import shutil

import numpy as np
import pytest

from tfpercept.data import identity, sources
from tfpercept.io import files


@pytest.fixture
def folder(tmp_path):
  for level in range(3):
    image = np.full((4, 5, 3), level, np.uint8)
    files.write_image(tmp_path / "d" / f"{level}.png", image)
  return tmp_path / "d"


def test_a_path_spelled_in_another_way_is_the_same(
  folder, tmp_path, monkeypatch
):
  before = identity.of([str(folder)])
  (tmp_path / "link").symlink_to(folder)
  shutil.copytree(folder, tmp_path / "copy")
  monkeypatch.chdir(tmp_path)
  for name in (f"{folder}/", "d", "./d/../d", "link", "copy"):
    assert identity.changes(before, identity.of([name])) == []


def test_what_changed_is_named(folder):
  before = identity.of([str(folder)])
  shutil.copy(folder / "0.png", folder / "aaa.png")
  (folder / "2.png").unlink()
  files.write_image(folder / "1.png", np.full((4, 5, 3), 9, np.uint8))
  (folder / "notes.txt").write_text("no picture")
  assert identity.changes(before, identity.of([str(folder)])) == [
    f"{folder}/aaa.png was added",
    f"{folder}/2.png is gone",
    f"{folder}/1.png has changed",
  ]


def test_order_counts_and_number_too(folder, tmp_path):
  other = shutil.copytree(folder, tmp_path / "e")
  (other / "0.png").unlink()
  both = identity.of([str(folder), str(other)])
  assert identity.changes(both, identity.of([str(other), str(folder)]))
  assert identity.changes(both, both[:1]) == ["2 sources then, 1 now"]


def test_any_byte_of_a_small_file_counts_and_the_ends_of_a_large_one(
  tmp_path, monkeypatch
):
  path = tmp_path / "a.npz"
  data = bytearray(np.random.default_rng(0).bytes(5000))
  path.write_bytes(data)
  before = identity.of([str(path)])
  assert before[0]["files"].keys() == {""}
  data[2500] ^= 1
  path.write_bytes(data)
  assert identity.changes(before, identity.of([str(path)])) == [
    f"{path} has changed"
  ]
  monkeypatch.setattr(identity, "_SAMPLED", 1000)
  monkeypatch.setattr(identity, "_PART", 10)
  before = identity.of([str(path)])
  for place in (0, -1):
    changed = bytearray(data)
    changed[place] ^= 1
    path.write_bytes(changed)
    assert identity.changes(before, identity.of([str(path)]))
  path.write_bytes(data + b"x")
  assert identity.changes(before, identity.of([str(path)]))


def test_the_packaged_photographs_have_an_identity_too():
  (entry,) = identity.of(["packaged"])
  assert "skimage/astronaut.png" in entry["files"]
  assert identity.is_identity([entry])
  assert not identity.is_identity({"data": 3})


def test_many_changes_are_counted(folder):
  before = identity.of([str(folder)])
  for i in range(20):
    shutil.copy(folder / "0.png", folder / f"x{i}.png")
  found = identity.changes(before, identity.of([str(folder)]))
  assert len(found) == 11
  assert found[-1] == "and 10 more"


def test_a_source_that_is_not_there_is_refused_as_in_reading(tmp_path):
  with pytest.raises(ValueError, match="there is no folder"):
    identity.of([str(tmp_path / "no")])
  with pytest.raises(ValueError, match="does not exist"):
    identity.of_paths([tmp_path / "no"])


def test_names_that_are_no_text_have_an_identity(tmp_path):
  name = os.fsdecode(b"\xff[a]*?\\.png")
  files.write_image(tmp_path / "a.png", np.zeros((4, 4, 3), np.uint8))
  (tmp_path / "a.png").rename(tmp_path / name)
  found = identity.of([str(tmp_path)])
  files.write_json(tmp_path / "kept.json", found)
  assert name in found[0]["files"]
  assert len(sources.load([str(tmp_path)])) == 1

"""Pictures come from packages, folders and tfds; anything else is refused."""

import numpy as np
import pytest
import tensorflow_datasets as tfds

from tfpercept.data import packaged, sources
from tfpercept.io import files


def test_packaged_photographs_to_train_and_to_test_on_are_disjoint():
  train, test = packaged.train(), packaged.test()
  assert len(train) == 10 and len(test) == 3
  assert all(min(picture.shape[:2]) >= 176 for picture in train)
  shapes = [picture.shape for picture in train]
  for picture in test.values():
    same = [t for t, s in zip(train, shapes, strict=True) if s == picture.shape]
    assert not any(np.array_equal(picture, t) for t in same)


def test_folders_are_read_in_the_order_of_names(tmp_path):
  for level in (3, 1, 2):
    image = np.full((4, 5, 3), level, np.uint8)
    files.write_image(tmp_path / f"{level}.png", image)
  pictures = sources.load([str(tmp_path), str(tmp_path)])
  assert [int(p[0, 0, 0]) for p in pictures] == [1, 2, 3, 1, 2, 3]


def test_a_tfds_data_set_is_read_by_name():
  with tfds.testing.mock_data(num_examples=2):
    pictures = sources.load(["cifar10"])
  assert [p.shape for p in pictures] == [(32, 32, 3)] * 2
  assert pictures[0].dtype == np.uint8


@pytest.mark.parametrize(
  ("names", "message"),
  [
    ([], "no source of pictures"),
    (["no/such/folder"], "there is no folder no/such/folder"),
    (["no_such_set"], "'no_such_set' is none of them"),
    (["cifar10"], "not prepared on this machine; pass --download"),
  ],
)
def test_what_is_not_there_is_refused(names, message, tmp_path, monkeypatch):
  monkeypatch.setenv("TFDS_DATA_DIR", str(tmp_path))
  with pytest.raises(ValueError, match=message):
    sources.load(names)


@pytest.fixture
def spoiled(tmp_path):
  """Two pictures, two damaged ones, and what is only called like pictures."""
  for level in (1, 2):
    image = np.full((40, 50, 3), level, np.uint8)
    files.write_image(tmp_path / f"{level}.png", image)
  whole = (tmp_path / "1.png").read_bytes()
  (tmp_path / "cut.png").write_bytes(whole[: len(whole) // 2])
  (tmp_path / "text.jpg").write_text("x")
  (tmp_path / "sub.png").mkdir()
  (tmp_path / "loop.png").symlink_to("loop.png")
  (tmp_path / "lost.png").symlink_to("nowhere")
  return tmp_path


def test_all_damaged_pictures_are_named_at_once_with_the_remedy(spoiled):
  with pytest.raises(ValueError, match="2 of 4 pictures cannot") as caught:
    sources.load([str(spoiled)])
  text = str(caught.value)
  assert "cut.png" in text and "text.jpg" in text
  assert "--skip_damaged" in text
  assert "sub.png" not in text and "loop.png" not in text


def test_damaged_pictures_are_left_out_where_that_is_asked_for(spoiled):
  pictures = sources.load([str(spoiled)], skip_damaged=True)
  assert [int(p[0, 0, 0]) for p in pictures] == [1, 2]


def test_damaged_pictures_alone_are_no_data(spoiled):
  for name in ("1.png", "2.png"):
    (spoiled / name).unlink()
  with pytest.raises(ValueError, match=r"2 of 2 .* Remove or mend them\.$"):
    sources.load([str(spoiled)], skip_damaged=True)


def test_a_folder_of_what_is_no_file_holds_no_picture(tmp_path):
  (tmp_path / "sub.png").mkdir()
  with pytest.raises(ValueError, match="no picture in"):
    sources.load([str(tmp_path)])
  (tmp_path / "loop.png").symlink_to("loop.png")
  with pytest.raises(ValueError, match=r"no picture in .*; loop\.png are no f"):
    sources.load([str(tmp_path)])

"""A path is a name to TensorFlow too."""

import os

import pytest
import tensorflow as tf

from tfpercept.io import folders

ODD = ["[a]*?\\{x}", "a[1]", "back\\slash", os.fsdecode(b"\xff\xfe"), "*"]


def test_a_folder_is_looked_at_where_no_longest_name_is_told(
  tmp_path, monkeypatch
):
  monkeypatch.delattr(os, "pathconf")  # as on Windows
  folders.require(tmp_path / "a" / "b")
  assert not list(tmp_path.iterdir())
  (tmp_path / "file").write_text("x")
  with pytest.raises(OSError, match="file is no folder"):
    folders.require(tmp_path / "file" / "run")


def test_an_ordinary_folder_is_itself(tmp_path):
  with folders.plain(tmp_path) as place:
    assert place == tmp_path


@pytest.mark.parametrize("name", ODD)
def test_what_is_written_through_a_plain_path_is_in_the_folder(tmp_path, name):
  folder = tmp_path / name
  folder.mkdir()
  assert not folders.is_plain(folder)
  with folders.plain(folder) as place:
    assert folders.is_plain(place)
    checkpoint = tf.train.Checkpoint(a=tf.Variable(1.0))
    manager = tf.train.CheckpointManager(
      checkpoint, str(place / "checkpoints"), max_to_keep=1
    )
    for step in (1, 2):
      manager.save(checkpoint_number=step)
  assert sorted(p.name for p in (folder / "checkpoints").iterdir()) == [
    "checkpoint", "ckpt-2.data-00000-of-00001", "ckpt-2.index",
  ]  # fmt: skip
  assert [p.name for p in tmp_path.iterdir()] == [name]

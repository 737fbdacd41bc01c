"""A run goes on from its newest whole checkpoint, or says why it cannot."""

import pathlib
import random
import shutil

import pytest
import tensorflow as tf
from absl import logging

from tfpercept.training import checkpoints


def fresh():
  return tf.train.Checkpoint(
    values=[tf.Variable(tf.zeros((20, 30))) for _ in range(3)],
    step=tf.Variable(0),
  )


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
  """A folder with checkpoints of steps 3 and 6, whose values are the steps."""
  folder = tmp_path_factory.mktemp("whole") / "checkpoints"
  checkpoint = fresh()
  manager = tf.train.CheckpointManager(checkpoint, str(folder), max_to_keep=2)
  for step in (3, 6):
    checkpoint.step.assign(step)
    for value in checkpoint.values:
      value.assign(tf.fill(value.shape, float(step)))
    manager.save(checkpoint_number=step)
  return folder


@pytest.fixture
def folder(whole, tmp_path):
  return pathlib.Path(shutil.copytree(whole, tmp_path / "checkpoints"))


@pytest.fixture
def said(monkeypatch):
  lines = []
  monkeypatch.setattr(
    logging, "warning", lambda text, *values: lines.append(text % values)
  )
  return lines


def resumed(folder, first=3):
  """Returns the step that is gone on from, whose values are all of it."""
  checkpoint = fresh()
  manager = checkpoints.resumed(checkpoint, folder, first=first, said=folder)
  step = int(checkpoint.step.numpy())
  for value in checkpoint.values:
    assert set(value.numpy().ravel()) == {float(step)}
  return step, manager


@pytest.mark.parametrize(
  "state", [None, b"", b"garbage {", b"\xff\xfe\0", b'model_checkpoint_path: "']
)
def test_a_lost_or_garbled_state_file_loses_nothing(folder, state):
  path = folder / "checkpoint"
  path.unlink() if state is None else path.write_bytes(state)
  step, manager = resumed(folder)
  assert step == 6
  # The manager knows of both again, and sweeps the older as it saves.
  manager.save(checkpoint_number=9)
  assert checkpoints.steps(folder) == [9, 6]


def damage(path: pathlib.Path, how: str, draw: random.Random) -> None:
  data = bytearray(path.read_bytes())
  if how == "lost":
    path.unlink()
    return
  if how == "empty":
    data.clear()
  elif how == "truncated":
    del data[draw.randrange(len(data)) :]
  elif how == "flipped":
    data[draw.randrange(len(data))] ^= 1 << draw.randrange(8)
  elif how == "overwritten":
    data[:] = draw.randbytes(len(data))
  path.write_bytes(data)


@pytest.mark.parametrize("how", ["lost", "empty", "truncated", "overwritten"])
@pytest.mark.parametrize("part", ["index", "data-00000-of-00001"])
def test_the_one_before_a_damaged_checkpoint_is_gone_on_from(
  folder, said, part, how
):
  damage(folder / f"ckpt-6.{part}", how, random.Random(0))
  step, manager = resumed(folder)
  assert step == 3
  assert "ckpt-6 is not whole" in said[0]
  assert said[0].endswith("going on from ckpt-3")
  manager.save(checkpoint_number=6)
  assert resumed(folder)[0] == 3  # as it was when 6 was saved anew
  assert len(said) == 1


def test_a_flipped_bit_never_brings_other_values(folder, said):
  whole = {p: p.read_bytes() for p in folder.glob("ckpt-6.*")}
  draw = random.Random(1)
  found = set()
  for _ in range(60):
    for path, data in whole.items():
      path.write_bytes(data)
    damage(draw.choice(sorted(whole)), "flipped", draw)
    found.add(resumed(folder)[0])
  assert found <= {3, 6}
  assert 3 in found


def test_where_all_are_damaged_each_is_named_with_a_way_out(folder):
  for path in folder.glob("ckpt-*.index"):
    path.write_bytes(b"damaged")
  with pytest.raises(ValueError, match="is whole") as caught:
    resumed(folder)
  text = str(caught.value)
  assert "ckpt-6 cannot be resumed" in text
  assert "ckpt-3 cannot be resumed" in text
  assert "Put one back from a copy" in text and "new --out" in text


def test_checkpoints_of_another_network_are_refused(folder):
  other = tf.train.Checkpoint(weights=tf.Variable(0.0), step=tf.Variable(0))
  with pytest.raises(ValueError, match="ckpt-6 cannot be resumed"):
    checkpoints.resumed(other, folder, first=3, said=folder)


def test_a_first_checkpoint_that_does_not_fit_is_no_start(folder):
  for path in [folder / "checkpoint", *folder.glob("ckpt-6.*")]:
    path.unlink()
  other = fresh()
  other.values[-1] = tf.Variable(tf.zeros((2, 3)))
  with pytest.raises(ValueError, match="ckpt-3 cannot be resumed"):
    checkpoints.resumed(other, folder, first=3, said=folder)


def test_lost_checkpoints_of_a_run_are_no_new_run(folder):
  for path in folder.glob("ckpt-*"):
    path.unlink()
  with pytest.raises(ValueError, match="they were there, and are gone"):
    resumed(folder)


def test_a_run_killed_in_its_first_save_starts_again(folder, said):
  for path in [folder / "checkpoint", *folder.glob("ckpt-[6]*")]:
    path.unlink()
  (folder / "ckpt-3.index").unlink()
  assert resumed(folder)[0] == 0
  assert said[0].endswith("ckpt-3.index is missing); going on from the start")
  # Half of a later one is what is left of more.
  (folder / "ckpt-3.data-00000-of-00001").rename(
    folder / "ckpt-6.data-00000-of-00001"
  )
  with pytest.raises(ValueError, match="ckpt-6 cannot be resumed"):
    resumed(folder)


def test_what_a_killed_save_left_in_between_is_removed(folder):
  (folder / "ckpt-9_temp").mkdir()
  (folder / "ckpt-9_temp" / "part-00000-of-00001.index").write_bytes(b"half")
  (folder / "mine_temp").mkdir()
  assert resumed(folder)[0] == 6
  names = {path.name for path in folder.iterdir() if path.is_dir()}
  assert names == {"mine_temp"}


def test_a_new_folder_is_a_new_run(tmp_path):
  assert resumed(tmp_path / "checkpoints")[0] == 0

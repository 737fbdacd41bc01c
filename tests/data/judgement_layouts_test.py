"""Which layout a folder has."""

import numpy as np
import pytest

from tfpercept.data import judgement_layouts as layouts
from tfpercept.io import files


def write_choices(folder):
  files.write_image(folder / "r.png", np.zeros((4, 4, 3), np.uint8))
  (folder / layouts.CHOICES).write_text(
    "reference,first,second,share\nr.png,r.png,r.png,1\n"
  )


@pytest.mark.parametrize("depth", ["", "a", "a/b"])
def test_data_are_found_up_to_two_folders_down(tmp_path, depth):
  write_choices(tmp_path / depth)
  (data,) = layouts.load(tmp_path)
  assert data.kind == "2afc"


def test_data_three_folders_down_are_not_looked_for(tmp_path):
  write_choices(tmp_path / "a" / "b" / "c")
  with pytest.raises(ValueError, match="no human judgements in"):
    layouts.load(tmp_path)


def test_every_set_of_the_shared_data_is_recognised(shared):
  found = layouts.load(shared / "data")
  assert [(d.name, d.kind, len(d.items)) for d in found] == [
    ("gan_2afc", "2afc", 180),
    ("tid2013_genuine", "mos", 6),
    ("tid2013_resynth", "mos", 100),
    ("mucped23", "2afc", 7239),
  ]
  assert not any(d.failures for d in found)


def test_bapps_is_told_by_its_folders(tmp_path):
  for role in ("ref", "p0", "p1", "judge"):
    (tmp_path / "val" / "cnn" / role).mkdir(parents=True)
  assert layouts.layout_of(tmp_path / "val") == "bapps2afc"
  assert layouts.layout_of(tmp_path / "val" / "cnn") == "bapps2afc"
  for role in ("p0", "p1", "same"):
    (tmp_path / "jnd" / "cnn" / role).mkdir(parents=True)
  assert layouts.layout_of(tmp_path / "jnd") == "bappsjnd"
  assert layouts.layout_of(tmp_path) is None


def test_a_table_needs_its_layout_named(tmp_path):
  write_choices(tmp_path)
  with pytest.raises(ValueError, match="layout=choices"):
    layouts.load(tmp_path / layouts.CHOICES)
  (data,) = layouts.load(tmp_path / layouts.CHOICES, "choices")
  assert len(data.items) == 1


def test_an_unknown_layout_is_refused(tmp_path):
  with pytest.raises(ValueError, match="layout is auto or one of bapps2afc"):
    layouts.load(tmp_path, "bapps")


def test_what_systems_leave_is_no_data(tmp_path):
  write_choices(tmp_path / "a")
  write_choices(tmp_path / "__MACOSX")
  (tmp_path / "desktop.ini").touch()
  (data,) = layouts.load(tmp_path)
  assert data.items[0].reference.key == str(tmp_path / "a" / "r.png")


def test_a_folder_with_two_layouts_is_refused_by_their_names(tmp_path):
  write_choices(tmp_path)
  (tmp_path / layouts.OPINIONS).write_text("image,reference,score\n")
  with pytest.raises(ValueError, match="holds choices and mos; say which"):
    layouts.load(tmp_path)
  (data,) = layouts.load(tmp_path, "choices")
  assert data.kind == "2afc"


def test_sets_of_one_name_say_where_they_lie(tmp_path):
  for place in "ab":
    write_choices(tmp_path / place)
  wanted = [f"choices of {tmp_path / place}" for place in "ab"]
  assert [d.name for d in layouts.load(tmp_path)] == wanted
  found = layouts.load_all([tmp_path / "a", tmp_path / "b"])
  assert [d.name for d in found] == wanted
  assert [d.name for d in layouts.load_all([tmp_path / "a"])] == ["choices"]
  with pytest.raises(ValueError, match="given twice"):
    layouts.load_all([tmp_path / "a", f"{tmp_path}/b/../a"])

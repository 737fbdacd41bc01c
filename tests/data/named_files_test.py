"""A name in a table means one file, or is refused by name."""

import os
import pathlib
import unicodedata

import hypothesis
import pytest
from hypothesis import strategies as st

from tfpercept.data import named_files


@pytest.fixture
def find(tmp_path):
  def find(name, *existing):
    for path in existing:
      (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
      (tmp_path / path).touch()
    found = named_files.NamedFiles(tmp_path)(name)
    return found.relative_to(tmp_path).as_posix()

  return find


@pytest.mark.parametrize(
  ("name", "existing", "meant"),
  [
    ("a.png", ["a.png", "x/a.png", "y/a.png"], "a.png"),
    ("a.png", ["a.png", "A.png", "A.PNG"], "a.png"),
    ("./a.png", ["a.png", "x/a.png"], "a.png"),
    ("a.png", ["A.PNG"], "A.PNG"),
    ("a.png", ["x/a.png"], "x/a.png"),
    ("a.png", ["x/A.PNG"], "x/A.PNG"),
    ("a.png", ["x/a.png", "y/A.PNG"], "x/a.png"),
    ("x/a.png", ["x/a.png", "X/a.png", "y/a.png"], "x/a.png"),
    ("x/a.png", ["X/A.png"], "X/A.png"),
    (".//x/./a.png", ["x/a.png"], "x/a.png"),
    ("x/y/z/a.png", ["x/y/z/a.png"], "x/y/z/a.png"),
    ("x\\a.png", ["x/a.png"], "x/a.png"),
    (".\\x\\a.png", ["X/a.png"], "X/a.png"),
    ("x\\a.png", ["x\\a.png", "x/a.png"], "x\\a.png"),
    ("a", ["a", "a.png"], "a"),
    ("a.png", ["a.png", "__MACOSX/a.png", "__MACOSX/._a.png"], "a.png"),
    ("a.png", ["x/a.png", "__MACOSX/a.png"], "x/a.png"),
    ("*.png", ["*.png", "a.png"], "*.png"),
    ("[a].png", ["x/[a].png", "a.png"], "x/[a].png"),
  ],
)
def test_the_file_of_the_very_name_is_meant(find, name, existing, meant):
  assert find(name, *existing) == meant


@pytest.mark.parametrize(
  ("name", "existing", "message"),
  [
    ("a.png", ["A.png", "a.PNG"], "is ambiguous in .*: A.png and a.PNG"),
    ("a.png", ["x/a.png", "y/a.png"], "is ambiguous.*: x/a.png and y/a.png"),
    ("a.png", ["x/A.png", "y/a.PNG"], "is ambiguous.*: x/A.png and y/a.PNG"),
    ("x/a.png", ["X/a.png", "x/A.png"], "is ambiguous.*: X/a.png and x/A.png"),
    ("a.png", ["a.jpg"], "there is no 'a.png' in"),
    ("a", ["a.png"], "there is no 'a' in"),
    ("y/a.png", ["a.png", "x/a.png"], "there is no 'y/a.png' in"),
    ("./a.png", ["x/a.png"], "there is no './a.png' in"),
    ("a.png", ["x/y/a.png"], "there is no 'a.png' in"),
    ("*.png", ["a.png"], r"there is no '\*.png' in"),
    ("a.png", ["a.png/b"], "there is no 'a.png' in"),
    ("Thumbs.db", ["Thumbs.db"], "there is no 'Thumbs.db' in"),
    ("../a.png", ["a.png"], "there is no '../a.png' in"),
    ("x/../a.png", ["a.png", "x/b"], "there is no 'x/../a.png' in"),
    (".", ["a.png"], "there is no '.' in"),
    ("", ["a.png"], "a name of a file is missing"),
    ("/a.png", ["a.png"], "'/a.png' is an absolute path"),
    ("\\a.png", ["a.png"], "is an absolute path"),
    ("C:\\a.png", ["a.png"], "is an absolute path"),
  ],
)
def test_what_is_not_there_or_is_there_twice_is_refused(
  find, name, existing, message
):
  with pytest.raises(ValueError, match=message):
    find(name, *existing)


def test_accents_may_be_composed_otherwise(find):
  one, two = (unicodedata.normalize(form, "é.png") for form in ("NFC", "NFD"))
  assert find(one, two) == two
  assert find(one, one) == one  # now both are there


NAMES = st.lists(
  st.sampled_from(["a", "A", "b", "x/a", "x/A", "y/a", "X/b"]),
  min_size=1, max_size=5, unique=True,
)  # fmt: skip


@hypothesis.given(existing=NAMES, place=st.integers(0, 4))
@hypothesis.settings(deadline=None, max_examples=50)
def test_a_whole_path_means_that_file_whatever_else_is_there(
  tmp_path_factory, existing, place
):
  folder = tmp_path_factory.mktemp("named")
  for name in existing:
    (folder / name).parent.mkdir(exist_ok=True)
    (folder / name).touch()
  find = named_files.NamedFiles(folder)
  wanted = existing[place % len(existing)]
  for spelling in (wanted, f"./{wanted}", wanted.replace("/", "\\")):
    assert find(spelling) == folder / wanted


def test_many_names_of_one_folder_cost_one_look_at_it(tmp_path, monkeypatch):
  count = 40
  (tmp_path / "x").mkdir()
  for number in range(count):
    (tmp_path / f"A{number}.png").touch()
    (tmp_path / "x" / f"B{number}.png").touch()
  calls = []

  def counted(function):
    return lambda *given: calls.append(given) or function(*given)

  monkeypatch.setattr(named_files, "_folded", counted(named_files._folded))
  for name in ("isdir", "listdir"):
    home = os.path if name == "isdir" else os
    monkeypatch.setattr(home, name, counted(getattr(home, name)))
  monkeypatch.setattr(pathlib.Path, "is_dir", counted(pathlib.Path.is_dir))
  find = named_files.NamedFiles(tmp_path)
  for number in range(count):
    assert find(f"a{number}.png") == tmp_path / f"A{number}.png"
    assert find(f"b{number}.png") == tmp_path / "x" / f"B{number}.png"
  assert len(calls) < 12 * count  # and not a multiple of its square


def test_a_folder_that_may_not_be_listed_is_passed_over(tmp_path, monkeypatch):
  for name in ("closed", "open"):
    (tmp_path / name).mkdir()
    (tmp_path / name / f"{name}.png").touch()
  listdir = os.listdir

  def refuse(path):
    if pathlib.Path(path).name == "closed":
      raise PermissionError(13, "Permission denied", str(path))
    return listdir(path)

  monkeypatch.setattr(os, "listdir", refuse)  # root may list all
  find = named_files.NamedFiles(tmp_path)
  assert find("open.png") == tmp_path / "open" / "open.png"
  for name in ("closed.png", "closed/closed.png"):
    with pytest.raises(ValueError, match=r"closed cannot be listed: Perm"):
      find(name)

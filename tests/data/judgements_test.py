"""BAPPS folders: what is read, and that a damaged file spoils itself alone."""

import io
import pathlib
import pickle

import numpy as np
import pytest

from tfpercept.data import judgements
from tfpercept.io import files


def picture(seed, size=8, channels=3):
  random = np.random.default_rng(seed)
  return random.integers(0, 256, (size, size, channels), np.uint8)


@pytest.fixture
def bapps(tmp_path):
  """Two subsets of two triplets each; h is 0.2 and 0.8."""
  for s, subset in enumerate(("cnn", "traditional")):
    for i in range(2):
      for r, role in enumerate(("ref", "p0", "p1")):
        path = tmp_path / "val" / subset / role / f"{i:06}.png"
        files.write_image(path, picture([s, i, r]))
      judge = tmp_path / "val" / subset / "judge"
      judge.mkdir(exist_ok=True)
      np.save(judge / f"{i:06}.npy", np.array([0.2 + 0.6 * i]))
  return tmp_path / "val"


def test_subfolders_are_subsets_and_each_triplet_is_its_own_content(bapps):
  data = judgements.bapps_2afc(bapps)
  assert (data.name, data.kind, data.failures) == ("val", "2afc", {})
  assert data.origin == "BAPPS"
  assert data.subsets == ("cnn", "traditional")
  assert len(data.contents) == len(data.items) == 4
  item = data.items[1]
  assert (item.name, item.answer) == ("cnn/000001", pytest.approx(0.8))
  for read, role in zip((item.reference, *item.images), range(3), strict=True):
    np.testing.assert_array_equal(read.read(), picture([0, 1, role]))


def test_a_subset_can_be_read_alone(bapps):
  assert judgements.bapps_2afc(bapps / "cnn").subsets == ("cnn",)


def test_jnd_takes_p0_as_the_reference(tmp_path):
  for role in ("p0", "p1"):
    files.write_image(tmp_path / role / "a.png", picture(len(role)))
  (tmp_path / "same").mkdir()
  np.save(tmp_path / "same" / "a.npy", np.float32(1 / 3))
  (item,) = judgements.bapps_jnd(tmp_path).items
  assert pathlib.Path(item.reference.key).parent.name == "p0"
  assert [pathlib.Path(p.key).parent.name for p in item.images] == ["p1"]
  assert item.answer == pytest.approx(1 / 3)


class Hostile:
  def __reduce__(self):
    return exec, ("raise SystemExit('unpickled')",)


def npy(header, body=b""):
  text = header.encode() + b"\n"
  return b"\x93NUMPY\x01\x00" + len(text).to_bytes(2, "little") + text + body


def saved(array, **kwargs):
  data = io.BytesIO()
  np.save(data, array, **kwargs)
  return data.getvalue()


@pytest.mark.parametrize(
  ("data", "message"),
  [
    (b"", "magic string"),
    (b"no array at all", "magic string"),
    (saved(np.array([0.5]))[:-2], "cut off"),
    (saved(np.array([0.5])) + b"more", "bytes after"),
    (saved(np.array([0.5, 0.5])), "one number"),
    (saved(np.array([np.nan])), "nan"),
    (saved(np.array([1.5])), "0 to 1; got 1.5"),
    (saved(np.array(["x"])), "one number"),
    (saved(np.zeros(10_000)), "too large"),
    (
      saved(np.array([Hostile()], object), allow_pickle=True),
      "one number; got object",
    ),
    (npy("{[]: 1}"), "damaged header"),
    (npy("{'descr':(),'fortran_order':False,'shape':(1,)}"), "damaged header"),
    (npy("("), "damaged header"),
    # Would take a terabyte if the header were believed.
    (
      npy("{'descr':'<f8','fortran_order':False,'shape':(137438953472,)}"),
      "should hold one number",
    ),
  ],
)
def test_a_damaged_answer_is_reported_and_the_rest_is_read(
  bapps, data, message
):
  (bapps / "cnn" / "judge" / "000000.npy").write_bytes(data)
  found = judgements.bapps_2afc(bapps)
  assert list(found.failures) == ["cnn/000000"]
  assert message in found.failures["cnn/000000"]
  assert len(found.items) == 3


def test_pickles_are_not_run():
  # The hostile file above would have ended the process had it been.
  with pytest.raises(SystemExit):
    pickle.loads(pickle.dumps(Hostile()))


@pytest.mark.parametrize("role", ["ref", "p0", "p1", "judge"])
def test_a_missing_file_is_reported_by_its_role(bapps, role):
  (path,) = (bapps / "traditional" / role).glob("000001.*")
  path.unlink()
  failures = judgements.bapps_2afc(bapps).failures
  assert failures == {"traditional/000001": f"{role} has no file of that name"}


def test_of_two_files_of_a_name_none_is_taken(bapps):
  p0 = bapps / "traditional" / "p0"
  files.write_image(p0 / "000001.bmp", picture(9))
  assert judgements.bapps_2afc(bapps).failures == {
    "traditional/000001": "p0 has 000001.bmp and 000001.png of that name"
  }


def test_hidden_files_are_none(bapps):
  for name in (".DS_Store.x", "._000001.npy"):
    (bapps / "traditional" / "judge" / name).touch()
  assert not judgements.bapps_2afc(bapps).failures


def test_a_folder_without_judgements_is_refused(tmp_path):
  with pytest.raises(ValueError, match="expected ref, p0, p1, judge in"):
    judgements.bapps_2afc(tmp_path)
  (tmp_path / "judge").mkdir()
  with pytest.raises(ValueError, match="no usable judgement"):
    judgements.bapps_2afc(tmp_path)


def test_gray_pictures_get_three_channels(tmp_path):
  files.write_image(tmp_path / "gray.png", picture(0, channels=1))
  pixels = judgements.picture(tmp_path / "gray.png").read()
  np.testing.assert_array_equal(pixels, np.repeat(picture(0, channels=1), 3, 2))


def test_the_cache_reads_once_what_it_has_room_for():
  reads = []

  def make(key):
    return judgements.Picture(key, lambda: reads.append(key) or picture(0))

  cache = judgements.Cache(max_bytes=8 * 8 * 3)
  for key in "abab":
    np.testing.assert_array_equal(cache(make(key)), picture(0))
  assert reads == ["a", "b", "b"]


def test_each_pair_is_listed_once(bapps):
  data = judgements.bapps_2afc(bapps)
  twice = judgements.Judgements("twice", "2afc", data.items * 2)
  assert len(twice.pairs) == len(data.pairs) == 8


@pytest.mark.parametrize(
  "name",
  ["Thumbs.db", "desktop.ini", ".DS_Store", "._000000.png", "._000000.npy",
   "000000.png:Zone.Identifier"],
)  # fmt: skip
def test_what_systems_leave_is_no_judgement(bapps, name):
  for role in ("ref", "p0", "p1", "judge"):
    (bapps / "cnn" / role / name).write_bytes(b"\0")
  (bapps / "__MACOSX" / "judge").mkdir(parents=True)
  data = judgements.bapps_2afc(bapps)
  assert (len(data.items), data.failures) == (4, {})


def test_a_stem_with_two_suffixes_is_refused_by_name(bapps):
  files.write_image(bapps / "cnn" / "p0" / "000000.bmp", picture(0))
  data = judgements.bapps_2afc(bapps)
  assert data.failures == {
    "cnn/000000": "p0 has 000000.bmp and 000000.png of that name"
  }

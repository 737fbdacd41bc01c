"""Answers about JPEG files, in the layout that they were published in."""

import math

import numpy as np
import pytest

from tfpercept.data import judgement_layouts, mucped23
from tfpercept.evaluation.agreement import scores
from tfpercept.io import files

HEADER = "methodA,methodB,originalName,answerValue\n"


@pytest.fixture
def folder(tmp_path):
  for place in ("originals/12.png", "jpegli-q90/12.png", "turbo.q7_b/12.jpg"):
    files.write_image(tmp_path / place, np.zeros((8, 8, 3), np.uint8))
  (tmp_path / "answers.csv").write_text(
    HEADER
    + "jpegli-q90,turbo.q7_b,12,B\n"
    + "turbo.q7_b,jpegli-q90,12,B\n"
    + "jpegli-q90,mozjpeg,12,A\n"
    + "jpegli-q90,turbo.q7_b,13,A\n"
    + "jpegli-q90,turbo.q7_b,12,C\n"
    + "jpegli-q90,jpegli-q90,12,A\n"
    + "jpegli-q90,../x,12,A\n"
  )
  return tmp_path


def test_an_answer_names_the_picture_that_is_farther(folder):
  data = mucped23.read(folder)
  one, other = data.items
  assert (one.name, one.content) == ("line 2", "12")
  assert [p.key for p in one.images] == [
    str(folder / "jpegli-q90" / "12.png"),
    str(folder / "turbo.q7_b" / "12.jpg"),
  ]
  assert (one.answer, other.answer) == (0.0, 0.0)  # B is farther, so A nearer
  assert other.images == one.images[::-1]
  assert data.is_single


def test_what_is_left_out_is_counted_or_named(folder):
  data = mucped23.read(folder)
  assert "1 answers are left out" in data.note
  assert data.failures == {
    "line 5": "originals has no picture 13",
    "line 6": "answerValue is 'C', neither A nor B",
    "line 7": "jpegli-q90 is compared with itself",
    "line 8": "'../x' is not the name of a method or of a picture",
  }


def test_a_picture_in_two_files_is_refused(folder):
  files.write_image(folder / "jpegli-q90/12.jpg", np.zeros((8, 8, 3), np.uint8))
  with pytest.raises(ValueError, match=r"twice: 12\.png and 12\.jpg"):
    mucped23.read(folder)


def test_the_published_ranking_is_a_distance(folder):
  (folder / "elo.csv").write_text("method,elo,bpp\njpegli-q90,1600.5,1\n")
  values = mucped23.read(folder).published["Elo of the method"]
  assert values == {
    str(folder / "originals" / "12.png"): -math.inf,
    str(folder / "jpegli-q90" / "12.png"): -1600.5,
  }
  (folder / "elo.csv").write_text("method,elo\njpegli-q90,1e\n")
  with pytest.raises(ValueError, match=r"elo\.csv, line 2: elo is '1e'"):
    mucped23.read(folder)


def test_the_layout_is_told_by_its_files(folder):
  assert judgement_layouts.layout_of(folder) == "mucped23"
  (data,) = judgement_layouts.load(folder)
  assert len(data.items) == 2


def test_the_numbers_that_the_data_are_said_to_have(shared):
  data = mucped23.read(shared / "data" / "mucped23")
  assert (len(data.items), len(data.contents), data.failures) == (7239, 31, {})
  assert len(data.pairs) == 31 * 29
  # 63 % is what the folder's README states, to its two digits.
  found = scores.people(data, resamples=2)["people, one another"]["2afc"]
  assert found.value == pytest.approx(0.63, abs=5e-3)

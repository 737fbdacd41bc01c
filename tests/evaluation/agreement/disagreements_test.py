"""Questions on which people and a distance part, and their page."""

import dataclasses

import numpy as np
import pytest

from tfpercept.data import judgements
from tfpercept.evaluation.agreement import (
  disagreements,
  disagreements_page,
  table,
)


def picture(key, value):
  pixels = np.full((24, 24, 3), value, np.uint8)
  return judgements.Picture(key, lambda: pixels)


REFERENCE = picture("set/r.png", 100)
IMAGES = {name: picture(f"set/{name}.png", 100 + n) for name, n in zip(
  "abcd", (1, 2, 4, 8), strict=True
)}  # fmt: skip


def answer(nearer, farther):
  return judgements.Judgement(
    f"{nearer}{farther}",
    "scene",
    REFERENCE,
    (IMAGES[farther], IMAGES[nearer]),
    1.0,
  )


@pytest.fixture(scope="module")
def data():
  """Answers of single people: three for c, two of them against a."""
  asked = ("ab", "ca", "ca", "ac", "da", "ab", "db", "db", "bd", "ba")
  turned = answer(*"ca")
  turned = judgements.Judgement(
    "turned", "scene", REFERENCE, turned.images[::-1], 0.0
  )
  items = (*(answer(*pair) for pair in asked), turned)
  return judgements.Judgements("made", "2afc", items, is_single=True)


@pytest.fixture(scope="module")
def block(data):
  return table.block(data, table.load(["mse", "mae"])[0])


def test_answers_to_one_question_are_merged(data):
  found = {q.item.name: q for q in disagreements.questions(data)}
  # Two for a and one for b; three for c and one for a, in either order.
  assert (found["ab"].share, found["ab"].answers) == (pytest.approx(2 / 3), 3)
  assert (found["ca"].share, found["ca"].answers) == (0.75, 4)
  assert [q.nearer for q in found.values()] == [1, 1, 1, 1]


def test_the_worst_questions_have_the_most_people_against_the_distance(block):
  data, values = block.data, block.values["mse"]
  found = disagreements.worst(data, values)
  # Surplus of people against: ca 2; da 1, db 1. In da the ratio is larger.
  assert [q.item.name for q in found] == ["ca", "da", "db"]
  assert [q.against(values) for q in found] == pytest.approx([0.75, 1, 2 / 3])
  assert disagreements.worst(data, values, 1)[0].item.name == "ca"
  equal = dict.fromkeys(values, 1.0)
  assert disagreements.worst(data, equal) == []
  assert found[0].chosen({}) is None


def test_the_page_has_a_matrix_and_the_pictures(block, tmp_path):
  disagreements_page.write(tmp_path / "page.html", [block])
  text = (tmp_path / "page.html").read_text()
  assert "Where mse and people part: made" in text
  assert "75 % of 4" in text
  assert text.count("<figure>") == 3
  assert text.count("<td>no</td>") == 6  # three questions, two distances
  assert "set/c.png, 0.000246" in text  # (4 / 255) ** 2


def test_the_sheet_has_the_details_of_all_questions(block):
  whole = disagreements_page.sheet([block])
  first = disagreements.worst(block.data, block.values["mse"])[0]
  images = first.item.images[first.nearer], first.item.images[1 - first.nearer]
  shown = [p.read() for p in (first.item.reference, *images)]
  height, width = shown[0].shape[:2]
  trio = np.concatenate(shown, axis=1)
  np.testing.assert_array_equal(whole[:height, : 3 * width], trio)
  assert whole.shape == (height, 3 * (3 * width + 4) - 4, 3)
  assert (whole[:, 3 * width : 3 * width + 4] == 255).all()
  opinions = dataclasses.replace(
    block, data=dataclasses.replace(block.data, kind="mos")
  )
  with pytest.raises(ValueError, match="there is no sheet"):
    disagreements_page.sheet([opinions])


def test_the_detail_lies_where_the_images_differ():
  base = np.zeros((300, 400, 3), np.uint8)
  other = base.copy()
  other[200:204, 300:304] = 9
  rows, columns = disagreements_page.place(base, base, other)
  assert rows.start <= 200 < 204 <= rows.stop
  assert columns.start <= 300 < 304 <= columns.stop
  assert rows.stop - rows.start == 160

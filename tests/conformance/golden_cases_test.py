"""Golden cases are put together from names, crops and settings."""

import json

import numpy as np
import pytest

from tfpercept.conformance import golden_cases

IMAGES = {
  "a": np.arange(4 * 5 * 3, dtype=np.uint8).reshape(4, 5, 3),
  "b": np.full((4, 5, 3), 51, np.uint8),
}


@pytest.fixture
def write(tmp_path):
  np.savez(tmp_path / "images.npz", **IMAGES)

  def write_file(meta, **arrays):
    np.savez(tmp_path / "mine.npz", meta=json.dumps(meta), **arrays)
    return tmp_path

  return write_file


def test_images_are_cropped_scaled_and_stacked(write):
  meta = {"target": "a", "pred": ["b", "a"], "crop": "[1:3,:2]", "levels": 3}
  folder = write({"one": meta}, **{"one/value": np.array([1.0, 2.0])})
  assert golden_cases.files(folder) == ("mine",)
  (case,) = golden_cases.read(folder, "mine")
  assert (case.name, case.settings) == ("one", {"levels": 3})
  expected = IMAGES["a"][1:3, :2] / 255
  np.testing.assert_array_equal(case.reference, [expected, expected])
  np.testing.assert_array_equal(case.image, [np.full((2, 2, 3), 0.2), expected])
  np.testing.assert_array_equal(case.arrays["value"], [1, 2])


def test_one_name_stands_for_all_values_of_a_case(write):
  meta = {"target": "a", "pred": "b"}
  folder = write({"one": meta}, **{"one/value": np.zeros(3)})
  (case,) = golden_cases.read(folder, "mine")
  assert case.reference.shape == case.image.shape == (3, 4, 5, 3)


def test_predictions_may_be_described(write):
  meta = {"target": "a", "pred": ["1 - target", "constant 0.5"]}
  (case,) = golden_cases.read(write({"one": meta}), "mine")
  np.testing.assert_array_equal(case.image[0], 1 - IMAGES["a"] / 255)
  assert (case.image[1] == 0.5).all()


def test_what_macos_leaves_beside_a_file_is_no_cases(write):
  folder = write({"one": {"target": "a", "pred": "b"}})
  (folder / "._mine.npz").write_bytes(b"\0")
  assert golden_cases.files(folder) == ("mine",)


def test_entries_that_compare_no_images_are_no_cases(write):
  assert golden_cases.read(write({"notes": {"note": "text"}}), "mine") == ()


@pytest.mark.parametrize(
  "meta",
  [
    {"one": {"target": "a", "pred": "absent"}},
    {"one": {"pred": "a"}},
    {"one": {"target": ["a", "b", "a"], "pred": ["a", "b"]}},
    {"one": {"target": "a", "pred": ["a", "b"], "crop": ["[:,:]"] * 3}},
  ],
)
def test_a_file_that_names_what_is_not_there_is_an_error(write, meta):
  with pytest.raises(ValueError, match=r"mine\.npz is no file of golden cases"):
    golden_cases.read(write(meta), "mine")

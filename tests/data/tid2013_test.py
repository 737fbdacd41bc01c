"""Images made after the recipe of TID2013, and the genuine ones."""

import csv

import numpy as np
import pytest

from tfpercept.data import tid2013
from tfpercept.io import files


@pytest.fixture
def reference(tmp_path):
  random = np.random.default_rng(0)
  image = random.integers(0, 256, (32, 40, 3), np.uint8)
  files.write_image(tmp_path / "r.png", image)
  return tmp_path / "r.png"


def psnr(a, b):
  return 10 * np.log10(255**2 / np.mean((a - b.astype(np.float64)) ** 2))


def test_images_have_the_psnr_that_the_recipe_states(shared):
  folder = shared / "data" / "iqa" / "tid2013_resynth"
  data = tid2013.resynthesized(folder)
  with open(folder / "recipe.csv") as file:
    rows = list(csv.DictReader(file))
  assert (len(data.items), data.failures) == (100, {})
  for item, row in list(zip(data.items, rows, strict=True))[::7]:
    made = psnr(item.reference.read(), item.images[0].read())
    # The table has two digits.
    assert made == pytest.approx(float(row["psnr_rgb"]), abs=0.0051), item.name
    assert item.answer == float(row["mos"])


@pytest.mark.parametrize("kind", [1, 8, 10, 11, 18])
def test_an_image_is_made_the_same_twice(reference, kind):
  made = [
    tid2013.distorted(reference, kind=kind, parameter=5.5, seed=3)
    for _ in range(2)
  ]
  assert made[0].shape == (32, 40, 3)
  assert made[0].dtype == np.uint8
  np.testing.assert_array_equal(*made)


def test_saturation_of_nothing_leaves_gray(reference):
  made = tid2013.distorted(reference, kind=18, parameter=0.0, seed=0)
  assert np.ptp(made, axis=-1).max() == 0


def test_other_distortions_are_refused(reference):
  with pytest.raises(ValueError, match="1, 8, 10, 11 and 18 can be made"):
    tid2013.distorted(reference, kind=2, parameter=1.0, seed=0)


def test_genuine_images_have_their_opinion_from_the_table(shared):
  data = tid2013.genuine(shared / "data" / "iqa" / "tid2013_calibration")
  answers = {item.name: item.answer for item in data.items}
  # As stated in the folder's README, to its digits.
  expected = {
    "i03_11_5": 0.70, "i04_18_5": 3.93, "i06_18_3": 3.89, "i19_10_5": 1.66,
    "i01_01_5": 3.865, "i03_01_1": 5.769,
  }  # fmt: skip
  assert answers == pytest.approx(expected, abs=5e-3)
  lpips = data.published["lpips"]
  assert sorted(lpips.values()) == [0.05079, 0.2572, 0.4253, 0.7237]
  assert max(data.published["psnr"].values()) == -20.99


def test_a_recipe_without_its_references_is_refused(tmp_path):
  (tmp_path / "recipe.csv").write_text(
    "tid2013_image,reference,type,parameter,seed,mos\n"
    "i01_01_1.bmp,I01,1,5,0,5.5\n"
  )
  with pytest.raises(ValueError, match=r"i01_01_1.bmp: there is no I01.png"):
    tid2013.resynthesized(tmp_path)


@pytest.mark.parametrize(
  ("kind", "parameter"), [(1, -1.0), (8, 1e8), (10, 1e300), (11, 0.0)]
)
def test_parameters_that_would_take_for_ever_are_refused(
  reference, kind, parameter
):
  with pytest.raises(ValueError, match=f"distortion {kind} has a parameter"):
    tid2013.distorted(reference, kind=kind, parameter=parameter, seed=0)


def test_a_line_of_a_recipe_means_one_image(tmp_path, reference):
  (tmp_path / "tid_genuine").mkdir()
  reference.rename(tmp_path / "tid_genuine" / "I01.png")
  recipe = tmp_path / "resynth" / "recipe.csv"
  recipe.parent.mkdir()
  recipe.write_text(
    "tid2013_image,reference,type,parameter,seed,mos\n"
    "i01_01_1.bmp,I01,1,5,0,5.5\n"
    "i01_01_2.bmp,I01,1,9,0,4.5\n"
    "I01_01_2.bmp,I01,1,7,0,2.5\n"
    "i01_01_3.bmp,I01,1.9,5,0,5.5\n"
    "i01_01_4.bmp,I01,1,5,-1,5.5\n"
  )
  data = tid2013.resynthesized(recipe.parent)
  assert [item.name for item in data.items] == ["i01_01_1.bmp"]
  twice = "it is in the recipe twice"
  assert data.failures == {
    "i01_01_2.bmp, line 3": twice,
    "I01_01_2.bmp, line 4": twice,
    "i01_01_3.bmp": "type is '1.9', not a whole number",
    "i01_01_4.bmp": "seed must be from 0 to 4294967295; got -1",
  }

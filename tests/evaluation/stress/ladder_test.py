"""Ladders rise, and the page shows what every distance sees on them."""

import csv
import itertools

import numpy as np
import pytest

from tfpercept import distances
from tfpercept.data import distortions, packaged
from tfpercept.evaluation.stress import ladder, ladder_page
from tfpercept.io import files

SPECS = ("mse", "ssim", "mae")


@pytest.fixture(scope="module")
def references():
  return {n: p[100:140, 150:200] for n, p in packaged.test().items()}


@pytest.fixture(scope="module")
def rungs(references):
  metrics = {spec: distances.get(spec) for spec in SPECS}
  return {
    name: ladder.climb(picture, metrics, with_maps=name == "chelsea")
    for name, picture in references.items()
  }


def test_every_level_of_every_ladder_is_there(rungs):
  found = [(rung.distortion, rung.level) for rung in rungs["coffee"]]
  assert found == [
    (name, level)
    for name, steps in distortions.LADDERS.items()
    for level in steps.levels
  ]
  assert len(found) == ladder.count()


@pytest.mark.parametrize("distortion", distortions.LADDERS)
def test_the_error_grows_with_the_level(rungs, distortion):
  values = [
    rung.values["mse"]
    for rung in rungs["chelsea"]
    if rung.distortion == distortion
  ]
  assert (np.diff(values) > 0).all()


def test_values_and_maps_are_those_of_the_8_bit_picture(rungs, references):
  rung = rungs["chelsea"][2]
  pair = [
    p[None] / np.float32(255) for p in (references["chelsea"], rung.picture)
  ]
  distance = distances.get("ssim")
  assert rung.values["ssim"] == float(distance(*pair)[0])
  np.testing.assert_array_equal(rung.maps["ssim"], distance.map(*pair)[0])
  assert rungs["coffee"][2].maps == {}


def test_rank_correlation_is_of_orders_alone():
  values = [(1.0, 1.0, 3.0), (2.0, 4.0, 2.0), (3.0, 90.0, 1.0)]
  rungs = [
    ladder.Rung(
      "noise", 0.0, np.zeros(()), dict(zip("abc", v, strict=True)), {}
    )
    for v in values
  ]
  matrix, specs = ladder.rank_correlation(rungs)
  assert specs == ["a", "b", "c"]
  np.testing.assert_allclose(matrix, [[1, 1, -1], [1, 1, -1], [-1, -1, 1]])


@pytest.fixture(scope="module")
def page(rungs, references, tmp_path_factory):
  folder = tmp_path_factory.mktemp("ladder")
  path = ladder_page.write(
    folder, rungs, references, missing={"pim": "no file"},
    conditions={"Seed": 0},
  )  # fmt: skip
  return folder, path.read_text()


def test_the_page_has_a_map_for_each_distance_and_rung(page):
  _, text = page
  for name, steps in distortions.LADDERS.items():
    assert f"<figcaption>{name}</figcaption>" in text
    for spec, level in itertools.product(SPECS, steps.levels):
      assert f': {level:g}"' in text
      assert f'alt="{spec}, to' in text
  # The reference, the matrix, and pictures and maps of 25 rungs.
  assert text.count("<img ") == 2 + (1 + len(SPECS)) * ladder.count()
  assert "<dt>pim</dt><dd>no file</dd>" in text
  assert "75 distorted pictures" in text


def test_the_matrix_and_the_values_are_files_too(page, rungs):
  folder, _ = page
  assert files.read_image(folder / ladder_page.MATRIX).shape[-1] == 3
  text = (folder / ladder_page.VALUES).read_text()
  rows = list(csv.DictReader(text.splitlines()))
  assert len(rows) == 3 * ladder.count()
  assert float(rows[1]["ssim"]) == rungs["chelsea"][1].values["ssim"]

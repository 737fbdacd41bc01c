"""The page of super-resolution is complete, escaped and fetches nothing."""

import re

import numpy as np
import pytest
import tensorflow as tf

from tests.reports.tags import Tags
from tfpercept.data import packaged
from tfpercept.evaluation.core import machine, score_table
from tfpercept.evaluation.super_resolution import measure as super_resolution
from tfpercept.evaluation.super_resolution import page as super_resolution_page

NASTY = '<script>alert("&")</script>'


@pytest.fixture(scope="module")
def page(tmp_path_factory):
  path = tmp_path_factory.mktemp("report") / "deep" / "report.html"
  photo = packaged.test()["chelsea"][:64, :80]
  writer = tf.summary.create_file_writer(str(path.parent / "logs"))
  with writer.as_default():
    for step in (1, 2, 3):
      tf.summary.scalar("train/loss", 1 / step, step)
      tf.summary.scalar("held_out/psnr", 20 + step, step)
  writer.close()
  table = super_resolution_page.write(
    path,
    pictures={"photos": {NASTY: photo}},
    upscalers={
      "bicubic": super_resolution.bicubic,
      "gray": lambda x: 0 * x + 0.5,
    },
    scale=4,
    map_spec="ssim",
    logs={"gray": path.parent / "logs"},
    conditions={"Seed": 3, **machine.facts()},
  )
  return path.read_text(), table


def test_a_page_is_well_formed_and_fetches_nothing(page):
  tags = Tags(page[0])
  assert not tags.all("script")
  assert not tags.all("link")
  assert all(i["src"].startswith("data:image/png") for i in tags.all("img"))
  # The only addresses are the names of XML dialects inside the chart.
  assert set(re.findall(r"https?://([^/\"]+)", page[0])) <= {
    "www.w3.org", "purl.org", "creativecommons.org", "matplotlib.org",
  }  # fmt: skip


def test_a_page_shows_original_methods_maps_and_the_whole_picture(page):
  alts = [i["alt"] for i in Tags(page[0]).all("img")]
  assert alts == [
    f"{NASTY}: original",
    f"{NASTY}: bicubic",
    f"{NASTY}: gray",
    f"{NASTY}: whole original",
    f"{NASTY}: ssim error of bicubic",
    f"{NASTY}: ssim error of gray",
  ]


def test_a_page_holds_scores_curves_and_conditions(page):
  text, table = page
  psnr = score_table.number("psnr", table.mean("bicubic", "psnr"))
  assert f"<td><strong>{psnr}</strong></td>" in text
  (chart,) = Tags(text).all("svg")
  assert "gray: training loss" in chart["aria-label"]
  assert "<dt>Seed</dt><dd>3</dd>" in text
  assert f"TensorFlow {tf.__version__}" in text


def test_names_are_escaped(page):
  assert NASTY not in page[0]
  assert "&lt;script&gt;" in page[0]


def test_pictures_that_can_not_be_scored_fail_the_page(tmp_path):
  with pytest.raises(ValueError, match="a/p cannot be scored"):
    super_resolution_page.write(
      tmp_path / "report.html",
      pictures={"a": {"p": np.zeros((3, 3, 3), np.uint8)}},
      upscalers={"bicubic": super_resolution.bicubic},
      scale=4,
      map_spec="ssim",
      logs={},
      conditions={},
    )
  assert not (tmp_path / "report.html").exists()

"""Report pages are one file, complete, escaped and repeatable."""

import html.parser
import math
import re
import xml.etree.ElementTree as ElementTree

import numpy as np
import pytest
import tensorflow as tf

from tfpercept.data import packaged
from tfpercept.evaluation.core import score_table
from tfpercept.evaluation.super_resolution import measure as super_resolution
from tfpercept.evaluation.super_resolution import page as super_resolution_page
from tfpercept.reports import page as report

NASTY = '<script>alert("&")</script>'


class Tags(html.parser.HTMLParser):
  """Collects start tags and checks that elements nest."""

  VOID = ("meta", "img", "br")

  def __init__(self, text):
    super().__init__()
    self.found, self._open = [], []
    self.feed(text)
    assert not self._open

  def handle_starttag(self, tag, attrs):
    self.found.append((tag, dict(attrs)))
    if tag not in self.VOID:
      self._open.append(tag)

  def handle_startendtag(self, tag, attrs):
    self.found.append((tag, dict(attrs)))

  def handle_endtag(self, tag):
    assert self._open.pop() == tag

  def all(self, tag):
    return [attrs for name, attrs in self.found if name == tag]


def comparison(name="p", size=(40, 60), limit=1.0):
  random = np.random.default_rng(0)
  picture = random.integers(0, 256, (*size, 3), np.uint8)
  return report.Comparison(
    name, picture, {"net": picture}, {"net": limit * np.ones(size)}, {}
  )


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
    conditions={"Seed": 3, **report.machine()},
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
  with pytest.raises(ValueError, match="a/p can not be scored"):
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


def test_curves_are_svg_in_the_colour_of_text_and_repeat():
  series = {"loss": (np.arange(3), np.array([3.0, 2.0, 1.0]))}
  text = report.curves(series)
  assert text == report.curves(series)
  assert "currentColor" in text
  ElementTree.fromstring(text)


def test_read_curve_takes_the_later_value_of_a_step_written_twice(tmp_path):
  for values in ((5.0, 4.0), (3.0, 2.0)):
    writer = tf.summary.create_file_writer(
      str(tmp_path), filename_suffix=f".{values[0]}"
    )
    with writer.as_default():
      for step, value in enumerate(values, 1):
        tf.summary.scalar("loss", value, step + (values[0] == 3.0))
    writer.close()
  steps, values = report.read_curve(tmp_path, "loss")
  np.testing.assert_array_equal(steps, [1, 2, 3])
  np.testing.assert_array_equal(values[[0, 2]], [5.0, 2.0])


def test_read_curve_of_an_unknown_tag_is_empty(tmp_path):
  steps, values = report.read_curve(tmp_path, "loss")
  assert steps.size == values.size == 0


def test_a_grid_has_heads_bold_cells_and_intervals_below_values():
  text = report.grid(
    [["", "a", "b"], [NASTY, "1.0 [0.5, 1.5]", "2.0"]], bold={(1, 2)}
  )
  tags = Tags(text)
  assert [th["scope"] for th in tags.all("th")] == ["col", "col", "row"]
  assert "<td><strong>2.0</strong></td>" in text
  assert re.search(r"<td>1.0<br><small[^>]*>\[0.5, 1.5\]</small></td>", text)
  assert NASTY not in text


def test_failures_are_listed_below_a_table():
  text = report.table(
    score_table.Table(("psnr",), (), {"a/<b>": "broken & gone"})
  )
  assert "<li>a/&lt;b&gt;: broken &amp; gone</li>" in text


def test_maps_share_one_scale():
  dim, bright = comparison("dim", limit=0.1), comparison("bright", limit=0.8)
  text = report.comparisons([dim, bright], map_name="error")
  assert "<span>0.8 and more</span>" in text
  images = {i["alt"]: i["src"] for i in Tags(text).all("img")}
  assert images["dim: error of net"] != images["bright: error of net"]


def test_equal_pictures_have_a_scale_too():
  text = report.comparisons([comparison(limit=0.0)], map_name="error")
  assert "<span>1 and more</span>" in text


@pytest.mark.parametrize("size", [(1, 1), (20, 300), (144, 144), (170, 150)])
def test_pictures_of_any_size_have_a_detail(size):
  text = report.comparisons([comparison(size=size)], map_name="error")
  side = min(144, *size)
  widths = [i["width"] for i in Tags(text).all("img")]
  assert widths == [str(side), str(side), str(size[1]), str(side)]


def test_the_detail_is_where_the_contrast_is():
  picture = np.zeros((100, 120, 3), np.uint8)
  picture[60:80:2, 70:90] = 255
  shown = report.Comparison(
    "p", picture, {"net": picture}, {"net": picture[..., 0] / 255}, {}
  )
  text = report.comparisons([shown], map_name="error", side=30)
  frame = re.search(r"top:([\d.]+)%;left:([\d.]+)%", text)
  top, left = (float(g) / 100 for g in frame.groups())
  # All steps of the pattern, from row 59 to 79 and column 69 to 89, are inside.
  assert 49 <= round(top * 100) <= 59
  assert 59 <= round(left * 120) <= 69


def test_nothing_to_show_is_an_error():
  with pytest.raises(ValueError, match="at least one picture"):
    report.comparisons([], map_name="error")
  with pytest.raises(ValueError, match="at least one series"):
    report.curves({})


def test_the_machine_is_described_without_its_name_or_a_path():
  text = " ".join(report.machine().values())
  assert re.search(r", \d+ cores, \d+ GPUs", text)
  assert "/" not in text


def test_infinite_scores_are_printed():
  row = score_table.Row("a", "p", "net", {"psnr": math.inf})
  assert "<td>inf</td>" in report.table(score_table.Table(("psnr",), (row,)))

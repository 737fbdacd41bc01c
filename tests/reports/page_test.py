"""Report pages are one file, complete, escaped and repeatable."""

import re
import xml.etree.ElementTree as ElementTree

import numpy as np
import pytest

from tests.reports.tags import Tags
from tfpercept.reports import page as report

NASTY = '<script>alert("&")</script>'


def comparison(name="p", size=(40, 60), limit=1.0):
  random = np.random.default_rng(0)
  picture = random.integers(0, 256, (*size, 3), np.uint8)
  return report.Comparison(
    name, picture, {"net": picture}, {"net": limit * np.ones(size)}, {}
  )


def test_curves_are_svg_in_the_colour_of_text_and_repeat():
  series = {"loss": (np.arange(3), np.array([3.0, 2.0, 1.0]))}
  text = report.curves(series)
  assert text == report.curves(series)
  assert "currentColor" in text
  ElementTree.fromstring(text)


def test_a_grid_has_heads_bold_cells_and_intervals_below_values():
  text = report.grid(
    [["", "a", "b"], [NASTY, "1.0 [0.5, 1.5]", "2.0"]], bold={(1, 2)}
  )
  tags = Tags(text)
  assert [th["scope"] for th in tags.all("th")] == ["col", "col", "row"]
  assert "<td><strong>2.0</strong></td>" in text
  assert re.search(r"<td>1.0<br><small[^>]*>\[0.5, 1.5\]</small></td>", text)
  assert NASTY not in text


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


@pytest.mark.parametrize("size", [(2, 3000), (3000, 1), (301, 601)])
def test_the_whole_of_a_large_picture_is_reduced(size):
  text = report.comparisons([comparison(size=size)], map_name="error")
  whole = Tags(text).all("img")[2]
  assert max(int(whole["width"]), int(whole["height"])) <= 300
  assert min(int(whole["width"]), int(whole["height"])) >= 1


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

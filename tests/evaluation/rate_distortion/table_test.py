"""Tables of rate and distortion."""

import csv
import json

import numpy as np
import pytest

from tests.evaluation.rate_distortion.coarse_codec import Coarse, ramp
from tfpercept import distances
from tfpercept.evaluation.rate_distortion import measure as rate_distortion
from tfpercept.evaluation.rate_distortion import table

SPAN = (0, 9)


@pytest.fixture(scope="module")
def result():
  pictures = {
    "a": ramp(40, 100),
    "b": np.full([40, 100, 3], 84, np.uint8),  # equal at quality 3
  }
  pair = [Coarse(), Coarse("cheap", excess=-0.1)]
  metrics = [distances.get("psnr"), distances.get("mae")]
  return rate_distortion.measure(pictures, pair, metrics)


def test_text_has_a_line_for_each_codec(result):
  lines = table.to_text(result, "coarse", SPAN).splitlines()
  assert lines[0].split()[:4] == ["BD-rate", "psnr", "mae", "encode"]
  assert lines[2].split()[:5] == ["coarse", "+0.0", "%", "+0.0", "%"]
  assert lines[3].split()[:5] == ["cheap", "-10.0", "%", "-10.0", "%"]
  assert lines[3].split()[-1] == "2"
  assert "Against coarse, from 0 to 9 bits per pixel" in lines[-1]


def test_text_says_why_something_is_undefined(result):
  text = table.to_text(result, "coarse", (0.1, 0.5))
  assert "undefined" in text.splitlines()[3]
  assert "cheap, psnr: undefined: the anchor has 2 rising points" in text


def test_points_have_a_line_each_in_full_precision(result):
  rows = list(csv.DictReader(table.points_csv(result).splitlines()))
  assert len(rows) == len(result.points) == 20
  for row, point in zip(rows, result.points, strict=True):
    assert float(row["bpp"]) == point.bpp
    assert float(row["estimated_bpp"]) == point.estimated_bpp
    assert float(row["psnr dB"]) == point.decibels("psnr")
    assert float(row["encode_seconds"]) == point.encode.seconds
  assert {row["psnr score"] for row in rows if row["picture"] == "b"} >= {"inf"}


def test_means_say_over_how_many_they_are(result):
  rows = list(csv.DictReader(table.means_csv(result).splitlines()))
  assert len(rows) == 2 * 2 * 5
  third = rows[2]
  assert (third["codec"], third["metric"]) == ("coarse", "psnr")
  assert (third["pictures"], third["equal_pictures"]) == ("2", "1")
  assert float(third["dB"]) == result.means("coarse", "psnr")[2].decibels


def test_json_holds_everything_and_is_strict(result):
  value = table.to_json(result, "coarse", SPAN, {"Pictures": 2})
  again = json.loads(json.dumps(value, allow_nan=False))
  assert again["conditions"] == {"Pictures": "2"}
  assert len(again["points"]) == 20
  assert again["points"][0]["encode"]["parts"]["coder"] == 0.5
  found = {
    (d["codec"], d["metric"], d["method"]): d["percent"]
    for d in again["bd_rates"]
  }
  assert len(found) == 2 * 2 * 2
  assert found["cheap", "psnr", "cubic"] == pytest.approx(-10)
  undefined = table.to_json(result, "coarse", (0.1, 0.5), {})["bd_rates"][0]
  assert undefined["percent"] is None
  assert "rising points" in undefined["why_undefined"]


def test_a_distance_that_a_picture_lacks_leaves_its_cells_empty():
  found = rate_distortion.measure(
    {"a": ramp()},
    [Coarse()],
    [distances.get("mae"), distances.get("ms_ssim")],
    qualities={"coarse": [1]},
  )
  (row,) = csv.DictReader(table.points_csv(found).splitlines())
  assert row["ms_ssim dB"] == ""
  assert float(row["mae dB"]) > 0
  rows = list(csv.DictReader(table.means_csv(found).splitlines()))
  assert [r["metric"] for r in rows] == ["mae"]


def test_an_anchor_that_is_no_codec_is_refused(result):
  with pytest.raises(ValueError, match="the anchor is one of the codecs"):
    table.to_text(result, "jpeg", SPAN)

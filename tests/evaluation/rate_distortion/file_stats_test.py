"""Tables of files and of what is left of their pictures."""

import csv
import dataclasses
import json
import math

import numpy as np
import pytest

from tfpercept import distances
from tfpercept.evaluation.rate_distortion import file_stats

ROW = file_stats.Row(
  file="a.png", width=200, height=100, size=2500, seconds=0.5, quality=4.5
)


def test_rates_and_speed_are_of_pixels():
  assert ROW.bpp == 1.0
  assert ROW.speed == pytest.approx(0.04)
  assert ROW.ms_ssim_db is None
  assert dataclasses.replace(ROW, ms_ssim=0.99).ms_ssim_db == pytest.approx(20)
  assert dataclasses.replace(ROW, ms_ssim=1.0).ms_ssim_db == math.inf


def test_what_was_decoded_is_judged_as_the_distances_do(photograph):
  picture = photograph(170, 180)
  image = picture ^ 4
  row = file_stats.scored(ROW, picture, image)
  pair = [(p / 255.0).astype(np.float32)[None] for p in (picture, image)]
  # The same call on the same numbers.
  for spec in ("psnr", "ms_ssim"):
    score = float(distances.get(spec).score(*pair)[0])
    assert getattr(row, spec) == pytest.approx(score, rel=1e-6)


def test_a_small_picture_has_no_ms_ssim_and_an_equal_one_infinite_psnr():
  picture = np.zeros((8, 8, 1), np.uint8)
  row = file_stats.scored(ROW, picture, picture)
  assert (row.psnr, row.ms_ssim) == (math.inf, None)


def test_a_picture_of_another_size_is_refused():
  pair = np.zeros((8, 8, 3), np.uint8), np.zeros((8, 9, 3), np.uint8)
  with pytest.raises(ValueError, match=r"decoded to uint8 \[8, 9, 3\]"):
    file_stats.scored(ROW, *pair)


def test_text_has_totals_and_means_of_what_is_finite():
  rows = [
    dataclasses.replace(ROW, psnr=30.0, ms_ssim=0.9),
    dataclasses.replace(ROW, file="b.png", size=7500, psnr=math.inf),
  ]
  lines = file_stats.to_text(rows).split("\n")
  assert [" ".join(line.split()) for line in lines] == [
    "file width height quality bytes bpp psnr ms_ssim dB seconds MP/s",
    "a.png 200 100 4.5 2500 1.000 30.00 0.9000 10.00 0.50 0.04",
    "b.png 200 100 4.5 7500 3.000 inf - (1) - (1) 0.50 0.04",
    "all 10000 2.000 30.00 0.9000 10.00 1.00 0.04",
    "- (1) the picture is too small for ms_ssim",
  ]


def test_the_rate_of_all_is_all_bits_over_all_pixels():
  small = dataclasses.replace(ROW, file="b.png", width=10, height=10, size=250)
  lines = file_stats.to_text([ROW, small]).split("\n")
  # 1 bit for each of 20,000 pixels and 20 for each of 100; the mean is 10.5.
  assert lines[-1].split()[:3] == ["all", "2750", f"{22000 / 20100:.3f}"]


def test_columns_that_no_row_fills_are_left_out():
  row = dataclasses.replace(ROW, quality=None)
  head, line = (t.split() for t in file_stats.to_text([row]).split("\n"))
  assert head == ["file", "width", "height", "bytes", "bpp", "seconds", "MP/s"]
  assert len(line) == len(head)


def test_csv_and_json_are_in_full():
  row = dataclasses.replace(ROW, size=1000, psnr=math.inf)
  (line,) = csv.DictReader(file_stats.to_csv([row]).splitlines())
  assert (line["bpp"], line["psnr"], line["ms_ssim"]) == ("0.4", "inf", "")
  (value,) = json.loads(json.dumps(file_stats.to_json([row])))
  assert (value["bpp"], value["psnr"]) == (0.4, "inf")
  assert value["ms_ssim"] is None
  assert value["why"] == line["why"] == "the picture is too small for ms_ssim"
  blind = dataclasses.replace(ROW, quality=None)
  assert file_stats.to_json([blind])[0]["why"] == (
    "the file does not say its quality; the original is not at hand"
  )

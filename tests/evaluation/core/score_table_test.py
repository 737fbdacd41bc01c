"""Tables of scores."""

import json
import math
import re

import numpy as np
import pytest

from tfpercept.evaluation.core import score_table


def rows(group, method, psnrs, ssims):
  return [
    score_table.Row(group, f"p{i}", method, {"psnr": p, "ssim": s})
    for i, (p, s) in enumerate(zip(psnrs, ssims, strict=True))
  ]


@pytest.fixture
def table():
  return score_table.Table(
    ("psnr", "ssim"),
    (
      *rows("a", "bicubic", [20.0, 30.0], [0.5, 0.7]),
      *rows("a", "net", [21.0, math.inf], [0.6, 0.8]),
      *rows("b", "bicubic", [40.0], [0.9]),
      *rows("b", "net", [41.0], [0.8]),
    ),
    {"b/broken.png": "not a picture"},
  )


def test_groups_methods_and_pictures_keep_their_order(table):
  assert table.groups == ("a", "b")
  assert table.methods == ("bicubic", "net")
  assert table.pictures("a") == ("p0", "p1")


def test_means_are_over_pictures_of_a_group_or_of_all(table):
  assert table.mean("bicubic", "psnr", "a") == 25.0
  assert table.mean("bicubic", "psnr") == 30.0


def test_infinite_scores_do_not_enter_the_mean(table):
  assert table.mean("net", "psnr", "a") == 21.0


def test_a_mean_of_infinite_scores_alone_is_infinite_and_of_none_is_nan():
  row = score_table.Row("a", "p", "net", {"psnr": math.inf})
  assert score_table.Table(("psnr",), (row,)).mean("net", "psnr") == math.inf
  assert math.isnan(score_table.Table(("psnr",), ()).mean("net", "psnr"))


def test_a_missing_row_is_named(table):
  with pytest.raises(ValueError, match="no scores of 'net' on 'p7' in 'a'"):
    table.scores("a", "p7", "net")


def test_text_has_a_block_for_each_group_with_its_mean(table):
  first, second = score_table.to_text(table).split("\n\n")
  # Cells are apart by two blanks or more.
  assert [re.split("  +", line) for line in first.splitlines()] == [
    ["a", "bicubic", "net"],
    ["", "psnr", "ssim", "psnr", "ssim"],
    ["better", "larger", "larger", "larger", "larger"],
    ["p0", "20.00", "0.5000", "21.00", "0.6000"],
    ["p1", "30.00", "0.7000", "inf", "0.8000"],
    ["mean", "25.00", "0.6000", "21.00", "0.7000"],
    ["95 %", "[20.00, 30.00]", "[0.5000, 0.7000]", "- (1)",
     "[0.6000, 0.8000]"],
    ["- (1) there is one picture, so no interval"],
    ["2 pictures are too few for the interval, which is narrower than it "
     "should be below 10"],
  ]  # fmt: skip
  assert second.splitlines()[-1].split()[0] == "mean"


def test_json_holds_intervals_or_why_there_are_none(table):
  value = json.loads(json.dumps(score_table.to_json(table), allow_nan=False))
  assert value["better"] == {"psnr": "larger", "ssim": "larger"}
  bicubic, net = value["intervals"][:2]
  assert bicubic["psnr"] == {"low": 20.0, "high": 30.0, "why": ""}
  assert net["psnr"] == {
    "low": None, "high": None, "why": "there is one picture, so no interval",
  }  # fmt: skip


def test_csv_has_full_precision_and_quotes_names():
  row = score_table.Row("a,b", 'p"', "net", {"psnr": 1 / 3})
  text = score_table.to_csv(score_table.Table(("psnr",), (row,)))
  assert text.splitlines() == [
    "group,picture,method,psnr",
    f'"a,b","p""",net,{1 / 3!r}',
  ]


def test_json_is_strict_and_holds_rows_means_and_failures(table):
  value = score_table.to_json(table)
  json.dumps(value, allow_nan=False)
  assert value["rows"][3]["psnr"] == "inf"
  assert value["means"][0] == {
    "group": "a", "method": "bicubic", "psnr": 25.0, "ssim": 0.6,
  }  # fmt: skip
  assert value["failures"] == {"b/broken.png": "not a picture"}


def test_a_paired_difference_is_that_of_the_pictures(table):
  found = score_table.paired_difference(
    table, "ssim", method="net", baseline="bicubic"
  )
  # 0.1, 0.1 and -0.1, whose means of draws lie between them: too few.
  assert found.mean == pytest.approx(0.1 / 3)
  half = 4.30265 * np.std([0.1, 0.1, -0.1], ddof=1) / math.sqrt(3)
  ends = 0.1 / 3 - half, 0.1 / 3 + half
  assert (found.low, found.high) == pytest.approx(ends, rel=1e-4)
  assert found.pictures == 3


def test_bootstrap_intervals_cover_the_truth_about_as_often_as_they_claim():
  random = np.random.default_rng(0)
  covered = 0
  for _ in range(200):
    gaps = random.normal(0.3, 1.0, 40)
    sample = score_table.Table(
      ("ssim",),
      tuple(
        score_table.Row("a", str(i), method, {"ssim": value})
        for i, gap in enumerate(gaps)
        for method, value in (("net", gap), ("base", 0.0))
      ),
    )
    found = score_table.paired_difference(
      sample, "ssim", method="net", baseline="base", resamples=500
    )
    covered += found.low <= 0.3 <= found.high
  # 95 % of 200 is 190; the binomial spread is 3, and at 40 pictures the
  # percentile bootstrap is known to be one or two per cent too narrow.
  assert 176 <= covered <= 198


@pytest.mark.parametrize("count", [2, 3, 4])
def test_of_fewer_than_five_pictures_equals_win_as_seldom_as_is_said(count):
  random = np.random.default_rng(0)
  wins = 0
  for _ in range(200):
    rows = tuple(
      score_table.Row("a", str(i), method, {"ssim": value})
      for i, gap in enumerate(random.normal(size=count))
      for method, value in (("net", gap), ("base", 0.0))
    )
    found = score_table.paired_difference(
      score_table.Table(("ssim",), rows), "ssim", method="net", baseline="base"
    )
    wins += found.low > 0 or found.high < 0
  # 5 % of 200, with a deviation of 3.
  assert wins < 20


def test_few_pictures_have_an_interval_nearly_as_wide_as_students():
  random = np.random.default_rng(0)
  wins = 0
  for _ in range(200):
    rows = tuple(
      score_table.Row("a", str(i), method, {"ssim": value})
      for i, gap in enumerate(random.normal(size=5))
      for method, value in (("net", gap), ("base", 0.0))
    )
    found = score_table.paired_difference(
      score_table.Table(("ssim",), rows), "ssim", method="net",
      baseline="base", resamples=1000,
    )  # fmt: skip
    wins += found.low > 0 or found.high < 0
  # Of methods that are equal: 17 % by the plain percentiles, 9 % by these.
  assert wins < 26


def test_pairs_that_are_both_infinite_are_left_out():
  same = [
    score_table.Row("a", "p", m, {"psnr": math.inf}) for m in ("net", "bicubic")
  ]
  with pytest.raises(ValueError, match="no picture has finite psnr scores"):
    score_table.paired_difference(
      score_table.Table(("psnr",), tuple(same)),
      "psnr",
      method="net",
      baseline="bicubic",
    )


@pytest.mark.parametrize("pictures", [1, 5])
def test_equal_differences_have_no_interval_rather_than_a_point(pictures):
  rows = tuple(
    score_table.Row("a", str(p), m, {"ssim": value})
    for p in range(pictures)
    for m, value in (("net", 0.75), ("base", 0.5))
  )
  found = score_table.paired_difference(
    score_table.Table(("ssim",), rows), "ssim", method="net", baseline="base"
  )
  assert found.mean == 0.25
  assert math.isnan(found.low)
  assert math.isnan(found.high)

"""Distances at one rate: interpolation, ratios and pictures out of reach."""

import dataclasses
import math

import pytest

from tfpercept.evaluation.core import tiled
from tfpercept.evaluation.rate_distortion import at_rate
from tfpercept.evaluation.rate_distortion.result import Point, Result, Run

PIXELS = 8000


def result(ours=0.5, lowest=0.1, pictures=("a", "b", "c")):
  """Codecs whose distances fall with the rate as a power of it.

  `ours` has a share of the distances of `base`; its files of `c` have `lowest`
  bits per pixel at least.
  """
  points = []
  for codec, share in (("base", 1.0), ("ours", ours)):
    for n, name in enumerate(pictures):
      for quality, bpp in enumerate((0.1, 0.2, 0.4, 0.8)):
        if codec == "ours" and name == "c":
          bpp *= lowest / 0.1
        value = share * (n + 1) * 0.01 / bpp
        points.append(
          Point(
            codec, name, quality, PIXELS, round(bpp * PIXELS / 8), None,
            {"mae": tiled.Measured(value, value, 1, True)}, Run(0.1), Run(0.1),
          )
        )  # fmt: skip
  return Result(("base", "ours"), ("mae",), tuple(points))


def test_a_value_between_two_points_is_that_of_the_curve():
  base, ours = at_rate.of(result(), "base", [0.3])
  assert (base.codec, ours.codec) == ("base", "ours")
  assert base.value == pytest.approx(0.02 / 0.3)  # mean of 0.01, 0.02 and 0.03
  assert ours.value == pytest.approx(0.01 / 0.3)
  assert base.ratio is None
  assert ours.ratio.value == pytest.approx(0.5)
  assert ours.ratio.low == pytest.approx(0.5)
  assert (ours.pictures, ours.common, ours.spec) == (3, 3, "mae")


def test_a_picture_without_that_rate_is_left_out_and_said():
  rows = at_rate.of(result(lowest=0.2), "base", [0.15, 0.3])
  assert [row.pictures for row in rows] == [3, 2, 3, 3]
  # The distances of a and b alone.
  assert rows[1].value == pytest.approx(0.5 * 0.015 / 0.15)
  assert rows[1].ratio.value == pytest.approx(0.5)
  rule, fewer, few = at_rate.notes(rows, "base")
  assert "the ratio to base" in rule
  assert fewer == "ours at 0.15 bpp: 2 of 3 pictures"
  assert few.startswith("2 pictures are too few for the interval")


def test_a_codec_keeps_the_pictures_that_the_anchor_lacks():
  rows = at_rate.of(result(lowest=0.2), "ours", [0.15])
  base = rows[0]
  assert (base.pictures, base.common) == (3, 2)
  assert base.value == pytest.approx(0.02 / 0.15)  # mean over all three
  assert base.ratio.value == pytest.approx(2)
  notes = at_rate.notes(rows, "ours")
  assert "base at 0.15 bpp: 3 of 3 pictures, 2 of them with ours" in notes


def test_an_anchor_without_points_is_told():
  found = result()
  points = tuple(p for p in found.points if p.codec == "ours")
  found = dataclasses.replace(found, points=points)
  (row,) = at_rate.of(found, "base", [0.2])
  assert row.value == pytest.approx(0.05)
  assert row.common == 0
  assert "There are no ratios: base has no points." in at_rate.notes(
    [row], "base"
  )
  assert at_rate.cells([row], 0.2)[1] == ["ours", "0.05"]


def test_distances_that_lack_other_pictures_are_named(monkeypatch):
  found = result()
  points = [
    dataclasses.replace(p, measured={**p.measured, "mse": p.measured["mae"]})
    for p in found.points
    # Of `mse` one picture has no value.
    if p.picture != "c" or p.codec != "ours"
  ] + [p for p in found.points if p.picture == "c" and p.codec == "ours"]
  found = dataclasses.replace(
    found, points=tuple(points), metrics=("mae", "mse")
  )
  rows = at_rate.of(found, "base", [0.2])
  counts = {(row.codec, row.spec): row.pictures for row in rows}
  assert counts["ours", "mse"] == 2
  rows = at_rate.of(found, "ours", [0.2])
  notes = at_rate.notes(rows, "ours")
  assert "base at 0.2 bpp: 3 of 3 pictures, 2 of them with ours (mse)" in notes


def test_the_text_has_a_table_for_each_rate():
  rows = at_rate.of(result(), "base", [0.2, 0.4, 0.2, 9.0])
  first, second, third, _ = at_rate.to_text(rows, "base").split("\n\n")
  assert first.split()[:7] == [
    "at",
    "0.2",
    "bits",
    "per",
    "pixel",
    "mae",
    "base",
  ]
  assert first.splitlines()[2].split() == [
    "ours", "0.05", "x0.50", "[0.50,", "0.50]",
  ]  # fmt: skip
  assert "at 0.4 bits per pixel" in second
  assert [line.split()[-1] for line in third.splitlines()[1:]] == ["-", "-"]


def test_one_picture_has_no_interval():
  rows = at_rate.of(result(pictures=("a",)), "base", [0.2])
  assert math.isnan(rows[1].ratio.low)
  assert at_rate.cells(rows, 0.2)[2] == ["ours", "0.025 x0.50"]
  assert at_rate.to_json(rows)[1] == {
    "codec": "ours", "metric": "mae", "bpp": 0.2, "pictures": 1,
    "value": pytest.approx(0.025), "pictures_of_both": 1,
    "ratio": pytest.approx(0.5), "ratio_low": None, "ratio_high": None,
  }  # fmt: skip


@pytest.mark.parametrize("bpp", [0.0, -1.0, math.inf, math.nan])
def test_a_rate_is_above_zero(bpp):
  with pytest.raises(ValueError, match="above 0 bits per pixel"):
    at_rate.of(result(), "base", [bpp])

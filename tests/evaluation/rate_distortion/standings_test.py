"""Codecs in order, with published ones among them."""

import dataclasses
import math

import pytest

from tfpercept.evaluation.core import tiled
from tfpercept.evaluation.rate_distortion import bd_rate, published, standings
from tfpercept.evaluation.rate_distortion.result import Point, Result, Run

SPANS = ((0.1, 0.8), (0.4, 1.25))
LADDER = (1, 5, 8, 10, 15, 20, 30, 40, 50, 60, 70, 80, 90)


def point(codec, picture, quality, bpp, psnr, ms_ssim):
  """A point of a picture of Kodak's size."""
  run = Run(0.1)
  measured = {
    "psnr": tiled.Measured(10 ** (-psnr / 10), psnr, 1, True),
    "ms_ssim": tiled.Measured(1 - ms_ssim, ms_ssim, 1, True),
  }
  size = round(bpp * published.PIXELS / 8)
  return Point(
    codec, picture, quality, published.PIXELS, size, None, measured, run, run
  )


def result(*, count=24, name="kodim{:02d}", ratio=0.7):
  """JPEG with the published rates, and a codec with a share of its bits."""
  jpeg = published.curves("psnr")["pillow_jpeg420"]
  points = []
  for codec, share in (("jpeg", 1.0), ("ours", ratio)):
    for n in range(1, count + 1):
      rows = zip(LADDER, jpeg.rates, jpeg.qualities, strict=False)
      for quality, bpp, psnr in rows:
        # Two kinds of picture, equally often.
        loss = 0.2 / quality**0.8 * (0.5 if n % 2 else 1.5)
        points.append(
          point(codec, name.format(n), quality, share * bpp, psnr, 1 - loss)
        )
  return Result(("jpeg", "ours"), ("psnr", "ms_ssim"), tuple(points))


def test_the_best_comes_first_and_published_codecs_are_among_them():
  found = standings.of(result(), "jpeg", SPANS)
  percents = [row.differences["psnr", SPANS[0]].percent for row in found]
  known = [p for p in percents if not math.isnan(p)]
  assert known == sorted(known)
  names = [row.codec for row in found]
  assert names[0] == "mlic_plus_plus_mse"
  assert {"elic2022_mse", "tcm_large_mse", "vtm", "webp"} <= {*names}
  assert names.index("bmshj2018_mse") < names.index("ours")
  assert names.index("ours") < names.index("jpeg")
  assert [row.codec for row in found if not row.is_published] == [
    "ours", "jpeg",
  ]  # fmt: skip


def test_a_share_of_the_bits_is_that_difference_in_every_range():
  found = {r.codec: r for r in standings.of(result(), "jpeg", SPANS)}
  for key in (("psnr", SPANS[0]), ("psnr", SPANS[1]), ("ms_ssim", SPANS[0])):
    # Interpolation in other ranges of one curve; bytes are whole.
    assert found["ours"].differences[key].percent == pytest.approx(-30, abs=0.5)
    assert found["jpeg"].differences[key].percent == pytest.approx(0, abs=1e-9)


def test_figures_of_published_codecs_are_those_of_their_points():
  # By SciPy's interpolator alone, between 0.1 and 0.8 bpp, in another program.
  found = {r.codec: r for r in standings.of(result(), "jpeg", SPANS)}
  for name, percent in (
    ("mlic_plus_plus_mse", -73.31),
    ("elic2022_mse", -69.74),
    ("vtm", -67.86),
    ("mbt2018_mean_vbr_one_model", -55.47),
  ):
    difference = found[name].differences["psnr", SPANS[0]]
    assert difference.percent == pytest.approx(percent, abs=0.15), name


def test_ms_ssim_beside_published_codecs_is_averaged_before_decibels():
  made = result()
  names = made.pictures("psnr", "jpeg")
  beside = standings._curve(made, "jpeg", "ms_ssim", names, True)
  assert beside.qualities[0] == pytest.approx(-10 * math.log10(0.2), abs=1e-6)
  apart = standings._curve(made, "jpeg", "ms_ssim", names, False)
  assert apart.qualities[0] == pytest.approx(
    (-10 * math.log10(0.1) - 10 * math.log10(0.3)) / 2, abs=1e-6
  )


def test_a_part_of_kodak_is_said_to_be_one():
  text = standings.to_text(result(count=8), "jpeg", SPANS)
  assert "Ours are over 8 of them" in text
  assert "with Pillow's JPEG over those pictures" in text
  text = standings.to_text(result(), "jpeg", SPANS)
  assert "Ours are over the same pictures." in text
  assert "with jpeg as measured here" in text


def test_other_pictures_or_anchors_have_no_published_codecs():
  other = result(name="photo{:02d}")
  assert [row.codec for row in standings.of(other, "jpeg", SPANS)] == [
    "ours", "jpeg",
  ]  # fmt: skip
  assert "ublished" not in standings.to_text(other, "jpeg", SPANS)
  assert "ublished" not in standings.to_text(result(), "ours", SPANS)


def test_what_is_undefined_is_a_dash_and_null():
  made = result()
  few = [p for p in made.points if p.codec == "jpeg" or p.quality < 10]
  made = dataclasses.replace(made, points=tuple(few))
  rows = standings.cells(made, "jpeg", SPANS)
  assert next(row for row in rows if row[0] == "ours")[1:3] == ["-", "-"]
  found = standings.to_json(made, "jpeg", SPANS)
  ours = [row for row in found if row["codec"] == "ours"]
  assert [row["percent"] for row in ours if row["metric"] == "psnr"] == [
    None, None,
  ]  # fmt: skip
  assert all(row["why_undefined"] for row in ours if row["percent"] is None)


def test_an_anchor_without_pictures_in_common_is_no_error():
  made = result(count=2)
  apart = [
    p for p in made.points if (p.codec == "jpeg") == (p.picture == "kodim01")
  ]
  made = dataclasses.replace(made, points=tuple(apart))
  found = {r.codec: r for r in standings.of(made, "jpeg", SPANS)}
  assert isinstance(
    found["ours"].differences["psnr", SPANS[0]], bd_rate.Difference
  )
  assert found["ours"].differences["psnr", SPANS[0]].why

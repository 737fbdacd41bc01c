"""Published curves that come with the package."""

import csv

import pytest

from tfpercept.evaluation.rate_distortion import bd_rate, published


def test_both_usual_distances_have_curves_and_others_none():
  for spec in ("psnr", "ms_ssim"):
    curves = published.curves(spec)
    assert {"bpg444", "bmshj2018_mse", "vtm"} <= curves.keys()
    for codec, curve in curves.items():
      # Points of a ladder, but for JPEG at its very lowest qualities.
      assert len(curve.rising().rates) >= len(curve.rates) - 1, codec
  assert published.curves("nlpd") == {}


def test_thinning_keeps_the_published_differences():
  curves = published.curves("psnr")

  def percent(anchor, codec):
    pair = [curves[name].between(0.1, 2.2) for name in (anchor, codec)]
    return bd_rate.difference(*pair).percent

  # All points give -53.6, -34.4 and -16.9; a third of them is kept.
  assert percent("jpeg420", "bmshj2018_mse") == pytest.approx(-53.6, abs=0.5)
  assert percent("jpeg420", "webp") == pytest.approx(-34.4, abs=0.5)
  assert percent("bpg444", "ms2020_mse") == pytest.approx(-16.9, abs=0.5)


def test_every_point_is_one_of_the_sources(shared):
  folder = shared / "data" / "kodak_rd"
  known = set()
  for name, column in (
    ("psnr_rgb.csv", "psnr_rgb_db"),
    ("msssim_rgb.csv", "msssim_rgb"),
    ("pillow_measured.csv", "psnr_rgb_db"),
    ("compressai_more_curves.csv", "psnr_rgb_db"),
    ("compressai_more_curves.csv", "msssim_rgb"),
  ):
    with open(folder / name, newline="") as file:
      known |= {
        (round(float(row["bpp"]), 4), round(float(row[column]), 3))
        for row in csv.DictReader(file)
        if row[column]
      }
  with open(published._FILE, newline="") as file:
    rows = list(csv.DictReader(file))
  for row in rows:
    assert (float(row["bpp"]), round(float(row["score"]), 3)) in known, row


def test_kodak_is_told_by_its_names():
  assert published.are_kodak(["kodim01", "photos/kodim24.png"])
  assert not published.are_kodak(["kodim01", "coffee"])

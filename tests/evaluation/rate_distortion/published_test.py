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


CITED = {
  # github.com/JiangWeibeta/MLIC@4aa9d2a512 results/kodak/mlicplusplus_mse.json
  "mlic_plus_plus_mse": [
    (0.1075, 29.161), (0.1747, 30.7137), (0.2721, 32.3345), (0.4129, 34.1702),
    (0.5923, 35.8161), (0.8025, 37.3229),
  ],
  # github.com/jmliu206/LIC_TCM@6c6d7a3648 RD_data.md, Large, Kodak
  "tcm_large_mse": [
    (0.155, 30.07), (0.194, 30.85), (0.300, 32.59), (0.443, 34.33),
    (0.625, 36.15), (0.880, 38.07),
  ],
}  # fmt: skip


def test_points_of_authors_are_those_of_the_files_that_are_cited():
  curves = published.curves("psnr")
  for codec, points in CITED.items():
    found = zip(curves[codec].rates, curves[codec].qualities, strict=True)
    for point, expected in zip(found, points, strict=True):
      assert point == pytest.approx(expected, abs=5e-4), codec


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
    if row["codec"] in CITED or (
      row["codec"].startswith("pillow") and (row["metric"] == "ms_ssim")
    ):
      continue  # the test above; our own measurement
    assert (float(row["bpp"]), round(float(row["score"]), 3)) in known, row


def test_our_own_points_of_jpeg_have_the_same_rates_in_both_distances():
  psnr, ms_ssim = (
    published.curves(spec)["pillow_jpeg420"] for spec in ("psnr", "ms_ssim")
  )
  shared = {round(rate, 2) for rate in psnr.rates} & {
    round(rate, 2) for rate in ms_ssim.rates
  }
  assert len(shared) >= 12  # two versions of a library, a byte apart


def test_kodak_is_told_by_its_names():
  assert published.are_kodak(["kodim01", "photos/kodim24.png"])
  assert not published.are_kodak(["kodim01", "coffee"])

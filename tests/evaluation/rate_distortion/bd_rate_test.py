"""BD-rates: published fixtures, known answers, and where there is none."""

import collections
import csv
import math
import sys

import numpy as np
import pytest

from tfpercept.evaluation.rate_distortion import bd_rate

QUALITIES = [26.0, 28.5, 31.0, 33.0, 34.5]
CURVE = bd_rate.Curve([0.1, 0.2, 0.45, 0.8, 1.2], QUALITIES)


def scaled(curve, factor):
  return bd_rate.Curve([factor * r for r in curve.rates], curve.qualities)


def read(path, column):
  found = collections.defaultdict(lambda: ([], []))
  with open(path, newline="") as file:
    for row in csv.DictReader(file):
      rates, qualities = found[row["codec"]]
      rates.append(float(row["bpp"]))
      qualities.append(float(row[column]))
  return {
    codec: bd_rate.Curve(*points).between(0.1, 2.2)
    for codec, points in found.items()
  }


@pytest.fixture(scope="module")
def kodak(shared):
  folder = shared / "data" / "kodak_rd"
  return {
    **read(folder / "psnr_rgb.csv", "psnr_rgb_db"),
    **read(folder / "pillow_measured.csv", "psnr_rgb_db"),
  }


@pytest.mark.parametrize(
  ("anchor", "codec", "method", "percent"),
  [
    # The specification's fixtures, section 11.
    ("jpeg420", "bmshj2018_mse", "pchip", -53.6),
    ("jpeg420", "bmshj2018_mse", "cubic", -53.7),
    ("jpeg420", "webp", "pchip", -34.4),
    ("jpeg420", "webp", "cubic", -34.5),
    ("bpg444", "ms2020_mse", "pchip", -16.9),
    # The table beside the data.
    ("webp", "mbt2018_context_mse", "pchip", -39.7),
    ("bpg444", "bls2017_mse", "pchip", 32.9),
    ("pillow_jpeg420_optimize", "ms2020_mse", "pchip", -64.6),
    ("pillow_webp_method4", "mbt2018_meanscale_mse", "pchip", -34.9),
  ],
)
def test_published_curves_differ_by_what_is_known(
  kodak, anchor, codec, method, percent
):
  found = bd_rate.difference(kodak[anchor], kodak[codec], method=method)
  # They are given with one decimal.
  assert found.percent == pytest.approx(percent, abs=0.0501)
  assert not found.why


@pytest.mark.parametrize("method", bd_rate.METHODS)
def test_a_curve_against_itself_is_0(method):
  found = bd_rate.difference(CURVE, CURVE, method=method)
  assert found.percent == pytest.approx(0, abs=1e-9)  # rounding
  assert (found.low, found.high) == (26.0, 34.5)


@pytest.mark.parametrize("method", bd_rate.METHODS)
@pytest.mark.parametrize("factor", [0.5, 0.9, 1.3])
def test_a_share_of_the_rate_is_that_share(method, factor):
  found = bd_rate.difference(CURVE, scaled(CURVE, factor), method=method)
  # ln(rate) is shifted, and so are both interpolants.
  assert found.percent == pytest.approx(100 * (factor - 1), abs=1e-6)


def test_curves_of_straight_logarithms_have_the_mean_of_them():
  # ln(rate) is a line in quality, which both methods reproduce.
  at = np.array([20.0, 24.0, 27.0, 33.0, 36.0])
  anchor = bd_rate.Curve(np.exp(0.1 * at - 4), at)
  steeper = bd_rate.Curve(np.exp(0.12 * at - 5), at)
  expected = 100 * math.expm1(0.02 * 28 - 1)  # 28 is the mean of 20 and 36
  for method in bd_rate.METHODS:
    found = bd_rate.difference(anchor, steeper, method=method)
    assert found.percent == pytest.approx(expected, abs=1e-6)


def test_only_common_qualities_count():
  # Beyond 34.5 the other curve takes eight times the bits.
  dear = bd_rate.Curve(
    [*(0.9 * r for r in CURVE.rates), 9.0], [*QUALITIES, 36.0]
  )
  found = bd_rate.difference(CURVE, dear)
  assert found.high == 34.5
  # PCHIP's slope at 34.5 is no longer that of an end.
  assert found.percent == pytest.approx(-10, abs=2)


def test_order_does_not_matter_and_a_point_that_is_no_gain_is_dropped():
  rates = [0.45, 0.1, 1.2, 0.8, 0.2, 0.5, 0.3, 0.2]
  at = [31.0, 26.0, 34.5, 33.0, 28.5, 30.0, 28.5, math.inf]
  rising = bd_rate.Curve(rates, at).rising()
  assert (list(rising.rates), list(rising.qualities)) == (
    list(CURVE.rates), QUALITIES,
  )  # fmt: skip


def test_three_points_are_too_few():
  three = bd_rate.Curve(CURVE.rates[:3], QUALITIES[:3])
  for pair in ((three, CURVE), (CURVE, three)):
    found = bd_rate.difference(*pair)
    assert math.isnan(found.percent)
    assert "3 rising points; 4 are needed" in found.why
    assert str(found) == "undefined"


def test_four_points_of_which_one_does_not_rise_are_too_few():
  flat = bd_rate.Curve([0.1, 0.2, 0.3, 0.4], [26.0, 28.0, 28.0, 31.0])
  assert "the curve has 3" in bd_rate.difference(CURVE, flat).why


@pytest.mark.parametrize(("shift", "is_defined"), [(4.2, True), (4.3, False)])
def test_less_than_half_in_common_is_undefined(shift, is_defined):
  # Both range over 8.5.
  moved = bd_rate.Curve(CURVE.rates, [q + shift for q in QUALITIES])
  found = bd_rate.difference(CURVE, moved)
  assert bool(found.why) == (not is_defined)
  assert math.isnan(found.percent) == (not is_defined)


def test_curves_apart_share_nothing():
  moved = bd_rate.Curve(CURVE.rates, [q + 20 for q in QUALITIES])
  assert "they share 0 of the 8.5" in bd_rate.difference(CURVE, moved).why


def test_between_keeps_both_ends():
  assert list(CURVE.between(0.2, 0.8).rates) == [0.2, 0.45, 0.8]
  assert not CURVE.between(5, 6).rates


def test_quality_at_a_rate_is_read_off_and_not_guessed():
  assert bd_rate.quality_at(CURVE, 0.45) == pytest.approx(31.0)
  assert 28.5 < bd_rate.quality_at(CURVE, 0.3) < 31.0
  assert math.isnan(bd_rate.quality_at(CURVE, 0.09))
  assert math.isnan(bd_rate.quality_at(CURVE, 1.3))


def test_a_wrong_method_or_half_a_point_is_refused():
  with pytest.raises(ValueError, match="method is one of pchip, cubic"):
    bd_rate.difference(CURVE, CURVE, method="spline")
  with pytest.raises(ValueError, match="got 2 rates and 1 qualities"):
    bd_rate.Curve([0.1, 0.2], [30.0])


def test_without_scipy_it_says_what_to_install(monkeypatch):
  monkeypatch.setitem(sys.modules, "scipy", None)
  with pytest.raises(ValueError, match=r"pip install 'tfpercept\[agreement\]"):
    bd_rate.difference(CURVE, CURVE)


def test_a_cut_curve_ends_at_the_range_by_interpolation():
  curve = bd_rate.Curve([0.1, 0.2, 0.4, 0.8], [20, 22, 24, 26])
  # Straight on ln(rate), where PCHIP is exact.
  found = curve.cut(0.1 * 2**0.5, 0.4)
  assert found.rates == pytest.approx([0.1 * 2**0.5, 0.2, 0.4])
  assert found.qualities == pytest.approx([21, 22, 24])
  assert curve.cut(0.3, 0.5).rates == pytest.approx([0.3, 0.4, 0.5])


def test_a_cut_does_not_continue_a_curve():
  curve = bd_rate.Curve([0.2, 0.4, 0.8], [22, 24, 26])
  assert curve.cut(0, 9).rates == [0.2, 0.4, 0.8]
  assert curve.cut(2, 3) == bd_rate.Curve([], [])
  assert bd_rate.Curve([], []).cut(1, 2) == bd_rate.Curve([], [])


def test_the_least_overlap_is_an_argument():
  anchor = bd_rate.Curve([1, 2, 4, 8, 16], [20, 22, 24, 26, 28])
  curve = bd_rate.Curve([1, 2, 4, 8], [27, 29, 31, 33])
  assert bd_rate.difference(anchor, curve, min_overlap=0.2).why
  found = bd_rate.difference(anchor, curve, min_overlap=0.1)
  assert (found.low, found.high) == (27, 28)
  # 8 * sqrt(2) to 16 against 1 to sqrt(2), at the same qualities.
  assert found.percent == pytest.approx(100 * (2**-3.5 - 1))

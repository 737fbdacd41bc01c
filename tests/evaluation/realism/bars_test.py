"""Bars are ratios to the faithful decoder, and each is told to be reached."""

import math

import pytest

from tfpercept.evaluation.core.statistics import Estimate
from tfpercept.evaluation.realism import bars, grid, measure, set_scores


def row(name, lpips, psnr, frechet, decibels=0.0):
  score = set_scores.SetScore(Estimate(frechet), 100, 2)
  return measure.Row(
    name,
    2,
    {"lpips": Estimate(lpips), "psnr": Estimate(psnr)},
    {"patch_frechet_alex": score},
    grid.Grid(2, decibels, 1.0, 20),
  )


GOOD = [
  row("t=0", 0.4, 28.0, 10.0),
  row("t=0.5", 0.3, 27.8, 7.0),
  row("t=1", 0.2, 27.3, 5.0),
]


def test_a_good_head_reaches_every_bar():
  found = {each.name: each for each in bars.verdicts(GOOD)}
  assert all(each.is_reached for each in found.values())
  assert found["lpips, ratio"].value == pytest.approx(0.5)
  assert found["loss in dB"].value == pytest.approx(0.7)
  assert len(found) == 6


@pytest.mark.parametrize(
  ("last", "missed"),
  [
    (row("t=1", 0.28, 27.3, 5.0), "lpips, ratio"),
    (row("t=1", 0.2, 27.1, 5.0), "loss in dB"),
    (row("t=1", 0.2, 27.3, 7.5), "patch_frechet_alex, largest"),
    (row("t=1", 0.2, 27.3, 5.0, 20.0), "grid"),
    (row("t=1", 0.2, 27.3, 5.0, math.nan), None),
  ],
)
def test_what_is_missed_is_said(last, missed):
  found = [v for v in bars.verdicts([*GOOD[:2], last]) if not v.is_reached]
  assert (missed is None) == (not found)
  if missed:
    assert any(each.name.startswith(missed) for each in found)


def test_the_table_has_the_bars_and_what_was_published():
  text = bars.to_text(GOOD)
  assert "lpips, ratio" in text and "0.500" in text and "yes" in text
  assert "MS-ILLM" in text and "28.52 dB" in text
  assert "realism by its decoder alone" in text
  assert "BPG at 2.1 times its rate" in text
  with pytest.raises(ValueError, match="with a head"):
    bars.verdicts(GOOD[:1])

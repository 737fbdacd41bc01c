"""Claims hold where intervals are apart, and are left open elsewhere."""

import math

import pytest

from tfpercept.evaluation.core.statistics import Estimate
from tfpercept.evaluation.generative import claims, loss_cost
from tfpercept.evaluation.generative import table as generation_table


def row(spec="mse", trainings=1, **quality):
  quality = {k: Estimate(*v) for k, v in quality.items()}
  return generation_table.Row(
    spec, {"mae": Estimate(1.0, 0.5, 1.5)}, quality, trainings
  )


def make(rows, costs=None, missing=None, steps=None):
  return generation_table.Table(
    rows,
    {"sharpness": Estimate(1.0, 0.9, 1.1)},
    costs or {},
    missing or {},
    steps or {},
  )


def verdict(table, claim):
  ((answer, figures),) = claims.answers(table, [claim]).values()
  return answer, figures


@pytest.mark.parametrize(
  ("ssim", "mse", "expected"),
  [
    ((0.5, 0.4, 0.6), (0.3, 0.2, 0.4), "holds"),
    # Above, but the intervals meet.
    ((0.5, 0.4, 0.75), (0.3, 0.2, 0.4), "does not hold"),
    ((0.9, 0.85, 0.95), (0.3, 0.2, 0.4), "does not hold"),
  ],
)
def test_sharper_is_apart_from_each_of_the_others(ssim, mse, expected):
  rows = {
    "Watson-DFT": row(sharpness=(0.8, 0.7, 0.84)),
    "SSIM": row(sharpness=ssim),
    "MSE": row(sharpness=mse),
    "LPIPS": row(sharpness=(3.0, 2.9, 3.1)),  # has no say
  }
  answer, figures = verdict(make(rows), "sharper")
  assert answer == expected
  assert "Watson-DFT 0.800 [0.700, 0.840]" in figures
  assert "LPIPS" not in figures


@pytest.mark.parametrize(
  ("haze", "entropy", "expected"),
  [
    ((0.05, 0.04, 0.06), (0.5, 0.4, 0.6), "holds"),
    ((0.05, 0.04, 0.06), (0.2, 0.1, 0.35), "holds by 2 of 3"),
    ((0.01, 0.005, 0.02), (0.2, 0.1, 0.3), "holds by 1 of 3"),
  ],
)
def test_deep_losses_do_worse_by_each_measure_or_by_some(
  haze, entropy, expected
):
  dft = row(
    haze=(0.03, 0.02, 0.035), border=(0.1, 0.0, 0.1), entropy=(0.3, 0.2, 0.39)
  )
  deep = row(
    haze=haze, border=(0.2, 0.2, 0.3), entropy=entropy,
    frechet=(1.0, 0.9, 1.1),  # which has no say
  )  # fmt: skip
  answer, figures = verdict(make({"Watson-DFT": dft, "LPIPS": deep}), "deep")
  assert answer == expected
  assert figures.count("LPIPS") == 3
  assert "(does not hold)" in figures or answer == "holds"
  rows = {"Watson-DFT": dft, "LPIPS": deep}
  for steps in (9, 10):
    unequal = make(rows, steps={"Watson-DFT": 10, "LPIPS": steps, "MSE": 3})
    told = "" if steps == 10 else ", after unequal steps"
    assert verdict(unequal, "deep")[0] == f"{expected}{told}"
  mixed = {"Watson-DFT, seed 0": 10, "Watson-DFT, seed 1": 9, "LPIPS": 10}
  unequal = make(rows, steps=mixed)
  assert verdict(unequal, "deep")[0] == f"{expected}, after unequal steps"
  swapped = make({"Watson-DFT": deep, "LPIPS": dft})
  assert verdict(swapped, "deep")[0] != "holds"


def test_sharper_is_so_without_the_border_and_per_contrast_too():
  dft, other = (0.8, 0.7, 0.84), (0.3, 0.2, 0.4)
  rows = {
    "Watson-DFT": row(sharpness=dft, sharpness_inside=other),
    "MSE": row(sharpness=other, sharpness_inside=dft),
  }
  assert verdict(make(rows), "sharper")[0] == "holds by 1 of 2"


@pytest.mark.parametrize("claim", list(claims.CLAIMS))
def test_what_was_not_measured_is_said_to_be_so(claim):
  assert verdict(make({"MSE": row()}), claim)[0] == "not measured"
  assert verdict(make({"Watson-DFT": row()}), claim)[0] == "not measured"


@pytest.mark.parametrize(
  ("seconds", "weights", "expected"),
  [(2.0, 99, "holds"), (0.5, 99, "does not hold"), (2.0, 0, "does not hold")],
)
def test_cheaper_is_so_in_both_time_and_memory(seconds, weights, expected):
  costs = {
    "Watson-DFT": loss_cost.Cost(1.0, 1.0, 50.0, 1),
    "LPIPS-VGG": loss_cost.Cost(seconds, seconds, 20.0, weights),
  }
  assert verdict(make({}, costs), "cheaper")[0] == expected


def test_costs_that_are_missing_are_explained():
  costs = {"Watson-DFT": loss_cost.Cost(1.0, 1.0, math.nan, 1)}
  missing = {"LPIPS-VGG": "no weights"}
  table = make({}, costs | {"LPIPS-VGG": None}, missing)
  assert verdict(table, "cheaper") == ("not measured", "no weights")
  both = costs | {"LPIPS-VGG": loss_cost.Cost(1.0, 1.0, 1.0, 1)}
  assert verdict(make({}, both), "cheaper")[0] == "not measured"

"""Intervals cover, are never a point by chance, and say why there is none."""

import math

import numpy as np
import pytest

from tfpercept.evaluation.core import statistics


@pytest.mark.parametrize("count", [2, 4, 30, 1000])
def test_of_all_alike_the_interval_is_that_of_clopper_and_pearson(count):
  """At its low end so many would all agree with a probability of 2.5 %."""
  low, high = statistics.unanimous(1.0, count, 0.0, 1.0)
  assert high == 1.0
  assert low**count == pytest.approx(0.025)
  assert statistics.unanimous(0.0, count, 0.0, 1.0) == pytest.approx(
    (0.0, 1 - low)
  )


def test_the_interval_of_draws_alike_covers_what_made_them():
  """Of means that give n equal draws with at least 2.5 %, all are inside."""
  low, high = statistics.unanimous(0.8, 5, 0.0, 1.0)
  otherwise = 1 - 0.025**0.2
  assert low == pytest.approx((1 - otherwise) * 0.8)
  assert high == pytest.approx((1 - otherwise) * 0.8 + otherwise)
  assert statistics.unanimous(3.0, 5, 1.0, 4.0)[0] > 1.0


def test_a_mean_has_the_interval_of_its_standard_error():
  values = np.random.default_rng(0).normal(5, 2, 400)
  found = statistics.mean(values)
  assert found.value == pytest.approx(values.mean())
  # 2 * 1.96 * 2 / sqrt(400); deviation and percentiles vary by some per cent.
  assert found.high - found.low == pytest.approx(0.392, rel=0.15)
  assert found == statistics.mean(values)
  assert found.low != statistics.mean(values, seed=1).low


@pytest.mark.parametrize(
  ("values", "value", "why"),
  [
    ([], math.nan, "no picture has a value"),
    ([3.0], 3.0, "there is one picture, so no interval"),
    ([0.1, 0.1, 0.1], 0.1, "every picture has this value, so no interval"),
  ],
)
def test_where_there_is_no_interval_it_says_why(values, value, why):
  found = statistics.mean(values)
  assert found.value == pytest.approx(value, nan_ok=True)
  assert math.isnan(found.low)
  assert math.isnan(found.high)
  assert found.why == why


def test_few_draws_are_warned_of():
  assert statistics.warning(1, "contents").startswith("no interval")
  assert statistics.warning(4, "contents").startswith("4 contents are too few")
  assert statistics.warning(statistics.FEW, "contents") == ""


def test_a_bootstrap_interval_covers_the_mean_as_often_as_it_says():
  random = np.random.default_rng(0)
  hits = 0
  for seed in range(200):
    found = statistics.bootstrap(
      np.mean, random.normal(size=50), resamples=200, seed=seed
    )
    hits += found.low < 0 < found.high
  # 190 are expected; 176 are 4 deviations fewer, with the bootstrap's own bias.
  assert hits >= 176


def test_a_bootstrap_repeats():
  values = np.random.default_rng(0).normal(size=30)
  assert statistics.bootstrap(np.mean, values) == statistics.bootstrap(
    np.mean, values
  )

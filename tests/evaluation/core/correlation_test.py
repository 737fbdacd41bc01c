"""Correlations: known answers, ties, and what has none."""

import numpy as np
import pytest

from tfpercept.evaluation.core import correlation


def logistic(x, top, bottom, middle, slope):
  return bottom + (top - bottom) / (1 + np.exp(-slope * (x - middle)))


def test_ranks_are_averaged_where_values_are_tied():
  x, y = np.array([1.0, 2, 2, 3]), np.array([1.0, 2, 3, 4])
  # By hand: ranks 1, 2.5, 2.5, 4 against 1, 2, 3, 4.
  assert correlation.srcc(x, y) == pytest.approx(4.5 / np.sqrt(4.5 * 5))
  # By hand: 5 pairs agree, none disagrees, one of 6 is tied.
  assert correlation.krcc(x, y) == pytest.approx(5 / np.sqrt(5 * 6))


def test_ranks_do_not_change_under_a_monotone_map():
  x = np.random.default_rng(0).random(50)
  y = x + np.random.default_rng(1).random(50)
  for score in (correlation.srcc, correlation.krcc):
    assert score(np.exp(9 * x), y) == pytest.approx(score(x, y))


@pytest.mark.parametrize("parameters", [4, 5])
@pytest.mark.parametrize("scale", [1e-4, 1.0, 1e4])
def test_a_logistic_relation_is_straightened(parameters, scale):
  x = np.linspace(0, 1, 40)
  y = logistic(x, 9.0, 1.0, 0.4, -12.0)
  assert np.corrcoef(x, y)[0, 1] > -0.97
  fitted = correlation.plcc(scale * x, y, parameters=parameters)
  assert fitted == pytest.approx(1.0, abs=1e-5)  # what the grid leaves


def test_the_linear_part_serves_a_line():
  x = np.linspace(0, 1, 40)
  y = logistic(x, 2.0, 1.0, 0.5, 30.0) + 3 * x
  four, five = (correlation.plcc(x, y, parameters=p) for p in (4, 5))
  assert five == pytest.approx(1.0, abs=1e-5)
  assert four < five


def test_what_is_not_related_does_not_correlate():
  random = np.random.default_rng(0)
  x, y = random.random((2, 400))
  # Four standard errors of 400 values; the curve adds its own parameters.
  assert abs(correlation.srcc(x, y)) < 0.2
  assert abs(correlation.plcc(x, y)) < 0.25


@pytest.mark.parametrize(
  "score", [correlation.srcc, correlation.krcc, correlation.plcc]
)
def test_what_is_constant_or_alone_has_no_correlation(score):
  assert np.isnan(score(np.ones(20), np.arange(20.0)))
  assert np.isnan(score(np.arange(20.0), np.ones(20)))
  assert np.isnan(score(np.ones(1), np.ones(1)))


def test_a_curve_through_few_points_shows_nothing():
  assert np.isnan(correlation.plcc(np.arange(11.0), np.arange(11.0)))
  assert correlation.plcc(np.arange(12.0), np.arange(12.0)) > 0.999


def test_the_curve_has_four_or_five_parameters():
  with pytest.raises(ValueError, match="4 or 5 parameters; got 3"):
    correlation.plcc(np.arange(20.0), np.arange(20.0), parameters=3)

"""Agreement between people is that of hand counts and printed examples."""

import math

import numpy as np
import pytest

from tfpercept.evaluation.ranking import raters as ranking_raters
from tfpercept.evaluation.ranking import results as ranking_results

METHODS = ("a", "b", "c", "d")


def person(name, *orders):
  answers = tuple(
    ranking_results.Answer(f"p{i}", tuple(order), 1.0)
    for i, order in enumerate(orders)
  )
  return ranking_results.Person(name, answers, len(answers))


def test_agreement_between_people_is_that_of_hand_counts():
  people = [
    person("x", "abcd", "abcd"),
    person("y", "abcd", "bacd"),
    person("z", "abdc"),
  ]
  raters = ranking_raters.compare(people)
  # First picture, three pairs of people: 6, 5 and 5 of 6 alike; second, one: 5.
  assert raters.cases == 24
  assert raters.share == pytest.approx(21 / 24)
  # Sums of ranks 3, 6, 10, 11 and, from 0 on, 1, 1, 4, 6: S = 41 and 18.
  concordances = 12 * 41 / (9 * 60), 12 * 18 / (4 * 60)
  assert raters.concordance == pytest.approx(np.mean(concordances))
  assert raters.pictures == 2


def test_agreement_without_shared_pictures_is_undefined():
  answers = [ranking_results.Answer(f"p{i}", METHODS, 1.0) for i in range(2)]
  people = [
    ranking_results.Person(f"n{i}", (answer,), 1)
    for i, answer in enumerate(answers)
  ]
  raters = ranking_raters.compare(people)
  assert raters.cases == raters.pictures == 0
  assert math.isnan(raters.share)
  assert math.isnan(raters.alpha)
  assert math.isnan(raters.concordance)


def test_alpha_is_that_of_the_published_example():
  """Krippendorff 2011, section D: four observers, 12 units, gaps; 0.849."""
  observers = [
    [1, 2, 3, 3, 2, 1, 4, 1, 2, None, None, None],
    [1, 2, 3, 3, 2, 2, 4, 1, 2, 5, None, 3],
    [None, 3, 3, 3, 2, 3, 4, 2, 2, 5, 1, None],
    [1, 2, 3, 3, 2, 4, 4, 1, 2, 5, 1, None],
  ]
  units = [
    [v for v in unit if v is not None] for unit in zip(*observers, strict=True)
  ]
  # Printed with three decimals.
  assert ranking_raters.krippendorff(units) == pytest.approx(0.849, abs=5e-4)


def test_alpha_of_answers_by_chance_is_near_zero_and_of_equal_ones_one():
  random = np.random.default_rng(0)
  by_chance = random.integers(4, size=(2000, 3))
  # Its deviation is near 1 / sqrt(2000 * 3); four.
  assert abs(ranking_raters.krippendorff(by_chance)) < 0.06
  assert ranking_raters.krippendorff([[1, 1], [2, 2, 2]]) == 1.0
  assert math.isnan(ranking_raters.krippendorff([[1, 1], [1, 1]]))

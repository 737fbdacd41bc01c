"""The analysis finds what made-up people were made to prefer."""

import math

import choix
import numpy as np
import pytest

from tfpercept.evaluation.ranking import analysis
from tfpercept.evaluation.ranking import results as ranking_results

METHODS = ("a", "b", "c", "d")
TRUE = np.array([1.2, 0.4, -0.3, -1.3])


def key_of(mode="rank", methods=METHODS):
  return ranking_results.Key("0", mode, methods, {})


def crowd(seed, people=12, pictures=10, mode="rank", deviation=0.0):
  """People with utilities TRUE plus Gumbel noise: the Plackett-Luce model.

  With a deviation, each has a taste of his own besides.
  """
  random = np.random.default_rng(seed)
  found = []
  for number in range(people):
    taste = TRUE + deviation * random.normal(size=len(TRUE))
    answers = []
    for picture in range(pictures):
      shown = np.arange(len(TRUE))
      if mode == "pairs":
        shown = random.permutation(len(TRUE))[:2]
      utility = taste[shown] + random.gumbel(size=len(shown))
      order = tuple(METHODS[i] for i in shown[np.argsort(-utility)])
      answers.append(ranking_results.Answer(f"p{picture}", order, 1.0))
    found.append(ranking_results.Person(f"n{number}", tuple(answers), pictures))
  return found


def person(name, *orders, checks=()):
  answers = tuple(
    ranking_results.Answer(f"p{i}", tuple(order), 1.0)
    for i, order in enumerate(orders)
  )
  return ranking_results.Person(
    name, answers, len(answers) + len(checks), checks
  )


def analyse(people, key=None, **options):
  return analysis.analyse(people, key or key_of(), analysis.Options(**options))


@pytest.mark.parametrize(
  ("mode", "pictures", "width"), [("rank", 20, 0.5), ("pairs", 80, 0.5)]
)
def test_the_order_is_recovered_and_true_strengths_are_within(
  mode, pictures, width
):
  people = crowd(1, people=20, pictures=pictures, mode=mode)
  found = analyse(people, key_of(mode), resamples=100)
  assert [METHODS[i] for i in found.order] == list(METHODS)
  for true, strength in zip(TRUE, found.strengths, strict=True):
    assert strength.low < true < strength.high
    # 400 rankings, or 1600 choices: about 0.15 either way.
    assert strength.high - strength.low < width


@pytest.mark.parametrize(
  ("mode", "pictures", "studies", "resamples"),
  [("rank", 5, 25, 60), ("pairs", 10, 40, 200)],
)
def test_intervals_hold_the_truth_about_as_often_as_they_say(
  mode, pictures, studies, resamples
):
  """Over studies by 12 people whose tastes differ: 95 % is meant.

  Of 200 of pairs 93 % did. Four intervals of a study depend on one another:
  of 25 studies, say 50 independent intervals, the share within has a deviation
  of 3.6 %, and 85 % is two below.
  """
  inside = [
    strength.low <= true <= strength.high
    for seed in range(studies)
    for true, strength in zip(
      TRUE,
      analyse(
        crowd(seed, pictures=pictures, mode=mode, deviation=0.4),
        key_of(mode),
        resamples=resamples,
      ).strengths,
      strict=True,
    )
  ]
  assert 0.85 < np.mean(inside) <= 1.0


def test_tastes_of_people_widen_the_intervals_over_people_only():
  people = crowd(3, people=8, pictures=40, deviation=1.0)
  widths = {
    over: np.mean(
      [s.high - s.low for s in analyse(people, over=over,
                                       resamples=100).strengths]
    )
    for over in analysis.OVER
  }  # fmt: skip
  assert widths["people"] > 2 * widths["pictures"]
  assert widths["both"] > widths["pictures"]


def test_two_samples_of_one_seed_agree():
  people = crowd(0)
  first, second, other = (
    analyse(people, resamples=20, seed=seed) for seed in (4, 4, 5)
  )
  assert first.strengths == second.strengths
  assert first.strengths != other.strengths


def test_a_method_that_always_wins_has_a_finite_strength():
  people = [person(f"n{i}", "abcd", "abdc", "acbd") for i in range(4)]
  found = analyse(people, resamples=50)
  assert METHODS[found.order[0]] == "a"
  for strength in found.strengths:
    assert math.isfinite(strength.value)
    # Draws of these people are all alike.
    assert strength.low < strength.high
    assert strength.low <= strength.value <= strength.high
  assert found.mean_ranks[0].value == 1.0
  assert found.unanimous == METHODS


@pytest.mark.parametrize("mode", ["rank", "pairs"])
@pytest.mark.parametrize("over", analysis.OVER)
def test_people_of_one_mind_do_not_give_intervals_of_width_zero(mode, over):
  orders = ["abcd"] * 3 if mode == "rank" else ["ab", "bc", "cd", "ac"]
  widths = []
  for count in (3, 12):
    people = [person(f"n{i}", *orders) for i in range(count)]
    found = analyse(people, key_of(mode), over=over, resamples=200)
    assert {"a", "d"} <= set(found.unanimous)
    for estimate in (*found.strengths, *found.mean_ranks):
      assert estimate.low <= estimate.value <= estimate.high
      assert estimate.high - estimate.low > 0.05
    widths.append(found.strengths[0].high - found.strengths[0].low)
  if over == "people":
    assert widths[1] < widths[0]  # more people who agree say more


def test_what_always_wins_is_uncertain_although_others_vary():
  """Its draws vary by what the mean of all strengths does, and no more."""
  people = [
    person(f"n{i}", *(["abcd", "acbd"] if i % 2 else ["adbc", "abdc"]))
    for i in range(8)
  ]
  found = analyse(people, resamples=100)
  assert "a" in found.unanimous
  assert "c" not in found.unanimous
  (rank, *_), (strength, *_) = found.mean_ranks, found.strengths
  assert rank.value == rank.low == 1.0 < rank.high
  assert strength.high - strength.low > 1.0


def test_of_one_who_draws_nothing_the_reason_is_said():
  found = analyse([person("n", "ab")], key_of("pairs"), resamples=5)
  assert found.strengths[0].why == "it takes two to draw from"
  assert found.strengths[2].why == "nobody saw a result of it"


def test_the_prior_is_the_one_stated():
  """The slope of likelihood and stated prior is 0 at what choix returns."""
  orders = [(0, 1, 2, 3)] * 5 + [(1, 0, 3, 2)] * 2 + [(0, 2)]
  fitted = choix.ilsr_rankings(4, orders, alpha=analysis.PRIOR)
  strengths = fitted - np.log(np.mean(np.exp(fitted)))

  def objective(s):
    prior = analysis.PRIOR * len(s) * np.sum(np.exp(s) - s)
    return choix.log_likelihood_rankings(orders, s) - prior

  step = 1e-5
  slopes = [
    objective(strengths + step * e) - objective(strengths - step * e)
    for e in np.eye(4)
  ]
  # Central differences of values near 20 in float64 are good to 1e-9 or so.
  np.testing.assert_allclose(np.array(slopes) / (2 * step), 0, atol=1e-6)


def test_a_choice_between_two_is_worth_the_logit_of_its_share():
  people = [person("n", *(["ab"] * 300 + ["ba"] * 100))]
  found = analyse(people, key_of("pairs", ("a", "b")), resamples=5)
  difference = found.strengths[0].value - found.strengths[1].value
  # Of 400 choices the prior is worth less than one.
  assert difference == pytest.approx(math.log(3), abs=0.01)


def test_pairs_are_fitted_as_rankings_of_two_are():
  people = crowd(2, mode="pairs")
  found = analyse(people, key_of("pairs"), resamples=1)
  orders = [
    tuple(METHODS.index(m) for m in answer.order)
    for p in people
    for answer in p.answers
  ]
  fitted = choix.ilsr_rankings(4, orders, alpha=analysis.PRIOR)
  # Both iterate until steps are below 1e-8.
  np.testing.assert_allclose(
    [strength.value for strength in found.strengths], fitted, atol=1e-6
  )


def test_ranks_and_wins_are_counted():
  found = analyse([person("n", "abcd", "bacd")], resamples=5)
  np.testing.assert_array_equal(
    found.ranks, [[1, 1, 0, 0], [1, 1, 0, 0], [0, 0, 2, 0], [0, 0, 0, 2]]
  )
  np.testing.assert_array_equal(
    found.wins, [[0, 1, 2, 2], [1, 0, 2, 2], [0, 0, 0, 2], [0, 0, 0, 0]]
  )
  assert [rank.value for rank in found.mean_ranks] == [1.5, 1.5, 3.0, 4.0]


def test_what_nobody_saw_has_no_strength():
  found = analyse(
    [person("n", "ab", "ba", "ac")], key_of("pairs"), resamples=10
  )
  assert math.isnan(found.strengths[3].value)
  assert math.isnan(found.mean_ranks[3].value)
  assert found.order[-1] == 3


def test_who_fails_too_many_checks_is_left_out_and_named():
  people = [
    person("careful", "abcd", checks=(True,) * 4),
    person("tired", "abcd", checks=(True, True, True, False)),
    person("careless", "dcba", checks=(True, True, False, False)),
    person("absent", checks=(True,)),
  ]
  found = analyse(people, resamples=5)
  assert [p.name for p in found.people] == ["careful", "tired"]
  assert found.left_out == {
    "careless": "failed 2 of 4 attention checks",
    "absent": "answered nothing",
  }
  strict = analyse(people, resamples=5, max_failed=0)
  assert [p.name for p in strict.people] == ["careful"]


def test_nobody_left_is_an_error_that_says_why():
  people = [person("careless", "dcba", checks=(False,))]
  with pytest.raises(ValueError, match="careless: failed 1 of 1"):
    analyse(people)


def test_few_people_have_wider_intervals_than_the_plain_percentiles():
  """Student's factor: for 4 people 3.18 * sqrt(4 / 3) / 1.96 times as wide.

  The draws of a mean of 4 are not normal so far out: a rough comparison.
  """
  people = crowd(0, people=4, pictures=60, mode="pairs", deviation=1.0)
  found = analyse(people, key_of("pairs"), resamples=400)
  alone = [
    analyse([p], key_of("pairs"), resamples=1).strengths[0].value
    for p in people
  ]
  plain = 2 * 1.96 * np.std(alone) / math.sqrt(len(alone))
  width = found.strengths[0].high - found.strengths[0].low
  assert 1.2 < width / plain < 2.5


def test_one_answer_has_no_interval():
  found = analyse([person("n", "abcd")], resamples=5)
  assert found.strengths[0].value > found.strengths[1].value
  assert math.isnan(found.strengths[0].low)
  assert math.isnan(found.mean_ranks[0].high)


def test_one_person_is_resampled_over_pictures():
  found = analyse(crowd(0, people=1), resamples=20)
  assert found.over == "pictures"
  assert found.strengths[0].low < found.strengths[0].high


@pytest.mark.parametrize(
  ("options", "message"),
  [
    ({"over": "methods"}, "over is one of people, pictures, both"),
    ({"resamples": 0}, "resamples is at least 1; got 0"),
    ({"max_failed": 1.5}, "max_failed is a share"),
    ({"max_failed": math.nan}, "max_failed is a share"),
  ],
)
def test_options_out_of_range_are_errors(options, message):
  with pytest.raises(ValueError, match=message):
    analysis.Options(**options)

"""Scores against judges whose truth is known."""

import dataclasses
import pathlib

import numpy as np
import pytest

from tfpercept.data import judgements
from tfpercept.evaluation.agreement import scores as agreement
from tfpercept.evaluation.core.statistics import Estimate

GOLDEN = pathlib.Path(__file__).parents[2] / "golden" / "scores.npz"


@pytest.fixture(scope="module")
def golden():
  with np.load(GOLDEN, allow_pickle=False) as stored:
    return dict(stored)


def picture(key):
  return judgements.Picture(key, lambda: np.zeros((4, 4, 3), np.uint8))


def simulated(contents=5, each=40, people=30, subsets=("",), seed=0):
  """Choices by people who see a true distance; a tenth of them is careless.

  Returns the choices and the true distances by key.
  """
  random = np.random.default_rng(seed)
  items, truth = [], {}
  for subset in subsets:
    for c in range(contents):
      reference = picture(f"{subset}{c}")
      for i in range(each):
        images = tuple(picture(f"{subset}{c}/{i}/{k}") for k in range(2))
        far = random.random(2)
        truth |= {
          (reference.key, p.key): d for p, d in zip(images, far, strict=True)
        }
        chance = 0.05 + 0.9 * (far[1] < far[0])
        share = random.binomial(people, chance) / people
        items.append(
          judgements.Judgement(
            f"{c}/{i}", f"{subset}{c}", reference, images, share, subset
          )
        )
  return judgements.Judgements("simulated", "2afc", tuple(items)), truth


def test_forced_choices_score_as_the_reference_program_scores_them(golden):
  each = agreement.two_afc(
    golden["2afc/d0"], golden["2afc/d1"], golden["2afc/judge"]
  )
  np.testing.assert_array_equal(each, golden["2afc/per_triplet"])
  assert np.any(golden["2afc/d0"] == golden["2afc/d1"])  # ties are in it
  # float64 sums in another order.
  assert each.mean() == pytest.approx(float(golden["2afc/value"]), abs=1e-12)
  h = golden["2afc/judge"]
  assert np.mean(h**2 + (1 - h) ** 2) == pytest.approx(
    float(golden["2afc/human"]), abs=1e-12
  )


def test_noticeable_differences_score_as_the_reference_program_does(golden):
  score = agreement.jnd_map(golden["jnd/d"], golden["jnd/same"])
  assert score == pytest.approx(float(golden["jnd/value"]), abs=1e-12)


def test_average_precision_of_an_order_that_can_be_computed_by_hand():
  # Same, different, same: precision 1 up to recall 1/2, then 2/3.
  score = agreement.jnd_map(np.array([1.0, 2.0, 3.0]), np.array([1, 0, 1]))
  assert score == pytest.approx(0.5 + 0.5 * 2 / 3)


def test_average_precision_does_not_depend_on_the_order_of_ties():
  for same in ([1, 1, 0], [1, 0, 1], [0, 1, 1]):
    score = agreement.jnd_map(np.zeros(3), np.array(same))
    assert score == pytest.approx(2 / 3)
  first = agreement.jnd_map(np.array([1, 2, 2, 3.0]), np.array([1, 0, 1, 1]))
  assert first == agreement.jnd_map(
    np.array([1, 2, 2, 3.0]), np.array([1, 1, 0, 1])
  )


def test_average_precision_needs_somebody_who_saw_no_difference():
  assert np.isnan(agreement.jnd_map(np.arange(3.0), np.zeros(3)))


def test_who_knows_the_truth_reaches_the_ceiling():
  data, truth = simulated()
  score = agreement.agreement(data, truth)["2afc"]
  people = agreement.people(data)
  # With 30 people of whom 5 % err no majority is wrong.
  assert score == people["people, majority"]["2afc"]
  # 0.95 of them answer rightly; the standard error of 6000 answers is 0.003.
  assert score.value == pytest.approx(0.95, abs=0.01)
  assert score.low < score.value < score.high
  expected = 0.95**2 + 0.05**2 + 0.95 * 0.05 * 2 / 30  # h is of a sample
  assert people["people, one another"]["2afc"].value == pytest.approx(
    expected, abs=0.015
  )


def test_who_guesses_scores_a_half_and_so_does_who_sees_nothing():
  data, truth = simulated(each=100)
  random = np.random.default_rng(1)
  guess = {key: random.random() for key in truth}
  score = agreement.agreement(data, guess)["2afc"]
  # 500 choices between 0.05 and 0.95: a standard error of 0.02.
  assert score.value == pytest.approx(0.5, abs=0.06)
  blind = agreement.agreement(data, dict.fromkeys(truth, 0.0))["2afc"]
  assert blind == Estimate(0.5, 0.5, 0.5)


def test_the_opposite_of_the_truth_mirrors_the_score():
  data, truth = simulated()
  right = agreement.agreement(data, truth)["2afc"].value
  wrong = agreement.agreement(data, {k: -d for k, d in truth.items()})
  assert wrong["2afc"].value == pytest.approx(1 - right)


def test_subsets_have_columns_and_their_mean_is_unweighted():
  small, truth = simulated(each=10, subsets=("a",))
  large, more = simulated(each=90, subsets=("b",), seed=1)
  both = judgements.Judgements("both", "2afc", small.items + large.items)
  wrong = {key: -value for key, value in more.items()}
  scores = agreement.agreement(both, truth | wrong)
  assert list(scores) == ["a", "b", "2afc"]
  assert scores["2afc"].value == pytest.approx(
    (scores["a"].value + scores["b"].value) / 2
  )


def test_contents_that_subsets_share_are_drawn_once():
  """Five subsets with the same answers tell no more than one of them."""
  data, values = simulated(contents=6, each=3)
  shared = [
    dataclasses.replace(item, subset=subset)
    for subset in "abcde"
    for item in data.items
  ]
  one = agreement.agreement(data, values, resamples=200)["2afc"]
  five = agreement.agreement(
    dataclasses.replace(data, items=tuple(shared)), values, resamples=200
  )
  for name in ("a", "e", "2afc"):
    assert dataclasses.astuple(five[name]) == pytest.approx(
      dataclasses.astuple(five["a"])
    )
  assert five["2afc"].high - five["2afc"].low == pytest.approx(
    one.high - one.low, rel=0.3
  )


def test_a_subset_may_lack_all_contents_of_a_draw():
  data, values = simulated(contents=6, each=3)
  items = data.items + tuple(
    dataclasses.replace(item, subset="two")
    for item in data.items
    if item.content in ("0", "1")
  )
  found = agreement.agreement(
    dataclasses.replace(data, items=items), values, resamples=300
  )
  assert all(np.isfinite([e.low, e.high]).all() for e in found.values())


def test_intervals_come_from_contents_and_repeat_by_seed():
  data, truth = simulated(contents=4)
  # Two contents are judged rightly, two wrongly: a spread no number of choices
  # on them can hide.
  values = {
    key: value if key[0] in "01" else -value for key, value in truth.items()
  }
  score = agreement.agreement(data, values)["2afc"]
  assert score.low < 0.1
  assert score.high > 0.9
  assert score == agreement.agreement(data, values, seed=0)["2afc"]
  other = agreement.agreement(data, values, resamples=17, seed=1)["2afc"]
  assert (other.low, other.high) != (score.low, score.high)


def test_one_content_has_no_interval():
  data, truth = simulated(contents=1)
  score = agreement.agreement(data, truth)["2afc"]
  assert score.value > 0.9
  assert np.isnan([score.low, score.high]).all()


def test_intervals_serve_contents_of_different_size():
  data, truth = simulated()
  part = judgements.Judgements("part", "2afc", data.items[:-7])
  score = agreement.agreement(part, truth)["2afc"]
  assert score.low <= score.value <= score.high


def test_a_gain_has_the_interval_of_the_difference():
  data, truth = simulated()
  same = agreement.gain(data, truth, truth)
  assert same == Estimate(0.0, 0.0, 0.0)
  blind = dict.fromkeys(truth, 0.0)
  gained = agreement.gain(data, blind, truth)
  score = agreement.agreement(data, truth)["2afc"]
  assert gained.value == pytest.approx(score.value - 0.5)
  assert gained.low > 0.4


def test_opinions_correlate_with_what_they_follow():
  random = np.random.default_rng(0)
  items, values = [], {}
  for c in range(4):
    for i in range(20):
      image, far = picture(f"{c}/{i}"), random.random()
      values[str(c), image.key] = far
      items.append(
        judgements.Judgement(
          image.key, str(c), picture(str(c)), (image,), 5 / (1 + far)
        )
      )
  data = judgements.Judgements("opinions", "mos", tuple(items))
  scores = agreement.agreement(data, values, resamples=20)
  assert list(scores) == ["srcc", "krcc", "plcc"]
  assert scores["srcc"].value == pytest.approx(1.0)
  assert scores["krcc"].value == pytest.approx(1.0)
  assert scores["plcc"].value > 0.99  # the curve is no logistic
  turned = {key: -value for key, value in values.items()}
  assert agreement.agreement(data, turned, resamples=20)[
    "srcc"
  ].value == pytest.approx(-1.0)


def unanimous_choices(contents, share=1.0):
  data = [
    judgements.Judgement(
      str(c), str(c), picture(str(c)), (picture(f"{c}a"), picture(f"{c}b")),
      share,
    )
    for c in range(contents)
  ]  # fmt: skip
  values = {}
  for c in range(contents):
    values[str(c), f"{c}a"], values[str(c), f"{c}b"] = 2.0, 1.0
  return judgements.Judgements("choices", "2afc", tuple(data)), values


def test_contents_that_all_agree_do_not_give_an_interval_of_width_zero():
  data, values = unanimous_choices(5)
  score = agreement.agreement(data, values)["2afc"]
  assert (score.value, score.high) == (1.0, 1.0)
  assert score.low**5 == pytest.approx(0.025)
  for people in agreement.people(data).values():
    assert people["2afc"] == score
  turned = {key: -value for key, value in values.items()}
  score = agreement.agreement(data, turned)["2afc"]
  assert (score.value, score.low) == (0.0, 0.0)
  assert (1 - score.high) ** 5 == pytest.approx(0.025)
  gained = agreement.gain(data, turned, values)
  assert gained.value == gained.high == 1.0
  assert gained.low < 0.5
  scaled = {key: 3 * value for key, value in values.items()}
  gained = agreement.gain(data, scaled, values)  # alike on these, by chance
  assert gained.low < gained.value == 0.0 < gained.high


def test_more_contents_that_agree_say_more():
  lows = [
    agreement.agreement(*unanimous_choices(n))["2afc"].low for n in (2, 5, 40)
  ]
  assert lows == sorted(lows)
  assert lows[-1] > 0.9


def opinions(scores, distances, subsets=("",)):
  items, values = [], {}
  for s in subsets:
    for c, (score, far) in enumerate(zip(scores, distances, strict=True)):
      image = picture(f"{s}{c}")
      values[str(c), image.key] = far
      items.append(
        judgements.Judgement(
          image.key, str(c), picture(str(c)), (image,), score, s
        )
      )
  return judgements.Judgements("opinions", "mos", tuple(items)), values


@pytest.mark.parametrize(
  ("scores", "distances", "why"),
  [
    ([3, 3, 3], [1, 2, 3], "people gave all pictures the same score"),
    ([1, 2, 3], [1, 1, 1], "the distance is the same for all pictures"),
    ([1], [1], "it takes 2 judgements; there are 1"),
  ],
)
def test_a_correlation_that_is_not_defined_says_why(scores, distances, why):
  found = agreement.agreement(*opinions(scores, distances), resamples=5)
  assert np.isnan(found["srcc"].value)
  assert found["srcc"].why == found["krcc"].why == why
  assert found["plcc"].why == (
    f"it takes 12 judgements; there are {len(scores)}"
  )


def test_a_perfect_correlation_has_no_interval_rather_than_a_point():
  found = agreement.agreement(*opinions(range(20), range(20)), resamples=50)
  assert found["srcc"].value == pytest.approx(-1.0)
  assert np.isnan(found["srcc"].low)
  assert found["srcc"].why == "every draw of contents gives this value"


def test_each_score_of_a_subset_has_a_column_of_its_own():
  """Of correlations the last had taken the place of the others, unnamed."""
  data, values = opinions([1, 3, 2], [1, 2, 3], subsets=("blur", ""))
  found = agreement.agreement(data, values, resamples=5)
  assert list(found) == [
    f"{subset}{name}"
    for name in ("srcc", "krcc", "plcc")
    for subset in ("blur ", "no subset ", "")
  ]
  assert found["blur srcc"].value == pytest.approx(-0.5)
  assert found["blur krcc"].value == pytest.approx(-1 / 3)
  assert "blur plcc: it takes 12 judgements" in found["plcc"].why


def test_a_subset_called_like_a_score_hides_nothing():
  data, values = simulated(subsets=("2afc", "jnd"))
  assert list(agreement.agreement(data, values)) == ["2afc 2afc", "jnd", "2afc"]


def test_two_people_are_compared_where_answers_are_single():
  reference, *images = (picture(key) for key in "rabc")
  asked = (
    ("a", "b", 1.0), ("b", "a", 0.0), ("a", "b", 0.0), ("a", "c", 1.0),
  )  # fmt: skip
  by_key = {p.key: p for p in images}
  items = tuple(
    judgements.Judgement(
      f"{i}", "r", reference, (by_key[one], by_key[other]), answer
    )
    for i, (one, other, answer) in enumerate(asked)
  )
  data = judgements.Judgements("single", "2afc", items, is_single=True)
  found = agreement.people(data)
  assert list(found) == ["people, one another"]
  # Three people on one question: two are for b, so one pair of three agrees.
  assert found["people, one another"]["2afc"].value == pytest.approx(1 / 3)
  once = data.only(lambda item: item.name == "3")
  assert agreement.people(once) == {}


def test_the_gain_on_opinions_is_that_of_the_rank_correlation():
  random = np.random.default_rng(0)
  items = tuple(
    judgements.Judgement(
      f"{c}/{i}", f"{c}", picture(f"{c}"), (picture(f"{c}/{i}"),), -float(i)
    )
    for c in range(4)
    for i in range(8)
  )
  data = judgements.Judgements("opinions", "mos", items)
  keys = [(i.reference.key, i.images[0].key) for i in items]
  after = {key: -item.answer for key, item in zip(keys, items, strict=True)}
  before = dict(zip(keys, random.random(len(keys)), strict=True))
  found = agreement.gain(data, before, after, resamples=50)
  was = agreement.agreement(data, before, resamples=1)["srcc"].value
  assert found.value == pytest.approx(1 - was)
  assert found.low <= found.value <= found.high
  flat = dict.fromkeys(keys, 1.0)
  found = agreement.gain(data, flat, after, resamples=1)
  assert np.isnan(found.value)
  assert found.why == agreement.agreement(data, flat, resamples=1)["srcc"].why

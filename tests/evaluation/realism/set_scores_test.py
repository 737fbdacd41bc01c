"""Scores of sets of patches: known answers, intervals, sample sizes."""

import numpy as np
import pytest

from tfpercept.evaluation.core import set_distances
from tfpercept.evaluation.realism import set_scores


def pictures(seed, count=12, patches=20, size=4, shift=0.0):
  """Returns features of pictures whose patches are alike."""
  random = np.random.default_rng(seed)
  means = random.normal(size=(count, 1, size))
  return list(means + random.normal(size=(count, patches, size)) + shift)


def test_frechet_is_that_of_all_patches():
  originals, decoded = pictures(0), pictures(1, shift=1.0)
  found = set_scores.patch_frechet(originals, decoded)
  expected = set_distances.frechet(*map(np.concatenate, (originals, decoded)))
  assert found.estimate.value == pytest.approx(expected)
  assert found.estimate.low < expected < found.estimate.high
  assert (found.patches, found.pictures) == (240, 12)


def test_frechet_of_the_pictures_themselves_is_0():
  found = set_scores.patch_frechet(pictures(0), pictures(0))
  assert found.estimate.value == pytest.approx(0, abs=1e-9)


def test_the_jackknife_leaves_out_one_picture():
  originals, decoded = pictures(0, count=3), pictures(1, count=3)
  values = [
    set_scores.patch_frechet(
      *([f for j, f in enumerate(s) if j != i] for s in (originals, decoded))
    ).estimate.value
    for i in range(3)
  ]
  found = set_scores.patch_frechet(originals, decoded).estimate
  error = np.sqrt(2 / 3 * np.square(values - np.mean(values)).sum())
  assert found.high == pytest.approx(found.value + 1.96 * error)


def test_mmd_pairs_patches_of_different_pictures():
  originals = pictures(0, count=3, patches=2)
  decoded = pictures(1, count=3, patches=2)
  found = set_scores.patch_mmd(originals, decoded)

  def mean(first, second):
    return np.mean(
      [
        set_distances.polynomial_kernel(first[i], second[j]).mean()
        for i in range(3)
        for j in range(3)
        if i != j
      ]
    )

  expected = mean(originals, originals) + mean(decoded, decoded)
  expected -= 2 * mean(originals, decoded)
  assert found.estimate.value == pytest.approx(expected)
  assert found.estimate.low <= found.estimate.high


def test_mmd_is_unbiased_although_pictures_pair_up(monkeypatch):
  monkeypatch.setattr(set_scores, "RESAMPLES", 2)  # of intervals
  values, paired = [], []
  for seed in range(300):
    random = np.random.default_rng(seed)
    # A decoded picture has the mean of its original and patches of its own.
    means = random.normal(size=(4, 1, 2))
    pair = [list(means + random.normal(size=(4, 3, 2))) for _ in range(2)]
    values.append(set_scores.patch_mmd(*pair).estimate.value)
    paired.append(set_scores._mmd_terms(*pair).mean())
  error = np.std(values) / np.sqrt(len(values))
  assert abs(np.mean(values)) < 4 * error
  # With the pictures that belong together it would be far off.
  assert abs(np.mean(paired)) > 4 * np.std(paired) / np.sqrt(len(paired))


def test_a_critic_tells_apart_what_differs_and_nothing_else():
  originals = pictures(0)
  alike = set_scores.linear_critic(originals, pictures(0))
  assert alike.estimate.value == pytest.approx(0.5)
  other = set_scores.linear_critic(originals, pictures(1))
  assert other.estimate.low < 0.5 < other.estimate.high
  apart = set_scores.linear_critic(originals, pictures(1, shift=4.0))
  assert apart.estimate.value > 0.9


def test_a_critic_is_right_in_a_share_also_where_sizes_differ():
  sides = [
    [one for count in (4, 60) for one in pictures(s, 6, count, shift=shift)]
    for s, shift in ((0, 0.0), (1, 4.0))
  ]
  found = set_scores.linear_critic(*sides).estimate
  assert found.value > 0.95
  assert 0.7 < found.low <= found.value <= found.high <= 1


def test_a_score_tells_its_sample():
  text = str(set_scores.linear_critic(pictures(0), pictures(1)))
  assert text.endswith("] of 240 patches of 12 pictures")


@pytest.mark.parametrize("score", set_scores.SCORES.values())
def test_pictures_that_do_not_pair_up_are_refused(score):
  with pytest.raises(ValueError, match="12 and 11 pictures"):
    score(pictures(0), pictures(1)[1:])


@pytest.mark.parametrize(
  "score", [set_scores.patch_mmd, set_scores.linear_critic]
)
def test_one_picture_is_too_few(score):
  with pytest.raises(ValueError, match="two or more"):
    score(pictures(0, count=1), pictures(1, count=1))


def test_two_pictures_give_no_interval_of_one_pair():
  found = set_scores.patch_mmd(pictures(0, count=2), pictures(1, count=2))
  assert np.isfinite(found.estimate.value)
  assert np.isnan(found.estimate.low)


def test_a_critic_that_is_always_right_may_be_wrong_elsewhere():
  far = pictures(1, count=4, shift=50.0)
  found = set_scores.linear_critic(pictures(0, count=4), far).estimate
  assert found.value == 1.0
  assert 0.3 < found.low < 0.5  # of four who all agree
  assert found.high == 1.0

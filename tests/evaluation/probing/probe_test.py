"""Probes find what codes hold, and nothing that is not there."""

import sys

import numpy as np
import pytest

from tfpercept.evaluation.probing import folds as probing_folds
from tfpercept.evaluation.probing import probe
from tfpercept.evaluation.probing import svm as probing_machines

_PEOPLE, _EACH = 6, 12
_QUICK = probe.Protocol(folds=3, inner=2, penalties=(10.0,), scales=(1.0,))


def _known(seed: int = 0) -> probe.Known:
  random = np.random.default_rng(seed)
  identity = np.repeat(np.arange(_PEOPLE), _EACH)
  return probe.Known(identity, {"angle": random.uniform(-90, 90, 72)})


def _noise(width: int = 8, seed: int = 1) -> np.ndarray:
  return np.random.default_rng(seed).normal(size=(_PEOPLE * _EACH, width))


def test_codes_that_hold_the_answer_give_next_to_no_error():
  known = _known()
  codes = np.concatenate(
    [np.eye(_PEOPLE)[known.identity], known.angles["angle"][:, None]], axis=1
  )
  protocol = probe.Protocol(folds=3, inner=2)
  scores = probe.probe(codes, known, protocol)
  chance = probe.chance(known, protocol)
  assert list(scores) == ["identity", "angle", "angle, new people"]
  assert scores["identity"].mean == 0
  assert scores["angle"].mean < 0.05 * chance["angle"].mean
  # Kept apart by who it is, a new person's angle is a little harder.
  far = "angle, new people"
  assert scores[far].mean < 0.2 * chance[far].mean


def test_noise_gives_chance():
  """Also where the search may choose among many: it sees no test fold."""
  known = _known()
  protocol = probe.Protocol(folds=3, inner=2)
  scores = [probe.probe(_noise(seed=s), known, protocol) for s in range(6)]
  chance = probe.chance(known, protocol)
  wrong = np.mean([s["identity"].mean for s in scores])
  # 432 guesses, which six chances in seven make wrong: deviation 1.8 %.
  assert wrong == pytest.approx(100 * 5 / 6, abs=5.4)
  assert chance["identity"].mean == pytest.approx(100 * 5 / 6)
  for question in ("angle", "angle, new people"):
    least = min(s[question].mean for s in scores)
    assert least > 0.85 * chance[question].mean  # six lots of 72 angles


def test_chance_is_the_variance_of_an_angle():
  known = _known()
  chance = probe.chance(known, _QUICK)
  variance = known.angles["angle"].var()
  # The means of the training folds are a little off that of all.
  assert variance < chance["angle"].mean < 1.1 * variance


def test_nothing_is_fitted_on_test_folds():
  """Test codes made a million times larger change no machine, no choice.

  If means and deviations, principal components or the search for C had seen
  them, what is fitted would differ.
  """
  known, codes = _known(), _noise()
  protocol = probe.Protocol(folds=3, inner=2, scales=(0.3, 3.0))
  train, test = probing_folds.outer(known, protocol)["identity"][0]
  spoiled = codes.copy()
  spoiled[test] *= 1e6
  for pca in (None, 3):
    clean, changed = (
      probing_machines.measure(c, train, test, pca=pca)
      for c in (codes, spoiled)
    )
    np.testing.assert_array_equal(clean.within, changed.within)
    assert clean.variance == changed.variance
    first, other = (
      probe.probe(c, known, protocol, pca=pca) for c in (codes, spoiled)
    )
    chosen = first["identity"].chosen[0]
    assert chosen == other["identity"].chosen[0]


def test_people_who_are_left_out_really_are():
  known = _known()
  folds = probing_folds.outer(known, _QUICK)["people"]
  for train, test in folds:
    people = known.identity
    assert not set(people[train]) & set(people[test])
    inner = probing_folds.cut("people", people[train], 2, 0)
    for fit, count in inner:
      assert not set(people[train][fit]) & set(people[train][count])
  tested = np.concatenate([test for _, test in folds])
  np.testing.assert_array_equal(np.sort(tested), np.arange(72))


def test_a_code_of_who_it_is_tells_the_angle_of_known_people_alone():
  """An angle that belongs to the person cannot be read of new people."""
  identity = np.repeat(np.arange(_PEOPLE), _EACH)
  known = probe.Known(
    identity, {"angle": np.array([9, 1, 8, 2, 7, 3])[identity]}
  )
  scores = probe.probe(np.eye(_PEOPLE)[identity], known, _QUICK)
  chance = probe.chance(known, _QUICK)
  assert scores["angle"].mean < 0.1  # the machine may be 0.1 deviations off
  far = "angle, new people"
  assert scores[far].mean > 0.8 * chance[far].mean


def test_identity_folds_have_the_same_share_of_each_person():
  known = _known()
  for _, test in probing_folds.outer(known, _QUICK)["identity"]:
    counts = np.bincount(known.identity[test], minlength=_PEOPLE)
    np.testing.assert_array_equal(counts, np.full(_PEOPLE, _EACH // 3))


def test_the_search_takes_what_errs_least_and_the_smaller_of_equals():
  known, codes = _known(), _noise()
  split = probing_folds.cut("identity", known.identity, 2, 0)
  codes[:, 0] = 30 * known.identity  # a large gamma would see neighbours only
  parts = [probing_machines.measure(codes, *s) for s in split]
  protocol = probe.Protocol(penalties=(100.0, 10.0), scales=(300.0, 0.3))
  targets = {"identity": known.identity}
  chosen = probing_machines.choose(parts, targets, protocol)["identity"]
  assert chosen[1] == 0.3
  same = probe.Protocol(penalties=(2e6, 1e6), scales=(0.3,))  # both so large
  chosen = probing_machines.choose(parts, targets, same)["identity"]
  assert chosen == (1e6, 0.3)


def test_probes_repeat_whatever_the_number_of_threads():
  known, codes = _known(), _noise()
  one = probe.probe(codes, known, _QUICK, pca=3)
  assert one == probe.probe(codes, known, _QUICK, pca=3, workers=3)
  assert one["angle"].chosen == ((10.0, 1.0),) * 3
  other = probe.Protocol(
    folds=3, inner=2, penalties=(10.0,), scales=(1.0,), seed=1
  )
  assert one != probe.probe(codes, known, other, pca=3)


def test_units_of_codes_do_not_matter():
  known, codes = _known(), _noise()
  scaled = codes * 10.0 ** np.arange(8) + 5
  plain = probe.probe(codes, known, _QUICK)
  for question, scores in probe.probe(scaled, known, _QUICK).items():
    # Standardisation undoes it up to rounding of 1e7 + 5 in float64.
    np.testing.assert_allclose(scores.folds, plain[question].folds, rtol=1e-6)


def test_constant_dimensions_change_nothing():
  known, codes = _known(), _noise()
  dead = np.concatenate([codes, np.full((72, 40), 7.0)], axis=1)
  plain = probe.probe(codes, known, _QUICK)
  for question, scores in probe.probe(dead, known, _QUICK).items():
    # Sums over more columns are rounded in another order.
    np.testing.assert_allclose(scores.folds, plain[question].folds, rtol=1e-9)


def test_more_labels_leave_less_error():
  known = _known()
  codes = _noise()
  codes[:, :_PEOPLE] += 2 * np.eye(_PEOPLE)[known.identity]
  found = probe.label_budget(codes, known, _QUICK, labels=(1, 3, 8))
  means = [scores.mean for scores in found.values()]
  assert list(found) == [1, 3, 8]
  assert means[0] > means[1] > means[2]
  # All labels of the training folds: the same as without a budget.
  assert found[8].folds == probe.probe(codes, known, _QUICK)["identity"].folds


def test_small_budgets_are_part_of_larger_ones():
  identity = _known().identity
  order = np.random.default_rng(0).permutation(72)
  few, more = (probe._first_of_each(identity, order, n) for n in (2, 5))
  assert set(few) < set(more)
  np.testing.assert_array_equal(np.bincount(identity[more]), np.full(6, 5))


def test_principal_components_are_as_many_as_asked_for():
  known = _known()
  codes = _noise(4)
  codes[:, 0] += 100 * known.identity
  scores = probe.probe(codes, known, _QUICK, pca=1)  # finds that one
  assert scores["identity"].mean == 0
  with pytest.raises(ValueError, match=r"5 principal components .* 24 .* of 4"):
    probe.probe(codes, known, _QUICK, pca=5)


@pytest.mark.parametrize(
  ("codes", "message"),
  [
    (np.zeros((71, 3)), r"codes are \[N, D\] for 72 pictures; got \[71, 3\]"),
    (np.zeros((72, 3, 1)), r"got \[72, 3, 1\]"),
    (np.zeros((72, 0)), r"got \[72, 0\]"),
    (np.full((72, 2), np.nan), "144 of 144 values are not"),
  ],
)
def test_codes_that_do_not_fit_are_refused(codes, message):
  for ask in (probe.probe, probe.label_budget):
    with pytest.raises(ValueError, match=message):
      ask(codes, _known(), _QUICK)


def test_what_is_known_is_checked():
  with pytest.raises(ValueError, match=r"whole number .* float64"):
    probe.Known(np.zeros(3))
  with pytest.raises(ValueError, match=r"angle is a finite .* got \[2\]"):
    probe.Known(np.zeros(3, int), {"angle": np.zeros(2)})
  with pytest.raises(ValueError, match="1 are not finite"):
    probe.Known(np.zeros(2, int), {"angle": np.array([0, np.inf])})


@pytest.mark.parametrize(
  ("identity", "message"),
  [
    (np.zeros(30, int), "at least 2 people; got 1"),
    (np.repeat(np.arange(9), [9] * 8 + [4]), "person 8 has 4"),
    (np.repeat(np.arange(4), 9), "more people; got 4"),
  ],
)
def test_too_few_of_a_kind_are_refused(identity, message):
  known = probe.Known(identity, {"angle": np.zeros(len(identity))})
  codes = np.zeros((len(identity), 2))
  with pytest.raises(ValueError, match=message):
    probe.probe(codes, known, probe.Protocol(folds=5, inner=3))


def test_a_budget_that_can_not_be_met_is_refused():
  with pytest.raises(ValueError, match=r"9 labels .* person 0 has 8"):
    probe.label_budget(_noise(), _known(), _QUICK, labels=(1, 9))


@pytest.mark.parametrize(
  ("settings", "message"),
  [
    ({"folds": 1}, "folds is at least 2"),
    ({"inner": 1}, "inner is at least 2"),
    ({"penalties": ()}, "penalties are numbers above 0"),
    ({"scales": (0.0,)}, "scales are numbers above 0"),
    ({"epsilon": -0.1}, "epsilon is at least 0"),
  ],
)
def test_a_protocol_is_checked(settings, message):
  with pytest.raises(ValueError, match=message):
    probe.Protocol(**settings)


def test_without_scikit_learn_the_extra_is_named(monkeypatch):
  monkeypatch.setitem(sys.modules, "sklearn", None)
  with pytest.raises(ValueError, match=r"pip install 'tfpercept\[train\]'"):
    probe.probe(_noise(), _known(), _QUICK)

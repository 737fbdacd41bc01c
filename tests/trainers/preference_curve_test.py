"""The curve of a training is read, or named, and leaves the training alone."""

import pytest

from tests import forced_choices
from tfpercept import distances
from tfpercept.data import judgements
from trainers import preference_choices, preference_curve


def test_a_damaged_curve_is_named(tmp_path):
  for text in ("{", "[1]", '{"a": 1}', '{"1": null}'):
    (tmp_path / "curve.json").write_text(text)
    with pytest.raises(ValueError, match=r"curve\.json is damaged"):
      preference_curve.read(tmp_path / "curve.json")


def test_measuring_leaves_random_shifts_where_they_were(tmp_path):
  folder = forced_choices.write(tmp_path / "choices")
  data = preference_choices.load([str(folder)], "auto")
  distance = distances.get("1.0*watson_dft(shift='random') + 1.0*mse")
  draws = distance.distances[0].weights[-1]
  draws.assign(5)
  measure = preference_curve.Measure(distance, judgements.Cache())
  first = measure(data)
  assert draws.numpy() == 5
  assert measure(data) == first  # as it is after the step is taken again

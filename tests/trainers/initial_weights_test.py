"""A training can start from the weights of a finished run."""

import numpy as np
import pytest

from tfpercept import models
from trainers import initial_weights


def network(*filters):
  made = models.SRCNN(filters=filters, kernels=(3, 1, 3))
  made.build()
  return made


def test_weights_are_taken_over_and_named_in_the_settings(tmp_path):
  trained, new = network(4, 4), network(4, 4)
  models.save(trained, tmp_path / "run" / "model")
  initial, told = initial_weights.load(str(tmp_path / "run"))
  assert told == {"initial": models.load(tmp_path / "run")[1]["sha256"]}
  initial_weights.start(new, initial)
  for one, other in zip(new.get_weights(), trained.get_weights(), strict=True):
    np.testing.assert_array_equal(one, other)


def test_weights_of_another_network_are_refused():
  with pytest.raises(ValueError, match="whose weights do not fit"):
    initial_weights.start(network(4, 4), network(4, 5))


def test_nothing_given_changes_nothing():
  assert initial_weights.load(None) == (None, {})
  initial_weights.start(network(4, 4), None)

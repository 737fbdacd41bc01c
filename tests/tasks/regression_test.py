"""Regression logs what it minimizes, term by term."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from tfpercept import distances, models
from tfpercept.tasks import regression


def make(spec, **options):
  keras.utils.set_random_seed(0)
  network = models.SRCNN(filters=(4, 4), kernels=(3, 1, 3))
  network.build()
  task = regression.Regression(network, distances.get(spec), **options)
  task.compile(optimizer=keras.optimizers.Adam(1e-2))
  x = tf.random.uniform((2, 20, 20, 1))
  return task, x, x**2


def test_logs_hold_the_loss_and_its_terms_of_this_step():
  task, x, y = make("0.5*mse + 2.0*mae")
  before = task.network(x)
  logs = {k: float(v) for k, v in task.train_step((x, y)).items()}
  expected = {
    name: float(tf.reduce_mean(distances.get(name)(y, before)))
    for name in ("mse", "mae")
  }
  assert sorted(logs) == ["gradient_norm", "loss", "mae", "mse"]
  np.testing.assert_allclose([logs[k] for k in expected], [*expected.values()])
  np.testing.assert_allclose(
    logs["loss"], 0.5 * expected["mse"] + 2 * expected["mae"], rtol=1e-6
  )


def test_two_steps_lower_the_loss():
  task, x, y = make("ssim")
  losses = [float(task.train_step((x, y))["loss"]) for _ in range(3)]
  assert losses[2] < losses[1] < losses[0]


def test_only_the_network_is_trained():
  task, x, y = make("mse")
  task.train_step((x, y))
  assert len(task.network.trainable_variables) == 6
  # Iterations and Adam's two moments of each weight.
  assert len(task.optimizer.variables()) == 1 + 2 * 6


ADAPTIVE = "robust(adaptive=True, size=(20, 20, 1), color='RGB', levels=2)"


def test_a_likelihood_can_be_trained_with_the_network():
  task, x, y = make(ADAPTIVE, train_objective=True)
  parts = (task.network, task.objective)
  before = [[w.numpy() for w in part.trainable_variables] for part in parts]
  losses = [float(task.train_step((x, y))["loss"]) for _ in range(3)]
  assert losses[2] < losses[1] < losses[0]
  for part, old in zip(parts, before, strict=True):
    assert len(old) == len(part.trainable_variables) > 0
    for a, b in zip(old, part.trainable_variables, strict=True):
      assert not np.array_equal(a, b)


def test_the_loss_of_a_likelihood_is_its_training_value():
  task, x, y = make(ADAPTIVE, train_objective=True)
  seed = tf.constant([0, 0])
  nll = task.objective.training_value(y, task.network(x), seed)
  logs = task.train_step((x, y))
  np.testing.assert_allclose(logs["loss"], tf.reduce_mean(nll), rtol=1e-6)


def test_an_objective_stays_as_it_is_unless_asked():
  task, x, y = make(ADAPTIVE)
  task.train_step((x, y))
  assert all((np.asarray(w) == 0).all() for w in task.objective.weights)
  assert not task.objective.trainable_variables


@pytest.mark.parametrize("spec", ["mse", "robust", "0.5*mse + 0.5*ssim"])
def test_what_is_no_likelihood_is_not_trained_with_the_network(spec):
  with pytest.raises(ValueError, match=r"no likelihood.*adaptive=True"):
    make(spec, train_objective=True)

"""Regression logs what it minimises, term by term."""

import keras
import numpy as np
import tensorflow as tf

from tfpercept import distances, models
from tfpercept.tasks import regression


def make(spec):
  keras.utils.set_random_seed(0)
  network = models.SRCNN(filters=(4, 4), kernels=(3, 1, 3))
  network.build()
  task = regression.Regression(network, distances.get(spec))
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

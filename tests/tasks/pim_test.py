"""PIM's objective: terms of the reference program, limits, and two steps."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from tests.golden import cases, recipes
from tfpercept import models
from tfpercept.tasks import pim

CASE = next(c for c in cases.read("pim") if c.name == "small_pim1")


def golden_network(dtype):
  network = models.PIMNetwork(**CASE.settings["options"], dtype=dtype)
  shapes = [w.shape for w in network.weights]
  network.set_weights(recipes.pim_weights(shapes, CASE.settings["seed"]))
  return network


# The reference program ran in float64; 1e-4 is the README's bound for float32.
@pytest.mark.parametrize(
  ("dtype", "bound"), [("float64", 1e-12), ("float32", 1e-4)]
)
def test_terms_agree_with_the_reference(dtype, bound):
  network = golden_network(dtype)
  x, y = (
    network.features(tf.constant(i, dtype))
    for i in (CASE.reference, CASE.image)
  )
  z = [tf.constant(CASE.arrays[f"joint/z/{b}"], dtype) for b in range(8)]
  found = pim.terms(network, x, y, z, marginal="image")
  matrix = pim.log_p_matrix(network.joint(x, y), z)
  found = {
    "log_q_z_x": found["log_q_x"],
    "log_q_z_y": found["log_q_y"],
    "log_p_z_xy": found["log_p"],
    "log_p_marginal": found["log_marginal"],
    "log_p_matrix": tf.reduce_mean(matrix, axis=0),
    "ixyz": found["log_q_x"]
    + found["log_q_y"]
    - found["log_p"]
    - found["log_marginal"],
  }
  for name, value in found.items():
    theirs = CASE.arrays[f"joint/{name}"]
    np.testing.assert_allclose(value, theirs, rtol=0, atol=bound, err_msg=name)


def test_each_band_has_a_bound_of_its_own():
  """With the mean over bands last, one band cannot speak for the others."""
  network = golden_network("float64")
  x, y = (
    network.features(tf.constant(i)) for i in (CASE.reference, CASE.image)
  )
  z = [tf.constant(CASE.arrays[f"joint/z/{b}"], tf.float64) for b in range(8)]
  found = pim.terms(network, x, y, z, marginal="bands")
  matrix = pim.log_p_matrix(network.joint(x, y), z).numpy()
  expected = np.log(np.exp(matrix).mean(axis=-1)).mean(axis=0)
  np.testing.assert_allclose(found["log_marginal"], expected, rtol=1e-13)


def task_and_data(**options):
  network = models.PIMNetwork(width=8, dtype="float32")
  random = np.random.default_rng(0)
  x = np.float32(random.uniform(size=(6, 24, 24, 3)))
  y = np.float32(x + 0.05 * random.normal(size=x.shape))
  network.standardise(tf.constant(x))
  task = pim.Slowness(network, **options)
  task.compile(optimizer=keras.optimizers.Adam(1e-3))
  return task, (tf.constant(x), tf.constant(y))


def test_steps_lower_the_loss_and_logs_add_up():
  task, data = task_and_data()
  # Not traced: that takes longer than the steps, and training traces it.
  logs = [
    {k: float(v) for k, v in task.train_step(data).items()} for _ in range(6)
  ]
  assert logs[-1]["loss"] < logs[0]["loss"]
  assert set(logs[0]) == {
    *("loss", "log_q_x", "log_q_y", "log_p", "log_marginal", "contrast"),
    "gradient_norm",
  }
  for log in logs:
    bound = log["log_q_x"] + log["log_q_y"] - log["log_p"] - log["log_marginal"]
    np.testing.assert_allclose(log["loss"], -bound, atol=1e-5)
    # z knows no more of its pair than which of six it is.
    assert log["contrast"] <= np.log(6) + 1e-5
    np.testing.assert_allclose(
      log["contrast"], log["log_p"] - log["log_marginal"], atol=1e-5
    )


def test_a_step_follows_from_weights_seed_and_step_alone():
  logs = []
  for seed in (0, 0, 1):
    task, data = task_and_data(seed=seed)
    logs.append([float(task.train_step(data)["loss"]) for _ in range(2)])
  assert logs[0] == logs[1]
  assert logs[0][0] != logs[2][0]


def test_the_gradient_is_clipped_and_logged_as_it_was():
  task, data = task_and_data(clip_norm=1e-3)
  task.compile(optimizer=keras.optimizers.SGD(1.0))
  before = task.network.get_weights()
  norm = float(task.train_step(data)["gradient_norm"])
  moved = [
    a - b for a, b in zip(before, task.network.get_weights(), strict=True)
  ]
  assert norm > 1
  # Differences of float32 weights of about 0.1, 1e-8 each, and 80000 of them.
  total = np.sqrt(sum(np.square(m, dtype=np.float64).sum() for m in moved))
  np.testing.assert_allclose(total, 1e-3, rtol=0.01)


def test_an_unknown_marginal_is_refused():
  with pytest.raises(ValueError, match="bands, image; got 'places'"):
    pim.Slowness(models.PIMNetwork(width=2), marginal="places")

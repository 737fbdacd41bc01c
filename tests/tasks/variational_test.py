"""The loss of a VAE is what it says, and its balance finds the KL asked for."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from tfpercept import distances, models
from tfpercept.data import examples
from tfpercept.ops import divergences
from tfpercept.tasks import variational


def make(beta, loss="mse", **options):
  network = models.VAE(side=32, latent=4, widths=(4, 8), seed=1)
  network.build()
  task = variational.Variational(
    network, distances.get(loss), beta=beta, seed=5, **options
  )
  task.compile(optimizer=keras.optimizers.SGD(0.0))
  return task


def blobs(count=64):
  """Soft spots of many sizes and places on black."""
  random = np.random.default_rng(0)
  grid = np.linspace(-1, 1, 32)
  x, y, size = random.uniform((-0.5, -0.5, 0.2), (0.5, 0.5, 0.5), (count, 3)).T
  square = (grid[:, None, None] - y) ** 2 + (grid[None, :, None] - x) ** 2
  images = np.exp(-square / size**2)
  return np.round(255 * images.transpose(2, 0, 1)[..., None]).astype(np.uint8)


def test_the_kl_is_that_of_its_integral():
  mean, variance = 0.7, 0.3
  z = np.linspace(-12, 12, 200_001)
  log_q = -0.5 * ((z - mean) ** 2 / variance + np.log(2 * np.pi * variance))
  log_p = -0.5 * (z**2 + np.log(2 * np.pi))
  expected = np.trapz(np.exp(log_q) * (log_q - log_p), z)
  found = divergences.normal_to_standard(
    tf.constant(mean, tf.float64), tf.constant(np.log(variance))
  )
  # The trapezoidal rule on a smooth function that vanishes at both ends.
  np.testing.assert_allclose(found, expected, rtol=1e-10)
  zero = divergences.normal_to_standard(tf.zeros(3), tf.zeros(3))
  np.testing.assert_array_equal(zero, np.zeros(3))


def test_the_loss_is_the_distance_plus_beta_times_the_kl():
  task = make(0.25)
  x = tf.constant(blobs(8) / np.float32(255))
  logs = task.train_step((x, x))
  mean, log_variance = task.network.encode(x)
  noise = tf.random.stateless_normal(mean.shape, [5, 0])
  x_hat = task.network.decode(mean + tf.exp(log_variance / 2) * noise)
  kl = tf.reduce_sum(divergences.normal_to_standard(mean, log_variance), -1)
  expected = {
    "distortion": np.mean((x - x_hat) ** 2),
    "kl": np.mean(kl),
    "loss": np.mean((x - x_hat) ** 2) + 0.25 * np.mean(kl),
    "beta": 0.25,
  }
  for name, value in expected.items():
    # Float32 sums in another order.
    np.testing.assert_allclose(logs[name], value, rtol=1e-5, err_msg=name)


def test_noise_follows_from_seed_and_step():
  x = tf.constant(blobs(8) / np.float32(255))
  one, same = make(0.25), make(0.25)
  first = [float(one.train_step((x, x))["loss"]) for _ in range(2)]
  again = [float(same.train_step((x, x))["loss"]) for _ in range(2)]
  assert first == again
  assert first[0] != first[1]  # the rate is 0: only the noise has changed


def test_the_kl_comes_to_its_weight_over_the_warm_up():
  x = tf.constant(blobs(8) / np.float32(255))
  task = make(0.5, warmup=3)
  betas = [float(task.train_step((x, x))["beta"]) for _ in range(5)]
  np.testing.assert_allclose(betas, [0.125, 0.25, 0.375, 0.5, 0.5], rtol=1e-6)


def test_free_nats_cost_nothing_and_are_not_pushed():
  x = tf.constant(blobs(8) / np.float32(255))
  paid, free = make(1.0), make(1.0, free_nats=1e3)
  # 4 latents of 1000 nats each, whatever the KL is.
  logs = free.train_step((x, x))
  np.testing.assert_allclose(logs["loss"], logs["distortion"] + 4e3, rtol=1e-6)
  without = make(0.0).train_step((x, x))["gradient_norm"]
  np.testing.assert_allclose(logs["gradient_norm"], without, rtol=1e-4)
  assert float(paid.train_step((x, x))["gradient_norm"]) != float(without)


@pytest.mark.parametrize("loss", ["mse", "255*mae"])
def test_the_balance_finds_the_weight_for_the_kl_asked_for(loss):
  steps = 240
  balance = variational.Balance(nats_per_latent=0.8, steps=steps)
  task = make(balance, loss)
  task.compile(optimizer=keras.optimizers.Adam(3e-3))
  data = examples.Batches(blobs(), batch=16, seed=0)
  x, _ = data.at(0)
  balance.start(float(np.mean(task.objective(x, task.network(x)))), 4)
  task.fit(data.batches(0, steps), steps_per_epoch=steps, verbose=0)
  beta, reached = balance.outcome
  # The KL of a batch still swings by a tenth when it counts.
  assert 0.65 < reached < 0.95
  # MAE times 255 is of another order of magnitude than MSE, and so is beta.
  assert (beta > 0.5) == (loss != "mse")


@pytest.mark.parametrize("steps", [1, 2, 3])
def test_the_shortest_balance_has_an_outcome_of_its_own(steps):
  balance = variational.Balance(nats_per_latent=2.0, steps=steps)
  balance.start(1e-3, 4)
  for step in range(steps):
    balance.move(tf.constant(0.5), tf.constant(step))
  beta, reached = balance.outcome
  assert reached == 0.5
  assert beta == float(balance.beta())


@pytest.mark.parametrize(
  ("options", "message"),
  [
    ({"beta": -1.0}, "beta is 0 or more; got -1.0"),
    ({"beta": 1.0, "warmup": -1}, "0 or more; got -1"),
    ({"beta": 1.0, "free_nats": -0.5}, "0 or more; got 0, -0.5"),
  ],
)
def test_numbers_out_of_range_are_refused(options, message):
  with pytest.raises(ValueError, match=message):
    make(**options)
  with pytest.raises(ValueError, match="above 0; got nats_per_latent=0"):
    variational.Balance(nats_per_latent=0, steps=5)

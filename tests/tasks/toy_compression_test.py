"""Training moves codecs downhill on the loss that is stated."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from tfpercept import models
from tfpercept.data import toy
from tfpercept.tasks import toy_compression

WEIGHT = 8.0


def transform_task(steps=40, rate=1e-2, seed=0):
  network = models.ToyTransformCodec(dimensions=2, latents=2, widths=(8,))
  task = toy_compression.TransformCoding(
    network, weight=WEIGHT, steps=steps, seed=seed
  )
  task.compile(optimizer=keras.optimizers.Adam(rate))
  return task


def quantizer_task(rate=1e-2):
  network = models.ToyVectorQuantizer(dimensions=2, entries=20, weight=WEIGHT)
  network.start(toy.get("banana").test_set(20, 1).numpy())
  task = toy_compression.VectorQuantization(network, weight=WEIGHT)
  task.compile(optimizer=keras.optimizers.Adam(rate))
  return task


def batch(count=256):
  return toy.get("banana").test_set(count, 0)


@pytest.mark.parametrize("make", [transform_task, quantizer_task])
def test_steps_lower_the_loss(make):
  task = make()
  task.optimizer.build(task.network.trainable_variables)
  step = tf.function(task.train_step)
  losses = [float(step(batch())["loss"]) for _ in range(30)]
  assert np.mean(losses[-5:]) < np.mean(losses[:5])


@pytest.mark.parametrize("make", [transform_task, quantizer_task])
def test_the_loss_is_rate_plus_weighted_squared_error(make):
  logs = make().train_step(batch())
  expected = logs["rate"] + WEIGHT * logs["distortion"]
  np.testing.assert_allclose(logs["loss"], expected, rtol=1e-6)


def test_the_loss_of_the_quantizer_is_that_of_the_entries_it_takes():
  task, x = quantizer_task(), batch()
  coded = task.network.code(x)
  error = tf.reduce_mean(tf.reduce_sum((x - coded.x_hat) ** 2, axis=1))
  logs = task.train_step(x)
  np.testing.assert_allclose(logs["distortion"], error, rtol=1e-5)
  np.testing.assert_allclose(
    logs["rate"], tf.reduce_mean(coded.bits), rtol=1e-5
  )


def test_sharpness_rises_and_is_then_learned():
  task = transform_task(steps=40)
  start = float(task.network.sharpness())
  assert start == pytest.approx(3)
  task.optimizer.build(task.network.trainable_variables)
  step = tf.function(task.train_step)
  for _ in range(10):
    step(batch())
  assert float(task.network.sharpness()) == start  # no gradient while it rises
  for _ in range(10):
    step(batch())
  assert float(task.network.sharpness()) != start


def test_noise_follows_from_seed_and_step():
  one, same, other = (
    float(transform_task(rate=1e-9, seed=seed).train_step(batch())["loss"])
    for seed in (0, 0, 1)
  )
  assert one == same
  assert one != other


def test_a_weight_of_0_is_refused():
  network = models.ToyVectorQuantizer(dimensions=2, weight=1.0)
  with pytest.raises(ValueError, match="weight > 0"):
    toy_compression.VectorQuantization(network, weight=0.0)

"""Training of generators against a critic."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from tests.codecs import small_generators
from tfpercept import distances
from tfpercept.models import picture_critic
from tfpercept.tasks import generator


def batch(seed=0):
  x = tf.constant(small_generators.pictures(8, seed=seed) / np.float32(255))
  return x, x


def critic(condition=0):
  return picture_critic.PictureCritic(
    side=32, channels=3, condition=condition, widths=(4, 6), seed=1
  )


def compiled(task, rate=3e-3):
  task.compile({name: keras.optimizers.Adam(rate) for name in task.moves()})
  return task


def gan(**options):
  return compiled(
    generator.GAN(small_generators.make("dcgan"), critic(), **options)
  )


def refinement(*, has_critic=True, **options):
  network = small_generators.make("klt_generator")
  judge = critic(3) if has_critic else None
  return compiled(
    generator.Refinement(network, distances.get("mse"), judge, **options)
  )


@pytest.mark.parametrize("make", [gan, refinement])
def test_a_step_moves_generator_and_critic(make):
  task = make()
  before = [
    [v.numpy() for v in move.variables] for move in task.moves().values()
  ]
  logs = task.train_step(batch())
  assert all(np.isfinite(value) for value in logs.values())
  for old, move in zip(before, task.moves().values(), strict=True):
    moved = [
      not np.array_equal(o, v.numpy())
      for o, v in zip(old, move.variables, strict=True)
    ]
    assert any(moved)


def test_the_critic_alone_moves_in_its_warm_up():
  task = gan(warm_up=1)
  generators = [v.numpy() for v in task.network.trainable_variables]
  task.train_step(batch())
  for old, variable in zip(
    generators, task.network.trainable_variables, strict=True
  ):
    np.testing.assert_array_equal(old, variable.numpy())
  task.train_step(batch(1))
  assert not np.array_equal(
    generators[0], task.network.trainable_variables[0].numpy()
  )


def test_refinement_lowers_the_distance_below_that_of_pca():
  task = refinement(has_critic=False, weight=0.0)
  step = tf.function(task.train_step)
  first = step(batch())
  np.testing.assert_allclose(first["mse"], first["linear_mse"], rtol=1e-5)
  logs = [step(batch()) for _ in range(30)]
  shares = [float(log["mse"] / log["linear_mse"]) for log in logs]
  assert np.mean(shares[-10:]) < 0.98


def test_the_encoder_stays_as_it_is():
  task = refinement()
  kept = [weight.numpy() for weight in task.network.basis.weights]
  for seed in range(3):
    task.train_step(batch(seed))
  for old, weight in zip(kept, task.network.basis.weights, strict=True):
    np.testing.assert_array_equal(old, weight.numpy())


def test_an_encoder_learns_to_invert_a_generator():
  network = small_generators.make("vae_gan")
  task = generator.Encoding(network, distances.get("mse"), beta=1e-4)
  task.compile(keras.optimizers.Adam(1e-2))
  for variable in network.decoder.trainable_variables:
    variable.assign(6 * variable)  # more contrast than it starts with
  network.decoder.calibrate()
  x = network.decode(network.draw(8, tf.constant([1, 1])), 0.0)
  kept = [weight.numpy() for weight in network.decoder.weights]
  step = tf.function(task.train_step)
  losses = [float(step((x, x))["loss"]) for _ in range(60)]
  assert np.mean(losses[-5:]) < 0.9 * losses[0]
  for old, weight in zip(kept, network.decoder.weights, strict=True):
    np.testing.assert_array_equal(old, weight.numpy())


def test_averaged_weights_serve_for_a_while():
  task = gan(decay=0.5)
  task.train_step(batch())
  task.train_step(batch(1))
  variables = task.network.trainable_variables
  own = [variable.numpy() for variable in variables]
  # Those of batch normalization are calibrated meanwhile.
  statistics = [v.numpy() for v in task.network.non_trainable_variables]
  with task.averaged():
    for variable, average in zip(variables, task.averages.values, strict=True):
      np.testing.assert_array_equal(variable.numpy(), average.numpy())
    assert not np.array_equal(own[0], variables[0].numpy())
  for old, variable in zip(own, variables, strict=True):
    np.testing.assert_array_equal(old, variable.numpy())
  assert statistics
  rest = task.network.non_trainable_variables
  for old, variable in zip(statistics, rest, strict=True):
    np.testing.assert_array_equal(old, variable.numpy())


def test_no_group_of_the_critic_holds_real_and_generated_pictures():
  task = gan()
  x = batch()[0][:6]
  with pytest.raises(ValueError, match=r"groups of 4 pictures.* batch of 6"):
    task.train_step((x, x))


def test_a_step_follows_from_the_seed():
  def drawn(seed):
    made = gan(seed=seed)
    seeds = tf.constant([seed, 0])
    return made.generated(batch(), seed=seeds, step=tf.constant(0)).fake

  np.testing.assert_array_equal(drawn(3), drawn(3))
  assert np.abs(drawn(3) - drawn(4)).max() > 1e-3

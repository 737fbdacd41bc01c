"""The critic of whole pictures."""

import numpy as np
import pytest
import tensorflow as tf

from tfpercept.models import picture_critic


def critic(**options):
  return picture_critic.PictureCritic(
    side=32, channels=1, widths=(4, 6), **options
  )


def pictures(count, seed=0):
  return tf.random.stateless_uniform([count, 32, 32, 1], [seed, 0])


def test_kernels_have_spectral_norm_one():
  for variable in critic().trainable_variables:
    if variable.shape.rank > 1:
      matrix = variable.numpy().reshape(-1, variable.shape[-1])
      # After twenty power iterations it is this near.
      assert abs(np.linalg.norm(matrix, 2) - 1) < 0.05


def test_it_sees_that_pictures_are_alike():
  network = critic(group=4)
  apart = pictures(4)
  alike = tf.repeat(apart[:1], 4, axis=0)
  # The first picture is the same; what is beside it tells.
  assert abs(float(network(apart)[0, 0] - network(alike)[0, 0])) > 1e-4
  blind = critic(group=1)
  np.testing.assert_allclose(blind(apart)[0], blind(alike)[0], atol=1e-6)


def test_it_sees_its_condition():
  network = critic(condition=1)
  x = pictures(4)
  one, other = (network(x, pictures(4, seed)) for seed in (1, 2))
  assert one.shape == (4, 1)
  assert np.abs(one - other).max() > 1e-4


def test_sides_that_do_not_halve_are_refused():
  with pytest.raises(ValueError, match="does not come out even"):
    picture_critic.PictureCritic(side=36, channels=1, widths=(4, 4, 4))
  with pytest.raises(ValueError, match="whole numbers above 0"):
    picture_critic.PictureCritic(side=32, channels=0)

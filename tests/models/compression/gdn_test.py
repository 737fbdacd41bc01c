"""Normalisations compute their formulas, and their bounds can be left again."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from tfpercept.models.compression import gdn


def test_gdn_divides_by_a_weighted_sum_of_magnitudes_and_igdn_multiplies():
  x = tf.random.normal((2, 3, 4, 5))
  for inverse in (False, True):
    layer = gdn.GDN(inverse=inverse)
    layer(x)
    beta = np.random.uniform(0.5, 2, 5)
    gamma = np.random.uniform(0, 1, (5, 5))
    pedestal = 2.0**-18
    layer.set_weights([np.sqrt(beta + pedestal), np.sqrt(gamma + pedestal)])
    norm = beta + np.abs(x) @ gamma
    expected = x * norm if inverse else x / norm
    # Squares and sums in float32.
    np.testing.assert_allclose(layer(x), expected, rtol=1e-5, atol=1e-6)


def test_gdn_starts_at_its_published_values():
  x = tf.constant([[[[1.0, -2.0]]]])
  expected = [[[[1 / 1.1, -2 / 1.2]]]]
  np.testing.assert_allclose(gdn.GDN()(x), expected, rtol=1e-5)


def test_the_gradient_of_gdn_is_that_of_its_formula():
  layer = gdn.GDN(dtype="float64")
  x = tf.random.normal((1, 2, 2, 3), dtype=tf.float64)
  layer(x)
  theory, numeric = tf.test.compute_gradient(layer, [x], delta=1e-6)
  np.testing.assert_allclose(theory[0], numeric[0], atol=1e-8)


def test_a_weight_of_gdn_beyond_its_bound_comes_back_but_goes_no_further():
  layer = gdn.GDN()
  x = tf.ones((1, 1, 1, 2))
  layer(x)
  beta, gamma = layer.get_weights()
  layer.set_weights([beta, -np.abs(gamma)])
  for sign in (1.0, -1.0):
    with tf.GradientTape() as tape:
      loss = sign * tf.reduce_sum(layer(x))
    gradient = tape.gradient(loss, layer.trainable_variables[1])
    moves = bool(tf.reduce_any(gradient != 0))
    # Descent on minus the output wants a smaller norm, thus a smaller gamma.
    assert moves == (sign > 0)


def test_channel_norm_gives_each_position_mean_0_and_variance_1():
  x = 3 + 10 * tf.random.normal((2, 3, 4, 16))
  y = gdn.ChannelNorm()(x).numpy()
  np.testing.assert_allclose(y.mean(-1), 0, atol=1e-5)
  # The root has 1e-3 beside a variance of about 100.
  np.testing.assert_allclose(y.var(-1, ddof=1), 1, atol=1e-4)


def test_channel_norm_of_one_channel_is_refused():
  with pytest.raises(ValueError, match="2 channels or more"):
    gdn.ChannelNorm()(tf.ones((1, 2, 2, 1)))


@pytest.mark.parametrize("layer", [gdn.GDN(inverse=True), gdn.ChannelNorm()])
def test_layers_survive_saving(layer, tmp_path):
  model = keras.Sequential([keras.Input((None, None, 4)), layer])
  model.set_weights([w + 0.1 for w in model.get_weights()])
  model.save(tmp_path / "model.keras")
  again = keras.models.load_model(tmp_path / "model.keras")
  x = tf.random.normal((1, 3, 3, 4))
  np.testing.assert_array_equal(again(x), model(x))

"""The weights of a sum are its own parameters."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from tfpercept import distances, losses


def images(seed=0, n=3):
  random = np.random.default_rng(seed)
  return random.random((2, n, 24, 24, 3)).astype(np.float32)


def test_weights_are_frozen_and_as_written_until_they_are_trained():
  distance = distances.get("0.84*ssim + 0.16*mae")
  assert distance.trainable_variables == []
  assert distance.weights_of_terms == (0.84, 0.16)
  assert distance.spec == "0.84*ssim + 0.16*mae"
  y, x = images()
  parts = [distances.get(name)(y, x).numpy() for name in ("ssim", "mae")]
  # float32: the weight goes through a logarithm and back.
  np.testing.assert_allclose(
    distance(y, x), 0.84 * parts[0] + 0.16 * parts[1], rtol=1e-6
  )


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_trained_sum_is_named_by_its_new_weights(dtype):
  distance = distances.get("0.84*ssim + 0.16*mae", dtype=dtype)
  distance.log_weights.assign(np.log([0.5, 2.0]))
  first, second = distance.weights_of_terms
  # Rounding of the logarithm.
  assert (first, second) == pytest.approx((0.5, 2.0), rel=1e-6)
  again = distances.get(distance.spec, dtype=dtype)
  y, x = images()
  np.testing.assert_allclose(again(y, x), distance(y, x), rtol=1e-6)
  assert again.spec == distance.spec


def test_a_spec_can_be_read_while_a_graph_is_traced():
  distance = distances.get("0.5*mse + 0.5*mae")
  specs = []

  @tf.function
  def run(y, x):
    specs.append(distance.spec)
    return distance(y, x)

  run(*images())
  assert specs == ["0.5*mse + 0.5*mae"]


def test_its_gradient_is_that_of_the_logarithm():
  distance = distances.get("0.5*mse + 2.0*mae")
  distance.trainable = True
  y, x = images()
  with tf.GradientTape() as tape:
    value = tf.reduce_sum(distance(y, x))
  (gradient,) = tape.gradient(value, distance.trainable_variables)
  parts = [
    w * float(tf.reduce_sum(distances.get(name)(y, x)))
    for w, name in ((0.5, "mse"), (2.0, "mae"))
  ]
  np.testing.assert_allclose(gradient, parts, rtol=1e-5)  # float32


def test_trained_weights_survive_in_a_saved_model(tmp_path):
  loss = losses.get("0.84*mse + 0.16*mae")
  loss.distance.log_weights.assign(np.log([0.3, 0.7]))
  model = keras.Sequential(
    [keras.layers.Input((None, None, 3)), keras.layers.Conv2D(3, 1)]
  )
  model.compile(loss=loss)
  y, x = images()
  model.fit(x, y, verbose=0)  # Keras 3 cannot load an optimizer never used
  model.save(tmp_path / "m.keras")
  again = keras.models.load_model(tmp_path / "m.keras").loss
  np.testing.assert_allclose(again(y, x), loss(y, x), rtol=1e-6)
  assert again.distance.weights_of_terms == pytest.approx((0.3, 0.7))


def test_terms_that_take_no_images_in_common_are_refused():
  spec = "watson_dct(channels=1) + robust(adaptive=True, size=(32, 32, 3))"
  with pytest.raises(ValueError, match=r"in common; .*=1\): \(1,\), robust"):
    distances.get(spec)


def test_the_value_is_linear_in_its_parts():
  distance = distances.get("0.84*ssim + 0.16*mae")
  y, x = images()
  parts = distance.parts(y, x)
  assert parts.shape == (3, 2)
  np.testing.assert_allclose(distance.weigh(parts), distance(y, x), rtol=1e-6)
  np.testing.assert_allclose(parts[:, 1], distances.get("mae")(y, x), rtol=1e-6)

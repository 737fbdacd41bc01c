"""Autoencoders and VAEs take the sizes they promise and survive saving."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from tfpercept import models

KINDS = (models.Autoencoder, models.VAE)
DENSE = {"pooled": {"dense": 7}}


@pytest.mark.parametrize("make", KINDS)
@pytest.mark.parametrize("kind", ["convolutional", "pooled", "dense"])
@pytest.mark.parametrize(
  ("side", "channels", "widths"),
  [(32, 1, (4,)), (33, 3, (4, 6)), (50, 1, (4, 6, 8, 8)), (128, 3, (2,) * 6)],
)
def test_images_keep_their_shape_and_lie_in_0_to_1(
  make, kind, side, channels, widths
):
  network = make(
    side=side,
    channels=channels,
    widths=widths,
    kind=kind,
    **DENSE.get(kind, {}),
  )
  x = tf.random.uniform((2, side, side, channels))
  x_hat = network(x)
  assert x_hat.shape == x.shape
  assert network.image_shape == (side, side, channels)
  assert 0 <= float(tf.reduce_min(x_hat)) <= float(tf.reduce_max(x_hat)) <= 1


def test_the_code_is_as_wide_as_asked_and_decodes_to_the_output():
  network = models.Autoencoder(side=32, code=5, widths=(4, 8))
  x = tf.random.uniform((3, 32, 32, 1))
  codes = network.encode(x)
  assert codes.shape == (3, 5)
  np.testing.assert_array_equal(network.decode(codes), network(x))


def test_a_linear_output_is_not_bounded():
  network = models.Autoencoder(
    side=32, code=5, widths=(4,), output="linear", brightness=0.9
  )
  codes = tf.random.normal((8, 5), stddev=100.0)
  images = network.decode(codes)
  assert float(tf.reduce_max(images)) > 1.5
  assert float(tf.reduce_min(images)) < -0.5
  # Without a code the bias of the last layer is left.
  np.testing.assert_allclose(network.decode(0 * codes), 0.9, atol=1e-6)


@pytest.mark.parametrize("kind", ["convolutional", "pooled", "dense"])
@pytest.mark.parametrize("make", KINDS)
def test_training_starts_at_the_brightness_given(make, kind):
  network = make(
    side=32, widths=(4, 8), kind=kind, brightness=0.2, **DENSE.get(kind, {})
  )
  length = network.code if make is models.Autoencoder else network.latent
  images = network.decode(tf.zeros((1, length)))
  np.testing.assert_allclose(images, 0.2, atol=1e-6)


def test_pooled_layers_are_those_of_the_paper_for_digits():
  network = models.VAE(
    side=32, latent=2, kind="pooled", widths=(32, 64), dense=1024
  )
  shapes = [tuple(w.shape) for w in network.encoder.weights[::2]]
  assert shapes == [(3, 3, 1, 32), (3, 3, 32, 64), (16384, 1024), (1024, 4)]
  shapes = [tuple(w.shape) for w in network.decoder.weights[::2]]
  assert shapes == [
    *((2, 1024), (1024, 16384), (3, 3, 64, 64)),
    *((3, 3, 64, 32), (3, 3, 32, 32), (3, 3, 32, 1)),
  ]


def test_a_vae_calls_the_mean_of_its_posterior_and_samples_by_seed():
  network = models.VAE(side=32, latent=3, widths=(4, 8))
  x = tf.random.uniform((2, 32, 32, 1))
  mean, log_variance = network.encode(x)
  assert mean.shape == log_variance.shape == (2, 3)
  np.testing.assert_array_equal(network.decode(mean), network(x))
  one, same = (network.sample(4, [1, 2]) for _ in range(2))
  assert one.shape == (4, 32, 32, 1)
  np.testing.assert_array_equal(one, same)
  assert np.abs(one - network.sample(4, [1, 3])).max() > 0


@pytest.mark.parametrize("make", KINDS)
def test_weights_follow_from_the_seed_alone(make):
  options = {"side": 32, "widths": (4, 8)}
  one, same, other = (
    make(**options, seed=seed).get_weights() for seed in (1, 1, 2)
  )
  assert all(np.array_equal(a, b) for a, b in zip(one, same, strict=True))
  kernels = [i for i, w in enumerate(one) if w.ndim > 1]
  assert all(np.abs(one[i] - other[i]).max() > 0 for i in kernels)


@pytest.mark.parametrize("kind", ["pooled", "dense"])
@pytest.mark.parametrize("make", KINDS)
def test_networks_survive_saving(make, kind, tmp_path):
  network = make(
    side=33, channels=3, widths=(4, 6), kind=kind, brightness=0.3,
    **DENSE.get(kind, {}),
  )  # fmt: skip
  models.save(network, tmp_path / "model")
  loaded, manifest = models.load(tmp_path / "model")
  x = tf.random.uniform((2, 33, 33, 3))
  np.testing.assert_array_equal(network(x), loaded(x))
  assert manifest["config"]["brightness"] == 0.3


@pytest.mark.parametrize("kind", ["convolutional", "pooled"])
@pytest.mark.parametrize("make", KINDS)
def test_outputs_are_float32_in_mixed_precision(make, kind):
  network = make(
    side=32, widths=(4, 8), dtype="mixed_bfloat16", kind=kind,
    **DENSE.get(kind, {}),
  )  # fmt: skip
  x = tf.random.uniform((2, 32, 32, 1))
  outputs = [network(x), *tf.nest.flatten(network.encode(x))]
  assert {t.dtype for t in outputs} == {tf.float32}
  assert {w.dtype for w in network.weights} == {tf.float32}
  hidden = keras.Model(network.encoder.input, network.encoder.layers[0].output)
  assert hidden(x).dtype == tf.bfloat16


@pytest.mark.parametrize("make", KINDS)
@pytest.mark.parametrize(
  ("options", "message"),
  [
    ({"side": 31}, "squares of 32 to 128 pixels .* got side=31"),
    ({"side": 129}, "got side=129"),
    ({"channels": 2}, "with 1 or 3 channels"),
    ({"widths": ()}, "at least one hidden layer"),
    ({"widths": (8, 0)}, "whole numbers above 0"),
    ({"widths": (8,) * 6}, "halves 48 pixels 6 times"),
    ({"kind": "recurrent"}, "takes kind from convolutional, pooled, dense"),
    ({"kind": "pooled"}, "number above 0 as `dense` where kind is 'pooled'"),
    ({"dense": 8}, "takes 0 as `dense` where kind is 'convolutional'; got 8"),
    ({"dense": -1}, "takes 0 as `dense`"),
    ({"brightness": 1.0}, "brightness is above 0 and below 1; got 1.0"),
  ],
)
def test_options_out_of_range_are_refused(make, options, message):
  with pytest.raises(ValueError, match=message):
    make(**{"side": 48, **options})

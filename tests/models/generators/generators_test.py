"""Generators of small pictures."""

import numpy as np
import pytest
import tensorflow as tf

from tests.codecs import small_generators
from tfpercept import models
from tfpercept.models.generators import pca


def test_components_are_those_of_a_singular_value_decomposition():
  images = small_generators.pictures(60)
  mean, directions, deviations = pca.components(images, 8)
  x = images.reshape(60, -1) / 255.0
  np.testing.assert_allclose(mean, x.mean(0), atol=1e-5)
  _, values, exact = np.linalg.svd(x - x.mean(0), full_matrices=False)
  np.testing.assert_allclose(deviations, values[:8] / 60**0.5, rtol=1e-3)
  # A direction has no sign.
  along = np.abs((directions * exact[:8]).sum(axis=1))
  np.testing.assert_allclose(along, 1, atol=1e-3)
  with pytest.raises(ValueError, match="more pictures"):
    pca.components(images, 60)


def test_a_projection_is_the_nearest_picture():
  network = small_generators.make("pca")
  x = small_generators.pictures(4, seed=9) / np.float32(255)
  z = network.encode(x)
  best = np.square(network.decode(z, 0.0) - x).mean()
  for seed in range(3):
    noise = tf.random.stateless_normal(z.shape, [seed, 0])
    assert np.square(network.decode(z + 0.1 * noise, 0.0) - x).mean() > best
  np.testing.assert_allclose(
    network.encode(network.decode(z, 0.0)), z, atol=1e-4
  )


def test_the_refined_generator_starts_at_pca():
  refined, linear = (
    small_generators.make(name) for name in ("klt_generator", "pca")
  )
  x = small_generators.pictures(3, seed=2) / np.float32(255)
  z = linear.encode(x)
  np.testing.assert_array_equal(refined.encode(x), z)
  np.testing.assert_array_equal(refined.decode(z, 0.5), linear.decode(z, 0.5))
  assert refined.trainable_variables and not linear.trainable_variables


def test_the_refinement_depends_on_the_step():
  refined = small_generators.make("klt_generator")
  for variable in refined.refiner.trainable_variables:
    variable.assign(tf.random.stateless_normal(variable.shape, [1, 2]) * 0.3)
  z = np.zeros((1, small_generators.LATENT), np.float32)
  one, other = (refined.decode(z, step).numpy() for step in (0.25, 1.0))
  assert np.abs(one - other).max() > 1e-3


@pytest.mark.parametrize(("side", "layers"), [(32, 3), (128, 5)])
def test_a_dcgan_makes_pictures_of_its_size(side, layers):
  widths = [4] * layers
  network = models.DCGAN(side=side, channels=1, latent=5, widths=widths)
  x = network(network.draw(3, tf.constant([0, 1])))
  assert x.shape == (3, side, side, 1)
  assert 0 <= x.numpy().min() <= x.numpy().max() <= 1


def test_a_picture_of_a_dcgan_does_not_depend_on_its_neighbors():
  network = small_generators.make("dcgan")
  z = network.draw(6, tf.constant([3, 1]))
  # Sums may be taken in another order.
  np.testing.assert_allclose(
    network.decode(z, 0.0)[2:3], network.decode(z[2:3], 0.0), atol=1e-5
  )


def test_calibrated_statistics_are_those_of_a_large_batch():
  network = small_generators.make("dcgan")
  z = network.draw(1024, tf.constant([0, 2]))
  np.testing.assert_allclose(
    network.decode(z, 0.0), network.decode(z, 0.0, training=True), atol=1e-4
  )


@pytest.mark.parametrize("name", ["pca", "klt_generator", "dcgan", "vae_gan"])
def test_a_saved_generator_makes_the_same_pictures(name, tmp_path):
  network = small_generators.make(name)
  models.save(network, tmp_path / "m")
  again, _ = models.load(tmp_path / "m")
  z = network.draw(2, tf.constant([0, 1]))
  np.testing.assert_array_equal(network.decode(z, 0.5), again.decode(z, 0.5))
  assert again.get_config() == network.get_config()


def test_an_encoder_stands_beside_a_generator_that_stays():
  network = small_generators.make("vae_gan")
  z = network.draw(2, tf.constant([0, 1]))
  np.testing.assert_array_equal(
    network.decode(z, 0.0), network.decoder.decode(z, 0.0)
  )
  x = small_generators.pictures(2) / np.float32(255)
  assert network.encode(x).shape == (2, small_generators.LATENT)
  with pytest.raises(ValueError, match="encoder_widths="):
    models.VAEGAN(encoder_widths=())


@pytest.mark.parametrize(
  ("options", "why"),
  [
    ({"side": 48}, "32, 64 or 128"),
    ({"channels": 2}, "1 or 3 channels"),
    ({"latent": 0}, "1 to 4096 latents"),
    ({"widths": (4, 4)}, "4 widths above 0"),
    ({"steps": (1.0, 2.0)}, "each below the one before"),
    ({"steps": ()}, "1 to 15 quantizer steps"),
  ],
)
def test_options_out_of_range_are_refused(options, why):
  with pytest.raises(ValueError, match=why):
    models.DCGAN(**options)


@pytest.mark.parametrize("shape", [(1, 64, 64, 3), (3, 32, 32, 1)])
def test_pictures_of_another_size_are_not_cut_up(shape):
  network = models.PCA(side=32, channels=3, latent=5)
  network.build()
  with pytest.raises(ValueError, match=r"is of pictures \[N, 32, 32, 3\]; got"):
    network.encode(tf.zeros(shape))

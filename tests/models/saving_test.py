"""Keras' own formats keep every weight of every network."""

import keras
import numpy as np
import pytest

from tfpercept import models

_SMALL = {
  "base": 2, "blocks": 1, "channels": 1, "code": 3, "context_width": 4,
  "dimensions": 2, "entries": 8, "hyper_latents": 4, "hyper_width": 4,
  "latent": 5, "latents": 6, "levels": 2, "side": 32, "weight": 0.1, "width": 4,
  "filters": (4, 4), "widths": (4, 6), "encoder_widths": (4, 6), "z_dim": 3,
}  # fmt: skip
_THEIR_OWN = {
  "channel_wise_hyperprior": {
    "widths": (4, 4, 4),
    "latents": 8,
    "slices": (4, 4),
  },
  "dcgan": {"widths": (4, 4, 4)},
  "digit_classifier": {"filters": (4, 4, 4, 4, 4)},
  "factorized_prior": {"widths": (4, 4, 4)},
  "klt_generator": {"widths": (4, 4, 4)},
  "mean_scale_hyperprior": {"widths": (4, 4, 4)},
  "realism_head": {"widths": (4, 4, 4, 4), "blocks": (1, 2, 1, 0)},
  "scale_hyperprior": {"widths": (4, 4, 4)},
  "vae_gan": {"widths": (4, 4, 4)},
}


def made(name):
  """Returns a small network whose weights are all of their own."""
  known = models.MODELS.options(name)
  options = {k: v for k, v in _SMALL.items() if k in known}
  network = models.MODELS.create(name, options | _THEIR_OWN.get(name, {}))
  network.build()
  return network


def stirred(network):
  random = np.random.default_rng(0)
  for weight in network.weights:
    weight.assign(weight + 0.01 + 0.01 * random.random(weight.shape))
  return network


def require_equal(network, other):
  assert len(network.weights) == len(other.weights) > 0
  for one, two in zip(network.weights, other.weights, strict=True):
    np.testing.assert_array_equal(one, two, err_msg=one.name)


@pytest.mark.parametrize("name", models.MODELS.names())
def test_weights_are_kept(name, tmp_path):
  network = stirred(made(name))
  path = tmp_path / "network.weights.h5"
  network.save_weights(path)
  other = made(name)
  other.load_weights(path)
  require_equal(network, other)


@pytest.mark.parametrize("name", models.MODELS.names())
def test_networks_are_kept(name, tmp_path):
  network = stirred(made(name))
  network.save(tmp_path / "network.keras")
  other = keras.models.load_model(tmp_path / "network.keras")
  assert type(other) is type(network)
  assert other.get_config() == network.get_config()
  require_equal(network, other)

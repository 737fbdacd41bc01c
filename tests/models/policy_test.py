"""Networks compute as they say where Keras' global policy is another."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from tfpercept import models
from tfpercept.models import patch_critic, picture_critic
from tfpercept.models.compression import realism
from tfpercept.tasks import agreement, quantizers

CODEC = {"widths": (4, 4, 4), "latents": 8, "blocks": 0}
HYPER = {"hyper_width": 4, "hyper_latents": 4}
RANDOM = np.random.default_rng(0)


def uniform(*shape):
  return tf.constant(RANDOM.random(shape), tf.float32)


CODED = (uniform(1, 64, 64, 3), tf.constant([1.5]), quantizers.Rounding())
NETWORKS = {
  "srcnn": (
    lambda: models.SRCNN(filters=(4, 3), kernels=(3, 1, 3), dtype="float32"),
    (uniform(1, 9, 9, 1),),
  ),
  "pca": (
    lambda: models.PCA(side=32, channels=1, latent=3),
    (uniform(2, 3),),
  ),
  "autoencoder": (
    lambda: models.Autoencoder(side=32, widths=(4,), code=3, dtype="float32"),
    (uniform(1, 32, 32, 1),),
  ),
  "digit_classifier": (
    lambda: models.DigitClassifier(filters=(2,) * 5, width=4, dtype="float32"),
    (uniform(1, 32, 32, 1),),
  ),
  "factorized_prior": (
    lambda: models.FactorizedPrior(**CODEC, dtype="float32"),
    CODED,
  ),
  "mean_scale_hyperprior": (
    lambda: models.MeanScaleHyperprior(**CODEC, **HYPER, dtype="float32"),
    CODED,
  ),
  "realism_head": (
    lambda: realism.RealismHead(
      latents=8, widths=(4,) * 4, blocks=(1, 0, 0, 0), dtype="float32"
    ),
    (uniform(1, 2, 2, 8), uniform(1, 32, 32, 3), uniform(1), uniform(1)),
  ),
  "patch_critic": (
    lambda: patch_critic.PatchCritic((4, 6), latents=0, dtype="float32"),
    (uniform(1, 32, 32, 3),),
  ),
  "picture_critic": (
    lambda: picture_critic.PictureCritic(
      side=32, channels=1, widths=(4, 4), group=1, dtype="float32"
    ),
    (uniform(1, 32, 32, 1),),
  ),
  "ranking_head": (agreement.RankingHead, (uniform(3), uniform(3))),
}


@pytest.fixture
def under():
  """Calls a function under a global policy."""

  def called(policy, function, *arguments):
    keras.mixed_precision.set_global_policy(policy)
    try:
      return function(*arguments)
    finally:
      keras.mixed_precision.set_global_policy("float32")

  return called


def outputs(make, inputs, weights=None):
  network = make()
  network(*inputs)  # builds what has to be
  if weights is None:
    random = np.random.default_rng(0)
    weights = [random.normal(0.1, 0.3, w.shape) for w in network.get_weights()]
  network.set_weights(weights)
  return weights, tf.nest.flatten(network(*inputs))


@pytest.mark.parametrize("name", NETWORKS)
def test_a_float32_network_ignores_the_global_policy(name, under):
  make, inputs = NETWORKS[name]
  weights, wanted = under("float32", outputs, make, inputs)
  _, found = under("mixed_bfloat16", outputs, make, inputs, weights)
  for one, other in zip(wanted, found, strict=True):
    assert np.isfinite(one).all()
    np.testing.assert_array_equal(one, other)


def test_a_codec_takes_its_transforms_policy_from_the_global_one(under):
  def coded():
    network = models.FactorizedPrior(**CODEC)
    network.build()
    return network(*CODED)

  found = tf.nest.flatten(under("mixed_bfloat16", coded))
  assert {tensor.dtype for tensor in found} == {tf.float32}
  assert all(np.isfinite(tensor).all() for tensor in found)

"""Classifiers, generators and codecs of vectors answer as in Python."""

import numpy as np
import pytest
import tensorflow as tf

from export import saved_model, signatures
from tfpercept import models

SMALL = {
  "dcgan": {"side": 32, "latent": 5, "widths": (6, 4, 4)},
  "vae_gan": {
    "side": 32, "latent": 5, "widths": (6, 4, 4), "encoder_widths": (4, 4),
  },
  "pca": {"side": 32, "latent": 5},
  "klt_generator": {"side": 32, "latent": 5, "widths": (4, 4, 4)},
  "digit_classifier": {"filters": (4, 4, 4, 4, 4), "width": 6},
  "toy_transform_codec": {"dimensions": 3, "latents": 2, "widths": (5,)},
  "toy_vector_quantizer": {"dimensions": 3, "entries": 7, "weight": 2.0},
}  # fmt: skip
GENERATORS = ("dcgan", "vae_gan", "pca", "klt_generator")


@pytest.fixture(scope="module", params=SMALL)
def exported(request, tmp_path_factory):
  return save(request.param, tmp_path_factory.mktemp("run"))


def save(kind, folder):
  network = models.MODELS.create(kind, SMALL[kind])
  network.build()
  noise = np.random.default_rng(0)
  network.set_weights(
    [noise.normal(0, 0.1, w.shape) ** 2 for w in network.get_weights()]
  )
  models.save(network, folder)
  return signatures.load(folder)


def test_a_file_answers_as_keras_does(exported, tmp_path):
  served = exported.served()
  saved_model.write_graph(served, tmp_path / "1")
  loaded = tf.saved_model.load(str(tmp_path / "1"))
  assert set(loaded.signatures) == set(served)
  for name, signature in served.items():
    given = {k: tf.constant(v) for k, v in signature.example.items()}
    answers = loaded.signatures[name](**given)
    for key, expected in signature.expected().items():
      assert answers[key].dtype.name == signature.outputs[key].dtype
      # Graphs may sum in another order.
      np.testing.assert_allclose(answers[key], expected, rtol=1e-4, atol=1e-5)


def test_every_entry_for_devices_takes_its_trials(exported):
  for name, entry in exported.on_device().items():
    for given, ideal in exported.trials(name).values():
      answers = entry.function(**{k: tf.constant(v) for k, v in given.items()})
      assert set(answers) == set(entry.outputs)
      if ideal is not None:
        assert answers["image"].shape == ideal.shape


@pytest.mark.parametrize("kind", GENERATORS)
def test_generators_decode_by_the_step_of_each(kind, tmp_path):
  exported = save(kind, tmp_path)
  z = exported.network.draw(2, tf.constant([3, 4]))
  steps = tf.constant([0.5, 0.0])
  found = exported.served()["decode"].function(z=z, step=steps)["image"]
  for place in range(2):
    alone = exported.network.decode(z[place : place + 1], steps[place])
    np.testing.assert_allclose(found[place], np.clip(alone[0], 0, 1), atol=1e-6)
  has_encoder = kind != "dcgan"
  assert ("encode" in exported.served()) == has_encoder


def test_every_network_is_exported_or_says_how_else(tmp_path):
  others = set(models.MODELS.names()) - set(signatures.SIGNATURES.names())
  assert others == {"pim"}
  network = models.MODELS.create("pim", {"width": 4})
  network.build()
  models.save(network, tmp_path)
  with pytest.raises(ValueError, match="as a distance, with --distance="):
    signatures.load(tmp_path)


def test_weights_kept_in_half_precision_stay_what_they_are(tmp_path):
  network = models.MODELS.create("digit_classifier", SMALL["digit_classifier"])
  network.build()
  models.save(network, tmp_path, dtype="float16")
  found = signatures.load(tmp_path).network
  assert {v.dtype.name for v in found.convolutions[0].weights} == {"float16"}
  image = np.random.default_rng(0).random((2, 32, 32, 1), np.float32)
  plain, _ = models.load(tmp_path, dtype="float32")
  np.testing.assert_array_equal(found(image), plain(image))

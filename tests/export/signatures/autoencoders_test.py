"""What signatures of autoencoders and VAEs answer, and what they refuse."""

import numpy as np
import pytest
import tensorflow as tf

from export import saved_model, signatures, tflite
from tfpercept import models

SIDE = 33


def save(folder, network):
  noise = np.random.default_rng(0)
  network.set_weights(
    [noise.normal(0, 0.1, w.shape) for w in network.get_weights()]
  )
  models.save(network, folder / "model", objective="mse", training={"steps": 0})
  return folder


@pytest.fixture(scope="module")
def autoencoder(tmp_path_factory):
  network = models.Autoencoder(
    side=SIDE, code=5, widths=(4, 6), output="linear"
  )
  return save(tmp_path_factory.mktemp("autoencoder"), network)


@pytest.fixture(scope="module")
def vae(tmp_path_factory):
  network = models.VAE(side=SIDE, channels=3, latent=5, widths=(4, 6))
  return save(tmp_path_factory.mktemp("vae"), network)


def call(exported, name, **given):
  answers = exported.served()[name].function(
    **{key: tf.constant(value) for key, value in given.items()}
  )
  return {key: value.numpy() for key, value in answers.items()}


def test_decoding_what_was_encoded_is_reconstructing(autoencoder, vae):
  for run, code, answer in ((autoencoder, "code", "code"), (vae, "z", "mean")):
    exported = signatures.load(run)
    image = exported.served()["encode"].example["image"]
    codes = call(exported, "encode", image=image)[answer]
    assert codes.shape == (3, 5)
    rebuilt = call(exported, "decode", **{code: codes})["image"]
    expected = call(exported, "reconstruct", image=image)["image"]
    np.testing.assert_array_equal(rebuilt, expected)
    default = call(exported, "serving_default", image=image)["image"]
    np.testing.assert_array_equal(default, expected)


def test_pictures_that_leave_are_in_their_range(autoencoder):
  exported = signatures.load(autoencoder)
  codes = np.full((1, 5), 100, np.float32)
  assert np.abs(exported.network.decode(codes)).max() > 1
  image = call(exported, "decode", code=codes)["image"]
  assert image.min() >= 0 and image.max() <= 1


def test_samples_repeat_by_seed_and_are_bounded(vae):
  exported = signatures.load(vae)
  draw = lambda count, seed: call(
    exported, "sample", count=np.int32(count), seed=np.int32(seed)
  )["image"]
  np.testing.assert_array_equal(draw(2, [1, 2]), draw(2, [1, 2]))
  assert np.abs(draw(2, [1, 2]) - draw(2, [1, 3])).max() > 0
  assert draw(0, [1, 2]).shape == (0, SIDE, SIDE, 3)
  for count in (-1, 1025):
    with pytest.raises(tf.errors.InvalidArgumentError, match="0 to 1024"):
      draw(count, [1, 2])


def test_saved_models_answer_as_keras_in_a_fresh_process(vae, tmp_path):
  folder = saved_model.export(vae, tmp_path / "vae")
  loaded = tf.saved_model.load(str(folder))
  names = {"serving_default", "encode", "decode", "reconstruct", "sample"}
  assert set(loaded.signatures) == names
  given = loaded.signatures["encode"].structured_input_signature[1]["image"]
  assert given.shape.as_list() == [None, SIDE, SIDE, 3]


def test_tflite_files_are_written_for_each_entry(autoencoder, tmp_path):
  exported = signatures.load(autoencoder)
  rows = tflite.export(autoencoder, tmp_path / "out")
  assert [row["file"] for row in rows] == [
    f"autoencoder_{name}_{precision}.tflite"
    for name in ("encode", "decode", "reconstruct")
    for precision in ("float32", "float16", "int8")
  ]
  # Codes are no pictures.
  assert [row["psnr"] is None for row in rows] == [True] * 3 + [False] * 6
  table = (tmp_path / "out" / "table.md").read_text()
  assert "| autoencoder_encode_int8.tflite |" in table
  runner = tf.lite.Interpreter(
    str(tmp_path / "out" / "autoencoder_encode_float32.tflite")
  ).get_signature_runner("encode")
  image = np.random.default_rng(0).random((2, SIDE, SIDE, 1), np.float32)
  # As float32 convolutions that sum in another order.
  np.testing.assert_allclose(
    runner(image=image)["code"], exported.network.encode(image), atol=1e-4
  )

"""The classifier of digits: shapes, saving, and the one that ships."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from tfpercept import models, weights
from tfpercept.data import examples


@pytest.fixture
def network():
  made = models.DigitClassifier(filters=(2, 3, 3, 4, 4), width=5)
  made.build()
  return made


def test_logits_are_linear_in_the_features(network):
  x = tf.random.uniform((3, 32, 32, 1))
  features = network.features(x)
  assert features.shape == (3, 5)
  kernel, bias = network.head.get_weights()
  # Float32 sums of five terms.
  np.testing.assert_allclose(network(x), features @ kernel + bias, atol=1e-5)


def test_features_and_logits_are_float32_in_mixed_precision():
  network = models.DigitClassifier(width=4, dtype="mixed_bfloat16")
  x = tf.random.uniform((2, 32, 32, 1))
  assert network(x).dtype == network.features(x).dtype == tf.float32
  assert {w.dtype for w in network.weights} == {tf.float32}


def test_it_survives_both_ways_of_saving(network, tmp_path):
  x = tf.random.uniform((2, 32, 32, 1))
  expected = network(x)
  network.save(tmp_path / "network.keras")
  loaded = keras.models.load_model(tmp_path / "network.keras")
  np.testing.assert_array_equal(loaded(x), expected)
  models.save(network, tmp_path / "model")
  np.testing.assert_array_equal(models.load(tmp_path / "model")[0](x), expected)


@pytest.mark.parametrize(
  ("options", "message"),
  [
    ({"filters": (8, 8)}, r"5 positive widths; got \(8, 8\)"),
    ({"filters": (8, 8, 0, 8, 8)}, "5 positive widths"),
    ({"width": 0}, "got width=0"),
  ],
)
def test_impossible_networks_are_refused(options, message):
  with pytest.raises(ValueError, match=message):
    models.DigitClassifier(**options)


def test_pictures_of_another_size_are_refused_with_what_to_do(network):
  with pytest.raises(ValueError, match="Pad MNIST's 28x28 by two black pixels"):
    network(tf.zeros((1, 28, 28, 1)))
  with pytest.raises(ValueError, match="32x32 pixels and one channel"):
    network.features(tf.zeros((1, 32, 32, 3)))


def test_the_shipped_one_is_as_good_as_its_card_says(shared):
  network, manifest = models.load("mnist_classifier")
  folder = weights.find("mnist_classifier")
  assert (folder / "weights.npz").stat().st_size < 1_000_000
  digits = examples.load(
    [str(shared / "data/mnist/mnist.npz")],
    side=32,
    channels=1,
    fit="pad",
    split="test",
  )
  logits = [
    network(digits.floats()[i : i + 1000]) for i in range(0, 10_000, 1000)
  ]
  hits = np.argmax(np.concatenate(logits), axis=1) == digits.labels["label"]
  # One digit in 10,000 may fall either way on another processor.
  assert hits.mean() == pytest.approx(manifest["test_accuracy"], abs=1.1e-4)
  assert hits.mean() >= 0.993
  card = (folder / "README.md").read_text()
  assert f"{100 * manifest['test_accuracy']:.2f} %" in card

"""Classification learns, shifts its pictures, and repeats itself."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from tfpercept import models
from tfpercept.data import examples
from tfpercept.tasks import classification


def bars(count):
  """Digits of a kind: a bright bar whose height is the label."""
  labels = np.arange(count) % 10
  images = np.zeros((count, 32, 32, 1), np.uint8)
  for image, label in zip(images, labels, strict=True):
    image[4 : 6 + 2 * label, 12:20] = 255
  return images, labels


def make(**options):
  keras.utils.set_random_seed(0)
  network = models.DigitClassifier(filters=(4, 4, 8, 8, 8), width=16)
  network.build()
  task = classification.Classification(network, **options)
  task.compile(optimizer=keras.optimizers.Adam(1e-2))
  images, labels = bars(40)
  data = examples.Batches(images, labels=labels, batch=20, seed=0)
  return task, data


def test_steps_lower_the_loss_and_log_it():
  task, data = make(shift=1, dropout=0.1)
  logs = [task.train_step(data.at(0)) for _ in range(8)]
  assert sorted(logs[0]) == ["accuracy", "gradient_norm", "loss"]
  assert float(logs[-1]["loss"]) < float(logs[0]["loss"])


def test_without_noise_the_loss_is_the_cross_entropy_of_the_network():
  task, data = make(shift=0, dropout=0.0)
  x, label = data.at(0)
  log_posterior = tf.nn.log_softmax(task.network(x)).numpy()
  expected = -log_posterior[np.arange(20), label].mean()
  hits = (log_posterior.argmax(axis=1) == label.numpy()).mean()
  logs = task.train_step((x, label))
  # Float32 sums over 20 pictures.
  assert float(logs["loss"]) == pytest.approx(expected, rel=1e-5)
  assert float(logs["accuracy"]) == pytest.approx(hits)


def test_the_noise_of_a_step_repeats_and_that_of_the_next_differs():
  losses = {}
  for seed in (3, 3, 4):
    task, data = make(seed=seed)
    steps = [float(task.train_step(data.at(0))["loss"]) for _ in range(2)]
    losses.setdefault(seed, []).append(steps)
  assert losses[3][0] == losses[3][1]
  assert losses[3][0] != losses[4][0]


def test_a_picture_is_shifted_as_a_whole_and_black_comes_in():
  x = np.zeros((200, 5, 7, 1), np.float32)
  x[:, 2, 3] = 1.0
  moved = classification.shifted(tf.constant(x), tf.constant([1, 2]), by=2)
  assert moved.shape == x.shape
  assert float(tf.reduce_sum(moved)) == 200
  places = {tuple(p) for p in np.argwhere(moved.numpy()[..., 0])[:, 1:]}
  # The seed is fixed, and its 200 shifts meet all 25.
  assert places == {(row, col) for row in range(5) for col in range(1, 6)}
  far = classification.shifted(moved, tf.constant([0, 5]), by=2)
  assert float(tf.reduce_sum(far)) < 200


@pytest.mark.parametrize("options", [{"shift": -1}, {"dropout": 1.0}])
def test_noise_out_of_range_is_refused(options):
  with pytest.raises(ValueError, match="shift is 0 or more pixels"):
    make(**options)


def test_graphs_know_the_sides_of_shifted_pictures_of_any_number():
  graph = tf.function(
    lambda x: classification.shifted(x, tf.constant([1, 2]), by=2),
    input_signature=[tf.TensorSpec([None, 32, 30, 1])],
  ).get_concrete_function()
  assert graph.output_shapes.as_list() == [None, 32, 30, 1]

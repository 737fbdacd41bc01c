"""Training on choices moves a distance towards the people who made them."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from tfpercept import distances
from tfpercept.distances import base
from tfpercept.tasks import agreement


class OfChannels(base.Distance):
  """Squared error with a non-negative weight for each of three channels."""

  def __init__(self, **kwargs):
    super().__init__(**kwargs)
    self.gain = self.parameter(
      "gain", np.ones(3), constraint=keras.constraints.NonNeg()
    )
    self.seeds = []

  def embed(self, image):
    return image

  def compare(self, reference, image):
    gain = tf.convert_to_tensor(self.gain)
    return [tf.math.squared_difference(reference, image) * gain]

  def pool(self, maps):
    return tf.reduce_mean(maps[0], axis=[1, 2, 3])

  def training_value(self, reference, image, seed):
    return self(reference, image) * tf.random.stateless_uniform(
      [tf.shape(image)[0]], seed, 1.0, 1.1, dtype=self.compute_dtype
    )


def choices(n=64, seed=0):
  """Choices by people who see the first channel only."""
  random = np.random.default_rng(seed)
  reference, first, second = random.random((3, n, 4, 4, 3)).astype(np.float32)
  seen = [
    np.mean((reference - image)[..., 0] ** 2, axis=(1, 2))
    for image in (first, second)
  ]
  return reference, first, second, np.float32(seen[1] < seen[0])


def make(distance, head="ratio", rate=0.05):
  keras.utils.set_random_seed(0)
  task = agreement.Agreement(agreement.Judge(distance, head))
  task.compile(optimizer=keras.optimizers.Adam(rate))
  return task


@pytest.mark.parametrize("head", sorted(agreement.HEADS))
def test_training_finds_what_people_look_at(head):
  distance = OfChannels()
  task = make(distance, head)
  step = tf.function(task.train_step)
  logs = [step(choices(seed=i)) for i in range(80)]
  assert float(logs[-1]["loss"]) < float(logs[0]["loss"]) - 0.05
  gain = np.asarray(distance.gain)
  assert gain[0] > 3 * gain[1:].max()
  reference, first, second, share = choices(500, seed=1000)
  nearer = distance(reference, second) < distance(reference, first)
  # Chance is 0.5; 500 choices have a standard error of 0.02.
  assert np.mean(nearer.numpy() == share) > 0.85


def test_constraints_hold_after_each_step():
  distance = OfChannels()
  task = make(distance, rate=2.0)
  for i in range(3):
    task.train_step(choices(seed=i))
    assert np.asarray(distance.gain).min() >= 0


def test_logs_are_of_this_step_and_what_is_dropped_follows_from_the_step():
  logs = []
  for _ in range(2):
    task = make(OfChannels())
    logs.append([task.train_step(choices()) for _ in range(2)])
  for one, other in zip(*logs, strict=True):
    assert {k: float(v) for k, v in one.items()} == {
      k: float(v) for k, v in other.items()
    }
  assert sorted(logs[0][0]) == ["agreement", "gradient_norm", "loss"]


def test_the_loss_is_the_cross_entropy_to_the_share_of_people():
  reference, first, second, _ = choices(4)
  share = np.array([0.0, 0.25, 0.5, 1.0], np.float32)
  distance = OfChannels()
  distance.training_value = lambda r, i, seed: distance(r, i)
  task = make(distance)
  d0, d1 = (distance(reference, i).numpy() for i in (first, second))
  p = 1 / (1 + np.exp(-np.e * (d0 - d1) / (d0 + d1)))
  expected = -np.mean(share * np.log(p) + (1 - share) * np.log(1 - p))
  loss = task.train_step((reference, first, second, share))["loss"]
  assert float(loss) == pytest.approx(expected, rel=1e-5)  # float32


def test_the_ratio_head_is_undecided_where_both_images_are_the_reference():
  head = agreement.RatioHead()
  zero = tf.zeros(2)
  with tf.GradientTape() as tape:
    tape.watch(zero)
    logit = head(zero, zero)
  np.testing.assert_array_equal(logit, [0, 0])
  assert np.isfinite(tape.gradient(logit, zero)).all()
  np.testing.assert_allclose(head(tf.constant([1.0]), zero[:1]), [np.e])


def test_the_ranking_head_has_the_published_size():
  head = agreement.RankingHead()
  assert [tuple(w.shape) for w in head.trainable_variables] == [
    (5, 32), (32,), (32, 32), (32,), (32, 1), (1,),
  ]  # fmt: skip
  assert head(tf.zeros(3), tf.ones(3)).shape == (3,)


def test_weights_of_a_sum_are_trained_and_stand_in_its_spec():
  distance = distances.get("1.0*mse + 1.0*ssim")
  task = make(distance, rate=0.1)
  reference, first, second, _ = (
    np.repeat(np.repeat(part, 4, 1), 4, 2) if part.ndim == 4 else part
    for part in choices(8)
  )
  nearer = distances.get("mse")(reference, second) < distances.get("mse")(
    reference, first
  )
  share = np.float32(nearer)
  for _ in range(5):
    task.train_step((reference, first, second, share))
  again = distances.get(distance.spec)
  assert again.weights_of_terms == distance.weights_of_terms
  assert again.weights_of_terms != (1.0, 1.0)
  # The spec has the shortest decimals of float32 numbers.
  np.testing.assert_allclose(
    again(reference, first), distance(reference, first), rtol=1e-6
  )


def test_a_distance_without_parameters_is_refused():
  distance = distances.get("mse")
  with pytest.raises(ValueError, match="mse has no parameters to train"):
    agreement.Judge(distance, "ratio")
  assert not distance.trainable


def test_an_unknown_head_is_refused():
  with pytest.raises(ValueError, match="head is one of ranking, ratio"):
    agreement.Judge(OfChannels(), "rank")


def test_a_batch_of_contents_has_the_loss_of_its_questions():
  reference, first, second, _ = choices(3)
  distance = OfChannels()
  task = make_with(distance, drops=False)
  # Two references; the first has three images, the second has two.
  batch = {
    "references": reference[:2],
    "images": np.concatenate([first, second[:2]]),
    "owner": np.array([0, 0, 0, 1, 1], np.int32),
    "first": np.array([0, 2, 3], np.int32),
    "second": np.array([1, 0, 4], np.int32),
    "share": np.array([0.0, 0.5, 1.0], np.float32),
    "people": np.array([1.0, 2.0, 1.0], np.float32),
  }
  values = distance(reference[batch["owner"]], batch["images"]).numpy()
  d0, d1 = values[batch["first"]], values[batch["second"]]
  p = 1 / (1 + np.exp(-np.e * (d0 - d1) / (d0 + d1)))
  share, people = batch["share"], batch["people"]
  each = -(share * np.log(p) + (1 - share) * np.log(1 - p))
  logs = task.train_step({k: tf.constant(v) for k, v in batch.items()})
  expected = np.average(each, weights=people)
  assert float(logs["loss"]) == pytest.approx(expected, rel=1e-5)  # float32


def test_a_pull_keeps_parameters_near_their_start():
  moved = []
  for pull in (0.0, 10.0):
    distance = OfChannels()
    task = make_with(distance, pull=pull)
    for i in range(20):
      logs = task.train_step(choices(seed=i))
    moved.append(np.abs(np.asarray(distance.gain) - 1).max())
    assert ("pull" in logs) == bool(pull)
  assert moved[1] < moved[0] / 5


def test_a_shift_that_a_row_has_in_common_is_free():
  class OfRows(OfChannels):
    def __init__(self):
      super().__init__()
      self.gain = self.parameter("rows", np.ones([2, 3]))

  distance = OfRows()
  task = make_with(distance, pull=1.0)
  distance.gain.assign_add([[3.0] * 3, [-1.0] * 3])
  assert float(task._moved()) == pytest.approx(0, abs=1e-10)
  distance.gain.assign_add([[1.0, -1.0, 0.0], [0.0] * 3])
  assert float(task._moved()) == pytest.approx(2)


def make_with(distance, **options):
  keras.utils.set_random_seed(0)
  task = agreement.Agreement(agreement.Judge(distance, "ratio"), **options)
  task.compile(optimizer=keras.optimizers.Adam(0.05))
  return task


def test_a_distance_of_gray_pictures_is_trained_on_luma():
  random = np.random.default_rng(0)
  pictures = random.random((3, 4, 8, 8, 3)).astype(np.float32)
  distance = distances.get("watson_dft(channels=1)")
  judge = agreement.Judge(distance, "ratio")
  luma = [p @ np.float32([[0.299], [0.587], [0.114]]) for p in pictures]
  expected = judge.head(*(distance(luma[0], image) for image in luma[1:]))
  np.testing.assert_allclose(judge(tuple(pictures)), expected, rtol=1e-4)

"""A critic and a generator take their turns, and nobody moves out of turn."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from tfpercept.models import patch_critic
from tfpercept.tasks import adversarial


class Tint(adversarial.Adversarial):
  """Learns the color of pictures, beside what their mean says of it."""

  def __init__(self, critic, **options):
    super().__init__("tint", critic, **options)
    self.tint = keras.layers.Dense(3, use_bias=True, name="tint")
    self.tint.build((None, None, None, 2))

  def generator_parts(self):
    return {"tint": self.tint}

  def generator_variables(self):
    return self.tint.trainable_variables

  def generated(self, batch, *, seed, step):
    y = tf.random.stateless_normal([2, 1, 1, 2], seed)
    fake = self.tint(tf.repeat(tf.repeat(y, 16, axis=1), 16, axis=2))
    distortion = tf.reduce_mean((fake - batch) ** 2)
    return adversarial.Generated(
      batch, fake, y, {"loss": 0.1 * distortion, "distortion": distortion}
    )


def batch(value=0.7):
  return tf.fill([2, 16, 16, 3], value)


def task(critic=True, skip=0, **options):
  keras.utils.set_random_seed(1)
  made = patch_critic.PatchCritic((4, 4), latents=2, condition=2)
  found = Tint(made if critic else None, **options)
  optimizers = {name: keras.optimizers.Adam(0.01) for name in found.moves()}
  if len(optimizers) == 1:
    (optimizers,) = optimizers.values()
  found.compile(optimizers, skip=skip)
  return found


def values(layer):
  return [variable.numpy() for variable in layer.variables]


def changed(layer, before):
  return any(
    np.any(now != then) for now, then in zip(values(layer), before, strict=True)
  )


def moved(one):
  """Which of critic and generator a step moved."""
  critic, tint = values(one.critic), values(one.tint)
  one.train_step(batch())
  return changed(one.critic, critic), changed(one.tint, tint)


def test_the_critic_warms_up_alone_and_both_move_afterwards():
  one = task(warm_up=2)
  found = [moved(one) for _ in range(4)]
  assert found == [(True, False), (True, False), (True, True), (True, True)]


def test_in_turns_one_moves_in_a_step():
  one = task(warm_up=1, in_turns=True)
  # The kernels are normalized after each step, but for a hair as they were.
  critics, tints = [], []
  for _ in range(4):
    before = [v.numpy() for v in one.critic.trainable_variables]
    tint = values(one.tint)
    one.train_step(batch())
    critics.append(
      max(
        np.abs(now.numpy() - then).max()
        for now, then in zip(
          one.critic.trainable_variables, before, strict=True
        )
      )
      > 0.005  # half a step of Adam
    )
    tints.append(changed(one.tint, tint))
  assert critics == [True, False, True, False]
  assert tints == [False, True, False, True]


@pytest.mark.parametrize("game", ["non_saturating", "hinge", "pearson"])
def test_the_critic_learns_to_tell_and_says_how_far(game):
  one = task(game=game, warm_up=60)
  step = tf.function(one.train_step)
  for _ in range(60):
    logs = step(batch())
  # Some tints are drawn near the color of all pictures.
  assert float(logs["critic_real"] + logs["critic_fake"]) >= 1.5
  held_out = one.estimate(batch(0.72), seed=tf.constant([9, 9]), step=60)
  assert float(held_out["divergence"]) > 0.05


def test_the_game_alone_teaches_the_color():
  one = task(warm_up=10, weight=1.0)
  step = tf.function(one.train_step)
  first = float(step(batch())["distortion"])
  for _ in range(150):
    last = step(batch())
  assert float(last["distortion"]) < 0.6 * first
  assert {"adversarial", "critic_loss", "critic_logit"} <= last.keys()


def test_weight_0_only_measures():
  with_critic, without = task(weight=0.0), task(critic=False, weight=0.0)
  for _ in range(3):
    logs = with_critic.train_step(batch())
    alone = without.train_step(batch())
  assert "divergence" in logs and "divergence" not in alone
  for one, other in zip(
    values(with_critic.tint), values(without.tint), strict=True
  ):
    np.testing.assert_allclose(one, other, rtol=1e-5)
  with pytest.raises(ValueError, match="has no critic"):
    without.estimate(batch(), seed=tf.constant([1, 1]), step=0)


def test_a_bad_step_moves_nobody_and_is_counted():
  one = task(skip=2)
  one.train_step(batch())
  critic, tint = values(one.critic), values(one.tint)
  logs = one.train_step(batch(float("nan")))
  assert not np.isfinite(logs["critic_loss"])
  assert not changed(one.critic, critic) and not changed(one.tint, tint)
  assert int(one.skipped) == 1


def test_a_step_follows_from_the_seed_and_its_number():
  one, other = task(seed=5), task(seed=5)
  for _ in range(2):
    first, second = one.train_step(batch()), other.train_step(batch())
  assert {k: float(v) for k, v in first.items()} == {
    k: float(v) for k, v in second.items()
  }


@pytest.mark.parametrize(
  ("options", "message"),
  [
    ({"weight": -1.0}, "0 or more"),
    ({"warm_up": -1}, "0 or more"),
    ({"game": "none"}, "one of non_saturating"),
    ({"critic": False}, "needs a critic"),
  ],
)
def test_arguments_out_of_range_are_named(options, message):
  with pytest.raises(ValueError, match=message):
    task(**options)


@pytest.mark.parametrize(
  ("options", "critic", "generator"),
  [
    ({}, 10, 10),
    ({"warm_up": 4}, 10, 6),
    ({"in_turns": True}, 5, 5),
    ({"warm_up": 3, "in_turns": True}, 6, 4),
    ({"warm_up": 20}, 10, 0),
  ],
)
def test_moves_are_counted_before_they_are_made(options, critic, generator):
  moves = task(**options).moves()
  counts = {name: move.count(10) for name, move in moves.items()}
  assert counts == {"critic": critic, "generator": generator}
  for move in moves.values():
    assert move.count(10, start=5) == move.count(10) - move.count(5)
    assert move.count(5, start=5) == 0

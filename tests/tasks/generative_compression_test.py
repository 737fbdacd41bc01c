"""A codec and its critic: each step moves what it should, and lowers it."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from tfpercept import distances, models
from tfpercept.models import patch_critic
from tfpercept.tasks import (
  critic_spaces,
  generative_compression,
  quantizers,
  rate_control,
)

WEIGHTS = (2.0, 0.0625)
PLAIN = generative_compression.Weights(0.01, 1.0, 0.15)


def codec(latents=6):
  keras.utils.set_random_seed(1)
  network = models.HiFiC(
    base=2, latents=latents, blocks=0, hyper_width=4, hyper_latents=4
  )
  network.build()
  return network


def task(
  critic=True, control="switch", target=0.3, rate=3e-3, channels=3, **options
):
  made = None
  network = codec()
  if critic:
    made = patch_critic.PatchCritic((4, 4), latents=6, channels=channels)
  options = {"weights": PLAIN, **options}
  found = generative_compression.GenerativeCompression(
    network,
    distances.get("mae"),
    rate_control.CONTROLS[control](target, WEIGHTS),
    made,
    **options,
  )
  found.compile({name: keras.optimizers.Adam(rate) for name in found.moves()})
  return found


@pytest.fixture
def x(photograph):
  picture = photograph(64, 128) / np.float32(255)
  return tf.stack([picture[:, :64], picture[:, 64:]])


def weights(layer):
  return [weight.numpy() for weight in layer.trainable_variables]


def moved(layer, before):
  return any(
    np.any(a != b) for a, b in zip(weights(layer), before, strict=True)
  )


def test_steps_without_a_critic_lower_the_loss(x):
  one = task(critic=False, rate=0.01)
  found = [one.train_step((x, x)) for _ in range(12)]
  for name in ("loss", "mse"):
    assert float(found[-1][name]) < 0.9 * float(found[0][name])
  assert not {"critic_loss", "divergence"} & found[0].keys()


def test_the_loss_is_the_sum_of_its_parts(x):
  logs = task().train_step((x, x))
  assert logs["rate_weight"] in WEIGHTS
  above = logs["bpp_quantized"] > 0.3
  assert float(logs["rate_weight"]) == WEIGHTS[0 if above else 1]
  total = (
    logs["rate_weight"] * logs["bpp"]
    + PLAIN.mse * logs["mse"]
    + PLAIN.perceptual * logs["perceptual"]
    + PLAIN.adversarial * logs["adversarial"]
  )
  assert float(logs["loss"]) == pytest.approx(float(total), rel=1e-5)


def test_the_rate_that_switches_is_that_of_whole_latents(x):
  one = task()
  coded = one.network(x, tf.ones([2]), quantizers.Rounding())
  bpp = sum(float(tf.reduce_mean(b)) for b in coded.bits.values()) / 64**2
  logs = one.train_step((x, x))
  assert float(logs["bpp_quantized"]) == pytest.approx(bpp, rel=1e-5)
  assert float(logs["bpp"]) != pytest.approx(bpp, rel=1e-5)


def test_each_move_changes_its_own_variables_and_no_others(x):
  one = task(warm_up=1, in_turns=True)
  found = []
  for _ in range(3):
    before = weights(one.critic), weights(one.network)
    one.critic.normalize = lambda: None
    one.train_step((x, x))
    found.append((moved(one.critic, before[0]), moved(one.network, before[1])))
  assert found == [(True, False), (False, True), (True, False)]


def test_the_condition_has_no_gradient(x):
  """The encoder gets the critic's gradient through the picture alone."""
  one = task()
  seed, step = tf.constant([3, 8]), tf.constant(0)

  def slopes(stopped):
    with tf.GradientTape() as tape:
      made = one.generated((x, x), seed=seed, step=step)
      if stopped:
        made = made._replace(condition=tf.stop_gradient(made.condition))
      loss = tf.reduce_mean(one._logits(one.critic, made)[1])
    return tape.gradient(loss, one.network.analysis.trainable_variables)

  for one_slope, other in zip(slopes(True), slopes(False), strict=True):
    np.testing.assert_array_equal(one_slope, other)
  assert max(np.abs(s).max() for s in slopes(False)) > 0


def test_a_dual_weight_rests_while_the_codec_is_frozen(x):
  one = task(control="dual", target=1e-3, warm_up=1)
  (kept,) = one._control.variables
  found = [float(kept.numpy())]
  for _ in range(3):
    one.train_step((x, x))
    found.append(float(kept.numpy()))
  assert found[0] == found[1] < found[2] < found[3]
  assert one.parts()["rate_control"] == [kept]


def test_averages_follow_the_codec(x):
  one = task(decay=0.9)
  start = weights(one.network)
  one.train_step((x, x))
  pairs = zip(start, weights(one.network), one.averages.values, strict=True)
  for before, after, average in pairs:  # a tenth is kept at first
    wanted = 0.9 * after + 0.1 * before
    np.testing.assert_allclose(average, wanted, atol=1e-6)


def test_steps_follow_from_the_seed(x):
  logs = [task(seed=seed).train_step((x, x)) for seed in (4, 4, 5)]
  one, same, other = ({k: float(v) for k, v in each.items()} for each in logs)
  assert one == same
  assert one["bpp"] != other["bpp"]


def test_a_critic_may_judge_codes_of_pim(x):
  space = critic_spaces.pim()
  made = space.of(x)
  assert made.shape == (2, 64, 64, space.channels)
  coarse = made[..., :10].numpy()  # the coarsest band, of places of 8x8
  assert (coarse[:, :8, :8] == coarse[:, :1, :1]).all()
  one = task(channels=space.channels, space=space.of)
  seed, step = tf.constant([0, 8]), tf.constant(0)
  judged = one.estimate((x[:1], x[:1]), seed=seed, step=step)
  assert np.isfinite([float(value) for value in judged.values()]).all()


def test_pixels_are_the_pictures_themselves(x):
  space = critic_spaces.pixels()
  np.testing.assert_array_equal(space.of(x), x)
  assert space.channels == 3


def test_held_out_pictures_tell_the_divergence_and_change_nothing(x):
  one = task()
  before = weights(one.critic), weights(one.network)
  found = one.estimate((x, x), seed=tf.constant([0, 8]), step=tf.constant(0))
  assert {"divergence", "critic_real", "critic_fake"} <= found.keys()
  assert not moved(one.critic, before[0]) and not moved(one.network, before[1])


@pytest.mark.parametrize(
  ("options", "message"),
  [
    ({"weights": generative_compression.Weights(mse=-1.0)}, "0 or more"),
    ({"quantizer": "none"}, "a quantizer is one of"),
    ({"game": "none"}, "is one of"),
  ],
)
def test_what_a_task_can_not_be_is_named(options, message):
  with pytest.raises(ValueError, match=message):
    task(**options)

"""A head learns, its codec does not, and a step follows from its number."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from tfpercept import distances, models
from tfpercept.tasks import realism


@pytest.fixture(scope="module")
def codec():
  keras.utils.set_random_seed(1)
  network = models.MeanScaleHyperprior(
    widths=(4, 4, 4), latents=8, hyper_width=4, hyper_latents=4
  )
  network.build()
  blocks = np.random.default_rng(0).random((200, 16, 16, 3), np.float32)
  network.start(blocks)
  return network


def task(codec, *, critic=False, conditioned=False, spec="mae", **options):
  keras.utils.set_random_seed(2)
  head = models.RealismHead(
    latents=8,
    widths=(6, 6, 4, 4),
    blocks=(0, 0, 0, 1),
    conditioned=conditioned,
  )
  head.build()
  head.start(codec.deviation)
  judge = models.PatchCritic((4, 4), latents=8, channels=6) if critic else None
  options = {"qualities": (1.0, 4.5), "weight": 0.1 * critic, **options}
  objective = distances.get(spec) if spec else None
  made = realism.Realism(codec, head, objective, judge, **options)
  optimizers = {name: keras.optimizers.Adam(0.01) for name in made.moves()}
  made.compile(optimizers)
  return made


def batch():
  ramp = tf.linspace(0.0, 1.0, 64)
  x = tf.broadcast_to(ramp[None, None, :, None], [2, 64, 64, 3])
  return x, x


def test_steps_lower_the_loss_and_leave_the_codec_as_it_is(codec):
  before = [weight.copy() for weight in codec.get_weights()]
  one = task(codec, decay=0.5)
  step = tf.function(one.train_step)
  logs = [step(batch()) for _ in range(30)]
  assert float(logs[-1]["loss"]) < 0.8 * float(logs[0]["loss"])
  assert float(logs[-1]["added"]) > float(logs[0]["added"])
  for then, now in zip(before, codec.get_weights(), strict=True):
    np.testing.assert_array_equal(then, now)
  moved = [
    np.any(average.numpy() != variable.numpy())
    for average, variable in zip(
      one.averages.values, one.head.trainable_variables, strict=True
    )
  ]
  assert any(moved)


def test_the_loss_is_the_sum_that_the_docstring_says(codec):
  logs = task(codec, distortion=0.002, perceptual=3.0).train_step(batch())
  expected = 0.002 * logs["mse"] + 3.0 * logs["perceptual"]
  np.testing.assert_allclose(logs["loss"], expected, rtol=1e-5)
  logs = task(codec, spec=None, distortion=0.0).train_step(batch())
  assert float(logs["loss"]) == 0 and "perceptual" not in logs
  logs = task(codec, critic=True).train_step(batch())
  expected = (
    realism.DISTORTION * logs["mse"]
    + logs["perceptual"]
    + 0.1 * logs["adversarial"]
  )
  np.testing.assert_allclose(logs["loss"], expected, rtol=1e-5)


def test_a_conditioned_head_is_trained_at_all_strengths(codec):
  one = task(codec, conditioned=True, critic=True)
  seed = tf.constant([3, 8])
  made = [
    one.generated(batch(), seed=[3, 8 + 8 * i], step=0) for i in range(20)
  ]
  shares = np.concatenate([each.shares for each in made])
  assert shares.min() < 0.2 and shares.max() > 0.8
  assert task(codec).generated(batch(), seed=seed, step=0).shares[0] == 1


def test_decoded_pictures_are_those_of_the_codec_without_gradient(codec):
  one = task(codec)
  quality = tf.constant([1.0, 4.5])
  decoded = one.decoded(batch()[0], quality)
  again = codec.reconstruct(decoded.y_hat, quality)
  np.testing.assert_allclose(
    decoded.faithful, tf.clip_by_value(again, 0, 1), atol=1e-6
  )


def test_a_step_follows_from_the_seed_and_its_number(codec):
  found = []
  for _ in range(2):
    one = task(codec, critic=True, seed=4)
    one.train_step(batch())
    found.append({k: float(v) for k, v in one.train_step(batch()).items()})
  assert found[0] == found[1]


@pytest.mark.parametrize(
  ("options", "message"),
  [
    ({"qualities": (3.0, 1.0)}, "qualities are two"),
    ({"qualities": (1.0, 9.0)}, "from 1 to 8"),
    ({"distortion": -1.0}, "0 or more"),
    ({"perceptual": float("nan")}, "0 or more"),
  ],
)
def test_arguments_out_of_range_are_named(codec, options, message):
  with pytest.raises(ValueError, match=message):
    task(codec, **options)

"""Training of codecs lowers rate and distortion, at all qualities at once."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from scipy import stats

from tfpercept import distances, models
from tfpercept.ops import quantization
from tfpercept.tasks import compression, quantizers

SEED = tf.constant([3, 4])


def task(**options):
  network = models.MeanScaleHyperprior(
    widths=(4, 4, 4), latents=8, hyper_width=4, hyper_latents=4
  )
  network.build()
  made = compression.Compression(network, distances.get("mse"), **options)
  made.compile(optimizer=keras.optimizers.Adam(3e-3))
  return made


@pytest.fixture
def x(photograph):
  picture = photograph(128, 128) / np.float32(255)
  return tf.stack([picture[:64, :64], picture[64:, 64:]])


@pytest.mark.parametrize("quantizer", list(quantizers.QUANTIZERS))
def test_steps_lower_the_loss_under_every_quantizer(x, quantizer):
  made = task(quantizer=quantizer)
  step = tf.function(made.train_step)
  losses = [float(step((x, x))["loss"]) for _ in range(60)]
  assert np.mean(losses[-15:]) < 0.5 * np.mean(losses[:15])


def test_logs_are_of_bits_and_of_8_bit_errors(x):
  made = task(lmbda=(0.01, 0.01))
  logs = made.train_step((x, x))
  total = logs["bpp_y"] + logs["bpp_z"]
  np.testing.assert_allclose(logs["bpp"], total, rtol=1e-6)
  # All gains are 1 where lambda is one number.
  np.testing.assert_allclose(
    logs["loss"], logs["bpp"] + 0.01 * logs["distortion"], rtol=1e-5
  )
  assert logs["distortion"] > 100  # of 255^2


def test_any_distance_is_a_distortion(x):
  network = task().network
  objective = distances.get("0.5*ms_ssim(scales=2) + mae")
  made = compression.Compression(network, objective, lmbda=(1.0, 60.0))
  made.compile(optimizer=keras.optimizers.Adam(1e-3))
  logs = made.train_step((x, x))
  assert 0 < logs["distortion"] < 1.5  # as it is returned


def test_steps_follow_from_the_seed(x):
  logs = []
  for seed in (1, 1, 2):
    keras.utils.set_random_seed(0)
    made = task(seed=seed)
    logs.append(float(made.train_step((x, x))["loss"]))
  assert logs[0] == logs[1] != logs[2]


def test_gradients_are_cut_to_a_norm(x):
  made = task(clip=1e-3)
  made.compile(optimizer=keras.optimizers.SGD(1.0))
  before = made.network.get_weights()
  made.train_step((x, x))
  after = made.network.get_weights()
  moved = sum(np.sum((a - b) ** 2) for a, b in zip(before, after, strict=True))
  # float32 weights of 1 move in steps of 1e-7.
  assert moved**0.5 == pytest.approx(1e-3, rel=0.02)


def test_quantizers_return_what_they_say():
  y = tf.constant(np.random.normal(0, 5, 4000), tf.float32)
  noisy, same = quantizers.Noise(SEED)(y, 0)
  assert noisy is same
  assert 0.49 < float(tf.reduce_max(tf.abs(noisy - y))) <= 0.5
  noisy, whole = quantizers.Mixed(SEED)(y, 0)
  np.testing.assert_allclose(whole, np.round(y), atol=1e-6)
  assert float(tf.math.reduce_std(noisy - y)) == pytest.approx(12**-0.5, 0.05)
  other, _ = quantizers.Mixed(SEED)(y, 1)
  assert not np.array_equal(noisy, other)
  dithered, _ = quantizers.Dithered(SEED)(y, 0)
  # As y + u: within half a unit, and not whole.
  assert float(tf.reduce_max(tf.abs(dithered - y))) <= 0.5 + 1e-5
  assert float(tf.math.reduce_std(dithered - y)) == pytest.approx(
    12**-0.5, 0.05
  )
  mean, same = quantizers.SoftRounding(SEED, 8.0)(y, 0)
  assert mean is same
  noise = quantizers.Noise(SEED)(tf.zeros_like(y), 0)[0]
  soft = quantization.soft_round(y, 8.0) + noise
  # Half a unit of noise around whole numbers, and the means are nearer to y.
  assert np.mean((mean - y) ** 2) < np.mean((soft - y) ** 2)


@pytest.mark.parametrize("deviation", [0.2, 0.3, 0.5])
def test_sharper_rounding_counts_bits_nearer_to_those_of_files(deviation):
  """Of a normal prior, by the mass of the unit interval around a value."""
  random = np.random.default_rng(0)
  y = tf.constant(random.normal(0, deviation, 20_000), tf.float32)

  def bits(values):
    ends = (np.asarray(values, float) + side for side in (0.5, -0.5))
    upper, lower = (stats.norm.cdf(end / deviation) for end in ends)
    return float(-np.log2(upper - lower).mean())

  found = [
    bits(quantizers.SoftRounding(SEED, sharpness)(y, 0)[0])
    for sharpness in (2.0, 4.0, 10.0)
  ]
  in_files = bits(np.round(y))
  assert found[0] > found[1] > found[2] > 0.9 * in_files
  assert found[2] - in_files < 0.06


def test_no_two_calls_or_steps_share_their_noise():
  y = tf.zeros([4])
  drawn = {
    tuple(quantizers.Noise(tf.constant([0, step]))(y, call)[0].numpy())
    for step in range(3)
    for call in range(12)  # as many as a network of slices makes
  }
  assert len(drawn) == 3 * 12


@pytest.mark.parametrize(
  ("options", "message"),
  [
    ({"lmbda": (1.0,)}, "two numbers"),
    ({"lmbda": (2.0, 1.0)}, "the smaller one first"),
    ({"quantizer": "hard"}, "one of mixed, noise"),
  ],
)
def test_wrong_options_are_named(options, message):
  with pytest.raises(ValueError, match=message):
    task(**options)


def test_another_distance_needs_its_own_lambda():
  network = task().network
  with pytest.raises(ValueError, match="has another unit"):
    compression.Compression(network, distances.get("mae"))

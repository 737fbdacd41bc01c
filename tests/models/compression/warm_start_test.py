"""Networks that start where a trained one stands code at least as well."""

import numpy as np
import pytest
import tensorflow as tf

from tfpercept import models
from tfpercept.models.compression import (
  hific,
  transform_codec,
  warm_start,
)
from tfpercept.tasks import quantizers


def network(**options):
  made = models.MeanScaleHyperprior(
    widths=(4, 4, 4), latents=8, hyper_width=4, hyper_latents=4, **options
  )
  made.build()
  generator = np.random.default_rng(3)
  # Tables of zeros would hide which row is taken.
  made.set_weights(
    [
      w + generator.normal(0, 0.05, w.shape).astype(np.float32)
      for w in made.get_weights()
    ]
  )
  return made


def coded(made, x, lmbda):
  """Codes at the quality that stands for a lambda."""
  low, high = made.ends
  quality = 1 + (made.levels - 1) * np.log(lmbda / low) / np.log(high / low)
  quality = tf.constant([quality], tf.float32)
  return made(x, quality, quantizers.Rounding())


@pytest.fixture
def x(photograph):
  return tf.constant(photograph(64, 64)[None] / np.float32(255))


def test_equal_lambdas_code_alike(x):
  # Whole qualities of both: ratios of 2 from one to the next.
  before = network(levels=4, lmbda=(0.01, 0.08))
  after = warm_start.with_rates(before, (0.02, 0.16))
  assert after.ends == (0.02, 0.16)
  for lmbda in (0.02, 0.04, 0.08):
    one, other = coded(before, x, lmbda), coded(after, x, lmbda)
    np.testing.assert_allclose(one.x_hat, other.x_hat, atol=1e-5)
    for name, bits in one.bits.items():
      np.testing.assert_allclose(bits, other.bits[name], rtol=1e-4)


def test_beyond_the_old_range_gains_follow_lambda():
  before = network(levels=4, lmbda=(0.01, 0.08))
  after = warm_start.with_rates(before, (0.01, 0.64))
  gain, inverse = before.log_gains(tf.constant([4.0]))
  further, back = after.log_gains(tf.constant([4.0]))
  np.testing.assert_allclose(further - gain, 0.5 * np.log(8), atol=1e-5)
  np.testing.assert_allclose(back - inverse, -0.5 * np.log(8), atol=1e-5)


def test_the_network_itself_is_left_as_it_is():
  before = network(levels=4)
  weights = before.get_weights()
  warm_start.with_rates(before, (0.0001, 1.0))
  assert before.ends == transform_codec.RATES
  for one, other in zip(weights, before.get_weights(), strict=True):
    np.testing.assert_array_equal(one, other)


def test_what_has_no_range_is_refused():
  with pytest.raises(ValueError, match="of one level has no range"):
    warm_start.with_rates(network(levels=1), (0.01, 0.02))
  with pytest.raises(ValueError, match="the smaller one first"):
    warm_start.with_rates(network(), (0.02, 0.01))


@pytest.fixture
def pictures(photograph):
  x = [photograph(192, 192, seed=i) for i in range(3)]
  return np.stack(x).astype(np.float32) / 255


def started(pictures):
  """A network at the Karhunen-Loève transform, which is about what it codes."""
  made = models.MeanScaleHyperprior(
    widths=(4, 4, 4), latents=12, hyper_width=4, hyper_latents=4, levels=2
  )
  made.build()
  blocks = pictures.reshape(3, 12, 16, 12, 16, 3).swapaxes(2, 3)
  made.start(blocks.reshape(-1, 16, 16, 3))
  return made


def test_more_latents_tell_more_and_leave_the_rest(pictures):
  rounding = quantizers.Rounding()
  before = started(pictures)
  after = warm_start.with_latents(before, 40, pictures, rounding)
  best, x = tf.constant([2.0] * 3), tf.constant(pictures)
  errors = []
  for made in (before, after):
    coded = made(x, best, rounding)
    errors.append(float(tf.reduce_mean((coded.x_hat - x) ** 2)))
    z = coded.bits["z"]
    np.testing.assert_array_equal(z, before(x, best, rounding).bits["z"])
  # Three times as many coefficients: a decibel at the very least.
  assert errors[1] < 0.8 * errors[0]
  y, wider = (made.analysis(x, best) for made in (before, after))
  np.testing.assert_array_equal(y, wider[..., :12])
  # The entropy model expects of new latents what they are.
  assert np.std(wider[..., 12:]) > 0
  ratio = np.std(wider[..., 12:], axis=(0, 1, 2)) / after.deviation[12:]
  np.testing.assert_allclose(ratio, 1, rtol=0.05)


@pytest.mark.parametrize("kind", ["MeanScaleHyperprior", "FactorizedPrior"])
def test_wider_transforms_code_alike_and_every_new_channel_learns(x, kind):
  options = {"widths": (4, 5, 6), "latents": 8, "blocks": 1}
  if kind == "MeanScaleHyperprior":
    options |= {"hyper_width": 4, "hyper_latents": 4, "levels": 2}
  before = getattr(models, kind)(**options)
  before.build()
  generator = np.random.default_rng(3)
  before.set_weights(
    [
      w + generator.normal(0, 0.05, w.shape).astype(np.float32)
      for w in before.get_weights()
    ]
  )
  after = warm_start.with_widths(before, (5, 8, 9))
  quality = tf.constant([float(before.levels)])
  rounding = quantizers.Rounding()
  one, other = (made(x, quality, rounding) for made in (before, after))
  np.testing.assert_allclose(one.x_hat, other.x_hat, atol=1e-6)
  for name, bits in one.bits.items():
    np.testing.assert_allclose(bits, other.bits[name], rtol=1e-4)
  # What leads away from a new channel gets a gradient, each its own.
  with tf.GradientTape() as tape:
    error = tf.reduce_mean((after(x, quality, rounding).x_hat - x) ** 2)
  kernel = after.synthesis._last.kernel
  slope = tape.gradient(error, kernel).numpy()[..., 4:]
  assert np.abs(slope).max() > 0
  for layer in (after.analysis._hidden[1][0], after.synthesis._hidden[1][0]):
    new = layer.kernel.numpy()
    assert np.unique(new).size > 0.5 * new.size


@pytest.mark.parametrize("widths", [(4, 4), (3, 4, 4), (4, 4, 4, 4)])
def test_widths_that_can_not_be_had_are_named(widths):
  with pytest.raises(ValueError, match="can have more of each; got"):
    warm_start.with_widths(network(), widths)


def test_a_network_without_widths_is_named():
  made = models.HiFiC(**hific.SIZES["tiny"])
  with pytest.raises(ValueError, match="hific has no widths"):
    warm_start.with_widths(made, (8, 8, 8))


def test_latents_that_can_not_be_added_are_named(pictures):
  rounding = quantizers.Rounding()
  for latents in (12, 8, 769):
    with pytest.raises(ValueError, match="up to 768; got"):
      warm_start.with_latents(started(pictures), latents, pictures, rounding)
  sliced = models.ChannelWiseHyperprior(
    widths=(4, 4, 4), latents=8, hyper_width=4, hyper_latents=4
  )
  sliced.build()
  with pytest.raises(ValueError, match="cannot get more latents"):
    warm_start.with_latents(sliced, 16, pictures, rounding)


def sliced(**options):
  made = models.ChannelWiseHyperprior(
    widths=(4, 4, 4), hyper_width=4, hyper_latents=4, **options
  )
  made.build()
  return made


def test_slices_begin_with_the_code_of_the_network_without(x):
  before, after = network(), sliced(latents=8)
  warm_start.take_over(after, before)
  for quality in (1.0, 6.5):
    one, other = (
      made(x, tf.constant([quality]), quantizers.Rounding())
      for made in (before, after)
    )
    np.testing.assert_array_equal(one.x_hat, other.x_hat)
    for name, bits in one.bits.items():
      np.testing.assert_allclose(bits, other.bits[name], rtol=1e-6)


def test_equal_networks_take_over_all(x):
  before = sliced(latents=8)
  for weight in before.weights:
    weight.assign_add(tf.random.normal(weight.shape, stddev=0.05))
  after = sliced(latents=8)
  warm_start.take_over(after, before)
  for one, other in zip(before.weights, after.weights, strict=True):
    np.testing.assert_array_equal(one, other)


def test_a_network_that_can_not_start_from_another_says_so():
  with pytest.raises(ValueError, match="a mean_scale_hyperprior cannot start"):
    warm_start.take_over(network(), sliced(latents=8))
  with pytest.raises(ValueError, match="weights of shapes"):
    warm_start.take_over(sliced(latents=9), network())

"""A network for another range of rates codes as before where ranges overlap."""

import numpy as np
import pytest
import tensorflow as tf

from tfpercept import models
from tfpercept.models import rate_range, transform_codec
from tfpercept.tasks import quantisers


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
  return made(x, quality, quantisers.Rounding())


@pytest.fixture
def x(photograph):
  return tf.constant(photograph(64, 64)[None] / np.float32(255))


def test_equal_lambdas_code_alike(x):
  # Whole qualities of both: ratios of 2 from one to the next.
  before = network(levels=4, lmbda=(0.01, 0.08))
  after = rate_range.with_rates(before, (0.02, 0.16))
  assert after.ends == (0.02, 0.16)
  for lmbda in (0.02, 0.04, 0.08):
    one, other = coded(before, x, lmbda), coded(after, x, lmbda)
    np.testing.assert_allclose(one.x_hat, other.x_hat, atol=1e-5)
    for name, bits in one.bits.items():
      np.testing.assert_allclose(bits, other.bits[name], rtol=1e-4)


def test_beyond_the_old_range_gains_follow_lambda():
  before = network(levels=4, lmbda=(0.01, 0.08))
  after = rate_range.with_rates(before, (0.01, 0.64))
  gain, inverse = before.log_gains(tf.constant([4.0]))
  further, back = after.log_gains(tf.constant([4.0]))
  np.testing.assert_allclose(further - gain, 0.5 * np.log(8), atol=1e-5)
  np.testing.assert_allclose(back - inverse, -0.5 * np.log(8), atol=1e-5)


def test_the_network_itself_is_left_as_it_is():
  before = network(levels=4)
  weights = before.get_weights()
  rate_range.with_rates(before, (0.0001, 1.0))
  assert before.ends == transform_codec.RATES
  for one, other in zip(weights, before.get_weights(), strict=True):
    np.testing.assert_array_equal(one, other)


def test_what_has_no_range_is_refused():
  with pytest.raises(ValueError, match="of one level has no range"):
    rate_range.with_rates(network(levels=1), (0.01, 0.02))
  with pytest.raises(ValueError, match="the smaller one first"):
    rate_range.with_rates(network(), (0.02, 0.01))

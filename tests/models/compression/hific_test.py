"""HiFiC: sizes of its parts, how far they see, and how it starts."""

import numpy as np
import pytest
import tensorflow as tf

from tfpercept import models
from tfpercept.models.compression import hific, hific_transforms, warm_start
from tfpercept.tasks import quantizers

SMALL = {
  "base": 2, "latents": 6, "blocks": 1, "hyper_width": 4, "hyper_latents": 4
}  # fmt: skip
ONE = tf.constant([1.0])


@pytest.fixture(scope="module", params=[False, True], ids=["plain", "linear"])
def network(request):
  made = models.HiFiC(**SMALL, linear=request.param)
  made.build()
  random = np.random.default_rng(0)
  made.set_weights(
    [w + random.normal(0, 0.05, w.shape) for w in made.get_weights()]
  )
  return made


def count(layer):
  return sum(int(np.prod(w.shape)) for w in layer.weights)


def test_tiny_has_the_parameters_that_its_layers_say():
  made = models.HiFiC(**hific.SIZES["tiny"])
  made.build()
  widths = [16, 32, 64, 128, 256]
  norms = [2 * width for width in widths]
  wanted = 7 * 7 * 3 * 16 + 16 + sum(norms)
  for inputs, outputs in zip(widths, [*widths[1:], 96], strict=True):
    wanted += 9 * inputs * outputs + outputs
  assert count(made.analysis) == wanted
  blocks = 3 * 2 * (9 * 256 * 256 + 256 + 2 * 256)
  head = 2 * 96 + 9 * 96 * 256 + 256 + 2 * 256
  up = sum(
    9 * inputs * outputs + outputs + 2 * outputs
    for inputs, outputs in zip(widths[:0:-1], widths[-2::-1], strict=True)
  )
  assert count(made.synthesis) == blocks + head + up + 7 * 7 * 16 * 3 + 3


def test_large_is_that_of_the_paper():
  """180 million parameters, of which nothing is allocated here."""
  with tf.Graph().as_default():
    made = models.HiFiC(**hific.SIZES["large"])
    made.build()
    assert 150e6 < count(made.synthesis) < 160e6
    assert made.analysis._hidden[0][0].kernel_size == (7, 7)


def test_shapes_and_bits(network, photograph):
  x = photograph(64, 128)[None] / np.float32(255)
  coded = network(tf.constant(x), ONE, quantizers.Rounding())
  assert coded.x_hat.shape == x.shape
  assert coded.bits.keys() == {"y", "z"}
  assert all(float(bits[0]) > 0 for bits in coded.bits.values())


def test_a_part_with_its_halo_is_that_of_the_whole(network):
  """And with less of it, it is not: the halo is the real one."""
  random = np.random.default_rng(1)
  halo, size = network.halo, 17
  assert halo == 5
  y = tf.constant(random.normal(0, 2, (1, size, 1, 6)), tf.float32)
  whole = network.reconstruct(y, ONE)
  own = slice(16 * 8, 16 * 9)

  def part(before, after):
    made = network.reconstruct(y[:, 8 - before : 9 + after], ONE)
    return made[:, 16 * before : 16 * (before + 1)]

  exact = {"rtol": 0, "atol": 2e-5}  # sums in another order
  np.testing.assert_allclose(part(halo, halo), whole[:, own], **exact)
  assert np.abs(part(halo - 1, halo) - whole[:, own]).max() > 1e-4

  x = tf.constant(random.uniform(size=(1, 16 * size, 16, 3)), tf.float32)
  latents = network.analysis(x, ONE)
  least = hific_transforms.ANALYSIS_HALO
  for reach, is_exact in ((least, True), (least - 1, False)):
    seen = network.analysis(x[:, 16 * (8 - reach) : 16 * (9 + reach)], ONE)
    difference = np.abs(seen[:, reach] - latents[:, 8]).max()
    assert (difference < 2e-5) == is_exact
  assert network.halo >= least


def test_a_config_makes_the_same_network(network, photograph):
  copy = models.HiFiC.from_config(network.get_config())
  copy.build()
  warm_start.take_over(copy, network)
  x = tf.constant(photograph(64, 64)[None] / np.float32(255))
  one, other = (
    made(x, ONE, quantizers.Rounding()).x_hat for made in (network, copy)
  )
  np.testing.assert_array_equal(one, other)
  assert "widths" not in network.get_config()


def test_a_linear_start_shows_the_picture(photograph):
  picture = photograph(320, 320) / np.float32(255)
  blocks = tf.nn.space_to_depth(picture[None], 16).numpy()
  blocks = blocks.reshape(-1, 16, 16, 3)
  errors = []
  for linear in (False, True):
    made = models.HiFiC(**{**SMALL, "latents": 48}, linear=linear)
    made.build()
    made.start(blocks)
    x = tf.constant(picture[None])
    x_hat = made(x, ONE, quantizers.Rounding()).x_hat
    errors.append(float(tf.reduce_mean((x - x_hat) ** 2)))
    index = made.hyper_synthesis.indexes.bias.numpy()
    assert np.ptp(index) > 0  # those of the deviations of latents
  assert errors[1] < 0.1 * errors[0]


@pytest.mark.parametrize(
  ("options", "message"),
  [
    ({"base": 1}, "base of 2 channels"),
    ({"base": 2.5}, "base of 2 channels"),
    ({"latents": 0}, "whole numbers above 0"),
    ({"blocks": 17}, "0 to 16 residual blocks"),
    ({"lmbda": (2, 1)}, "the smaller one first"),
  ],
)
def test_what_it_can_not_have_is_named(options, message):
  with pytest.raises(ValueError, match=message):
    models.HiFiC(**{**SMALL, **options})


def test_it_takes_no_more_latents_and_no_other_rates(network):
  pictures = np.zeros((1, 64, 64, 3), np.float32)
  rounding = quantizers.Rounding()
  with pytest.raises(ValueError, match="cannot get more latents"):
    warm_start.with_latents(network, 8, pictures, rounding)
  with pytest.raises(ValueError, match="no range of rates"):
    warm_start.with_rates(network, (0.001, 0.1))

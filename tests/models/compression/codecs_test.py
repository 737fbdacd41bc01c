"""Networks of codecs: what all have in common, and what tells them apart."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from tfpercept import models
from tfpercept.models.compression import (
  entropy_coding,
  linear_path,
  transform_codec,
  transforms,
)
from tfpercept.tasks import quantizers

SMALL = {"widths": (4, 4, 4), "latents": 8}
NETWORKS = {
  models.MeanScaleHyperprior: {"hyper_width": 4, "hyper_latents": 4},
  models.ScaleHyperprior: {"hyper_width": 4, "hyper_latents": 4},
  models.ChannelWiseHyperprior: {
    "hyper_width": 4, "hyper_latents": 4, "slices": (2, 2, 4),
    "context_width": 4,
  },
  models.FactorizedPrior: {},
}  # fmt: skip


def build(make, photograph, **options):
  network = make(**SMALL, **NETWORKS[make], **options)
  network.build()
  return started(network, photograph)


def started(network, photograph):
  picture = photograph(320, 320) / np.float32(255)
  blocks = tf.nn.space_to_depth(picture[None].astype(np.float32), 16)
  network.start(blocks.numpy().reshape(-1, 16, 16, 3))
  return network


@pytest.fixture(params=NETWORKS, ids=lambda make: make.__name__)
def network(request, photograph):
  return build(request.param, photograph)


@pytest.fixture
def x(photograph):
  return tf.constant(photograph(64, 128, seed=1)[None] / np.float32(255))


def test_a_network_gives_bits_and_a_picture(network, x):
  pictures = tf.concat([x, 1 - x], axis=0)
  coded = network(pictures, tf.ones([2]), quantizers.Rounding())
  assert coded.x_hat.shape == pictures.shape
  for bits in coded.bits.values():
    assert bits.shape == (2,)
    assert np.all(bits > 0)


def test_before_training_it_is_the_karhunen_loeve_transform(network, x):
  """Eight of 768 coefficients leave what they leave, and the rest is small."""
  highest = tf.constant([float(network.levels)])
  x_hat = network(x, highest, quantizers.Rounding()).x_hat
  blocks = tf.reshape(tf.nn.space_to_depth(x, 16), [-1, 768]).numpy()
  kernel = network.analysis.linear.get_weights()[0][0, 0]
  basis = kernel / np.linalg.norm(kernel, axis=0)
  nothing = tf.zeros([1, 1, 1, SMALL["latents"]])
  mean = tf.reshape(network.reconstruct(nothing, highest), [768]).numpy()
  kept = (blocks - mean) @ basis @ basis.T + mean
  best = np.mean((blocks - kept) ** 2)
  # Rounding and the networks beside the linear path add to it.
  assert best < np.mean((x - x_hat) ** 2) < 1.5 * best + 1e-4


def test_weights_survive_saving(network, x, tmp_path):
  models.save(network, tmp_path / "model")
  again, _ = models.load(tmp_path / "model")
  one, two = (
    net(x, tf.constant([1.0]), quantizers.Rounding())
    for net in (network, again)
  )
  np.testing.assert_array_equal(one.x_hat, two.x_hat)
  np.testing.assert_array_equal(one.bits["y"], two.bits["y"])


def test_every_weight_is_trained(network, x):
  if hasattr(network, "hyper_analysis"):  # that not all it tells is 0
    for weight in network.hyper_analysis.weights:
      weight.assign(10 * weight)
  quality = tf.constant([1.5])
  with tf.GradientTape() as tape:
    coded = network(x, quality, quantizers.Mixed(tf.constant([0, 1])))
    loss = tf.add_n(list(coded.bits.values()))
    loss += 1e5 * tf.reduce_sum((x - coded.x_hat) ** 2)
  gradients = tape.gradient(loss, network.trainable_variables)
  for variable, gradient in zip(
    network.trainable_variables, gradients, strict=True
  ):
    assert gradient is not None, variable.name
    assert np.isfinite(gradient).all(), variable.name
    # The first of two convolutions, as the second starts at nothing.
    first = "block" in variable.name and "conv1" in variable.name
    if not first and "context" not in variable.name:
      assert np.any(gradient), variable.name


@pytest.mark.parametrize("blocks", [0, 2])
def test_a_pixel_sees_no_further_than_the_halo(photograph, blocks):
  """Nor does a latent; beyond, not one bit depends on what is there."""
  network = build(models.MeanScaleHyperprior, photograph, blocks=blocks)
  for weight in network.weights:
    if "block" in weight.name:
      weight.assign(0.3 * tf.random.stateless_normal(weight.shape, [1, 2]))
  quality, halo, size = tf.constant([3.0]), network.halo, 16
  base = tf.random.stateless_uniform([1, 3, size, 8], [0, 1])
  for column, seen in ((size - 1, False), (size - 1 - halo, True)):
    other = base + tf.one_hot(column, size)[None, None, :, None]
    kept = size - 1 - halo if not seen else size - 1
    one, two = (
      network.reconstruct(y, quality)[:, :, : 16 * kept] for y in (base, other)
    )
    assert np.array_equal(one, two) != seen
  wide = 16 * size
  pictures = tf.random.stateless_uniform([1, 16, wide, 3], [0, 1])
  changed = tf.concat([pictures[:, :, :-16], 1 - pictures[:, :, -16:]], axis=2)
  one, two = (
    network.analysis(x, quality)[:, :, : size - 1 - halo]
    for x in (pictures, changed)
  )
  assert np.array_equal(one, two)


@pytest.mark.parametrize(
  "make", [models.MeanScaleHyperprior, models.ScaleHyperprior]
)
def test_more_quality_is_more_rate_and_less_distortion(make, photograph, x):
  network = build(make, photograph)
  rates, errors = [], []
  for quality in (1.0, 2.5, 4.0, 6.0, 8.0):
    coded = network(x, tf.constant([quality]), quantizers.Rounding())
    rates.append(float(coded.bits["y"][0]))
    errors.append(float(tf.reduce_mean((coded.x_hat - x) ** 2)))
  assert rates == sorted(rates)
  assert errors == sorted(errors, reverse=True)
  assert rates[-1] > 1.5 * rates[0]


def test_qualities_of_a_batch_are_those_of_each_picture(photograph, x):
  network = build(models.MeanScaleHyperprior, photograph)
  both = network(
    tf.repeat(x, 2, axis=0), tf.constant([2.0, 5.5]), quantizers.Rounding()
  )
  for i, quality in enumerate((2.0, 5.5)):
    alone = network(x, tf.constant([quality]), quantizers.Rounding())
    # Sums of a batch are in another order.
    np.testing.assert_allclose(both.x_hat[i], alone.x_hat[0], atol=1e-5)
    np.testing.assert_allclose(both.bits["y"][i], alone.bits["y"][0], rtol=1e-4)


def test_a_network_of_one_level_has_the_middle_lambda(photograph):
  network = build(
    models.MeanScaleHyperprior, photograph, levels=1, lmbda=(0.01, 0.04)
  )
  log_gain, log_inverse = network.log_gains(tf.constant([1.0]))
  assert network.reference_lmbda == pytest.approx(0.02)
  np.testing.assert_allclose(log_gain, 0, atol=1e-6)
  np.testing.assert_allclose(log_inverse, 0, atol=1e-6)


def test_the_rate_moves_a_scale_towards_the_deviation_of_the_data():
  noisy = tf.random.normal((2000,)) * 5.0 + tf.random.uniform(
    (2000,), -0.5, 0.5
  )
  right = float(entropy_coding.index_of(np.float32(5.0)))
  for wrong in (right - 10, right + 10):
    index = tf.Variable(wrong)
    with tf.GradientTape() as tape:
      bits = tf.reduce_sum(
        entropy_coding.normal_bits(noisy, tf.fill([2000], index))
      )
    towards = -np.sign(tape.gradient(bits, index).numpy())
    assert towards == np.sign(right - wrong)


def test_the_transform_keeps_the_directions_of_largest_variance():
  random = np.random.default_rng(0)
  directions = np.linalg.qr(random.normal(size=(768, 3)))[0]
  amounts = random.normal(size=(4000, 3)) * [3.0, 2.0, 1.0]
  blocks = (0.5 + amounts @ directions.T).reshape(-1, 16, 16, 3)
  vectors, mean, deviations = linear_path.karhunen_loeve(blocks, 2)
  # 4,000 draws know a deviation to one part in 90.
  np.testing.assert_allclose(deviations, [3, 2], rtol=0.05)
  overlap = np.abs(vectors.T @ directions[:, :2])
  np.testing.assert_allclose(overlap, np.eye(2), atol=0.1)
  np.testing.assert_allclose(mean, 0.5, atol=0.02)


@pytest.mark.parametrize(
  ("options", "message"),
  [
    ({"widths": (4, 4)}, "3 widths"),
    ({"latents": 0}, "above 0"),
    ({"levels": 0}, "above 0"),
    ({"lmbda": (0.1, 0.01)}, "the smaller one first"),
    ({"lmbda": (0.0, 0.01)}, "above 0"),
  ],
)
def test_options_out_of_range_are_named(options, message):
  with pytest.raises(ValueError, match=message):
    models.MeanScaleHyperprior(**options)


def test_slices_tell_only_of_those_that_follow(photograph, x):
  """And they do, once trained: scales and means follow from symbols."""
  network = build(models.ChannelWiseHyperprior, photograph)
  for context in network.contexts:
    for weight in context.weights:
      weight.assign(tf.random.stateless_uniform(weight.shape, [1, 2], -0.5, 1))
  y = 4 * tf.random.stateless_normal((1, 4, 4, 8), [3, 4])
  nothing, rounding = tf.zeros_like(y), quantizers.Rounding()
  told = network.entropy_model.code_residual(y, nothing, nothing, rounding)
  for first, stop in ((0, 2), (2, 4), (4, 8)):
    other = y + tf.one_hot(first, 8)[None, None, None] * 9
    changed = network.entropy_model.code_residual(
      other, nothing, nothing, rounding
    )
    assert np.array_equal(changed[1][..., :stop], told[1][..., :stop])
    if stop < 8:
      assert not np.array_equal(changed[1][..., stop:], told[1][..., stop:])
  index, decoded = told[1].numpy(), told[2].numpy()
  np.testing.assert_array_equal(index, np.round(index))
  assert np.abs(decoded - y).max() <= 0.5 + 1e-5


def test_slices_must_add_up():
  with pytest.raises(ValueError, match="add up to the 192"):
    models.ChannelWiseHyperprior(slices=(64, 64))


@pytest.mark.parametrize("size", transform_codec.SIZES)
def test_networks_come_in_sizes(size):
  options = transform_codec.SIZES[size]
  with tf.Graph().as_default():  # where weights take no memory
    network = models.ChannelWiseHyperprior(**options)
    network.build()
  shapes = {tuple(weight.shape) for weight in network.weights}
  widths, latents = options["widths"], options["latents"]
  assert (5, 5, widths[-1], latents) in shapes
  slices = network.get_config()["slices"]
  assert sum(slices) == latents
  assert slices == sorted(slices)


def test_phases_are_the_transposed_convolution():
  options = {"filters": 3, "kernel_size": 5, "strides": 2, "padding": "same"}
  fast = transforms.UpToFew(**options)
  plain = keras.layers.Conv2DTranspose(**options)
  x = tf.random.stateless_normal((2, 6, 7, 4), [0, 1])
  fast(x), plain(x)
  fast.bias.assign([1.0, 2.0, 3.0])
  plain.set_weights(fast.get_weights())
  # The same 9 to 36 products, summed in another order.
  np.testing.assert_allclose(fast(x), plain(x), atol=1e-5)


@pytest.mark.parametrize("part", ["analysis", "synthesis"])
@pytest.mark.parametrize("name", ["linear", "_last"])
def test_outer_layers_are_exact_and_their_gradients_of_16_bits(part, name):
  found = []
  for dtype in ("float32", "mixed_bfloat16"):
    network = models.MeanScaleHyperprior(
      widths=(4, 4, 4), latents=8, hyper_width=4, hyper_latents=4, dtype=dtype
    )
    network.build()
    layer = getattr(getattr(network, part), name)
    kernel = tf.random.stateless_normal(layer.kernel.shape, (0, 1))
    layer.kernel.assign(kernel)
    # A transposed convolution has its inputs last.
    channels = kernel.shape[3 if (part, name) == ("synthesis", "_last") else 2]
    x = tf.random.stateless_normal([2, 8, 8, channels], (0, 2))
    with tf.GradientTape() as tape:
      tape.watch(x)
      y = layer(x)
      total = tf.reduce_sum(y * tf.random.stateless_normal(y.shape, (0, 3)))
    found.append((y, *tape.gradient(total, [x, layer.kernel])))
  exact, mixed = found
  np.testing.assert_array_equal(exact[0], mixed[0])
  for one, other in zip(exact[1:], mixed[1:], strict=True):
    assert other.dtype == tf.float32
    # Factors are rounded to 8 binary digits.
    scale = float(tf.reduce_max(tf.abs(one)))
    np.testing.assert_allclose(one, other, atol=2**-7 * scale)
    assert np.any(one.numpy() != other.numpy())


@pytest.mark.parametrize("side", [16, 80])
def test_pictures_that_are_not_padded_are_refused(side):
  network = models.MeanScaleHyperprior(
    widths=(4, 4, 4), latents=8, hyper_width=4, hyper_latents=4, levels=2
  )
  network.build()
  x = tf.zeros([1, side, side, 3])
  with pytest.raises(ValueError, match="are multiples of 64; got"):
    network(x, tf.ones([1]), quantizers.Rounding())

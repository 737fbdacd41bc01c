"""The network of PIM: distributions of the reference program, and options."""

import numpy as np
import pytest
import tensorflow as tf

from tests.golden import cases, recipes
from tfpercept import models

CASES = {case.name: case for case in cases.read("pim")}


# The bound of the README in float32.
by_precision = pytest.mark.parametrize(
  ("dtype", "bound"), [("float64", 1e-12), ("float32", 1e-4)]
)


def network_of(case, dtype="float64"):
  network = models.PIMNetwork(**case.settings["options"], dtype=dtype)
  shapes = [w.shape for w in network.weights]
  network.set_weights(recipes.pim_weights(shapes, case.settings["seed"]))
  return network


def encode(network, image):
  return network(tf.constant(image))


def log_density(mixtures, z):
  """The reference's: means over the places of a band, then over bands."""
  bands = [
    tf.reduce_mean(m.log_density(tf.constant(s, m.means.dtype)), axis=[1, 2])
    for m, s in zip(mixtures, z, strict=True)
  ]
  return np.mean(bands, axis=0)


def samples(case, name):
  return [case.arrays[f"{name}/{band}"] for band in range(8)]


@by_precision
def test_log_densities_of_a_mixture_agree_with_the_reference(dtype, bound):
  case = CASES["small_pim5"]
  network = network_of(case, dtype)
  target, pred = (encode(network, i) for i in (case.reference, case.image))
  zt, zp = samples(case, "zt"), samples(case, "zp")
  found = {
    "logprob_t": log_density(target, zt),
    "kl_target_pred": log_density(target, zt) - log_density(pred, zt),
    "kl_pred_target": log_density(pred, zp) - log_density(target, zp),
  }
  found["value"] = found["kl_target_pred"] + found["kl_pred_target"]
  for name, value in found.items():
    np.testing.assert_allclose(value, case.arrays[name], rtol=0, atol=bound)


@by_precision
def test_the_full_mixture_network_agrees_with_the_reference(dtype, bound):
  case = CASES["full_pim5"]
  network = network_of(case, dtype)
  target, pred = (encode(network, i) for i in (case.reference, case.image))
  means = [
    tf.linalg.matvec(m.means, tf.nn.softmax(m.logits), transpose_a=True)
    for m in target
  ]
  found = log_density(target, means)
  np.testing.assert_allclose(
    found, case.arrays["logprob_t"], rtol=0, atol=bound
  )
  np.testing.assert_allclose(
    found - log_density(pred, means), case.arrays["value"], rtol=0, atol=bound
  )


def test_the_published_network_has_1_7_million_weights():
  network = models.PIMNetwork()
  cnn = 25 * (3 * 64 + 2 * 64 * 64 + 64 * 3) + 3 * 64 + 3
  marginal = 3 * 10 + 10 + 10 * 10 + 10
  joint = marginal + 4 * (3 * 10 + 10)
  assert network.count_params() == 8 * (cnn + marginal + joint)


@pytest.mark.parametrize(
  "options",
  [
    {},
    {"mixtures": 5},
    {"mixtures": 3, "z_dim": 4, "linear_head": True},
    {"front_end": "laplacian", "linear_head": True},
    {"front_end": "single", "width": 6},
  ],
)
def test_shapes_of_weights_tell_the_options(options):
  made = models.PIMNetwork(**{"width": 4} | options, seed=3)
  read = models.pim_from_arrays(made.get_weights(), source="a file")
  assert read.get_config() == made.get_config() | {"seed": 0}
  image = np.random.default_rng(0).uniform(size=(1, 24, 31, 3))
  for a, b in zip(
    made(np.float32(image)), read(np.float32(image)), strict=True
  ):
    np.testing.assert_array_equal(a.means, b.means)


def test_weights_of_something_else_are_refused():
  made = models.PIMNetwork(width=4).get_weights()
  for arrays in ([], made[:-1], made[::-1], [made[0], *made[:-1]]):
    with pytest.raises(ValueError, match="a file does not hold the weights"):
      models.pim_from_arrays(arrays, source="a file")


def test_a_saved_network_is_read_back(tmp_path):
  made = models.PIMNetwork(width=4, mixtures=2, seed=5)
  models.save(made, tmp_path / "model")
  read, manifest = models.load(tmp_path / "model")
  assert manifest["config"]["mixtures"] == 2
  for a, b in zip(made.get_weights(), read.get_weights(), strict=True):
    np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("dtype", [None, "float32"])
def test_a_network_of_double_precision_is_read_back(dtype, tmp_path):
  made = models.PIMNetwork(width=2, front_end="single", dtype="float64")
  models.save(made, tmp_path / "model")
  read, _ = models.load(tmp_path / "model", dtype=dtype)
  assert read.compute_dtype == (dtype or "float64")
  for a, b in zip(made.get_weights(), read.get_weights(), strict=True):
    np.testing.assert_array_equal(a.astype(np.float32), b)


def test_the_seed_gives_the_weights():
  first, again, other = (
    models.PIMNetwork(width=4, seed=seed).get_weights() for seed in (1, 1, 2)
  )
  np.testing.assert_array_equal(first[0], again[0])
  assert np.abs(first[0] - other[0]).max() > 0.01
  double = models.PIMNetwork(width=4, seed=1, dtype="float64").get_weights()
  np.testing.assert_array_equal(first[0], double[0])
  assert np.abs(first[0] - first[8]).max() > 0.01  # the next band's


def test_standardised_features_have_mean_0_and_variance_1():
  network = models.PIMNetwork(width=4, dtype="float64")
  images = tf.constant(CASES["small_pim1"].image)
  network.standardise(images)
  for features in network.features(images):
    mean, variance = tf.nn.moments(features, axes=[0, 1, 2])
    np.testing.assert_allclose(mean, 0, atol=1e-10)
    np.testing.assert_allclose(variance, 1, rtol=1e-3)  # 1e-12 under the root


def test_half_precision_stays_near_and_encodes_in_float32():
  case = CASES["small_pim1"]
  half, single = (network_of(case, d) for d in ("mixed_bfloat16", "float32"))
  image = np.float32(case.image)
  for a, b in zip(half(image), single(image), strict=True):
    assert a.means.dtype == "float32"
    # bfloat16 has 8 bits: 0.4 %, over four layers.
    gap = np.linalg.norm(a.means - b.means) / np.linalg.norm(b.means)
    assert gap < 0.03


@pytest.mark.parametrize("front_end", ["steerable", "single"])
def test_nothing_beyond_the_reach_changes_a_code(front_end):
  network = models.PIMNetwork(front_end=front_end, width=2, dtype="float64")
  reach, side = network.reach, 2 * network.reach + 24
  image = np.random.default_rng(0).uniform(size=(1, side, side, 3))
  other = image.copy()
  other[:, 0] = 1 - other[:, 0]
  seen = 0
  for stride, a, b in zip(
    network.strides,
    network.features(tf.constant(image)),
    network.features(tf.constant(other)),
    strict=True,
  ):
    rows = np.flatnonzero(np.abs(a - b).max(axis=(0, 2, 3)))
    seen = max(seen, rows.max() * stride)
  assert reach - network.strides[0] < seen <= reach


@pytest.mark.parametrize(
  ("options", "message"),
  [
    ({"front_end": "wavelet"}, "steerable, laplacian, single; got 'wavelet'"),
    ({"width": 0}, "of at least 1; got 1, 0, 10"),
    ({"dtype": "float16"}, "got 'float16'"),
  ],
)
def test_wrong_options_are_refused(options, message):
  with pytest.raises(ValueError, match=message):
    models.PIMNetwork(**options)

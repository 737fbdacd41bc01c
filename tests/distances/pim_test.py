"""PIM: goldens, estimators, and options that come from the weights."""

import numpy as np
import pytest
import tensorflow as tf

from tests.golden import cases, recipes
from tfpercept import distances, models
from tfpercept.distances import pim

CASES = {case.name: case for case in cases.read("pim")}


@pytest.fixture(scope="module")
def files(tmp_path_factory):
  """Weight files of the golden networks, by case."""
  folder = tmp_path_factory.mktemp("weights")
  paths = {}
  for name, case in CASES.items():
    network = models.PIMNetwork(**case.settings["options"])
    shapes = [w.shape for w in network.weights]
    arrays = recipes.pim_weights(shapes, case.settings["seed"])
    paths[name] = str(folder / f"{name}.npz")
    np.savez(paths[name], **{f"{i:03d}": a for i, a in enumerate(arrays)})
  return paths


def value_and_gradient(distance, case):
  reference, image = (
    tf.constant(x, distance.compute_dtype) for x in (case.reference, case.image)
  )
  with tf.GradientTape() as tape:
    tape.watch(image)
    value = distance(reference, image)
  return value.numpy(), tape.gradient(value, image).numpy()


# In float32 the README's bound; gradients are stored in float32, and where a
# ReLU is near its kink, rounding decides on which side.
@pytest.mark.parametrize("name", ["small_pim1", "single_pim1", "full_pim1"])
@pytest.mark.parametrize(
  ("dtype", "value_bound", "gradient_bound"),
  [("float64", 1e-12, 1e-6), ("float32", 1e-4, 1e-3)],
)
def test_pim_1_agrees_with_the_reference(
  name, dtype, value_bound, gradient_bound, files
):
  case = CASES[name]
  distance = pim.PIM(weights=files[name], dtype=dtype)
  value, gradient = value_and_gradient(distance, case)
  np.testing.assert_allclose(value, case.arrays["value"], rtol=value_bound)
  theirs = case.arrays["grad_pred"]
  gap = np.linalg.norm(gradient - theirs) / np.linalg.norm(theirs)
  assert gap < gradient_bound


def test_both_estimates_of_pim_5_are_of_the_same_size(files):
  """tests/ops/divergences_test.py shows that their means are equal."""
  case = CASES["small_pim5"]
  stratified, sampled = (
    pim.PIM(weights=files["small_pim5"], estimator=name, samples=samples)
    for name, samples in (("stratified", 1), ("sampled", 40))
  )
  found = stratified(case.reference, case.image)
  # The coarsest bands of 32 pixels have 16 places: some percent of noise each.
  np.testing.assert_allclose(
    found, sampled(case.reference, case.image), rtol=0.3
  )


def test_estimates_of_pim_5_are_repeatable_and_0_at_identity(files):
  case = CASES["small_pim5"]
  distance = pim.PIM(weights=files["small_pim5"])
  assert distance.estimator == "stratified"
  first, again = (distance(case.reference, case.image) for _ in range(2))
  np.testing.assert_array_equal(first, again)
  assert (first.numpy() > 0).all()
  same = distance(case.image, case.image)
  np.testing.assert_allclose(same, 0, atol=1e-9)  # squares of 1e-5
  other = pim.PIM(weights=files["small_pim5"], seed=1)
  gap = np.abs(other(case.reference, case.image) / first - 1)
  assert 0 < gap.max() < 0.5  # 16 places in the coarsest band of 32 pixels


def test_the_sampled_estimate_may_be_negative_and_says_so(files):
  case = CASES["small_pim5"]
  near = case.reference + 1e-4 * np.random.default_rng(0).normal(
    size=case.reference.shape
  )
  values = [
    pim.PIM(weights=files["small_pim5"], estimator="sampled", seed=seed)(
      case.reference, near
    )
    for seed in range(4)
  ]
  assert np.min(values) < 0 < np.max(values)
  assert not pim.PIM(weights=files["small_pim5"], estimator="sampled").symmetric


def test_noise_has_mean_0_and_covariance_1():
  noise = pim._tiles(3, 2, 10)
  assert noise.shape == (2, 16, 16, 10)
  for sample in noise.reshape(2, -1, 10):
    np.testing.assert_allclose(sample.mean(0), 0, atol=1e-15)
    covariance = sample.T @ sample / len(sample)
    np.testing.assert_allclose(covariance, np.eye(10), atol=1e-12)


def test_gray_is_taken_for_three_equal_channels():
  distance = pim.PIM(weights=None, width=4)
  gray = np.random.default_rng(0).uniform(size=(2, 24, 24, 1)).astype("float32")
  expected = distance(*(np.repeat(x, 3, -1) for x in (gray, gray**2)))
  np.testing.assert_allclose(distance(gray, gray**2), expected, rtol=1e-6)


def test_the_weights_in_the_package_are_those_of_pim_1():
  distance = distances.get("pim")
  assert distance.spec == "pim"
  config = distance.network.get_config()
  assert (config["mixtures"], config["front_end"]) == (1, "steerable")


def test_options_are_checked_against_the_weights(files):
  path = files["small_pim5"]
  fitting = pim.PIM(weights=path, mixtures=5, width=16)
  assert fitting.spec == f"pim(weights={path!r}, mixtures=5, width=16)"
  with pytest.raises(ValueError, match="width=16, not 64; leave the option"):
    pim.PIM(weights=path, width=64)


@pytest.mark.parametrize(
  ("options", "message"),
  [
    ({"estimator": "sampled"}, "1 mixture component.* deterministic; got"),
    ({"mixtures": 2, "estimator": "deterministic"}, "stratified, sampled; got"),
    ({"estimator": "mean"}, "estimator"),
    ({"samples": 0}, "samples of at least 1; got 0"),
    ({"seed": -1}, r"pim needs a seed in \[0, 2\*\*31\); got -1"),
    ({"mixtures": 2.5}, "whole mixtures, .* got 2.5, 2, 10"),
    ({"front_end": "wavelet"}, "steerable, laplacian, single"),
  ],
)
def test_wrong_options_are_refused(options, message):
  with pytest.raises(ValueError, match=message):
    pim.PIM(weights=None, width=2, **options)


@pytest.mark.parametrize(
  ("front_end", "side"), [("steerable", 8), ("laplacian", 11), ("single", 1)]
)
def test_each_front_end_states_its_smallest_image(front_end, side):
  distance = pim.PIM(weights=None, front_end=front_end, width=2)
  assert distance.min_size == side
  images = np.random.default_rng(0).uniform(size=(2, 1, side, side, 3))
  assert np.isfinite(distance(*np.float32(images))).all()


def test_a_task_can_train_the_network():
  distance = pim.PIM(weights=None, width=2)
  assert not distance.trainable_variables
  distance.trainable = True
  joint = [w for w in distance.network.weights if "joint" in w.name]
  assert len(joint) == 12 * distance.network.bands
  assert len(distance.trainable_variables) == len(distance.weights) - len(joint)
  # Of all that is trained something depends on it.
  image = np.random.default_rng(0).uniform(size=(1, 16, 16, 3))
  image = tf.constant(image, tf.float32)
  with tf.GradientTape() as tape:
    value = distance(image, image**2)
  assert None not in tape.gradient(value, distance.trainable_weights)


def test_a_checkpoint_is_read_back(tmp_path):
  distance = pim.PIM(weights=None, width=2, mixtures=2, seed=3)
  np.savez(tmp_path / "weights.npz", **distance.checkpoint())
  again = pim.PIM(weights=str(tmp_path / "weights.npz"), seed=3)
  image = np.random.default_rng(0).uniform(size=(1, 16, 16, 3))
  image = np.float32(image)
  np.testing.assert_array_equal(
    again(image, image**2), distance(image, image**2)
  )


def test_a_sampled_value_does_not_depend_on_the_place_in_a_batch(files):
  case = CASES["small_pim5"]
  distance = pim.PIM(weights=files["small_pim5"], estimator="sampled")
  twice = np.concatenate([case.reference[:1]] * 2)
  other = np.concatenate([case.image[:1]] * 2)
  together = distance(twice, other).numpy()
  alone = distance(case.reference[:1], case.image[:1]).numpy()
  # Sums of some hundred numbers near 1, of both signs, in another order.
  np.testing.assert_allclose(together, [*alone, *alone], rtol=1e-4, atol=1e-5)


def test_widths_may_differ_and_are_known_from_the_weights(tmp_path):
  made = pim.PIM(weights=None, front_end="single", width=[12, 20, 8], seed=3)
  assert made.spec.endswith("width=(12, 20, 8), seed=3)")
  again = distances.get(made.spec)
  images = tf.random.uniform([2, 1, 9, 9, 3])
  np.testing.assert_array_equal(made(*images), again(*images))
  path = str(tmp_path / "uneven.npz")
  np.savez(path, **made.checkpoint())
  read = pim.PIM(weights=path)
  np.testing.assert_array_equal(made(*images), read(*images))
  assert read.network.get_config()["width"] == (12, 20, 8)
  assert pim.PIM(weights=path, width=(12, 20, 8)).network.bands == 1
  with pytest.raises(ValueError, match=r"width=\(12, 20, 8\), not 64"):
    pim.PIM(weights=path, width=64)
  equal = pim.PIM(weights=None, front_end="single", width=(4, 4, 4))
  assert equal.network.get_config()["width"] == 4


@pytest.mark.parametrize(
  "width", [(4, 4), (4, 4, 4, 4), (4, 0, 4), (4, 4, "4")]
)
def test_widths_that_are_none_are_refused(width):
  with pytest.raises(ValueError, match=r"pim needs (one width|whole mixtures)"):
    pim.PIM(weights=None, width=width)


def test_weights_of_other_orientations_are_refused_in_words(tmp_path):
  # Four orientations have 14 bands.
  arrays = {f"{i:03d}": np.zeros((5, 5, 3, 4)) for i in range(4 * 14)}
  path = str(tmp_path / "four.npz")
  np.savez(path, **arrays)
  with pytest.raises(
    ValueError, match="4 orientations; pim has the filters of"
  ):
    pim.PIM(weights=path)

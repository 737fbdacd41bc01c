"""DISTS: values of the authors' program, and its invariances."""

import numpy as np
import pytest
import tensorflow as tf

from tests.golden import cases
from tfpercept import distances, weights
from tfpercept.models.perceptual import backbones

CASES = {case.name: case for case in cases.read("dists")}


@pytest.fixture(scope="module")
def distance(weights_or_skip):
  with weights_or_skip():
    return distances.get("dists")


def texture(seed, side=64):
  """Returns noise smoothed to grains of two pixels, `[1, side, side, 3]`."""
  random = np.random.default_rng(seed)
  noise = random.normal(0.5, 0.5, (1, side + 1, side + 1, 1))
  grain = (noise[:, 1:, 1:] + noise[:, :-1, :-1]) / 2
  return np.repeat(np.clip(grain, 0, 1), 3, -1).astype(np.float32)


@pytest.mark.parametrize("name", CASES)
def test_values_are_those_of_the_authors_program(distance, name):
  case = CASES[name]
  found = distance(np.float32(case.reference), np.float32(case.image))
  # The order of sums in convolutions of up to 4,608 terms, as for LPIPS; 0 for
  # identical pictures, where the authors' program returns its rounding.
  np.testing.assert_allclose(found, case.arrays["value"], rtol=2e-4, atol=1e-7)


def test_gradients_are_those_of_the_authors_program(distance):
  case = CASES["authors/p64"]
  image = tf.constant(case.image, tf.float32)
  with tf.GradientTape() as tape:
    tape.watch(image)
    value = distance(np.float32(case.reference), image)
  expected = case.arrays["grad_pred"]
  gap = np.linalg.norm(tape.gradient(value, image) - expected)
  # Where a ReLU is near 0, float32 may decide otherwise than float64.
  assert gap < 2e-3 * np.linalg.norm(expected)


def test_small_distances_keep_their_digits(distance):
  reference = np.float32(CASES["authors/p64"].reference[:1])
  noise = np.random.default_rng(0).normal(scale=1e-3, size=reference.shape)
  pair = reference, reference + np.float32(noise)
  double = distances.get("dists", dtype="float64")(*pair)
  # 1 minus a sum near 1 would leave 3 digits.
  np.testing.assert_allclose(distance(*pair), double, rtol=1e-3)
  assert double < 1e-3


def test_another_patch_of_one_texture_is_nearer_than_its_blur(distance):
  reference, other = texture(0), texture(1)
  blurred = np.stack([np.roll(reference, i, 2) for i in range(5)]).mean(0)
  assert distance(reference, other) < 0.7 * distance(reference, blurred)
  squared = distances.get("mse")  # which prefers the blur
  assert squared(reference, other) > squared(reference, blurred)


def test_l2_pooling_is_the_root_of_weighted_squares():
  x = np.random.default_rng(0).normal(size=(1, 5, 4, 2))
  found = backbones.L2Pool()(tf.constant(x), iter(()))
  weight = np.outer([1, 2, 1], [1, 2, 1]) / 16
  padded = np.pad(x, [(0, 0), (1, 1), (1, 1), (0, 0)]) ** 2
  expected = [
    [
      np.einsum("ij,ijc->c", weight, padded[0, i : i + 3, j : j + 3])
      for j in (0, 2)
    ]
    for i in (0, 2, 4)
  ]
  np.testing.assert_allclose(found[0], np.sqrt(expected), rtol=1e-6)


def test_a_checkpoint_is_read_back(distance, tmp_path):
  path = tmp_path / "own.npz"
  found = distance.checkpoint()
  assert found.keys() == {"alpha", "beta"}
  np.savez(path, alpha=2 * found["alpha"], beta=2 * found["beta"])
  again = distances.get(f"dists(weights={str(path)!r})")
  pair = texture(0), texture(1)
  # The weights are divided by their sum.
  np.testing.assert_allclose(again(*pair), distance(*pair), rtol=1e-6)


@pytest.mark.parametrize(
  ("change", "message"),
  [
    ({"alpha": None}, "'alpha' of 1475 numbers; .* has nothing"),
    ({"beta": np.ones(4)}, "'beta' of 1475 numbers; .* has 4"),
    ({"beta": -np.ones(1475)}, "'beta' without negative numbers"),
  ],
)
def test_weights_that_do_not_fit_are_an_error(change, message, tmp_path):
  arrays = weights.load("dists") | change
  path = tmp_path / "w.npz"
  np.savez(path, **{k: v for k, v in arrays.items() if v is not None})
  with pytest.raises(ValueError, match=message):
    distances.get(f"dists(weights={str(path)!r})")

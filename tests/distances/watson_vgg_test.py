"""Watson's model on VGG-16: the authors' numbers, its parameters, its form."""

import numpy as np
import pytest
import tensorflow as tf

from tests.golden import cases
from tfpercept import distances, weights
from tfpercept.distances import watson_vgg
from tfpercept.models.perceptual import backbones

(GOLDEN,) = cases.read("watson_vgg")


@pytest.fixture(scope="module")
def kernels():
  """Kernels by the authors' names, so that none are fetched."""
  random = np.random.default_rng(0)
  arrays = {}
  for name, (k, _, n, m) in backbones.VGG16.shapes.items():
    index = name.removeprefix("features.")
    kernel = random.standard_normal((m, n, k, k), np.float32)
    arrays[f"vgg.slice1.{index}.weight"] = kernel * np.sqrt(2 / (k * k * n))
    arrays[f"vgg.slice1.{index}.bias"] = np.zeros(m, np.float32)
  return arrays


@pytest.fixture
def make(kernels, monkeypatch):
  """Returns a function that makes the distance with given parameters."""

  def distance(dtype=None, reference=False, drop=(), **changes):
    arrays = kernels | watson_vgg._initial() | changes
    given = {k: v for k, v in arrays.items() if k not in drop}
    monkeypatch.setattr(weights, "load", lambda source: given)
    spec = f'watson_vgg(weights="a file", reference={reference})'
    return distances.get(spec, dtype=dtype)

  return distance


def pair(side=20, n=1, channels=3):
  random = np.random.default_rng(0)
  reference = random.random((n, side, side, channels), np.float32)
  noise = random.normal(scale=0.1, size=reference.shape)
  return reference, np.float32(np.clip(reference + noise, 0, 1))


@pytest.mark.parametrize(
  ("dtype", "value", "gradient"),
  # In float32 the sign of a difference, which beta = 1 makes the slope, is
  # arbitrary where two features agree to rounding.
  [("float32", 1e-5, 3e-3), ("float64", 1e-9, 1e-6)],
)
def test_it_agrees_with_the_authors_program(
  dtype, value, gradient, weights_or_skip
):
  with weights_or_skip():
    distance = distances.get("watson_vgg(reference=True)", dtype=dtype)
  image = tf.constant(GOLDEN.image, dtype)
  with tf.GradientTape() as tape:
    tape.watch(image)
    found = distance(GOLDEN.reference, image)
  np.testing.assert_allclose(found, GOLDEN.arrays["value"], rtol=value)
  expected = GOLDEN.arrays["grad_pred"]
  gap = np.linalg.norm(tape.gradient(found, image) - expected)
  assert gap < gradient * np.linalg.norm(expected)


def test_the_default_form_has_the_authors_value_on_ordinary_pairs(
  weights_or_skip,
):
  with weights_or_skip():
    distance = distances.get("watson_vgg")
  found = distance(GOLDEN.reference, GOLDEN.image)
  # As its docstring states; small features mask less.
  np.testing.assert_allclose(found, GOLDEN.arrays["value"], rtol=1e-3)


def test_the_default_form_has_the_authors_value_and_slopes_on_black_backgrounds(
  weights_or_skip,
):
  black = np.pad(GOLDEN.reference, [(0, 0), (8, 24), (8, 24), (0, 0)])
  noise = np.random.default_rng(0).normal(0, 0.05, black.shape)
  image = tf.constant(np.clip(black + noise, 0, 1), tf.float32)
  values, slopes = [], []
  for reference in (False, True):
    with weights_or_skip(), tf.GradientTape() as tape:
      tape.watch(image)
      distance = distances.get(f"watson_vgg(reference={reference})")
      value = distance(tf.constant(black), image)
    values.append(float(value[0]))
    slopes.append(tape.gradient(value, image).numpy().ravel())
  assert values[0] == pytest.approx(values[1], rel=1e-3)
  norms = np.prod([np.linalg.norm(slope) for slope in slopes])
  assert slopes[0] @ slopes[1] > 0.98 * norms


@pytest.mark.parametrize("beta", [0.5, 1.0, 3.0])
def test_the_default_form_is_0_with_a_finite_slope_at_identity(make, beta):
  image = tf.constant(pair()[0])
  for reference in (False, True):
    distance = make(beta=np.float64(beta), reference=reference)
    with tf.GradientTape() as tape:
      tape.watch(image)
      value = distance(image, image)
    gradient = tape.gradient(value, image).numpy()
    if reference:
      assert (value.numpy() > 0).all()
    else:
      np.testing.assert_array_equal(value, [0])
      np.testing.assert_array_equal(gradient, np.zeros_like(gradient))


def test_channels_of_higher_threshold_count_less(make):
  found = [
    float(make(t2_tild=np.full(256, t))(*pair())[0]) for t in (-1.0, 0.0, 1.0)
  ]
  assert found[0] > found[1] > found[2]


def test_a_known_answer_without_masking(make):
  # With w near 0 and t = 1 both terms of the maximum are 1, so differences
  # count as they are; beta = 2 adds their squares.
  no_masking = {f"w{i}_tild": np.full((), -60.0) for i in range(5)}
  distance = make(
    dtype="float64", reference=True, beta=np.full((), 2.0), **no_masking
  )
  reference, image = (tf.constant(x, "float64") for x in pair())
  both = zip(distance.embed(reference), distance.embed(image), strict=True)
  total = sum(np.square(a - b).sum(-1).mean((1, 2)) for a, b in both)
  total += 1472e-10  # what the authors add to each channel
  np.testing.assert_allclose(
    distance(reference, image), np.sqrt(total), rtol=1e-7
  )


def test_rounding_does_not_decide_the_gradient_of_the_reference(make):
  random = np.random.default_rng(0)
  features = [
    [
      np.maximum(random.normal(size=(2, 3, 4, c)), 0) ** 9 / 1e3  # many small
      for c in backbones.VGG16.channels
    ]
    for _ in range(2)
  ]

  def gradient(**options):
    distance = make(**options)
    reference, image = (
      [tf.constant(f, distance.compute_dtype) for f in side]
      for side in features
    )
    with tf.GradientTape() as tape:
      tape.watch(reference)
      value = distance.pool(distance.compare(reference, image))
    return np.concatenate(
      [np.ravel(g) for g in tape.gradient(value, reference)]
    )

  gap = {}
  for reference in (False, True):
    single, double = (
      gradient(dtype=dtype, reference=reference)
      for dtype in ("float32", "float64")
    )
    gap[reference] = np.abs(single - double).max() / np.abs(double).max()
    if not reference:
      bounded = np.abs(double).max()
  assert gap[False] < 1e-5
  assert np.abs(double).max() > 1e3 * bounded  # in the authors' form


def test_dropout_keeps_the_mean_and_follows_from_the_seed(make):
  distance = make()
  images = [np.repeat(x, 30, axis=0) for x in pair(n=1)]
  drawn, same, other = (
    distance.training_value(*images, tf.constant([1, seed])).numpy()
    for seed in (7, 7, 8)
  )
  np.testing.assert_array_equal(drawn, same)
  both = [*drawn, *other]
  assert len(set(both)) > len(drawn)
  value = float(distance(images[0][:1], images[1][:1])[0])
  error = np.std(both) / np.sqrt(len(both))
  assert error < 0.02 * value
  assert abs(np.mean(both) - value) < 4 * error  # 1 in 10,000 by chance


def test_its_parameters_have_names_and_are_all_that_is_trained(make):
  distance = make()
  assert not distance.trainable_weights
  distance.trainable = True
  names = {
    w.name.split("/")[-1].split(":")[0] for w in distance.trainable_weights
  }
  expected = {f"{part}{i}_tilde" for part in "tw" for i in range(5)} | {"beta"}
  assert names == expected
  (beta,) = (w for w in distance.trainable_weights if "beta" in w.name)
  # What optimizers apply after each step.
  assert float(beta.constraint(tf.constant(-1.0))) > 0


def test_a_checkpoint_is_read_back(make):
  changed = make(beta=np.float64(2), t1_tild=np.full(128, 0.5))
  again = make(**changed.checkpoint())
  np.testing.assert_array_equal(again(*pair()), changed(*pair()))
  assert not np.allclose(again(*pair()), make()(*pair()), rtol=0.01)


def test_a_checkpoint_holds_kernels_that_were_given(make, monkeypatch):
  given = make()
  found = given.checkpoint()
  # As the authors slice it, after the ReLU of each tap.
  assert {"vgg.slice1.2.bias", "vgg.slice5.28.weight"} <= found.keys()
  monkeypatch.setattr(weights, "load", lambda source: found)
  again = distances.get("watson_vgg(weights='a file')")
  np.testing.assert_array_equal(again(*pair()), given(*pair()))


def test_gray_is_rgb_with_equal_channels(make):
  reference, image = pair(channels=1)
  distance = make()
  np.testing.assert_allclose(
    distance(reference, image),
    distance(np.repeat(reference, 3, -1), np.repeat(image, 3, -1)),
    rtol=1e-6,
  )


def test_a_file_that_lacks_a_parameter_is_an_error(make):
  with pytest.raises(ValueError, match=r"needs 'w3_tild' of shape .* nothing"):
    make(drop=["w3_tild"])
  with pytest.raises(ValueError, match=r"'t0_tild' of shape \(64,\).*\(3,\)"):
    make(t0_tild=np.zeros(3))


def test_a_beta_whose_root_overflows_is_refused(make):
  with pytest.raises(ValueError, match=r"'beta' of at least 0\.2"):
    make(beta=np.float64(0.1))


def test_initial_parameters_are_the_published_ones():
  initial = watson_vgg._initial()
  assert {k: np.shape(v) for k, v in initial.items() if k[0] == "t"} == {
    f"t{i}_tild": (c,) for i, c in enumerate((64, 128, 256, 512, 512))
  }
  masking = [1 / (1 + np.exp(-initial[f"w{i}_tild"])) for i in range(5)]
  np.testing.assert_allclose(masking, 0.2)
  assert initial["beta"] == 1

"""Descent finds minima, keeps to what is allowed, and can be interrupted."""

import numpy as np
import pytest
import tensorflow as tf

from tfpercept import descent, distances

METHODS = (descent.Adam(0.05), descent.LBFGS())


def noise(shape, seed=0):
  return tf.constant(np.random.default_rng(seed).random(shape, np.float32))


def squared(target):
  return lambda x: tf.reduce_mean(tf.square(x - target), axis=[1, 2, 3])


def rosenbrock(x):
  return tf.square(1 - x[:, 0]) + 100 * tf.square(x[:, 1] - x[:, 0] ** 2)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("scale", [1.0, 1e-6])
def test_pixels_reach_the_minimum_whatever_the_unit(method, scale):
  target, start = noise([2, 4, 5, 3], 1), noise([2, 4, 5, 3], 2)
  result = descent.minimise(
    lambda x: scale * squared(target)(x), start, steps=150, method=method
  )
  # A hundredth of the learning rate is what Adam still moves at the end.
  np.testing.assert_allclose(result.variable, target, atol=2e-3)
  assert result.values.shape == (150, 2)


def test_lbfgs_follows_a_curved_valley_and_never_goes_up():
  start = tf.constant([[-1.2, 1.0], [2.0, -1.0]], tf.float64)
  result = descent.minimise(
    rosenbrock, start, steps=80, method=descent.LBFGS(trials=30)
  )
  np.testing.assert_allclose(result.variable, np.ones([2, 2]), atol=1e-6)
  assert (np.diff(result.values, axis=0) <= 0).all()


@pytest.mark.parametrize("method", METHODS)
def test_each_image_of_a_batch_descends_for_itself(method):
  target, start = noise([3, 16, 16, 1], 1), noise([3, 16, 16, 1], 2)
  ssim = distances.get("ssim")

  def found(part):
    return descent.minimise(
      lambda x: ssim(target[part], x), start[part], steps=5, method=method
    ).variable

  singles = [found(slice(i, i + 1)) for i in range(3)]
  # Convolutions of a batch sum in another order; five steps enlarge that.
  np.testing.assert_allclose(
    found(slice(0, 3)), tf.concat(singles, axis=0), atol=1e-3
  )


@pytest.mark.parametrize("method", METHODS)
def test_bounds_hold_at_every_step_and_the_rest_still_moves(method):
  target = tf.constant([[[[-0.5], [0.4], [1.7]]]])
  seen = []
  result = descent.minimise(
    squared(target),
    noise([1, 1, 3, 1]),
    steps=100,
    method=method,
    bounds=(0.0, 1.0),
    callback=lambda step, values, x: seen.append(x.numpy()),
  )
  assert len(seen) == 100
  assert min(map(np.min, seen)) >= 0
  assert max(map(np.max, seen)) <= 1
  np.testing.assert_allclose(
    np.ravel(result.variable), [0.0, 0.4, 1.0], atol=2e-3
  )


@pytest.mark.parametrize("method", METHODS)
def test_a_constraint_holds_while_the_objective_falls(method):
  reference = 0.25 + noise([2, 16, 16, 1], 1) / 2
  mse, ssim = distances.get("mse"), distances.get("ssim")
  result = descent.minimise(
    lambda x: ssim(reference, x),
    reference + 0.1 * (noise([2, 16, 16, 1], 2) - 0.5),
    steps=100,
    method=method,
    bounds=(0.0, 1.0),
    constraint=descent.Constraint(
      lambda x: mse(reference, x), np.array([0.01, 0.002])
    ),
  )
  # Three Newton steps on a quadratic leave errors far below a percent.
  np.testing.assert_allclose(
    mse(reference, result.variable), [0.01, 0.002], rtol=0.01
  )
  assert (result.values[-1] < result.values[0] / 2).all()


@pytest.mark.parametrize("method", METHODS)
def test_going_on_equals_never_having_stopped(method):
  target, start = noise([1, 4, 4, 1], 1), noise([1, 4, 4, 1], 2)
  settings = {"steps": 12, "method": method, "noise": 0.1, "seed": 3}
  if isinstance(method, descent.LBFGS):
    settings["noise"] = 0.0
  whole = descent.minimise(squared(target), start, **settings)
  half = descent.minimise(squared(target), start, until=5, **settings)
  assert (half.state.step, len(half.values)) == (5, 5)
  rest = descent.minimise(squared(target), start, state=half.state, **settings)
  np.testing.assert_array_equal(rest.variable, whole.variable)
  np.testing.assert_array_equal(
    np.concatenate([half.values, rest.values]), whole.values
  )


def test_noise_follows_from_the_seed_and_fades():
  start = noise([1, 4, 4, 1])

  def values(seed):
    return descent.minimise(
      squared(start), start, steps=8, noise=0.1, seed=seed,
      method=descent.Adam(1e-6),
    ).values  # fmt: skip

  np.testing.assert_array_equal(values(1), values(1))
  assert (values(1)[:5] != values(2)[:5]).all()
  # From three quarters on only the steps of Adam are left.
  assert values(1)[0] > 1e-3
  assert (values(1)[6:] < 1e-9).all()


@pytest.mark.parametrize("scale", [1.0, 1e-10, 1e-18])
def test_adam_throws_no_pixel_away_whose_gradient_is_small(scale):
  """The square of the last weight's gradient is no float32 number."""
  weights = tf.constant([[1.0, 1e-6, 1e-21]])

  def objective(x):
    return scale * tf.reduce_sum(weights * tf.square(x - 0.5), axis=1)

  start = tf.zeros([1, 3])
  found = descent.minimise(objective, start, steps=20, method=descent.Adam())
  assert (found.variable >= 0).numpy().all()
  assert (found.variable < 0.6).numpy().all()
  if scale == 1.0:
    assert (found.variable[0, :2] > 0.1).numpy().all()


@pytest.mark.parametrize(
  ("first", "then"),
  [
    (descent.LBFGS(), descent.Adam()),
    (descent.Adam(), descent.LBFGS()),
    (descent.LBFGS(memory=8), descent.LBFGS(memory=3)),
  ],
)
def test_a_state_of_another_method_is_refused(first, then):
  target, start = noise([1, 4, 4, 1], 1), noise([1, 4, 4, 1], 2)
  state = descent.minimise(
    squared(target), start, steps=4, until=2, method=first
  ).state
  with pytest.raises(ValueError, match="the state belongs to another descent"):
    descent.minimise(squared(target), start, steps=4, method=then, state=state)


def test_a_latent_descends_through_a_decoder_that_stays_as_it_is():
  decoder = tf.Variable(noise([3, 8]))
  before = decoder.numpy()
  wanted = tf.matmul(tf.constant([[1.0, -2.0, 0.5]]), decoder)
  result = descent.minimise(
    lambda z: tf.reduce_sum(tf.square(tf.matmul(z, decoder) - wanted), axis=1),
    tf.zeros([1, 3]),
    steps=30,
    method=descent.LBFGS(),
  )
  np.testing.assert_allclose(result.variable, [[1.0, -2.0, 0.5]], atol=1e-3)
  np.testing.assert_array_equal(decoder, before)


def test_a_number_that_is_not_finite_is_an_error_that_names_the_image():
  def objective(x):
    return tf.math.log(x[:, 0])

  with pytest.raises(descent.NonFiniteError, match="step 0 for image 1 of"):
    descent.minimise(objective, tf.constant([[1.0], [-1.0]]), steps=3)


def test_an_infinite_slope_is_an_error_too():
  with pytest.raises(descent.NonFiniteError, match="step 0 for image 0"):
    descent.minimise(
      lambda x: tf.sqrt(tf.reduce_sum(x, axis=1)), tf.zeros([1, 2]), steps=3
    )


@pytest.mark.parametrize(
  ("change", "message"),
  [
    ({"start": tf.zeros([4])}, r"tensor \[N, ...\]; got float32"),
    ({"start": tf.zeros([1, 2], tf.int32)}, "got int32"),
    ({"start": tf.zeros([1, 2], tf.float16)}, "got float16"),
    ({"steps": 0}, "at least one step; got steps=0"),
    ({"bounds": (1.0, 0.0)}, r"\(lowest, highest\); got \(1.0, 0.0\)"),
    ({"objective": tf.reduce_sum}, "Do not reduce over the batch"),
    (
      {"state": descent.State(1, tf.zeros([3, 2]), ())},
      r"it has float32 \[3, 2\]; this one has float32 \[1, 2\]",
    ),
  ],
)
def test_mistakes_are_named(change, message):
  settings = {
    "objective": lambda x: tf.reduce_sum(x, axis=1),
    "start": tf.zeros([1, 2]),
    "steps": 1,
  }
  with pytest.raises(ValueError, match=message):
    descent.minimise(**(settings | change))

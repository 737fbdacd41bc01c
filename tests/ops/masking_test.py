"""The fast path of Watson's model against its plain form."""

import numpy as np
import pytest
import tensorflow as tf

from tfpercept.ops import masking, visibility

PLANES, SIZE = 2, 6
EPSILON = visibility.EPSILON
DAMPING, NO_PHASE = 1e-4, 1e-24  # so much damping that it shows


def model(beta, dtype="float64"):
  random = np.random.default_rng(1)
  return masking.Model(
    sensitivity=tf.constant(random.normal(size=(PLANES, SIZE)), dtype),
    exponent=tf.constant([[0.3], [0.7]], dtype),
    beta=tf.constant([[beta], [beta + 0.2]], dtype),
    epsilon=EPSILON,
  )


def coefficients(*parts, dtype="float64"):
  """Two alike sets `[N, h, w, *parts, P, K]`, some equal and some 0."""
  random = np.random.default_rng(2)
  shape = (2, 3, 4, *parts, PLANES, SIZE)
  before, noise = random.normal(size=(2, *shape))
  before[..., 0, 1] = 0
  after = before + 0.3 * noise
  after[..., 0, 2] = before[..., 0, 2]
  after[..., 0, 3] = 0
  light = random.normal(size=(2, 3, 4, PLANES, 1))
  return [tf.constant(x, dtype) for x in (before, after, light)]


def plain_summands(model, magnitude, difference, light):
  luminance = tf.exp(model.sensitivity + light)
  thresholds = visibility.thresholds(magnitude, luminance, model.exponent)
  terms = visibility.summands(
    tf.abs(difference) / thresholds, model.beta, reference=False
  )
  return tf.reduce_sum(terms, [1, 2])


def amplitude(x):
  return np.abs(x + EPSILON * (1 + 1j))  # the authors' guard


def plain_turns(before, after):
  height = np.full(before.shape, DAMPING**0.5)
  u, v = (np.stack([x.real, x.imag, height], -1) for x in (before, after))
  sine = np.linalg.norm(np.cross(u, v), axis=-1)
  power = np.abs(before) ** 2 + np.abs(after) ** 2
  angle = np.arctan2(sine, np.sum(u * v, axis=-1))
  return (angle * power / (power + DAMPING)).sum((1, 2))


def gradients(function, arguments):
  with tf.GradientTape() as tape:
    tape.watch(arguments)
    values = function(*arguments)
    # Another weight for each number, so that none stands for all.
    total = tf.add_n(
      [
        tf.reduce_sum(v * tf.range(1, v.shape[-1] + 1.0, dtype=v.dtype) ** k)
        for k, v in enumerate(values, 1)
      ]
    )
  return values, tape.gradient(total, arguments)


@pytest.mark.parametrize("beta", [0.6, 1.0, 4.0])
def test_cosine_sums_and_their_gradients_are_the_plain_ones(beta):
  m = model(beta)
  arguments = coefficients()

  def plain(before, after, light):
    return (plain_summands(m, tf.abs(before), after - before, light),)

  found = tf.function(lambda *a: gradients(m.cosine_sums, a))(*arguments)
  expected = gradients(plain, arguments)
  for a, b in zip(
    tf.nest.flatten(found), tf.nest.flatten(expected), strict=True
  ):
    # Rounding in another order.
    np.testing.assert_allclose(a, b, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("beta", [0.6, 1.0, 4.0])
def test_fourier_sums_are_the_plain_ones(beta):
  m = model(beta)
  before, after, light = coefficients(2)
  amplitudes, turns = tf.function(
    lambda *a: m.fourier_sums(*a, DAMPING, NO_PHASE)
  )(before, after, light)
  x, y = (
    z.numpy()[:, :, :, 0] + 1j * z.numpy()[:, :, :, 1] for z in (before, after)
  )
  expected = plain_summands(
    m, amplitude(x), tf.constant(amplitude(y) - amplitude(x)), light
  )
  # Rounding in another order.
  np.testing.assert_allclose(amplitudes, expected, rtol=1e-9, atol=1e-9)
  np.testing.assert_allclose(turns, plain_turns(x, y), rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("beta", [1.5, 4.0])
def test_fourier_gradients_are_finite_differences(beta):
  m = model(beta)
  arguments = coefficients(2)
  step = 1e-6
  compute = tf.function(
    lambda *a: gradients(lambda *b: m.fourier_sums(*b, DAMPING, NO_PHASE), a)
  )
  _, slopes = compute(*arguments)
  assert all(np.isfinite(s).all() for s in slopes)

  def total(arguments):
    values, _ = compute(*arguments)
    weights = np.arange(1, SIZE + 1.0)
    return sum((v.numpy() * weights**k).sum() for k, v in enumerate(values, 1))

  random = np.random.default_rng(3)
  for i, slope in enumerate(slopes):
    direction = random.normal(size=slope.shape)
    direction[..., 0, 1:4] = 0  # where there are kinks, on purpose
    up, down = (
      total([*arguments[:i], arguments[i] + s * direction, *arguments[i + 1 :]])
      for s in (step, -step)
    )
    expected = np.sum(slope.numpy() * direction)
    assert (up - down) / (2 * step) == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_equal_coefficients_give_exactly_0_and_no_slope(dtype):
  before, _, light = coefficients(2, dtype=dtype)
  m = model(0.6, dtype)
  values, slopes = tf.function(
    lambda *a: gradients(lambda *b: m.fourier_sums(*b, DAMPING, NO_PHASE), a)
  )(before, before, light)
  for number in (*values, slopes[1]):
    np.testing.assert_array_equal(number, 0)


@pytest.mark.parametrize("beta", [0.6, 4.0])
def test_the_smallest_differences_have_a_finite_slope(beta):
  # 1e-10 to the power of 4, and all that follows from it, is 0 in float32.
  _, noise, light = coefficients(dtype="float32")
  m = model(beta, "float32")
  compute = tf.function(lambda *a: gradients(m.cosine_sums, a))
  for size in (1e-36, 1e-13, 1e-9):
    values, slopes = compute(tf.zeros_like(noise), size * noise, light)
    for number in (*values, *slopes):
      assert np.isfinite(number).all()
    assert (values[0].numpy() >= 0).all()


@pytest.mark.parametrize("parts", [(), (2,)])
def test_float32_keeps_its_digits(parts):
  def sums(dtype):
    m = model(0.6, dtype)
    arguments = coefficients(*parts, dtype=dtype)
    if parts:
      arguments += [DAMPING, NO_PHASE]
    return tf.function(m.fourier_sums if parts else m.cosine_sums)(*arguments)

  for single, double in zip(sums("float32"), sums("float64"), strict=True):
    # Of 12 terms; powers of 0.6 take differences of 1e-7 to 6e-5.
    np.testing.assert_allclose(single, double, rtol=2e-6, atol=1e-4)


def test_angles_are_those_of_the_plane():
  x, y = np.meshgrid(np.linspace(-2, 2, 201), np.linspace(0, 2, 101))
  off = (x != 0) | (y != 0)
  for dtype, bound in ((np.float32, 3e-7), (np.float64, 1e-15)):
    found = masking._angle(*(tf.constant(z[off], dtype) for z in (x, y)))
    # The polynomial's 2e-8, and the rounding of pi.
    np.testing.assert_allclose(found, np.arctan2(y, x)[off], atol=bound)


def test_a_difference_whose_power_underflows_has_no_slope():
  before, _, light = coefficients(dtype="float32")
  before = tf.zeros_like(before)
  tiny = tf.fill(before.shape, 1e-30)  # its fourth power is 0 in float32
  _, (slope,) = gradients(
    lambda x: model(4.0, "float32").cosine_sums(before, x, light), [tiny]
  )
  np.testing.assert_array_equal(slope, before)

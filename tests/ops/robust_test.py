"""The robust loss and its partition function, to their last corners."""

import math

import numpy as np
import pytest
import tensorflow as tf

from tests.golden import cases
from tfpercept.ops import robust

with np.load(cases.FOLDER / "robust.npz", allow_pickle=False) as _stored:
  GOLDEN = {k: v for k, v in _stored.items() if k.startswith(("ge", "log"))}


# The reference subtracts 1 from numbers near 1, times |alpha - 2| / alpha.
ATOL = 1e-12


def general(name):
  return [GOLDEN[f"general/{name}"] for name in name.split()]


def slope(residual, alpha, scale):
  residual = tf.constant(residual)
  with tf.GradientTape() as tape:
    tape.watch(residual)
    value = robust.rho(residual, alpha, scale)
  return value.numpy(), tape.gradient(value, residual).numpy()


@pytest.mark.parametrize("alpha", np.unique(GOLDEN["general/alpha"]))
# Float32 bounds are those of tests/golden/README.md. In double precision it is
# the reference that loses digits next to alpha = 0, by the factor 2 / alpha.
@pytest.mark.parametrize(("dtype", "bound"), [("f8", 1e-9), ("f4", 1e-5)])
def test_rho_and_its_slope_are_barrons(alpha, dtype, bound):
  x, shape, scale, value, dx = general("x alpha scale value dx")
  chosen = shape == alpha
  x, scale = (v[chosen].astype(dtype) for v in (x, scale))
  found, found_dx = slope(x, float(alpha), scale)
  np.testing.assert_allclose(found, value[chosen], rtol=bound, atol=ATOL)
  assert np.isfinite(found_dx).all()
  if np.isfinite(dx[chosen]).all():
    # A power multiplies the rounding of its base, by 500 for alpha = -1000.
    bound, atol = (1e-9, ATOL) if dtype == "f8" else (1e-4, 1e-6)
    np.testing.assert_allclose(found_dx, dx[chosen], rtol=bound, atol=atol)


def test_a_tensor_of_shapes_agrees_with_one_shape_at_a_time():
  x, shape, scale, value = general("x alpha scale value")
  finite = np.isfinite(shape)
  found = robust.rho(
    tf.constant(x[finite]), tf.constant(shape[finite]), scale[finite]
  )
  # At alpha = 2 itself |alpha - 2| counts as 1e-7.
  np.testing.assert_allclose(found, value[finite], rtol=3e-6, atol=ATOL)


def test_the_approximate_form_is_barrons():
  x, alpha, scale, value = (
    GOLDEN[f"general_approx/{k}"] for k in ("x", "alpha", "scale", "value")
  )
  found = robust.rho(tf.constant(x), alpha, scale, approximate=True)
  # The factor |alpha - 2| / alpha is up to 2e6 here.
  np.testing.assert_allclose(found, value, rtol=1e-8, atol=1e-9)


@pytest.mark.parametrize("jit_compile", [False, True])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_all_three_gradients_are_finite_everywhere(dtype, jit_compile):
  x, alpha, scale = (
    tf.constant(v.ravel(), dtype)
    for v in np.meshgrid(
      [0.0, 1e-20, 1e-3, 1.0, 255.0],
      [-1e3, -2.0, -1e-9, 0.0, 1e-9, 1e-3, 1.0, 2 - 1e-7, 2.0, 2.1, 40.0],
      [1e-5, 1.0],
    )
  )

  @tf.function(jit_compile=jit_compile)
  def gradients(x, alpha, scale):
    with tf.GradientTape() as tape:
      tape.watch([x, alpha, scale])
      value = robust.rho(x, alpha, scale) + robust.log_partition(alpha)
    return value, *tape.gradient(value, [x, alpha, scale])

  for found in gradients(x, alpha, scale):
    assert np.isfinite(found).all()
  at_zero = np.asarray(gradients(x, alpha, scale)[1])[np.asarray(x) == 0]
  assert (at_zero == 0).all()


def test_rho_is_continuous_in_its_shape():
  x = np.linspace(-3, 3, 31)
  for alpha in (0.0, 2.0):
    at = robust.rho(tf.constant(x), alpha, 1.0)
    for near in (alpha - 1e-6, alpha + 1e-6):
      # The slope in alpha is at most 50 log(1e6) here.
      np.testing.assert_allclose(
        robust.rho(tf.constant(x), near, 1.0), at, atol=1e-4
      )
  welsch = robust.rho(tf.constant(x), -math.inf, 1.0)
  np.testing.assert_allclose(
    robust.rho(tf.constant(x), -1e7, 1.0), welsch, atol=1e-5
  )


def test_the_slope_in_alpha_is_that_of_the_formula():
  alpha = np.array([-3.0, -0.2, -1e-5, 0.0, 1e-5, 0.2, 1.0, 1.9, 2.5])
  x = np.full_like(alpha, 1.7)
  e = 1e-5
  # In double precision, by central differences: e^2 and rounding / e.
  numeric = (robust.rho(x, alpha + e, 1.0) - robust.rho(x, alpha - e, 1.0)) / (
    2 * e
  )
  with tf.GradientTape() as tape:
    shape = tf.constant(alpha)
    tape.watch(shape)
    value = robust.rho(x, shape, 1.0)
  np.testing.assert_allclose(tape.gradient(value, shape), numeric, atol=1e-8)


@pytest.mark.parametrize(("dtype", "bound"), [("f8", 2e-7), ("f4", 1e-6)])
def test_log_partition_agrees_with_barrons_table_and_formula(dtype, bound):
  for name in ("log_partition", "log_partition_exact"):
    alpha, value = GOLDEN[f"{name}/alpha"], GOLDEN[f"{name}/value"]
    found = robust.log_partition(tf.constant(alpha.astype(dtype)))
    # The table itself is off by up to 1e-7.
    np.testing.assert_allclose(found, value, rtol=0, atol=bound)


def test_log_partition_is_within_a_millionth_for_every_shape():
  alpha = np.concatenate(
    [
      np.linspace(0, 4, 300),
      2 + np.geomspace(1e-8, 9998, 150),
      2 - np.geomspace(1e-8, 2, 150),
    ]
  )
  # The integral over r = sinh(t), by the trapezoidal rule; far enough for e^-t.
  t = np.linspace(0, 45, 3001)
  value = robust.rho(np.sinh(t), alpha[:, None], 1.0).numpy()
  heights = np.exp(-value) * np.cosh(t)
  heights[:, 0] /= 2
  expected = np.log(2 * heights.sum(axis=1) * (t[1] - t[0]))
  found = robust.log_partition(tf.constant(alpha))
  np.testing.assert_allclose(found, expected, rtol=0, atol=1e-6)
  ends = robust.log_partition(tf.constant([0.0, 2.0]))
  known = np.log([np.pi * np.sqrt(2), np.sqrt(2 * np.pi)])
  np.testing.assert_allclose(ends, known, atol=1e-6)


def test_log_partition_has_one_slope_at_every_point():
  alpha = np.concatenate([np.linspace(0.01, 1.99, 500), np.geomspace(2.01, 50)])
  with tf.GradientTape() as tape:
    shape = tf.constant(alpha)
    tape.watch(shape)
    value = robust.log_partition(shape)
  slopes = tape.gradient(value, shape).numpy()
  e = 1e-5
  left, right = (
    (robust.log_partition(tf.constant(alpha + s * e)) - value) / (s * e)
    for s in (-1, 1)
  )
  # Half of the curvature, at most 25 in this range, times e.
  np.testing.assert_allclose(left, slopes, atol=2e-4)
  np.testing.assert_allclose(right, slopes, atol=2e-4)

"""Values and gradients of the reference programs; see tests/golden."""

import numpy as np
import pytest
import tensorflow as tf

from tests.golden import cases
from tfpercept import distances

PIXEL = cases.read("pixel")
SSIM = [c for c in cases.read("ssim") if "value" in c.arrays]
ZERO_PADDED = cases.read("ssim_zeropad")

# The reference programs' names for our options.
OPTIONS = {
  "filter_size": "window",
  "filter_sigma": "sigma",
  "power_factors": "weights",
  "k1": "k1",
  "k2": "k2",
}


def by_name(chosen):
  return pytest.mark.parametrize("case", chosen, ids=[c.name for c in chosen])


def value_and_gradient(distance, case, *, traced):
  reference, image = (
    tf.constant(x, distance.compute_dtype) for x in (case.reference, case.image)
  )

  def compute(reference, image):
    with tf.GradientTape() as tape:
      tape.watch(image)
      value = distance(reference, image)
    return value, tape.gradient(value, image)

  compute = tf.function(compute) if traced else compute
  return [x.numpy() for x in compute(reference, image)]


def assert_agrees(
  distance, case, value, gradient, *, value_bound, gradient_bound
):
  """Checks eager and traced results, which take different paths.

  Those traced only in float32, since tracing takes seconds: conformance
  compares the two in float64.
  """
  for traced in {False, distance.compute_dtype == "float32"}:
    found = value_and_gradient(distance, case, traced=traced)
    np.testing.assert_allclose(found[0], value, rtol=0, atol=value_bound)
    assert np.isfinite(found[1]).all()
    if gradient is not None:
      gap = np.linalg.norm(found[1] - gradient) / np.linalg.norm(gradient)
      assert gap < gradient_bound


@by_name(PIXEL)
# Relative; in float32 the images themselves are rounded.
@pytest.mark.parametrize(
  ("dtype", "bound"), [("float32", 1e-6), ("float64", 1e-12)]
)
def test_pixel_errors_agree_with_numpy(case, dtype, bound):
  distance = distances.get(case.name, dtype=dtype)
  found = distance(case.reference, case.image)
  np.testing.assert_allclose(found, case.arrays["value"], rtol=bound)


# Bounds in float32 are those of tests/golden/README.md. In float64 values agree
# to rounding; gradients are stored in float32.
@by_name(SSIM)
@pytest.mark.parametrize(
  ("dtype", "value_bound", "gradient_bound"),
  [("float32", 2e-6, 1e-4), ("float64", 1e-12, 1e-6)],
)
def test_ssim_and_ms_ssim_agree_with_tensorflow(
  case, dtype, value_bound, gradient_bound
):
  name = "ms_ssim" if case.name.startswith("msssim/") else "ssim"
  options = {OPTIONS[k]: v for k, v in case.settings.items() if k in OPTIONS}
  gradient = case.arrays.get("grad_pred")
  if case.name == "msssim/negative176":
    value_bound = 2e-6  # a scale counts at least 1e-6 here, and 0 there
  assert_agrees(
    distances.DISTANCES.get(name)(dtype=dtype, **options),
    case,
    1 - case.arrays["value"],
    None if gradient is None else -gradient,  # theirs are of the similarity
    value_bound=value_bound,
    gradient_bound=gradient_bound,
  )


@by_name(ZERO_PADDED)
@pytest.mark.parametrize(
  ("dtype", "value_bound", "gradient_bound"),
  [("float32", 5e-6, 1e-4), ("float64", 1e-12, 1e-6)],
)
def test_zero_padded_ssim_agrees_with_czolbes(
  case, dtype, value_bound, gradient_bound
):
  assert_agrees(
    distances.get('ssim(border="zero")', dtype=dtype),
    case,
    case.arrays["value"],
    case.arrays.get("grad_pred"),
    value_bound=value_bound,
    gradient_bound=gradient_bound,
  )


def test_every_case_is_looked_at():
  assert {c.name for c in PIXEL} == {"mse", "mae"}
  assert (len(SSIM), len(ZERO_PADDED)) == (18, 3)
  assert sum("grad_pred" in c.arrays for c in (*SSIM, *ZERO_PADDED)) == 9

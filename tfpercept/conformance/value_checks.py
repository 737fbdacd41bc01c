"""Checks of values and gradients, which apply to any loss.

A check takes a factory: a callable that makes the distance and accepts `dtype`.
"""

import itertools

import numpy as np
import tensorflow as tf

from tfpercept import distances
from tfpercept.conformance import test_images
from tfpercept.conformance.assertions import (
  GRADIENT_ROUNDING,
  ConformanceError,
  Factory,
  NotApplicable,
  Pair,
  relative_gap,
  require,
  require_close,
  require_same,
  value_and_gradients,
)

NOISE = (0.02, 0.05, 0.1, 0.2)  # standard deviations of the ladder

# Relative error of a value in float32 against float64. Differences of nearly
# equal images lose more digits than rounding alone, before a square or a root.
PRECISION = 1e-4

# Step of finite differences, so small that hardly one of some millions of
# rectified features changes its sign.
STEP = 1e-8
# Relative error of finite differences. Rounding in float64 makes 1e-5 of it,
# and one rectified feature some 1e-4.
DIFFERENCE = 1e-3


def zero_at_identity(factory: Factory) -> str:
  """The distance of an image to itself is 0."""
  distance = factory()
  largest = 0.0
  for name, image in test_images.images(distance).items():
    value = distance(image, image).numpy()
    # Means of exact zeros; a guard inside a root may leave its square root.
    require(
      (np.abs(value) <= 1e-6).all(), f"{value} for two equal {name} images"
    )
    largest = max(largest, float(np.abs(value).max()))
  return f"at most {largest:.2g}"


def never_negative(factory: Factory) -> str:
  """No pair has a negative distance."""
  distance = factory()
  values = []
  for name, reference, image in test_images.pairs(distance):
    value = distance(reference, image).numpy()
    require((value >= 0).all(), f"{value} for the {name} pair")
    values.extend(value)
  return f"from {min(values):.3g} to {max(values):.3g} over the test images"


def finite_value_and_gradient(factory: Factory) -> None:
  """Values and gradients are finite, also at the poles of formulas."""
  distance = factory()
  for name, reference, image in test_images.pairs(distance):
    value, gradients = value_and_gradients(distance, reference, image)
    require(np.isfinite(value).all(), f"{value} for the {name} pair")
    for argument, gradient in zip(
      ("reference", "image"), gradients, strict=True
    ):
      require(
        np.isfinite(gradient).all(),
        f"gradient by the {argument} is not finite for the {name} pair",
      )


def nan_stays_nan(factory: Factory) -> None:
  """A NaN pixel in either image gives the value NaN.

  Otherwise a training that has diverged looks as if it had converged.
  """
  distance = factory()
  graph = tf.function(distance.__call__)
  pair = [tf.constant(x[:1]) for x in test_images.ordinary(distance)]
  middle = pair[0].shape[1] // 2
  broken = pair[0].numpy()
  broken[0, middle, middle, 0] = np.nan
  for place, argument in enumerate(("reference", "image")):
    images = list(pair)
    images[place] = tf.constant(broken)
    for name, call in (("eager", distance), ("traced", graph)):
      value = call(*images).numpy()
      require(
        np.isnan(value).all(),
        f"{value}, {name}, for NaN in the {argument}",
      )


def gradient_agrees_with_differences(factory: Factory) -> str:
  """The gradient agrees with finite differences of the value.

  The check runs in float64, along one random direction for each image.
  """
  distance = factory(dtype="float64")
  pair = [x.astype("float64") for x in test_images.ordinary(distance)]
  _, gradients = value_and_gradients(distance, *pair)
  random = np.random.default_rng(7)
  worst = 0.0
  for place, argument in enumerate(("reference", "image")):
    direction = random.normal(size=pair[place].shape)
    ends = []
    for step in (STEP, -STEP):
      moved = list(pair)
      moved[place] = pair[place] + step * direction
      ends.append(distance(*moved).numpy())
    measured = (ends[0] - ends[1]) / (2 * STEP)
    claimed = np.sum(gradients[place] * direction, axis=(1, 2, 3))
    # Root mean square of the slope along a random direction.
    usual = np.sqrt(np.sum(gradients[place] ** 2, axis=(1, 2, 3)))
    gap = float(np.max(np.abs(measured - claimed) / np.maximum(usual, 1e-12)))
    require(
      gap <= DIFFERENCE,
      f"gradient by the {argument} is {claimed} along a random direction, "
      f"finite differences are {measured}",
    )
    worst = max(worst, gap)
  return f"off by at most {worst:.1g}"


def single_precision_suffices(factory: Factory) -> str:
  """Float32 gives the value of float64 to four digits."""
  double = factory(dtype="float64")
  pair = test_images.ordinary(double)
  expected = double(*(x.astype("float64") for x in pair)).numpy()
  found = factory()(*pair).numpy()
  gap = float(np.max(np.abs(found - expected) / np.abs(expected)))
  require(
    gap <= PRECISION,
    f"{found} in float32, {expected} in float64: off by {gap:.2g}",
  )
  return f"off by at most {gap:.1g}"


def batch_equals_loop(factory: Factory) -> None:
  """An image's value does not depend on its neighbors in the batch."""
  distance = factory()
  reference, image = test_images.ordinary(distance)
  loop = [
    distance(r[None], i[None]) for r, i in zip(reference, image, strict=True)
  ]
  require(
    all(v.shape == (1,) for v in loop), "the value of one pair is not [1]"
  )
  require_close(distance(reference, image), tf.concat(loop, 0), "batch, loop")


def deterministic(factory: Factory) -> None:
  """Two calls agree, and so do two distances with the same options."""
  distance = factory()
  pair = test_images.ordinary(distance)
  first = distance(*pair)
  require_close(distance(*pair), first, "two calls")
  require_close(factory()(*pair), first, "two distances made alike")


def graph_equals_eager(factory: Factory) -> None:
  """`tf.function` changes neither the value nor the gradient."""
  _require_same_compiled(factory, jit_compile=False)


def xla_equals_eager(factory: Factory) -> None:
  """`jit_compile=True` changes neither the value nor the gradient."""
  _require_same_compiled(factory, jit_compile=True)


def half_precision_inputs(factory: Factory) -> None:
  """Half-precision images are cast up, and the value is float32."""
  distance = factory()
  for dtype in (tf.float16, tf.bfloat16):
    reference, image = (
      tf.cast(x, dtype) for x in test_images.ordinary(distance)
    )
    value = distance(reference, image)
    require(
      value.dtype == tf.float32, f"{dtype.name} images give {value.dtype.name}"
    )
    wide = distance(tf.cast(reference, tf.float32), tf.cast(image, tf.float32))
    require_close(value, wide, f"{dtype.name} images, the same in float32")


def unknown_sizes(factory: Factory) -> None:
  """One graph serves every batch and image size."""
  distance = factory()
  reference, image = test_images.ordinary(distance)
  spec = tf.TensorSpec([None, None, None, reference.shape[-1]])
  graph = tf.function(distance.__call__, input_signature=[spec, spec])
  narrower = -(-5 // distance.size_multiple) * distance.size_multiple
  for part in (np.s_[:], np.s_[:1, :, :-narrower]):
    require_close(
      graph(reference[part], image[part]),
      distance(reference[part], image[part]),
      "a graph of unknown sizes, eager",
    )


def rises_with_noise(factory: Factory) -> None:
  """More noise is a larger distance."""
  distance = factory()
  reference, _ = test_images.ordinary(distance)
  reference = reference[:1]
  noise = np.random.default_rng(5).normal(size=reference.shape)
  values = [
    distance(reference, np.float32(np.clip(reference + s * noise, 0, 1)))
    for s in NOISE
  ]
  values = [0.0, *np.concatenate(values).tolist()]
  require(
    all(a < b for a, b in itertools.pairwise(values)),
    f"values {values} for noise of {NOISE}",
  )


def _require_same_compiled(factory: Factory, *, jit_compile: bool) -> None:
  """Compares values and gradients in float32, and if needed in float64.

  The last digit may decide which of two features is larger, or whether one is
  above 0, and a gradient changes with it. Float64 tells that from a mistake.
  """
  (value, gradients), expected = _both_ways(factory(), jit_compile)
  require_close(value, expected[0], "values of compiled and eager")
  gap = relative_gap(gradients, expected[1])
  if gap <= GRADIENT_ROUNDING:
    return
  try:
    double = _both_ways(factory(dtype="float64"), jit_compile)
  except NotApplicable:
    raise ConformanceError(
      f"gradients of compiled and eager differ by {gap:.2g}"
    ) from None
  require_same(*double, "compiled and eager in float64")


def _both_ways(
  distance: distances.Distance, jit_compile: bool
) -> tuple[Pair, Pair]:
  """Returns value and gradients, compiled and eager."""
  reference, image = (
    tf.constant(x, distance.compute_dtype)
    for x in test_images.ordinary(distance)
  )

  @tf.function(jit_compile=jit_compile)
  def compiled(
    reference: tf.Tensor, image: tf.Tensor
  ) -> tuple[tf.Tensor, list[tf.Tensor]]:
    with tf.GradientTape() as tape:
      tape.watch([reference, image])
      value = distance(reference, image)
    return value, tape.gradient(
      value, [reference, image], unconnected_gradients="zero"
    )

  value, gradients = compiled(reference, image)
  return (value, np.stack(gradients)), value_and_gradients(
    distance, reference, image
  )


CHECKS = (
  zero_at_identity,
  never_negative,
  finite_value_and_gradient,
  nan_stays_nan,
  gradient_agrees_with_differences,
  single_precision_suffices,
  batch_equals_loop,
  deterministic,
  graph_equals_eager,
  xla_equals_eager,
  half_precision_inputs,
  unknown_sizes,
  rises_with_noise,
)

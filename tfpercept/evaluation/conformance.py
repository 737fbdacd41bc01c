"""What every distance must do, as checks that can be run on any of them.

    report = conformance.run(distances.MSE)
    assert report.passed, report

A check takes a factory: a callable that makes the distance with its default
options and accepts `dtype`. It returns when the distance conforms and raises
`ConformanceError`, or lets the distance's own error through, when it does not.
"""

import dataclasses
import itertools
from collections.abc import Callable

import numpy as np
import tensorflow as tf

from tfpercept import distances
from tfpercept.evaluation import probes

Factory = Callable[..., distances.Distance]
Check = Callable[[Factory], None]

CHECKS: dict[str, Check] = {}
"""All checks by name."""

SQUARE = 32  # side of the local change
LOCAL_SHARE = 0.8  # of an error map's mass that must lie at the change
NOISE = (0.02, 0.05, 0.1, 0.2)  # standard deviations of the ladder

# Float32 sums over some 1e5 pixels, in another order: a few 1e-7 of the largest
# summand, some tens of times over.
ROUNDING = 1e-5


class ConformanceError(AssertionError):
  """A distance does not do what every distance must."""


@dataclasses.dataclass(frozen=True)
class Report:
  """Outcome of all checks: the message of each that failed, by name."""

  failures: dict[str, str]

  @property
  def passed(self) -> bool:
    """Whether nothing failed."""
    return not self.failures

  def __str__(self) -> str:
    lines = [f"{name}: {why}" for name, why in self.failures.items()]
    return "\n".join(lines) or f"passed all {len(CHECKS)} checks"


def run(factory: Factory) -> Report:
  """Runs all checks on a distance and collects what fails."""
  failures = {}
  for name, check in CHECKS.items():
    try:
      check(factory)
    except (
      ConformanceError,
      ValueError,
      TypeError,
      tf.errors.OpError,
    ) as error:
      failures[name] = str(error)
  return Report(failures)


def _check(function: Check) -> Check:
  CHECKS[function.__name__] = function
  return function


@_check
def zero_at_identity(factory: Factory) -> None:
  """The distance of an image to itself is 0."""
  distance = factory()
  for name, image in probes.images(distance).items():
    value = distance(image, image).numpy()
    # Means of exact zeros; a guard inside a root may leave its square root.
    _require(
      (np.abs(value) <= 1e-6).all(), f"{value} for two equal {name} images"
    )


@_check
def never_negative(factory: Factory) -> None:
  """No pair has a negative distance."""
  distance = factory()
  for name, reference, image in probes.pairs(distance):
    value = distance(reference, image).numpy()
    _require((value >= 0).all(), f"{value} for the {name} pair")


@_check
def symmetry_as_declared(factory: Factory) -> None:
  """`symmetric` says whether swapping the arguments changes the value."""
  distance = factory()
  gaps = [
    _relative_gap(distance(a, b), distance(b, a))
    for _, a, b in probes.pairs(distance)
  ]
  if distance.symmetric:
    _require(
      max(gaps) <= ROUNDING,
      f"declared symmetric, but swapping changes it by {max(gaps):.2g}",
    )
  else:
    _require(
      max(gaps) > ROUNDING, "declared asymmetric, but swapping changes nothing"
    )


@_check
def finite_value_and_gradient(factory: Factory) -> None:
  """Values and gradients are finite also where formulas have their poles."""
  distance = factory()
  for name, reference, image in probes.pairs(distance):
    value, gradients = _value_and_gradients(distance, reference, image)
    _require(np.isfinite(value).all(), f"{value} for the {name} pair")
    for argument, gradient in zip(
      ("reference", "image"), gradients, strict=True
    ):
      _require(
        np.isfinite(gradient).all(),
        f"gradient by the {argument} is not finite for the {name} pair",
      )


@_check
def batch_equals_loop(factory: Factory) -> None:
  """An image's value does not depend on its neighbours in the batch."""
  distance = factory()
  reference, image = probes.ordinary(distance)
  loop = [
    distance(r[None], i[None]) for r, i in zip(reference, image, strict=True)
  ]
  _require(
    all(v.shape == (1,) for v in loop), "the value of one pair is not [1]"
  )
  _require_close(distance(reference, image), tf.concat(loop, 0), "batch, loop")


@_check
def graph_equals_eager(factory: Factory) -> None:
  """`tf.function` changes neither the value nor the gradient."""
  _require_same_compiled(factory(), jit_compile=False)


@_check
def xla_equals_eager(factory: Factory) -> None:
  """`jit_compile=True` changes neither the value nor the gradient."""
  _require_same_compiled(factory(), jit_compile=True)


@_check
def half_precision_inputs(factory: Factory) -> None:
  """Half-precision images are cast up: float32 comes out, nothing is lost."""
  distance = factory()
  for dtype in (tf.float16, tf.bfloat16):
    reference, image = (tf.cast(x, dtype) for x in probes.ordinary(distance))
    value = distance(reference, image)
    _require(
      value.dtype == tf.float32, f"{dtype.name} images give {value.dtype.name}"
    )
    wide = distance(tf.cast(reference, tf.float32), tf.cast(image, tf.float32))
    _require_close(value, wide, f"{dtype.name} images, the same in float32")


@_check
def unknown_sizes(factory: Factory) -> None:
  """One graph serves every batch and image size."""
  distance = factory()
  spec = tf.TensorSpec([None, None, None, 3])
  graph = tf.function(distance.__call__, input_signature=[spec, spec])
  reference, image = probes.ordinary(distance)
  for part in (np.s_[:], np.s_[:1, :, :-5]):
    _require_close(
      graph(reference[part], image[part]),
      distance(reference[part], image[part]),
      "a graph of unknown sizes, eager",
    )


@_check
def config_round_trip(factory: Factory) -> None:
  """Config and spec rebuild the distance, also in float64."""
  distance = factory()
  rebuilt = {
    "get_config": type(distance).from_config(distance.get_config()),
    "spec": distances.get(distance.spec),
  }
  value = distance(*probes.ordinary(distance))
  for how, other in rebuilt.items():
    _require(
      other.spec == distance.spec,
      f"{how} turns {distance.spec} into {other.spec}",
    )
    _require_close(other(*probes.ordinary(distance)), value, f"{how}, original")
  double = factory(dtype="float64")
  again = type(double).from_config(double.get_config())
  _require(
    again.compute_dtype == "float64", "get_config forgets the dtype float64"
  )


@_check
def too_small_is_an_error(factory: Factory) -> None:
  """`min_size` is exact: one pixel less is a ValueError that says so."""
  distance = factory()
  side = distance.min_size
  value = distance(*probes.noise_pair(side))
  _require(np.isfinite(value).all(), f"{value} for {side}x{side} images")
  if side == 1:
    return
  try:
    distance(*probes.noise_pair(side - 1))
  except ValueError as error:
    _require(
      str(side) in str(error),
      f"the error for images below {side}x{side} does not name that size: "
      f"{error}",
    )
  else:
    raise ConformanceError(f"images below min_size={side} are accepted")


@_check
def fused_equals_steps(factory: Factory) -> None:
  """`fused` agrees with embed, compare, pool in value and gradient.

  In float64, since the order of sums differs, and some pairs amplify rounding.
  """
  distance = factory(dtype="float64")
  if distance.fused is None:
    return

  def steps(reference, image):
    return distance.pool(
      distance.compare(distance.embed(reference), distance.embed(image))
    )

  traced = tf.function(distance.__call__)  # some fuse in graphs only
  for name, reference, image in probes.pairs(distance):
    reference, image = reference.astype("float64"), image.astype("float64")
    expected = _value_and_gradients(steps, reference, image)
    for mode, function in (("eager", distance), ("traced", traced)):
      _require_same(
        _value_and_gradients(function, reference, image),
        expected,
        f"{mode} fused and the three steps on the {name} pair",
      )


@_check
def map_is_local(factory: Factory) -> None:
  """Maps put a local change where it is.

  At least 80 % of the mass lies within the changed square and the support of
  the distance around it, which is half of `min_size`: the window or the filters
  that decide how small an image may be.
  """
  distance = factory()
  support = distance.min_size // 2
  side = 2 * (SQUARE + 2 * support)  # the allowed region is a quarter of this
  reference = probes.scene(1, side)
  start = (side - SQUARE) // 2
  square = slice(start, start + SQUARE)
  image = reference.copy()
  image[:, square, square] = 1 - image[:, square, square]
  found = distance.map(reference, image).numpy()
  _require(
    found.shape == (1, side, side), f"a map of shape {found.shape}, not [N,H,W]"
  )
  _require((found >= 0).all(), "a map with negative values")
  near = slice(start - support, start + SQUARE + support)
  share = found[:, near, near].sum() / found.sum()
  _require(
    share >= LOCAL_SHARE,
    f"{share:.0%} of the map lies within {support} pixels of the change",
  )


@_check
def rises_with_noise(factory: Factory) -> None:
  """More noise is a larger distance."""
  distance = factory()
  reference = probes.scene(1, probes.side(distance))
  noise = np.random.default_rng(5).normal(size=reference.shape)
  values = [
    distance(reference, np.float32(np.clip(reference + s * noise, 0, 1)))
    for s in NOISE
  ]
  values = [0.0, *np.concatenate(values).tolist()]
  _require(
    all(a < b for a, b in itertools.pairwise(values)),
    f"values {values} for noise of {NOISE}",
  )


def _require(condition: bool, message: str) -> None:
  if not condition:
    raise ConformanceError(message)


def _relative_gap(a, b) -> float:
  """Largest difference in units of the largest value."""
  a, b = np.asarray(a, np.float64), np.asarray(b, np.float64)
  return float(np.abs(a - b).max() / max(np.abs(b).max(), 1e-12))


def _require_close(a, b, what: str) -> None:
  gap = _relative_gap(a, b)
  _require(gap <= ROUNDING, f"{what} differ by {gap:.2g} of the value")


def _require_same(found, expected, what: str) -> None:
  for name, a, b in zip(("value", "gradients"), found, expected, strict=True):
    gap = _relative_gap(a, b)
    _require(gap <= ROUNDING, f"{name} of {what} differ by {gap:.2g}")


def _require_same_compiled(
  distance: distances.Distance, *, jit_compile: bool
) -> None:
  reference, image = (tf.constant(x) for x in probes.ordinary(distance))

  @tf.function(jit_compile=jit_compile)
  def compiled(reference, image):
    with tf.GradientTape() as tape:
      tape.watch([reference, image])
      value = distance(reference, image)
    return value, tape.gradient(value, [reference, image])

  value, gradients = compiled(reference, image)
  _require_same(
    (value, np.stack(gradients)),
    _value_and_gradients(distance, reference, image),
    "compiled and eager",
  )


def _value_and_gradients(function, reference, image):
  reference, image = tf.constant(reference), tf.constant(image)
  with tf.GradientTape() as tape:
    tape.watch([reference, image])
    value = function(reference, image)
  gradients = tape.gradient(
    value, [reference, image], unconnected_gradients="zero"
  )
  return value.numpy(), np.stack(gradients)

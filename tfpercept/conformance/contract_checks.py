"""Checks of the declarations of a `Distance`, and of its other methods.

A check takes a factory: a callable that makes the distance and accepts `dtype`.
"""

import functools
import pathlib
import tempfile

import keras
import numpy as np
import tensorflow as tf

from tfpercept import distances
from tfpercept.conformance import test_images
from tfpercept.conformance.assertions import (
  ROUNDING,
  Factory,
  NotApplicable,
  relative_gap,
  require,
  require_close,
  require_error,
  require_same,
  value_and_gradients,
)
from tfpercept.ops import checks

SQUARE = 32  # side of the local change, in pixels
LOCAL_SHARE = 0.8  # share of an error map's mass that must lie at the change
CHANNELS = (1, 2, 3, 4)  # numbers of channels that are tried


def symmetry_as_declared(factory: Factory) -> None:
  """`symmetric` says whether swapping the arguments changes the value."""
  distance = factory()
  gap = max(
    relative_gap(distance(a, b), distance(b, a))
    for _, a, b in test_images.pairs(distance)
  )
  if distance.symmetric:
    require(
      gap <= ROUNDING,
      f"declared symmetric, but swapping changes it by {gap:.2g}",
    )
  else:
    require(gap > ROUNDING, "declared asymmetric, but swapping changes nothing")


def channels_as_declared(factory: Factory) -> None:
  """`channels` is exact, and color models take gray as three equal channels.

  Four channels are refused unless it names four, since alpha is no color.
  """
  distance = factory()
  side = test_images.side(distance)
  for count in CHANNELS:
    pair = test_images.noise_pair(side, count)
    any_count = distance.channels is None and count != checks.ALPHA
    if any_count or count in (distance.channels or ()):
      value = distance(*pair).numpy()
      require(
        value.shape == (1,) and np.isfinite(value).all(),
        f"{value} for images with {count} channels, which are declared",
      )
    else:
      require_error(
        functools.partial(distance, *pair),
        str(count),
        f"images with {count} channels, beside {distance.channels},",
      )
  if distance.channels == (1, 3):
    gray = test_images.noise_pair(side, 1)
    require_close(
      distance(*gray),
      distance(*(np.repeat(x, 3, axis=-1) for x in gray)),
      "gray images, the same with three equal channels",
    )


def too_small_is_an_error(factory: Factory) -> None:
  """`min_size` is exact: a smaller image raises ValueError with the size."""
  distance = factory()
  multiple, channels = distance.size_multiple, test_images.channels(distance)
  side = -(-distance.min_size // multiple) * multiple
  value = distance(*test_images.noise_pair(side, channels))
  require(np.isfinite(value).all(), f"{value} for {side}x{side} images")
  if side == multiple:
    raise NotApplicable(f"images of {side}x{side} are the smallest there are")
  pair = test_images.noise_pair(side - multiple, channels)
  require_error(
    lambda: distance(*pair),
    str(distance.min_size),
    f"images below min_size={distance.min_size}",
  )


def size_multiple_is_exact(factory: Factory) -> None:
  """Sides that are not multiples raise ValueError with the number."""
  distance = factory()
  multiple = distance.size_multiple
  if multiple == 1:
    raise NotApplicable("images may have any size")
  reference, image = test_images.ordinary(distance)
  for part in (np.s_[:, 1:], np.s_[:, :, 1:]):
    require_error(
      functools.partial(distance, reference[part], image[part]),
      str(multiple),
      f"sides that are no multiples of {multiple}",
    )


def config_round_trip(factory: Factory) -> None:
  """Config and spec rebuild the distance, also in float64."""
  distance = factory()
  rebuilt = {"get_config": type(distance).from_config(distance.get_config())}
  if distance.is_registered:
    rebuilt["spec"] = distances.get(distance.spec)
  value = distance(*test_images.ordinary(distance))
  for how, other in rebuilt.items():
    require(
      other.spec == distance.spec,
      f"{how} turns {distance.spec} into {other.spec}",
    )
    require_close(
      other(*test_images.ordinary(distance)), value, f"{how}, original"
    )
  double = factory(dtype="float64")
  again = type(double).from_config(double.get_config())
  require(
    again.compute_dtype == "float64", "get_config forgets the dtype float64"
  )


def parameters_survive_saving(factory: Factory) -> str:
  """A model that holds the distance keeps its parameters when reloaded."""
  distance = factory()
  if not distance.weights:
    raise NotApplicable("it has no parameters")
  distance.set_weights([1.01 * w + 1e-3 for w in distance.get_weights()])
  pair = test_images.ordinary(distance)
  inputs = [keras.Input(pair[0].shape[1:]) for _ in range(2)]
  model = keras.Model(inputs, distance(*inputs))
  with tempfile.TemporaryDirectory() as folder:
    path = pathlib.Path(folder) / "model.keras"
    model.save(path)
    again = keras.models.load_model(
      path, custom_objects={type(distance).__name__: type(distance)}
    )
  require_close(again(list(pair)), distance(*pair), "reloaded and saved values")
  return f"{sum(w.size for w in distance.get_weights())} numbers"


def trains_with_finite_gradients(factory: Factory) -> None:
  """`training_value` `[N]` and its gradients are finite, and it repeats."""
  distance = factory()
  distance.trainable = True
  if not distance.trainable_variables:
    raise NotApplicable("it has no trainable parameters")
  seed = tf.constant([1, 2])
  for name, reference, image in test_images.pairs(distance):
    with tf.GradientTape() as tape:
      value = distance.training_value(
        tf.constant(reference), tf.constant(image), seed
      )
    # A gradient is None where the value does not depend on a weight.
    gradients = tape.gradient(value, distance.trainable_variables)
    require(
      value.shape == (len(image),) and np.isfinite(value).all(),
      f"training value {value.numpy()} for the {name} pair",
    )
    for weight, gradient in zip(
      distance.trainable_variables, gradients, strict=True
    ):
      require(
        gradient is None or np.isfinite(tf.convert_to_tensor(gradient)).all(),
        f"gradient by {weight.name} is not finite for the {name} pair",
      )
    again = distance.training_value(reference, image, seed)
    require_close(again, value, "training values of one seed")


def fused_equals_steps(factory: Factory) -> None:
  """`fused` agrees with embed, compare, pool in value and gradient.

  The check runs in float64, since the order of sums differs and some pairs
  amplify rounding.
  """
  distance = factory(dtype="float64")
  if not distance.has_fused:
    raise NotApplicable("it has no fused form")

  def steps(reference: tf.Tensor, image: tf.Tensor) -> tf.Tensor:
    return distance.pool(
      distance.compare(distance.embed(reference), distance.embed(image))
    )

  traced = tf.function(distance.__call__)  # some fuse in graphs only
  for name, reference, image in test_images.pairs(distance):
    reference, image = reference.astype("float64"), image.astype("float64")
    expected = value_and_gradients(steps, reference, image)
    for mode, function in (("eager", distance), ("traced", traced)):
      require_same(
        value_and_gradients(function, reference, image),
        expected,
        f"{mode} fused and the three steps on the {name} pair",
      )


def map_is_local(factory: Factory) -> str:
  """Maps show a local change at its place.

  At least 80 % of the mass lies within the changed square and the distance's
  `support` around it.
  """
  distance = factory()
  support, multiple = distance.support, distance.size_multiple
  # The picture is so large that the allowed region is a quarter of it.
  side = max(2 * (SQUARE + 2 * support), distance.min_size)
  side = -(-side // multiple) * multiple
  reference = test_images.scene(1, side, test_images.channels(distance))
  start = (side - SQUARE) // 2
  square = slice(start, start + SQUARE)
  image = reference.copy()
  image[:, square, square] = 1 - image[:, square, square]
  found = distance.map(reference, image).numpy()
  require(
    found.shape == (1, side, side), f"a map of shape {found.shape}, not [N,H,W]"
  )
  require((found >= 0).all(), "a map with negative values")
  near = slice(start - support, start + SQUARE + support)
  share = found[:, near, near].sum() / found.sum()
  report = f"{share:.0%} of the map lies within {support} pixels of the change"
  require(share >= LOCAL_SHARE, report)
  return report


CHECKS = (
  symmetry_as_declared,
  channels_as_declared,
  too_small_is_an_error,
  size_multiple_is_exact,
  config_round_trip,
  parameters_survive_saving,
  trains_with_finite_gradients,
  fused_equals_steps,
  map_is_local,
)

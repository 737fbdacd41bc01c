"""Checks of edge cases: tiny sizes, empty batches, second derivatives.

A check takes a factory: a callable that makes the distance and accepts `dtype`.
"""

from collections.abc import Callable, Iterable

import numpy as np
import tensorflow as tf

from tfpercept import distances
from tfpercept.conformance import test_images
from tfpercept.conformance.assertions import (
  Factory,
  require,
  value_and_gradients,
)

SIDES = (0, 1, 2, 3, 5, 8, 16)  # tried in addition to those around `min_size`

LARGE = 1e6  # a value that no finite image has, in units of that of noise


def every_size_in_words(factory: Factory) -> str:
  """Every size gives a value or an error that says what is needed.

  This holds for sizes known or unknown before a graph runs, and with XLA.
  """
  distance = factory()
  least, usual = distance.min_size, test_images.side(distance)
  graph = _of_any_size(distance)
  refused, sides = [], {*SIDES, least - 1, least, least + 1}
  for side in sorted(sides):
    for size in ((side, side), (side, usual), (usual, side)):
      pair = _pair(1, size, test_images.channels(distance))
      expected = _in_words(distance, pair, f"{size}, eager,")
      found = _in_words(graph, pair, f"{size}, in a graph,")
      if expected is None or found is None:
        require(
          expected is found,
          f"{size} is refused in one way of calling and taken in another",
        )
        refused.append(pair)
        continue
      require(
        np.isfinite(expected).all() and np.isfinite(found).all(),
        f"{expected} for {size}, {found} in a graph",
      )
  compiled = _of_any_size(distance, jit_compile=True)
  for pair in refused[:1] + refused[-1:]:
    size = pair[0].shape[1:3]
    found = _in_words(compiled, pair, f"{size}, compiled by XLA,")
    require(found is None, f"XLA makes {found} of {size}, which is refused")
  return f"{len(refused)} sizes are refused"


def empty_batch_has_no_values(factory: Factory) -> None:
  """An empty batch gives empty values, maps and gradients without an error."""
  distance = factory()
  side = test_images.side(distance)
  empty = _pair(0, (side, side), test_images.channels(distance))
  for mode, value in (
    ("eager", lambda r, i: value_and_gradients(distance, r, i)[0]),
    ("in a graph", _of_any_size(distance)),
  ):
    found = value(*empty)
    require(found.shape == (0,), f"{found} for no images, {mode}")
  for mode, draw in (("eager", distance.map), ("in a graph", _maps(distance))):
    found = draw(*empty)
    require(
      found.shape == (0, side, side),
      f"a map of shape {found.shape} for no images, {mode}",
    )


def infinity_stays_visible(factory: Factory) -> None:
  """An infinite pixel in either image gives no plausible value.

  The value is not finite, or larger than any other by far.
  """
  distance = factory()
  graph = tf.function(distance.__call__)
  pair = [x[:1] for x in test_images.ordinary(distance)]
  usual = distance(*pair).numpy()
  for place, argument in enumerate(("reference", "image")):
    images = [x.copy() for x in pair]
    middle = images[place].shape[1] // 2
    images[place][0, middle, middle, 0] = np.inf
    for mode, call in (("eager", distance), ("traced", graph)):
      value = call(*map(tf.constant, images)).numpy()
      require(
        not np.isfinite(value).any() or (value > LARGE * usual).all(),
        f"{value}, {mode}, for an infinite pixel in the {argument}",
      )


def finite_second_derivatives(factory: Factory) -> None:
  """The slopes of the gradient are finite, as gradient penalties need.

  All test images are checked eagerly, and two of them traced, since distances
  have other code there.
  """
  distance = factory()
  traced = tf.function(lambda r, i: _penalty_slopes(distance, r, i))
  for name, reference, image in test_images.pairs(distance):
    pair = [tf.constant(x[:1]) for x in (reference, image)]
    ways = {"eager": _penalty_slopes(distance, *pair)}
    if name in ("ordinary", "identical ordinary"):
      ways["traced"] = traced(*pair)
    for mode, slopes in ways.items():
      require(
        all(np.isfinite(s).all() for s in slopes),
        f"second derivatives, {mode}, are not finite for the {name} pair",
      )


def _penalty_slopes(
  distance: distances.Distance, reference: tf.Tensor, image: tf.Tensor
) -> list[tf.Tensor]:
  """Returns the slopes of the gradient's squared length in both images."""
  images = [reference, image]
  with tf.GradientTape() as outer:
    outer.watch(images)
    with tf.GradientTape() as inner:
      inner.watch(images)
      value = distance(*images)
    gradients = inner.gradient(value, images, unconnected_gradients="zero")
    length = tf.add_n([tf.reduce_sum(tf.square(g)) for g in gradients])
  return outer.gradient(length, images, unconnected_gradients="zero")


def _of_any_size(
  distance: distances.Distance, *, jit_compile: bool = False
) -> Callable[..., tf.Tensor]:
  """Returns a function to the value, traced once for unknown sizes.

  Its graph computes the gradients too.
  """
  spec = tf.TensorSpec([None, None, None, test_images.channels(distance)])

  @tf.function(input_signature=[spec, spec], jit_compile=jit_compile)
  def graph(
    reference: tf.Tensor, image: tf.Tensor
  ) -> tuple[tf.Tensor, list[tf.Tensor]]:
    with tf.GradientTape() as tape:
      tape.watch([reference, image])
      value = distance(reference, image)
    gradients = tape.gradient(
      value, [reference, image], unconnected_gradients="zero"
    )
    return value, gradients

  return lambda *pair: graph(*pair)[0]


def _maps(distance: distances.Distance) -> Callable[..., tf.Tensor]:
  spec = tf.TensorSpec([None, None, None, test_images.channels(distance)])
  return tf.function(distance.map, input_signature=[spec, spec])


def _in_words(
  call: Callable[..., tf.Tensor], pair: Iterable[tf.Tensor], what: str
) -> np.ndarray | None:
  """Returns the value, or None for an error that says what is needed."""
  try:
    return call(*pair).numpy()
  except (ValueError, tf.errors.InvalidArgumentError) as error:
    text = str(error)
    require("needs" in text, f"the error for {what} says {text[-200:]!r}")
    return None


def _pair(
  count: int, size: tuple[int, int], channels: int
) -> tuple[tf.Tensor, tf.Tensor]:
  random = np.random.default_rng(8)
  shape = (count, *size, channels)
  reference, image = random.uniform(size=(2, *shape))
  return tf.constant(reference, tf.float32), tf.constant(image, tf.float32)


CHECKS = (
  every_size_in_words,
  empty_batch_has_no_values,
  infinity_stays_visible,
  finite_second_derivatives,
)

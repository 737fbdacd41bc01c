"""Toy sources: random vectors whose optimal codecs are known or can be plotted.

    source = toy.get("banana(bend=0.1)")
    batches = toy.Batches(source, batch=1024, seed=0)

Sources: Balle et al., "Nonlinear transform coding", 2021, section III (Laplace,
banana); Wagner, Balle, "Neural networks optimally compress the sawbridge",
2021, section 2 (sawbridge).
"""

import dataclasses
import math
from collections.abc import Callable, Iterator

import tensorflow as tf

from tfpercept import registry

SOURCES = registry.Registry("toy source")
_TEST = -1  # seeds the test set; training steps are never negative
_PART = 10_000


@dataclasses.dataclass(frozen=True)
class Source:
  """A random vector.

  Attributes:
    spec: Name of the source with its options.
    dimensions: Length D of the vector.
    is_process: True if the vector is a function on D points of [0, 1]. Its
      distortion is then the mean of squared errors, otherwise their sum.
    draw: Function of a count N and an int32 seed `[2]` that returns vectors,
      float32 `[N, D]`. The same seed gives the same vectors.
  """

  spec: str
  dimensions: int
  is_process: bool
  draw: Callable[[int, tf.Tensor], tf.Tensor]

  def weight(self, lmbda: float) -> float:
    """Returns the cost in bits of a summed squared error of 1 at a `lmbda`."""
    return lmbda / self.dimensions if self.is_process else lmbda

  def test_set(self, count: int, seed: int) -> tf.Tensor:
    """Returns test vectors `[count, D]` that no `Batches` of any seed holds."""
    return self.draw(count, tf.constant([seed, _TEST]))

  def test_parts(self, count: int, seed: int) -> Iterator[tf.Tensor]:
    """Yields `count` test vectors in parts of at most 10000.

    The parts limit the memory, since the vectors of processes are long.
    """
    for place, start in enumerate(range(0, count, _PART)):
      some = min(_PART, count - start)
      yield self.draw(some, tf.constant([seed, _TEST - place]))


def get(spec: str) -> Source:
  """Returns the source that a spec such as `"sphere(dimensions=4)"` names.

  Raises:
    ValueError: if there is no such source, or an option is out of range.
  """
  terms = registry.parse_spec(spec)
  if len(terms) != 1 or terms[0].weight != 1.0:
    raise ValueError(f"a toy source is one name without weight; got {spec!r}")
  parts = SOURCES.create(terms[0].name, terms[0].options)
  return Source(str(terms[0]), *parts)


class Batches:
  """Batches of a source, each a function of (seed, step).

  Args:
    source: Source that vectors are drawn from.
    batch: Number of vectors in a batch.
    seed: Seed of all batches, not negative.

  Raises:
    ValueError: if a batch is empty or the seed negative.
  """

  def __init__(self, source: Source, *, batch: int, seed: int):
    if batch < 1 or seed < 0:
      raise ValueError(
        f"a toy source needs batch >= 1 and seed >= 0; got {batch}, {seed}"
      )
    self._source, self._batch, self._seed = source, batch, seed

  def at(self, step: tf.Tensor) -> tf.Tensor:
    """Returns batch `step`, float32 `[batch, D]`."""
    seed = tf.stack([self._seed, tf.cast(step, tf.int32)])
    return self._source.draw(self._batch, seed)

  def batches(self, start: int, stop: int) -> tf.data.Dataset:
    """Returns batches `start` to `stop - 1` in order."""
    steps = tf.data.Dataset.range(start, stop)
    return steps.map(self.at, num_parallel_calls=1).prefetch(2)


_Parts = tuple[int, bool, Callable[[int, tf.Tensor], tf.Tensor]]


@SOURCES.register("laplace")
def laplace() -> _Parts:
  """The Laplace distribution of location 0 and scale 1, in one dimension."""

  def draw(count: int, seed: tf.Tensor) -> tf.Tensor:
    uniform = tf.random.stateless_uniform([count, 2], seed)  # in [0, 1)
    exponential = -tf.math.log1p(-uniform)
    return exponential[:, :1] - exponential[:, 1:]

  return 1, False, draw


@SOURCES.register("banana")
def banana(*, bend: float = 0.1) -> _Parts:
  """A normal distribution in two dimensions, bent and turned.

  With a ~ N(0, 3^2) and b ~ N(0, 0.5^2) it is `(a, b - bend a^2)`, turned back
  by 240 degrees and moved by (-1, -1). The bend keeps areas, so the entropy is
  that of the normal distribution: 4.679 bits.

  Args:
    bend: Strength of the bend, any number; 0 gives the normal distribution.
  """
  turn = math.radians(240)
  rotation = [
    [math.cos(turn), -math.sin(turn)],
    [math.sin(turn), math.cos(turn)],
  ]

  def draw(count: int, seed: tf.Tensor) -> tf.Tensor:
    a, b = tf.unstack(
      tf.random.stateless_normal([count, 2], seed) * [3.0, 0.5], axis=-1
    )
    return tf.stack([a, b - bend * a**2], axis=-1) @ rotation - 1.0

  return 2, False, draw


@SOURCES.register("circle")
def circle() -> _Parts:
  """Points on the unit circle, uniformly distributed."""
  return sphere(dimensions=2)


@SOURCES.register("sphere")
def sphere(*, dimensions: int = 3) -> _Parts:
  """Points on the unit sphere, uniformly distributed.

  Args:
    dimensions: Length of the vectors, at least 2.
  """
  if dimensions < 2:
    raise ValueError(f"a sphere has 2 dimensions or more; got {dimensions}")

  def draw(count: int, seed: tf.Tensor) -> tf.Tensor:
    normal = tf.random.stateless_normal([count, dimensions], seed)
    return tf.math.l2_normalize(normal, axis=-1)

  return dimensions, False, draw


@SOURCES.register("sawbridge")
def sawbridge(*, points: int = 1024) -> _Parts:
  """The process `t - 1[t > Z]`, Z uniform on [0, 1): a ramp with a fall at Z.

  Args:
    points: Number of points t in [0, 1], at least 2.
  """
  return _process(points, lambda t, z: t - tf.cast(t > z, tf.float32))


@SOURCES.register("sinusoid")
def sinusoid(*, points: int = 1024) -> _Parts:
  """The process `sin(2 pi (t + V))`, V uniform on [0, 1).

  Args:
    points: Number of points t in [0, 1], at least 2.
  """
  return _process(points, lambda t, v: tf.sin(2 * math.pi * (t + v)))


@SOURCES.register("ramp")
def ramp(*, points: int = 1024) -> _Parts:
  """The process `(t + V) mod 1 - 1/2`, V uniform on [0, 1).

  Args:
    points: Number of points t in [0, 1], at least 2.
  """
  return _process(points, lambda t, v: tf.math.floormod(t + v, 1.0) - 0.5)


def _process(
  points: int, function: Callable[[tf.Tensor, tf.Tensor], tf.Tensor]
) -> _Parts:
  """Makes a source from a function of `t`, `[points]`, and noise `[N, 1]`.

  The noise is uniform on [0, 1).
  """
  if points < 2:
    raise ValueError(f"a process has 2 points or more; got {points}")

  def draw(count: int, seed: tf.Tensor) -> tf.Tensor:
    uniform = tf.random.stateless_uniform([count, 1], seed)
    return function(tf.linspace(0.0, 1.0, points), uniform)

  return points, True, draw

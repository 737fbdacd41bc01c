"""Sums of weighted distances, which are distances."""

import math
from collections.abc import Iterable
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from tfpercept import registry
from tfpercept.distances import moved
from tfpercept.distances.base import DISTANCES, Distance
from tfpercept.ops import tiling


@keras.saving.register_keras_serializable(package="tfpercept")
class WeightedSum(Distance):
  """`sum_i weight_i * distance_i`, for example `0.84*ms_ssim + 0.16*mae`.

  Images, gradients and smallest size: those of the strictest term.
  Value: `[N]`; its score is the value. Symmetric if every term is.
  Weights: `log_weights`, one for each term. Where a task makes the sum
  trainable, they are trained together with the weights of the terms. The spec
  follows them.

  Args:
    terms: Spec of two or more terms, or of one with a weight.
    **kwargs: Options of every distance: `dtype`, `check_range`, `value_range`
      and `name`.

  Raises:
    ValueError: if no number of channels suits all terms.
  """

  def __init__(self, terms: str, **kwargs: Any):
    super().__init__(**kwargs)
    self._terms = registry.parse_spec(terms)
    # With logarithms a training step changes a weight in proportion to its
    # size, for a term of any scale, and no weight reaches 0, which a spec could
    # not express.
    self._initial = np.log([term.weight for term in self._terms])
    self.log_weights = self.parameter("log_weights", self._initial)
    self.distances = [
      DISTANCES.create(term.name, term.options, dtype=kwargs.get("dtype"))
      for term in self._terms
    ]
    self.symmetric = all(d.symmetric for d in self.distances)
    self.copes_with_no_images = all(
      d.copes_with_no_images for d in self.distances
    )
    limits = [set(d.channels) for d in self.distances if d.channels is not None]
    if limits:
      self.channels = tuple(sorted(set.intersection(*limits)))
    if self.channels == ():
      takes = {d.spec: d.channels for d in self.distances if d.channels}
      raise ValueError(
        f"the terms of {terms} take no images in common; they take channels "
        + ", ".join(f"{spec}: {counts}" for spec, counts in takes.items())
      )

  @property
  def weights_of_terms(self) -> tuple[float, ...]:
    """Weights in the order of the terms, as written until they are trained."""
    with tf.init_scope():  # a spec is also asked for while a graph is traced
      now = tf.convert_to_tensor(self.log_weights).numpy()
    if np.array_equal(now, self._initial.astype(now.dtype)):
      return tuple(term.weight for term in self._terms)
    # `str` gives the fewest digits that tell a float32 from its neighbors.
    return tuple(float(str(weight)) for weight in np.exp(now))

  def unseen_share(self, height: int, width: int) -> float:
    # What one term sees counts.
    return min(d.unseen_share(height, width) for d in self.distances)

  @property
  def spec(self) -> str:
    return registry.format_spec(
      tuple(
        registry.Term(term.name, term.options, weight)
        for weight, (term,) in zip(
          self.weights_of_terms,
          (registry.parse_spec(d.spec) for d in self.distances),
          strict=True,
        )
      )
    )

  @property
  def checksum(self) -> str | None:
    return moved.joined(d.checksum for d in self.distances)

  @property
  def is_registered(self) -> bool:
    return True  # the terms are registered, and the spec consists of theirs

  @property
  def min_size(self) -> int:
    return max(d.min_size for d in self.distances)

  @property
  def support(self) -> int:
    return max(d.support for d in self.distances)

  @property
  def size_multiple(self) -> int:
    return math.lcm(*(d.size_multiple for d in self.distances))

  @property
  def exact_size(self) -> tuple[int, int] | None:
    # If terms have different sizes, `validate` of one of them refuses.
    return next((d.exact_size for d in self.distances if d.exact_size), None)

  def validate(self, height: int | None, width: int | None) -> None:
    for distance in self.distances:
      distance.validate(height, width)

  @property
  def locality(self) -> tiling.Locality | None:
    terms = [d.locality for d in self.distances]
    if None in terms:
      return None
    return tiling.Locality(
      strides=sum((term.strides for term in terms), ()),
      reach=max(term.reach for term in terms),
      is_pointwise=all(term.is_pointwise for term in terms),
    )

  def embed(self, image: tf.Tensor) -> list[Any]:
    return [d.embed(image) for d in self.distances]

  def compare(
    self, reference: list[Any], image: list[Any]
  ) -> list[list[tf.Tensor]]:
    return [
      d.compare(r, i)
      for d, r, i in zip(self.distances, reference, image, strict=True)
    ]

  def pool(self, maps: list[list[tf.Tensor]]) -> tf.Tensor:
    return self._sum(
      d.pool(m) for d, m in zip(self.distances, maps, strict=True)
    )

  def fused(self, reference: tf.Tensor, image: tf.Tensor) -> tf.Tensor:
    return self._sum(d(reference, image) for d in self.distances)

  def training_value(
    self, reference: tf.Tensor, image: tf.Tensor, seed: tf.Tensor
  ) -> tf.Tensor:
    reference, image = self._checked(reference, image)
    seeds = tf.random.experimental.stateless_split(seed, len(self.distances))
    return self._sum(
      d.training_value(reference, image, s)
      for d, s in zip(self.distances, tf.unstack(seeds), strict=True)
    )

  def values(
    self, reference: tf.Tensor, image: tf.Tensor
  ) -> dict[str, tf.Tensor]:
    """Returns the unweighted value of each term, `[N]`, by its spec."""
    reference, image = self._checked(*self._inspected(reference, image))
    return {d.spec: d(reference, image) for d in self.distances}

  def combine(self, values: dict[str, tf.Tensor]) -> tf.Tensor:
    """Returns the weighted sum `[N]` of the result of `values`."""
    return self._sum(values[d.spec] for d in self.distances)

  def parts(self, reference: tf.Tensor, image: tf.Tensor) -> tf.Tensor:
    """Returns the unweighted value of each term, `[N, terms]`."""
    reference, image = self._checked(*self._inspected(reference, image))
    return tf.stack([d(reference, image) for d in self.distances], axis=-1)

  def weigh(self, parts: tf.Tensor) -> tf.Tensor:
    """Returns the value `[N]` of the result of `parts`."""
    return self._sum(tf.unstack(parts, len(self.distances), axis=-1))

  def render(
    self, maps: list[list[tf.Tensor]], height: tf.Tensor, width: tf.Tensor
  ) -> tf.Tensor:
    return self._sum(
      d.render(m, height, width)
      for d, m in zip(self.distances, maps, strict=True)
    )

  def get_config(self) -> dict[str, Any]:
    return {**super().get_config(), "terms": self.spec}

  def _sum(self, values: Iterable[tf.Tensor]) -> tf.Tensor:
    weights = tf.unstack(tf.exp(tf.convert_to_tensor(self.log_weights)))
    return tf.add_n([w * v for w, v in zip(weights, values, strict=True)])

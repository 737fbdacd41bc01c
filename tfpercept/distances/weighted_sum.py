"""Sums of weighted distances, which are distances."""

import math
from typing import Any

import keras
import tensorflow as tf

from tfpercept import registry
from tfpercept.distances.base import DISTANCES, Distance


@keras.saving.register_keras_serializable(package="tfpercept")
class WeightedSum(Distance):
  """`sum_i weight_i * distance_i`, for example `0.84*ms_ssim + 0.16*mae`.

  Images, gradients and smallest size: as the strictest of the terms.
  Value: `[N]`; its score is the value. Symmetric if every term is.

  Args:
    terms: A spec of two or more terms, or of one with a weight.
    **kwargs: `dtype`, `check_range`, `name`, as for every distance.
  """

  def __init__(self, terms: str, **kwargs: Any):
    super().__init__(**kwargs)
    self._terms = registry.parse_spec(terms)
    self.weights_of_terms = tuple(term.weight for term in self._terms)
    self.distances = [
      DISTANCES.create(term.name, term.options, dtype=kwargs.get("dtype"))
      for term in self._terms
    ]
    self.symmetric = all(d.symmetric for d in self.distances)
    limits = [set(d.channels) for d in self.distances if d.channels is not None]
    if limits:
      self.channels = tuple(sorted(set.intersection(*limits)))

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
  def is_registered(self) -> bool:
    return True  # its terms are, and its spec is made of theirs

  @property
  def min_size(self) -> int:
    return max(d.min_size for d in self.distances)

  @property
  def size_multiple(self) -> int:
    return math.lcm(*(d.size_multiple for d in self.distances))

  def validate(self, height: int | None, width: int | None) -> None:
    for distance in self.distances:
      distance.validate(height, width)

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
    return self._sum(
      d.training_value(reference, image, seed) for d in self.distances
    )

  def values(
    self, reference: tf.Tensor, image: tf.Tensor
  ) -> dict[str, tf.Tensor]:
    """Returns the unweighted value of each term, `[N]`, by its spec."""
    return {d.spec: d(reference, image) for d in self.distances}

  def combine(self, values: dict[str, tf.Tensor]) -> tf.Tensor:
    """Returns the weighted sum of what `values` returned."""
    return self._sum(values[d.spec] for d in self.distances)

  def render(
    self, maps: list[list[tf.Tensor]], height: tf.Tensor, width: tf.Tensor
  ) -> tf.Tensor:
    return self._sum(
      d.render(m, height, width)
      for d, m in zip(self.distances, maps, strict=True)
    )

  def get_config(self) -> dict[str, Any]:
    return {**super().get_config(), "terms": registry.format_spec(self._terms)}

  def _sum(self, values) -> tf.Tensor:
    return tf.add_n(
      [w * v for w, v in zip(self.weights_of_terms, values, strict=True)]
    )

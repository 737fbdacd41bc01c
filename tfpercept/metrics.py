"""Distances as Keras metrics, which report what papers print."""

from typing import Any

import keras
import tensorflow as tf

from tfpercept import distances


@keras.saving.register_keras_serializable(package="tfpercept")
class DistanceMetric(keras.metrics.Metric):
  """Mean over images of a distance's `score` (PSNR in dB, SSIM, ...).

  Images whose score is infinite (PSNR of identical images) are left out of the
  mean and counted in `infinite`. If no finite score was seen the result is the
  infinity itself, or 0 before any image.

  Args:
    spec: A spec, or a `Distance`.
    name: Keras name; the spec by default.
    dtype: Keras dtype of the sums and the result.
    check_range: See `distances.get`.
  """

  def __init__(
    self,
    spec: str | distances.Distance,
    *,
    name: str | None = None,
    dtype: str | None = None,
    check_range: bool | None = None,
  ):
    distance = distances.get(spec, check_range=check_range)
    super().__init__(name=name or distance.spec, dtype=dtype)
    self.distance = distance
    self.total = self._sum("total")
    self.count = self._sum("count")
    self.infinite = self._sum("infinite")

  def _sum(self, name: str):
    # Keras 3 does not hand its dtype on by itself.
    return self.add_weight(
      name=name, shape=(), initializer="zeros", dtype=self.dtype
    )

  def update_state(
    self,
    y_true: tf.Tensor,
    y_pred: tf.Tensor,
    sample_weight: tf.Tensor | None = None,
  ) -> None:
    """Adds a batch; `sample_weight` broadcasts to `[N]`."""
    score = tf.cast(self.distance.score(y_true, y_pred), self.total.dtype)
    weight = tf.ones_like(score)
    if sample_weight is not None:
      weight *= tf.reshape(tf.cast(sample_weight, score.dtype), [-1])
    infinite = tf.math.is_inf(score)
    zero = tf.zeros_like(score)
    self.total.assign_add(
      # An image of weight 0 does not count, whatever its score.
      tf.reduce_sum(
        tf.where(infinite, zero, tf.math.multiply_no_nan(score, weight))
      )
    )
    self.count.assign_add(tf.reduce_sum(tf.where(infinite, zero, weight)))
    self.infinite.assign_add(tf.reduce_sum(tf.where(infinite, weight, zero)))

  def result(self) -> tf.Tensor:
    """Returns the mean finite score."""
    total, count = tf.identity(self.total), tf.identity(self.count)
    infinite = tf.identity(self.infinite)
    zero = tf.zeros_like(total)
    nothing_finite = tf.where(infinite > 0, zero + float("inf"), zero)
    return tf.where(
      count > 0, tf.math.divide_no_nan(total, count), nothing_finite
    )

  def get_config(self) -> dict[str, Any]:
    return {
      "spec": distances.serialize(self.distance),
      "name": self.name,
      "dtype": self.dtype,
      "check_range": self.distance.check_range,
    }

  @classmethod
  def from_config(cls, config: dict[str, Any]) -> "DistanceMetric":
    return cls(**{**config, "spec": distances.deserialize(config["spec"])})


def get(
  spec: str | distances.Distance,
  *,
  name: str | None = None,
  check_range: bool | None = None,
) -> DistanceMetric:
  """Returns a Keras metric; see `DistanceMetric` for the arguments.

  Raises:
    ValueError: if the spec is malformed, or a name or an option is unknown.
  """
  return DistanceMetric(spec, name=name, check_range=check_range)

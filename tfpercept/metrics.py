"""Distances as Keras metrics, which report scores as papers print them."""

import sys
import warnings
from typing import Any

import keras
import tensorflow as tf

from tfpercept import distances
from tfpercept.ops import checks, ranges


@keras.saving.register_keras_serializable(package="tfpercept")
class DistanceMetric(keras.metrics.Metric):
  """Mean over images of a distance's `score` (PSNR in dB, SSIM, ...).

  Images whose score is infinite (PSNR of identical images) are left out of the
  mean and counted in `infinite`. If no finite score was seen the result is the
  infinity itself, or 0 before any image.

  Keras 3 asks a metric for its direction, so that `EarlyStopping`,
  `ModelCheckpoint` and `ReduceLROnPlateau` need no `mode`. For a model with
  several outputs it does not ask, and raises. Keras 2 decides by the name and
  minimizes all that do not end in `acc` or `auc`; give
  `mode=metrics.mode("ssim")` there. If a callback goes in the wrong direction,
  the metric warns when an epoch begins.

  Args:
    spec: Spec of a distance, or a `Distance`.
    name: Keras name of the metric; the spec by default.
    dtype: Keras dtype of the sums and the result.
    check_range: If True, each call refuses images far outside their range.
    value_range: Lowest and highest value of the images, such as (-1, 1); by
      default [0, 1].
  """

  def __init__(
    self,
    spec: str | distances.Distance,
    *,
    name: str | None = None,
    dtype: str | None = None,
    check_range: bool | None = None,
    value_range: Any = None,
  ):
    distance = distances.get(
      spec, check_range=check_range, value_range=value_range
    )
    super().__init__(name=name or distance.spec, dtype=dtype)
    # A closure hides the distance from Keras 2, which would track it as a layer
    # and write its weights into a SavedModel.
    self._held = lambda: distance
    self._direction = "up" if distance.direction == "max" else "down"
    self.total = self._sum("total")
    self.count = self._sum("count")
    self.infinite = self._sum("infinite")

  @property
  def distance(self) -> distances.Distance:
    """Distance that computes the scores."""
    return self._held()

  @property
  def direction(self) -> str:
    """`"max"` if a larger result is better, as for PSNR, else `"min"`."""
    return self.distance.direction

  def _sum(self, name: str) -> Any:
    # Keras 3 does not pass the dtype of the metric on to its weights.
    return self.add_weight(
      name=name, shape=(), initializer="zeros", dtype=self.dtype
    )

  def reset_state(self) -> None:
    """Sets the sums to 0, and warns of callbacks in the wrong direction."""
    super().reset_state()
    for watcher in _watchers():
      if _monitors(watcher, self.name) and _goes(watcher) != self.direction:
        warnings.warn(
          f"{type(watcher).__name__} takes a {_WORSE[self.direction]} "
          f"{watcher.monitor} for better, but {self.name} is better where it is"
          f" {_BETTER[self.direction]}. Give it mode={self.direction!r}.",
          stacklevel=2,
        )

  def update_state(
    self,
    y_true: tf.Tensor,
    y_pred: tf.Tensor,
    sample_weight: tf.Tensor | None = None,
  ) -> None:
    """Adds the scores of a batch.

    Args:
      y_true: Reference images, float `[N, H, W, C]`.
      y_pred: Images to compare with them, of the same shape.
      sample_weight: Weights of the images, `[N]` or a scalar; 1 by default.
    """
    score = tf.cast(self.distance.score(y_true, y_pred), self.total.dtype)
    sample_weight = checks.sample_weight(
      sample_weight, self.distance.spec, count=score.shape[0]
    )
    weight = tf.ones_like(score)
    if sample_weight is not None:
      weight *= tf.reshape(tf.cast(sample_weight, score.dtype), [-1])
    infinite = tf.math.is_inf(score)
    zero = tf.zeros_like(score)
    self.total.assign_add(
      # An image of weight 0 does not count, even if its score is NaN.
      tf.reduce_sum(
        tf.where(infinite, zero, tf.math.multiply_no_nan(score, weight))
      )
    )
    self.count.assign_add(tf.reduce_sum(tf.where(infinite, zero, weight)))
    self.infinite.assign_add(tf.reduce_sum(tf.where(infinite, weight, zero)))

  def result(self) -> tf.Tensor:
    """Returns the mean of all finite scores, a scalar."""
    total, count = tf.identity(self.total), tf.identity(self.count)
    infinite = tf.identity(self.infinite)
    zero = tf.zeros_like(total)
    nothing_finite = tf.where(infinite > 0, zero + float("inf"), zero)
    return tf.where(
      count > 0, tf.math.divide_no_nan(total, count), nothing_finite
    )

  def get_config(self) -> dict[str, Any]:
    return distances.holder_config(self.distance) | {
      "name": self.name,
      "dtype": self.dtype,
    }

  @classmethod
  def from_config(cls, config: dict[str, Any]) -> "DistanceMetric":
    return distances.rebuild(cls, config)

  def __repr__(self) -> str:
    distance = self.distance
    return f"metrics.get({distance.spec!r}{distance.range_argument})"


_BETTER = {"max": "larger", "min": "smaller"}
_WORSE = {"max": "smaller", "min": "larger"}


def _watchers() -> list[keras.callbacks.Callback]:
  """Returns the monitoring callbacks of the running `fit` of Keras 2.

  Keras 2 has no call for this, so they are found in its frames.
  """
  frame = sys._getframe() if keras.__version__.startswith("2.") else None
  while frame is not None:
    found = frame.f_locals.get("callbacks")
    if isinstance(found, keras.callbacks.CallbackList):
      return [c for c in found.callbacks if hasattr(c, "monitor_op")]
    frame = frame.f_back
  return []


def _monitors(watcher: keras.callbacks.Callback, name: str) -> bool:
  if not getattr(watcher, "save_best_only", True):
    return False  # a ModelCheckpoint that saves all
  monitor = watcher.monitor.removeprefix("val_")
  outputs = getattr(watcher.model, "output_names", None) or []
  return monitor in (name, *(f"{output}_{name}" for output in outputs))


def _goes(watcher: keras.callbacks.Callback) -> str:
  return "min" if watcher.monitor_op(0.0, 1.0) else "max"


def get(
  spec: str | distances.Distance,
  *,
  name: str | None = None,
  dtype: str | None = None,
  check_range: bool | None = None,
  value_range: Any = None,
  data_range: float | None = None,
) -> DistanceMetric:
  """Returns a Keras metric with the arguments of `DistanceMetric`.

  `data_range=255` is short for `value_range=(0, 255)`.

  Raises:
    ValueError: if the spec is malformed, or a name or an option is unknown.
  """
  return DistanceMetric(
    spec,
    name=name,
    dtype=dtype,
    check_range=check_range,
    value_range=ranges.one_of(value_range, data_range),
  )


def mode(spec: str | distances.Distance) -> str:
  """Returns `"max"` if a larger score of a spec is better, else `"min"`.

  It is for the argument `mode` of Keras callbacks that monitor a metric;
  `DistanceMetric` explains where they need it.
  """
  return distances.get(spec).direction


def names() -> tuple[str, ...]:
  """Returns the names that specs of metrics can have, sorted."""
  return distances.names()

"""Distances as Keras losses, for `model.compile(loss=...)`."""

from typing import Any

import keras
import tensorflow as tf

from tfpercept import distances
from tfpercept.ops import checks


@keras.saving.register_keras_serializable(package="tfpercept")
class DistanceLoss(keras.losses.Loss):
  """A Keras loss around a frozen distance; its config is the spec.

  `y_true` is the reference and `y_pred` the image, float `[N, H, W, C]` in
  [0, 1] of any floating dtype. The value of each image is in float32 (or the
  distance's float64) and Keras reduces it.

  Parameters that were changed since the distance was made are saved with a
  compiled model; the config, which is the spec, does not hold them.

  Args:
    spec: A spec, or a frozen `Distance`.
    reduction: A Keras reduction: `"sum_over_batch_size"`, `"sum"`, `"none"`.
    dtype: See `distances.get`.
    check_range: See `distances.get`.
    name: Keras name of the loss.
  """

  def __init__(
    self,
    spec: str | distances.Distance,
    *,
    reduction: str = "sum_over_batch_size",
    dtype: str | None = None,
    check_range: bool | None = None,
    name: str = "distance_loss",
  ):
    distance = distances.get(spec, dtype=dtype, check_range=check_range)
    if distance.trainable:
      raise ValueError(
        f"a loss needs a frozen distance; got {distance.spec}, which is "
        "trainable. Set its trainable to False, or give its spec."
      )
    super().__init__(
      reduction=reduction, name=name, **_computes_in(distance.compute_dtype)
    )
    self.distance = distance

  def __call__(
    self,
    y_true: tf.Tensor,
    y_pred: tf.Tensor,
    sample_weight: tf.Tensor | None = None,
  ) -> tf.Tensor:
    # Keras 3 casts before `call`, which would not see integers.
    y_true = checks.image(y_true, "y_true", self.distance.spec)
    y_pred = checks.image(y_pred, "y_pred", self.distance.spec)
    return super().__call__(y_true, y_pred, sample_weight)

  def call(self, y_true: tf.Tensor, y_pred: tf.Tensor) -> tf.Tensor:
    return self.distance(y_true, y_pred)

  def get_config(self) -> dict[str, Any]:
    config = self.distance.get_config()
    return {
      "spec": distances.serialize(self.distance),
      "reduction": self.reduction,
      "dtype": config["dtype"],
      "check_range": config["check_range"],
      "name": self.name,
    }

  @classmethod
  def from_config(cls, config: dict[str, Any]) -> "DistanceLoss":
    return cls(**{**config, "spec": distances.deserialize(config["spec"])})


def _computes_in(dtype: str) -> dict[str, str]:
  """Arguments of `Loss` that keep Keras 3 from rounding to float32."""
  return {} if keras.__version__.startswith("2.") else {"dtype": dtype}


def get(
  spec: str | distances.Distance,
  *,
  reduction: str = "sum_over_batch_size",
  dtype: str | None = None,
  check_range: bool | None = None,
) -> DistanceLoss:
  """Returns a Keras loss; see `DistanceLoss` for the arguments.

  Raises:
    ValueError: if the spec is malformed, a name or an option is unknown, or a
      `Distance` is trainable.
  """
  return DistanceLoss(
    spec, reduction=reduction, dtype=dtype, check_range=check_range
  )


def _register_function(spec: str) -> None:
  """Lets `compile(loss="tfpercept>SPEC")` work, which only Keras 2 resolves."""
  made: list[distances.Distance] = []

  def loss(y_true: tf.Tensor, y_pred: tf.Tensor) -> tf.Tensor:
    if not made:
      # Made outside the graph that happens to call first.
      with tf.init_scope():
        made.append(distances.get(spec))
    return made[0](y_true, y_pred)

  loss.__name__ = loss.__qualname__ = spec
  loss.__doc__ = f"The distance {spec!r} with its default options, `[N]`."
  keras.saving.register_keras_serializable(package="tfpercept")(loss)


for _name in distances.names():
  _register_function(_name)

"""Distances as Keras losses, for `model.compile(loss=...)`."""

import functools
import re
from typing import Any

import keras
import tensorflow as tf

from tfpercept import distances
from tfpercept.ops import checks, ranges


@keras.saving.register_keras_serializable(package="tfpercept")
class DistanceLoss(keras.losses.Loss):
  """A Keras loss around a frozen distance; its config is the spec.

  `y_true` is the reference and `y_pred` the image, float `[N, H, W, C]` in
  [0, 1], or in `value_range`, of any floating dtype. The value of each image is
  in float32 (or the distance's float64) and Keras reduces it; `sample_weight`
  has the shape `[N]`.

  The file of a compiled model holds only those parameters of the distance that
  have changed since it was made. `load_model` finds the others again by the
  spec, and refuses weights with another checksum. So weights trained with one
  loss load into a model compiled with another.

  `load_model` needs no `custom_objects`, but the process must have run
  `import tfpercept`; otherwise Keras does not know the class and refuses the
  model. With `compile=False` it loads there, too.

  Args:
    spec: Spec of a distance, or a frozen `Distance`.
    reduction: Keras reduction: `"sum_over_batch_size"`, `"sum"` or `"none"`.
    dtype: Precision of the distance, `"float32"` (default) or `"float64"`.
    check_range: If True, each call refuses images far outside their range.
    value_range: Lowest and highest value of the images, such as (-1, 1); by
      default [0, 1].
    name: Keras name of the loss; by default its spec with `_` in place of
      characters that TensorFlow does not allow in a scope.
  """

  def __init__(
    self,
    spec: str | distances.Distance,
    *,
    reduction: str = "sum_over_batch_size",
    dtype: str | None = None,
    check_range: bool | None = None,
    value_range: Any = None,
    name: str | None = None,
  ):
    distance = distances.get(
      spec, dtype=dtype, check_range=check_range, value_range=value_range
    )
    if distance.trainable:
      raise ValueError(
        f"a loss needs a frozen distance; got {distance.spec}, which is "
        "trainable. Set its trainable to False, or give its spec."
      )
    super().__init__(
      reduction=reduction,
      name=name or _scope(distance.spec),
      **_computes_in(distance.compute_dtype),
    )
    self.distance = distance

  def __call__(
    self,
    y_true: tf.Tensor,
    y_pred: tf.Tensor,
    sample_weight: tf.Tensor | None = None,
  ) -> tf.Tensor:
    # Keras 3 casts before `call`, which would not see integers.
    owner, ranged = self.distance.spec, self.distance.value_range is not None
    checks.no_mask(getattr(y_pred, "_keras_mask", None), owner)
    y_true = checks.image(y_true, "y_true", owner, takes_integers=ranged)
    y_pred = checks.image(y_pred, "y_pred", owner, takes_integers=ranged)
    sample_weight = checks.sample_weight(
      sample_weight, owner, count=y_pred.shape[0]
    )
    return super().__call__(y_true, y_pred, sample_weight)

  def call(self, y_true: tf.Tensor, y_pred: tf.Tensor) -> tf.Tensor:
    return self.distance(y_true, y_pred)

  def get_config(self) -> dict[str, Any]:
    return distances.holder_config(self.distance) | {
      "reduction": self.reduction,
      "dtype": self.distance.compute_dtype,
      "name": self.name,
    }

  @classmethod
  def from_config(cls, config: dict[str, Any]) -> "DistanceLoss":
    return distances.rebuild(cls, config)

  def __repr__(self) -> str:
    distance = self.distance
    return f"losses.get({distance.spec!r}{distance.range_argument})"


def _scope(spec: str) -> str:
  """Returns a spec in the form of a name that TensorFlow allows for a scope."""
  return re.sub(r"[^A-Za-z0-9_.-]+", "_", spec).strip("_")


def _computes_in(dtype: str) -> dict[str, str]:
  """Returns arguments of `Loss` that keep Keras 3 from rounding to float32."""
  return {} if keras.__version__.startswith("2.") else {"dtype": dtype}


def get(
  spec: str | distances.Distance,
  *,
  reduction: str = "sum_over_batch_size",
  dtype: str | None = None,
  check_range: bool | None = None,
  value_range: Any = None,
  data_range: float | None = None,
  name: str | None = None,
) -> DistanceLoss:
  """Returns a Keras loss with the arguments of `DistanceLoss`.

  `data_range=255` is short for `value_range=(0, 255)`.

  Raises:
    ValueError: if the spec is malformed, a name or an option is unknown, or a
      `Distance` is trainable.
  """
  return DistanceLoss(
    spec,
    reduction=reduction,
    dtype=dtype,
    check_range=check_range,
    value_range=ranges.one_of(value_range, data_range),
    name=name,
  )


def names() -> tuple[str, ...]:
  """Returns the names that specs of losses can have, sorted."""
  return distances.names()


def _register_function(spec: str) -> None:
  """Registers a function for `compile(loss="tfpercept>SPEC")`.

  Only Keras 2 resolves such a name.
  """

  @functools.cache
  def distance() -> distances.Distance:
    with tf.init_scope():  # outside any graph that calls it first
      return distances.get(spec)

  def loss(y_true: tf.Tensor, y_pred: tf.Tensor) -> tf.Tensor:
    return distance()(y_true, y_pred)

  vars(loss)["held_distance"] = distance  # `callbacks` reads it
  loss.__name__ = loss.__qualname__ = spec
  loss.__doc__ = f"The distance {spec!r} with its default options, `[N]`."
  keras.saving.register_keras_serializable(package="tfpercept")(loss)


for _name in distances.names():
  _register_function(_name)

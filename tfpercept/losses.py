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

  A file of a compiled model holds no parameters of the distance but those that
  were changed since it was made: `load_model` finds the others again by the
  spec, and refuses weights whose checksum is another. So weights trained under
  one loss load into a model compiled with another.

  `load_model` needs no `custom_objects`, but a process that never says
  `import tfpercept` knows of no such class, and Keras then refuses the model;
  with `compile=False` it loads there, too.

  Args:
    spec: A spec, or a frozen `Distance`.
    reduction: A Keras reduction: `"sum_over_batch_size"`, `"sum"`, `"none"`.
    dtype: See `distances.get`.
    check_range: See `distances.get`.
    value_range: See `distances.get`.
    name: Keras name of the loss; by default its spec, with `_` for what no
      scope of TensorFlow may hold.
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
    checks.sample_weight(getattr(y_pred, "_keras_mask", None), owner)
    y_true = checks.image(y_true, "y_true", owner, takes_integers=ranged)
    y_pred = checks.image(y_pred, "y_pred", owner, takes_integers=ranged)
    sample_weight = checks.sample_weight(sample_weight, owner)
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
  """Turns a spec into a name that TensorFlow takes for a scope."""
  return re.sub(r"[^A-Za-z0-9_.-]+", "_", spec).strip("_")


def _computes_in(dtype: str) -> dict[str, str]:
  """Arguments of `Loss` that keep Keras 3 from rounding to float32."""
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
  """Returns a Keras loss; see `DistanceLoss` for the arguments.

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
  """Names that specs of losses are made of, sorted."""
  return distances.names()


def _register_function(spec: str) -> None:
  """Lets `compile(loss="tfpercept>SPEC")` work, which only Keras 2 resolves."""

  @functools.cache
  def distance() -> distances.Distance:
    with tf.init_scope():  # outside the graph that happens to call first
      return distances.get(spec)

  def loss(y_true: tf.Tensor, y_pred: tf.Tensor) -> tf.Tensor:
    return distance()(y_true, y_pred)

  loss.held_distance = distance  # which `callbacks` look for
  loss.__name__ = loss.__qualname__ = spec
  loss.__doc__ = f"The distance {spec!r} with its default options, `[N]`."
  keras.saving.register_keras_serializable(package="tfpercept")(loss)


for _name in distances.names():
  _register_function(_name)

"""Adapters that let checks examine specs, distances, and other losses.

subject = adapters.find("my_package.losses:CharbonnierLoss")
subject.factory()(reference, image)  # [N]
"""

import dataclasses
import importlib
import operator
import re
from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from tfpercept import distances
from tfpercept.conformance import test_images
from tfpercept.conformance.assertions import Factory, NotApplicable

LACKS = {
  "symmetry_as_declared": "a loss does not say whether it is symmetric",
  "channels_as_declared": "a loss does not say which channels it takes",
  "too_small_is_an_error": "a loss does not say how small images may be",
  "every_size_in_words": "a loss does not say which sizes it takes",
  "empty_batch_has_no_values": "a loss may be undefined without images",
  "size_multiple_is_exact": "a loss does not say which sizes it takes",
  "config_round_trip": "only a distance is rebuilt from its config and spec",
  "parameters_survive_saving": "only a distance is a layer that models save",
  "trains_with_finite_gradients": "only a distance is a layer that is trained",
  "fused_equals_steps": "a loss has no steps",
  "map_is_local": "a loss has no error map",
}
"""Checks that do not apply to a loss that is no `Distance`, with the reason."""


@dataclasses.dataclass(frozen=True)
class Subject:
  """A distance or loss to examine."""

  name: str
  factory: Factory
  """Function that makes it and accepts `dtype`."""
  lacks: dict[str, str]
  """Reason for each check that does not apply, by its name."""
  spec: str = ""
  """Spec of a registered distance, or an empty string."""


def find(
  subject: Any,
  *,
  min_size: int = 1,
  size_multiple: int = 1,
  channels: int = 3,
) -> Subject:
  """Returns a distance or loss in the form that checks examine.

  Args:
    subject: A spec; `"package.module:name"`, which is imported, so its code is
      run; a `Distance`; a Keras loss; a function of (y_true, y_pred); or a
      class of those, made without arguments.
    min_size: Smallest side of images that a loss takes, in pixels; a distance
      states its own.
    size_multiple: Number of pixels of which the sides of images must be
      multiples, for a loss.
    channels: Number of channels of images, for a loss.

  Raises:
    ValueError: if there is no such object, or it cannot be called.
    weights.MissingWeights: if the weights of a distance cannot be found.
  """
  name = subject if isinstance(subject, str) else _name(subject)
  if isinstance(subject, str):
    if not re.fullmatch(r"[\w.]+:[\w.]+", subject):
      return _of_spec(subject)
    subject = _imported(subject)
  if isinstance(subject, type) and issubclass(subject, distances.Distance):
    return Subject(name, subject, {})
  if isinstance(subject, type):
    subject = _made(subject)
  if isinstance(subject, keras.losses.Loss):  # it may be one of ours
    subject = getattr(subject, "distance", subject)
  if isinstance(subject, distances.Distance):
    return _of_distance(subject)
  if not callable(subject):
    raise ValueError(
      f"expected a distance or a loss, a function of (y_true, y_pred); got "
      f"{subject!r}"
    )
  loss = subject.call if isinstance(subject, keras.losses.Loss) else subject

  def factory(dtype: str | None = None) -> AdaptedLoss:
    return AdaptedLoss(
      loss,
      dtype=dtype,
      min_size=min_size,
      size_multiple=size_multiple,
      channels=channels,
    )

  return Subject(name, factory, {**LACKS, **_lacks_of_scalars(factory())})


class AdaptedLoss:
  """Adapter of any loss to the part of `Distance` that checks use.

  If a loss returns values for each pixel, they are averaged, as Keras does. A
  loss that returns one number for the whole batch gets one pair at a time.

  Args:
    loss: Function of (y_true, y_pred).
    dtype: Precision of images and values, such as `"float64"`; by default
      images keep theirs.
    min_size: Smallest side of images that the loss takes, in pixels.
    size_multiple: Number of pixels of which the sides of images must be
      multiples.
    channels: Number of channels of images.
  """

  def __init__(
    self,
    loss: Callable[[tf.Tensor, tf.Tensor], Any],
    *,
    dtype: str | None = None,
    min_size: int = 1,
    size_multiple: int = 1,
    channels: int = 3,
  ):
    self._loss = loss
    self._dtype = dtype
    self.compute_dtype = dtype or "float32"
    self.min_size = min_size
    self.size_multiple = size_multiple
    self.channels = (channels,)
    self.is_scalar = False  # until a call shows that it is

  def __call__(self, reference: Any, image: Any) -> tf.Tensor:
    reference, image = map(tf.convert_to_tensor, (reference, image))
    if self._dtype:
      reference = tf.cast(reference, self._dtype)
      image = tf.cast(image, self._dtype)
    value = tf.convert_to_tensor(self._loss(reference, image))
    self.is_scalar = value.shape.rank == 0
    if self.is_scalar:
      value = tf.map_fn(
        lambda pair: self._loss(pair[0][None], pair[1][None]),
        (reference, image),
        fn_output_signature=value.dtype,
      )
    elif value.shape.rank > 1:
      value = tf.reduce_mean(value, list(range(1, value.shape.rank)))
    if self._dtype and value.dtype != self._dtype:
      raise NotApplicable(f"it computes in {value.dtype.name} whatever it gets")
    return value


def _lacks_of_scalars(loss: AdaptedLoss) -> dict[str, str]:
  """Returns the checks that do not apply if a loss returns one number."""
  side = test_images.side(loss)
  try:
    loss(*test_images.ordinary(loss))
  except Exception as error:
    raise ValueError(
      f"it cannot be called with two batches of {side}x{side} images:"
      f" {error!r}. Say which sizes and channels it takes."
    ) from error
  if not loss.is_scalar:
    return {}
  return {"batch_equals_loop": "it returns one number for a whole batch"}


def _of_spec(spec: str) -> Subject:
  def factory(dtype: str | None = None) -> distances.Distance:
    return distances.get(spec, dtype=dtype)

  return Subject(spec, factory, {}, spec=distances.get(spec).spec)


def _of_distance(distance: distances.Distance) -> Subject:
  """Returns a subject that makes copies, since some checks change weights."""

  def factory(dtype: str | None = None) -> distances.Distance:
    config = distance.get_config()
    config["dtype"] = dtype or config["dtype"]
    copy = type(distance).from_config(config)
    copy.set_weights(distance.get_weights())
    return copy

  lacks = {}
  again = type(distance).from_config(distance.get_config()).get_weights()
  if not all(map(np.array_equal, distance.get_weights(), again)):
    reason = "its parameters are no longer those that its config makes"
    lacks["config_round_trip"] = reason
  spec = distance.spec if distance.is_registered else ""
  return Subject(distance.spec, factory, lacks, spec=spec)


def _made(cls: type) -> Any:
  try:
    return cls()
  except TypeError as error:
    raise ValueError(
      f"{cls.__name__} cannot be made without arguments: {error}. Give an "
      "instance of it."
    ) from error


def _imported(path: str) -> Any:
  module, name = path.split(":", 1)
  try:
    return operator.attrgetter(name)(importlib.import_module(module))
  except (ImportError, AttributeError) as error:
    raise ValueError(f"{path} cannot be imported: {error}") from error


def _name(subject: Any) -> str:
  if isinstance(subject, distances.Distance):
    return subject.spec
  return getattr(subject, "__name__", None) or type(subject).__name__

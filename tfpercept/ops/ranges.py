"""Ranges of image values: mapping to [0, 1], checks, record of extremes."""

import math
import numbers
from collections.abc import Sequence
from typing import Any

import numpy as np
import tensorflow as tf

# Share of the width of a range by which a value may lie outside before a check
# objects. An unclipped prediction overshoots a little; a 0..255 image where
# [0, 1] is wanted overshoots by far more.
MARGIN = 0.1

Range = tuple[float, float]
UNIT = (0.0, 1.0)
# Ranges that pictures usually have, the narrowest first.
USUAL = ((-1, 1), (0, 255), (-128, 127), (0, 65535))


def checked(value: Any) -> Range | None:
  """Returns the two ends of a range as numbers, or None if it is [0, 1].

  Args:
    value: Range as the caller gave it: None, two numbers, or one positive
      number that is the upper end.

  Raises:
    ValueError: if it is anything else.
  """
  if value is None:
    return None
  ends: Any = (0, value) if isinstance(value, numbers.Real) else value
  is_pair = isinstance(ends, (Sequence, np.ndarray)) and len(ends) == 2
  if (
    not is_pair
    or any(isinstance(e, bool) or not isinstance(e, numbers.Real) for e in ends)
    or not all(map(math.isfinite, ends))
    or not ends[0] < ends[1]
  ):
    raise ValueError(
      "value_range is two finite numbers, the lower first, such as (-1, 1), or "
      f"one, such as 255 for (0, 255); got {value!r}"
    )
  found = (float(ends[0]), float(ends[1]))
  return None if found == UNIT else found


def one_of(value_range: Any, data_range: Any) -> Any:
  """Returns the range given by either of two options that mean the same.

  Raises:
    ValueError: if both were, or `data_range` is not one number.
  """
  if data_range is None:
    return value_range
  if value_range is not None:
    raise ValueError(
      f"data_range={data_range!r} is value_range=(0, {data_range!r}); give one "
      f"of the two. Got value_range={value_range!r}, too."
    )
  if not isinstance(data_range, numbers.Real):
    raise ValueError(
      "data_range is one number, such as 255 for values in [0, 255]; got "
      f"{data_range!r}. value_range=(-1, 1) takes two."
    )
  return data_range


def to_unit(image: tf.Tensor, value_range: Range | None) -> tf.Tensor:
  """Maps floating images from their range to [0, 1]."""
  if value_range is None:
    return image
  low, high = value_range
  return (image - low) / (high - low)


def refuse(
  low: float,
  high: float,
  argument: str,
  owner: str,
  value_range: Range | None = None,
) -> None:
  """Raises ValueError if values reach far beyond their range, or are NaN."""
  bottom, top = _limits(value_range)
  if low >= bottom and high <= top:
    return
  raise ValueError(
    f"{_wanted(argument, owner, value_range)} with values from {low:g} to "
    f"{high:g}. {_remedy(low, high, value_range)}"
  )


def guard(
  image: tf.Tensor, argument: str, owner: str, value_range: Range | None
) -> None:
  """Refuses images outside their range, at once or when the graph runs."""
  low, high = tf.reduce_min(image), tf.reduce_max(image)
  if tf.executing_eagerly():
    refuse(float(low), float(high), argument, owner, value_range)
    return
  bottom, top = _limits(value_range)
  tf.debugging.Assert(
    (tf.cast(low, tf.float32) >= bottom) & (tf.cast(high, tf.float32) <= top),
    [
      f"{_wanted(argument, owner, value_range)} with values from", low, "to",
      high, ". Say what their range is with value_range=(LOWEST, HIGHEST), and "
      "look for NaN.",
    ],
  )  # fmt: skip


def marked(image: tf.Tensor, value_range: Range | None) -> tf.Tensor:
  """Adds NaN to those images that reach far beyond their range.

  XLA leaves assertions out, so there only a value of NaN can report the fault.
  """
  bottom, top = _limits(value_range)
  axes = list(range(1, image.shape.rank))
  good = (tf.reduce_min(image, axes, keepdims=True) >= bottom) & (
    tf.reduce_max(image, axes, keepdims=True) <= top
  )
  nan = tf.constant(float("nan"), image.dtype)
  return image + tf.where(good, tf.zeros_like(nan), nan)


class Watch:
  """A record of the extremes of some calls, also in graphs and under XLA.

  It is kept in variables that a callback reads between two steps. A call that
  is not asked for its extremes does not read the images.
  """

  def __init__(self) -> None:
    kind = {
      "trainable": False,
      "synchronization": tf.VariableSynchronization.ON_READ,
      "aggregation": tf.VariableAggregation.ONLY_FIRST_REPLICA,
    }
    self._left = tf.Variable(0, name="calls_left", **kind)
    self._low = tf.Variable(float("inf"), name="lowest", **kind)
    self._high = tf.Variable(float("-inf"), name="highest", **kind)

  def begin(self, calls: int) -> None:
    """Asks for the extremes of the next `calls` calls of `see`."""
    self._low.assign(float("inf"))
    self._high.assign(float("-inf"))
    self._left.assign(calls)

  def see(self, image: tf.Tensor) -> None:
    """Records the extremes of images if `begin` asked for them."""

    def look() -> bool:
      low, high = tf.reduce_min(image), tf.reduce_max(image)
      # The value of `minimum` is NaN if one of the two is.
      self._low.assign(tf.minimum(self._low, tf.cast(low, tf.float32)))
      self._high.assign(tf.maximum(self._high, tf.cast(high, tf.float32)))
      self._left.assign_sub(1)
      return True

    tf.cond(self._left > 0, look, lambda: False)

  def extremes(self) -> tuple[float, float] | None:
    """Returns the lowest and highest value seen, or None if none was."""
    low, high = (
      float(tf.convert_to_tensor(v)) for v in (self._low, self._high)
    )
    return None if low == math.inf and high == -math.inf else (low, high)


def _limits(value_range: Range | None, margin: float = MARGIN) -> Range:
  low, high = value_range or UNIT
  return low - margin * (high - low), high + margin * (high - low)


def _wanted(argument: str, owner: str, value_range: Range | None) -> str:
  low, high = value_range or UNIT
  return f"{owner} needs images in [{low:g}, {high:g}]; got {argument}"


def _remedy(low: float, high: float, value_range: Range | None) -> str:
  for usual in USUAL:
    bottom, top = _limits(usual, margin=0.01)
    if usual != value_range and low >= bottom and high <= top:
      divide = (
        "Divide 8-bit images by 255, or say" if usual[1] == 255 else "Say"
      )
      return (
        f"{divide} what range they have with value_range={usual}; look for NaN."
      )
  return (
    "Look for NaN, or say what range they have with value_range=(LOWEST, "
    "HIGHEST)."
  )

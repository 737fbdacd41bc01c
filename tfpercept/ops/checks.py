"""Checks of images and options whose messages say what to do."""

import math
import os
import re
from collections.abc import Collection, Sequence
from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf

ALPHA = 4
"""Number of channels of a color picture with alpha."""


def image(
  value: Any, argument: str, owner: str, *, takes_integers: bool = False
) -> tf.Tensor:
  """Returns `value` as a floating tensor of rank 4.

  Args:
    value: Images `[N, H, W, C]`, a tensor or anything that converts to one.
    argument: Name of the argument that holds them, for the error message.
    owner: Name of the distance that needs them, for the error message.
    takes_integers: If True, integers are cast to float32 instead of refused.

  Raises:
    ValueError: if it holds integers or has another rank.
  """
  value = tf.convert_to_tensor(value)
  if takes_integers and value.dtype.is_integer:
    value = tf.cast(value, tf.float32)
  if not value.dtype.is_floating:
    raise ValueError(
      f"{owner} needs floating-point images in [0, 1]; got {argument} of dtype "
      f"{value.dtype.name}. Divide 8-bit images by 255, or say what range they "
      "have with value_range=(0, 255)."
    )
  if value.shape.rank != 4:
    raise ValueError(
      f"{owner} needs images of shape [N, H, W, C]; got {argument} of shape "
      f"{value.shape}. Give a single picture a batch axis with image[None]."
    )
  return value


def same_shape(reference: tf.Tensor, other: tf.Tensor, owner: str) -> None:
  """Raises ValueError if the static shapes cannot be equal."""
  if not reference.shape.is_compatible_with(other.shape):
    raise ValueError(
      f"{owner} compares images of one shape; got reference "
      f"{reference.shape} and image {other.shape}. Nothing is broadcast."
    )


def channels(
  value: tf.Tensor, allowed: tuple[int, ...] | None, owner: str
) -> None:
  """Raises ValueError if the static number of channels is not allowed.

  Args:
    value: Images `[N, H, W, C]`.
    allowed: Numbers of channels that are accepted. None accepts any but four:
      the fourth would be opacity, which is no color and would go into the value
      without notice.
    owner: Name of the distance, for the error message.
  """
  count = value.shape[-1]
  if allowed is None and count == ALPHA:
    raise ValueError(
      f"{owner} needs images without alpha, which is no color; got shape "
      f"{value.shape}. Lay them over a background or drop it, image[..., :3]; "
      "four bands without alpha can be given as images of one channel."
    )
  if allowed is None or count in allowed:
    return
  wanted = " or ".join(str(a) for a in allowed)
  if count is None:
    raise ValueError(
      f"{owner} needs images [N, H, W, C] of {wanted} channels, as known when "
      f"it is traced; got shape {value.shape}. Say how many there are with "
      f"tf.ensure_shape(image, [None, None, None, {allowed[-1]}])."
    )
  raise ValueError(
    f"{owner} needs images [N, H, W, C] of {wanted} channels; got shape "
    f"{value.shape}. Drop alpha, and move channels that come first."
  )


class Requirement(NamedTuple):
  """A condition that can be checked only when the graph runs."""

  sentence: str
  """Start of the error message: the owner, its wish, and "got"."""
  holds: tf.Tensor
  """Boolean scalar, True where the condition is met."""
  found: tf.Tensor
  """The value that came, which ends the error message."""


def unknown_until_run(
  reference: tf.Tensor,
  other: tf.Tensor,
  *,
  min_size: int,
  size_multiple: int,
  exact_size: tuple[int, int] | None,
  channels: tuple[int, ...] | None,
  owner: str,
) -> list[Requirement]:
  """Returns the conditions that static shapes leave open; often none.

  Args:
    reference: Images `[N, H, W, C]`.
    other: Images that should have the same shape.
    min_size: Smallest height and width that the distance takes.
    size_multiple: Number that height and width have to be multiples of.
    exact_size: Only height and width that the distance takes, if it has one.
    channels: Numbers of channels that it takes; None means any but four.
    owner: Name of the distance, for the error message.
  """
  if reference.shape.is_fully_defined() and other.shape.is_fully_defined():
    return []
  shape = tf.shape(other)
  sides, count = shape[1:3], shape[3]
  same = tf.reduce_all(tf.equal(tf.shape(reference), shape))
  found = [
    Requirement(
      f"{owner} compares images of one shape; got",
      same,
      tf.stack([tf.shape(reference), shape]),
    )
  ]
  if None in other.shape[1:3]:
    found += _of_sides(sides, min_size, size_multiple, exact_size, owner)
  if other.shape[-1] is None and channels is None:
    found.append(
      Requirement(
        f"{owner} needs images without alpha, which is no color; got channels",
        tf.not_equal(count, ALPHA),
        count,
      )
    )
  return found


def _of_sides(
  sides: tf.Tensor,
  min_size: int,
  size_multiple: int,
  exact_size: tuple[int, int] | None,
  owner: str,
) -> list[Requirement]:
  """Returns the conditions on height and width, `sides` as `[2]`."""
  if exact_size is not None:
    height, width = exact_size
    sentence = f"{owner} needs images of exactly {height}x{width}; got"
    is_exact = tf.reduce_all(tf.equal(sides, exact_size))
    return [Requirement(sentence, is_exact, sides)]
  sentence = f"{owner} needs images of at least {min_size}x{min_size}; got"
  found = [Requirement(sentence, tf.reduce_all(sides >= min_size), sides)]
  if size_multiple != 1:
    sentence = f"{owner} needs sides in multiples of {size_multiple}; got"
    fits = tf.reduce_all(tf.equal(sides % size_multiple, 0))
    found.append(Requirement(sentence, fits, sides))
  return found


def once_true(
  images: Sequence[tf.Tensor], requirements: Sequence[Requirement]
) -> list[tf.Tensor]:
  """Returns the same images, which a graph makes only after all checks.

  So ops that read them run after the assertions. Without this order, a
  convolution of a picture smaller than its window ends the process. XLA leaves
  assertions out, but knows every size when it compiles. There a tensor that
  must have the shape [1] gets the shape [0] if the condition fails. XLA refuses
  it with the name of the tensor, and the name is the sentence.
  """
  if not requirements:
    return list(images)
  guards = [
    tf.debugging.Assert(r.holds, [r.sentence, r.found]) for r in requirements
  ]
  shapes = []
  with tf.control_dependencies(guards):
    for requirement in requirements:
      name = re.sub(r"\W+", "_", requirement.sentence.split(";")[0])
      ones = tf.fill([tf.cast(requirement.holds, tf.int32)], 1, name=name)
      shapes.append(tf.ensure_shape(ones, [1], name=name))
  with tf.control_dependencies(shapes):
    return [tf.identity(value) for value in images]


def of_shape(value: tf.Tensor, shape: tf.TensorShape) -> tf.Tensor:
  """Returns a tensor whose static shape is known.

  TFLite lacks the op that asserts a shape; it is left out where it would tell
  nothing new.

  Args:
    value: Tensor of that shape.
    shape: Static shape, of which some sides may be unknown.
  """
  ranks = value.shape.rank, shape.rank
  if None not in ranks and value.shape.as_list() == shape.as_list():
    return value
  return tf.ensure_shape(value, shape)


def static_size(image: tf.Tensor, owner: str) -> tuple[int, int]:
  """Returns height and width; raises ValueError if they are unknown."""
  height, width = image.shape[1:3]
  if height is None or width is None:
    raise ValueError(
      f"{owner} adapts to the image size, which must be known when a graph is "
      f"traced; got {height}x{width}. Fix the size in the input signature, or "
      "leave on_small at 'error'."
    )
  return height, width


def sample_weight(
  value: Any, owner: str, *, count: int | None
) -> tf.Tensor | None:
  """Returns the weights of images, `[N]` or a scalar; None stays None.

  Args:
    value: Weights as Keras passes them on.
    owner: Name of the distance, for the error message.
    count: Number of images, or None if it is not known yet.

  Raises:
    ValueError: if single pixels have weights, which is how Keras passes masks
      and class weights on, or there are more or fewer weights than images.
  """
  if value is None:
    return None
  value = tf.convert_to_tensor(value)
  if value.shape.rank == 0:
    return value
  if value.shape.rank is not None:
    if any(n not in (1, None) for n in value.shape[1:]):
      _refuse_mask(value, owner)
    if None in value.shape[1:]:  # told when the graph runs
      value = tf.ensure_shape(value, [None] + [1] * (value.shape.rank - 1))
    given = value.shape[0]
    if None not in (given, count) and given not in (1, count):
      raise ValueError(
        f"{owner} needs a sample_weight for each image, or one for all; got "
        f"{given} for {count} images. Give as many weights as images."
      )
  return tf.reshape(value, [-1])


def no_mask(value: Any, owner: str) -> None:
  """Raises ValueError if Keras passes a mask of pixels on."""
  rank = None if value is None else value.shape.rank
  if rank is not None and any(n != 1 for n in value.shape[1:]):
    _refuse_mask(value, owner)


def _refuse_mask(value: tf.Tensor, owner: str) -> None:
  raise ValueError(
    f"{owner} gives one value for each image, so sample_weight has the shape "
    f"[N]; got {value.shape}. Masks and class_weight have no meaning for it. "
    "To leave pixels out, give both images the same values there: "
    "mask * image + (1 - mask) * reference."
  )


def choice(
  owner: str, option: str, value: Any, choices: Collection[Any]
) -> None:
  """Raises ValueError unless `value` is one of `choices`."""
  if value not in choices:
    raise ValueError(
      f"{owner} takes {option} from {', '.join(map(repr, choices))}; got "
      f"{option}={value!r}"
    )


def positive(owner: str, option: str, value: Any) -> None:
  """Raises ValueError unless an option is a finite number above 0."""
  if not is_number(value) or not value > 0:
    raise ValueError(f"{owner} needs {option} > 0; got {option}={value!r}")


def path(owner: str, option: str, value: Any) -> str:
  """Returns a name or path as text; raises ValueError if it is neither."""
  if isinstance(value, (str, os.PathLike)):
    text = os.fspath(value)
    if isinstance(text, str):
      return text
  raise ValueError(
    f"{owner} takes {option} as a name or the path of a file; got "
    f"{option}={value!r}"
  )


def path_or_none(owner: str, option: str, value: Any) -> str | None:
  """Returns what `path` does; None stays None."""
  return None if value is None else path(owner, option, value)


def seed(owner: str, value: Any) -> int:
  """Returns a seed; raises ValueError unless it is in [0, 2**31)."""
  if not is_whole(value) or not 0 <= value < 2**31:
    raise ValueError(f"{owner} needs a seed in [0, 2**31); got {value!r}")
  return value


def is_number(value: Any) -> bool:
  """Returns True for a finite real number that is not a boolean."""
  return (
    isinstance(value, (int, float, np.integer, np.floating))
    and not isinstance(value, bool)
    and math.isfinite(value)
  )


def is_whole(value: Any) -> bool:
  """Returns True for an integer that is not a boolean."""
  return isinstance(value, (int, np.integer)) and not isinstance(value, bool)

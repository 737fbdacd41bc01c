"""Checks of images and options whose messages say what to do."""

import math
import re
from collections.abc import Sequence
from typing import Any, NamedTuple

import tensorflow as tf

ALPHA = 4
"""So many channels are colours and alpha, in every picture that has them."""


def image(
  value: Any, argument: str, owner: str, *, takes_integers: bool = False
) -> tf.Tensor:
  """Returns `value` as a floating tensor of rank 4.

  Args:
    value: The images.
    argument: What the caller calls them.
    owner: Who needs them.
    takes_integers: Whether whole numbers are turned into floating ones.

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
  """Raises ValueError if the static shapes can not be equal."""
  if not reference.shape.is_compatible_with(other.shape):
    raise ValueError(
      f"{owner} compares images of one shape; got reference "
      f"{reference.shape} and image {other.shape}. Nothing is broadcast."
    )


def channels(
  value: tf.Tensor, allowed: tuple[int, ...] | None, owner: str
) -> None:
  """Raises ValueError if the static number of channels is not among these.

  None allows any but four: opacity is no colour, and as a fourth of the value
  it would hide in a plausible number.
  """
  count = value.shape[-1]
  if allowed is None and count == ALPHA:
    raise ValueError(
      f"{owner} needs images without alpha, which is no colour; got shape "
      f"{value.shape}. Lay them over a background or drop it, image[..., :3]; "
      "four bands that are no alpha can be given as images of one channel."
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
  """What only the run of a graph can tell."""

  sentence: str
  """What is wanted, of whom."""
  holds: tf.Tensor
  """Boolean scalar."""
  found: tf.Tensor
  """What the sentence is about, as it came."""


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
  """Returns what the static shapes of two images leave open; often nothing."""
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
  if None in other.shape[1:3] and exact_size is not None:
    height, width = exact_size
    found.append(
      Requirement(
        f"{owner} needs images of exactly {height}x{width}; got",
        tf.reduce_all(tf.equal(sides, exact_size)),
        sides,
      )
    )
  elif None in other.shape[1:3]:
    found.append(
      Requirement(
        f"{owner} needs images of at least {min_size}x{min_size}; got",
        tf.reduce_all(sides >= min_size),
        sides,
      )
    )
    if size_multiple != 1:
      found.append(
        Requirement(
          f"{owner} needs sides in multiples of {size_multiple}; got",
          tf.reduce_all(tf.equal(sides % size_multiple, 0)),
          sides,
        )
      )
  if other.shape[-1] is None and channels is None:
    found.append(
      Requirement(
        f"{owner} needs images without alpha, which is no colour; got channels",
        tf.not_equal(count, ALPHA),
        count,
      )
    )
  return found


def once_true(
  images: Sequence[tf.Tensor], requirements: Sequence[Requirement]
) -> list[tf.Tensor]:
  """Returns the same images, which exist in a graph once all has been found.

  What reads them runs after the assertions: a convolution of a picture smaller
  than its window ends the process. XLA leaves assertions out, but knows every
  size as it compiles. There a shape that must be [1] comes out as [0], which
  it refuses by the name of the tensor; that name is the sentence.
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


def sample_weight(value: Any, owner: str) -> tf.Tensor | None:
  """Returns the weights of images, `[N]` or a scalar, of which None is none.

  Raises:
    ValueError: if there are weights of single pixels, as masks and class
      weights turn into.
  """
  if value is None:
    return None
  value = tf.convert_to_tensor(value)
  if value.shape.rank in (0, 1):
    return value
  if value.shape.rank is not None and any(n != 1 for n in value.shape[1:]):
    raise ValueError(
      f"{owner} gives one value for each image, so sample_weight has the shape "
      f"[N]; got {value.shape}. Masks and class_weight have no meaning for it. "
      "To leave pixels out, give both images the same values there: "
      "mask * image + (1 - mask) * reference."
    )
  return tf.reshape(value, [-1])


def positive(owner: str, option: str, value: Any) -> None:
  """Raises ValueError unless an option is a finite number above 0."""
  if not is_number(value) or not value > 0:
    raise ValueError(f"{owner} needs {option} > 0; got {option}={value!r}")


def seed(owner: str, value: Any) -> int:
  """Returns a seed; ValueError unless it is an int32 that is not negative."""
  if not is_whole(value) or not 0 <= value < 2**31:
    raise ValueError(f"{owner} needs a seed in [0, 2**31); got {value!r}")
  return value


def is_number(value: Any) -> bool:
  """Whether a value is a finite real number; True and False are none."""
  return (
    isinstance(value, (int, float))
    and not isinstance(value, bool)
    and math.isfinite(value)
  )


def is_whole(value: Any) -> bool:
  """Whether a value is an integer; True and False are none."""
  return isinstance(value, int) and not isinstance(value, bool)

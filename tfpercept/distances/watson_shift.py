"""Shifts of the block grid of Watson's model.

A coefficient depends on where its block begins. The authors move both pictures
by the same random offset before they cut them into blocks, so that no position
of the grid is special.
"""

from typing import Any

import tensorflow as tf

from tfpercept.ops import blocks, checks

REACH = 4  # pixels; the authors pad 8 x 8 blocks by half a block


def checked(owner: str, shift: Any) -> str | tuple[int, int]:
  """Returns the option `shift` of a distance, a list of two as a tuple.

  Args:
    owner: Name of the distance, for the error message.
    shift: Value that the caller gave.

  Raises:
    ValueError: if it is neither `"none"`, `"random"` nor two numbers of 0 to 7.
  """
  if isinstance(shift, (list, tuple)):
    limit = 2 * REACH
    if len(shift) == 2 and all(
      checks.is_whole(s) and 0 <= s < limit for s in shift
    ):
      return tuple(shift)
  elif shift in ("none", "random"):
    return shift
  raise ValueError(
    f"{owner} takes shift from 'none', 'random' or two numbers of 0 to "
    f"{2 * REACH - 1}, of which ({REACH}, {REACH}) is no shift; got {shift!r}"
  )


def fixed(image: tf.Tensor, shift: tuple[int, int]) -> tf.Tensor:
  """Moves images `[N, H, W, C]` by the numbers of the option `shift`."""
  return blocks.shift(image, *(s - REACH for s in shift))


def undone(maps: tf.Tensor, shift: tuple[int, int]) -> tf.Tensor:
  """Moves maps `[N, H, W]` back to the pixels that `fixed` took them from."""
  return blocks.unshift(maps, *(s - REACH for s in shift))


def random(
  reference: tf.Tensor, image: tf.Tensor, seed: tf.Tensor
) -> list[tf.Tensor]:
  """Moves both pictures by the same random number of rows and columns.

  Args:
    reference: Images, float `[N, H, W, C]`.
    image: Images of the same shape.
    seed: Seed of the draw, int32 `[2]`.
  """
  offsets = tf.unstack(
    tf.random.stateless_uniform([2], seed, -REACH, REACH, tf.int32)
  )
  return [blocks.shift(i, *offsets) for i in (reference, image)]

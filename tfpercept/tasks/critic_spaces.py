"""What a critic sees of pictures: their pixels, or features of them."""

from collections.abc import Callable
from typing import NamedTuple

import tensorflow as tf

from tfpercept import models
from tfpercept.distances import pim as pim_distance


class Space(NamedTuple):
  """What a critic judges in place of pictures.

  Attributes:
    of: Function from pictures, float32 `[N, H, W, 3]` in about [0, 1], to
      `[N, H, W, channels]`, with gradient.
    channels: Number of channels of the result.
  """

  of: Callable[[tf.Tensor], tf.Tensor]
  channels: int


def pixels() -> Space:
  """Returns the space of the pictures themselves."""
  return Space(tf.identity, 3)


def pim(*, weights: str | None = "pim_1") -> Space:
  """Returns the space of the codes of PIM.

  The mean code of each place of each band is repeated until the band has the
  size of the picture, and all bands are put side by side.

  Args:
    weights: Name or path of the weights, as for the distance `pim`; None for
      random ones.

  Raises:
    weights.MissingWeights: if they cannot be found.
  """
  network: models.PIMNetwork = pim_distance.PIM(weights=weights).network
  options = network.get_config()
  channels = network.bands * options["mixtures"] * options["z_dim"]

  def of(x: tf.Tensor) -> tf.Tensor:
    size = tf.shape(x)
    bands = []
    for band, stride in zip(network(x), network.strides, strict=True):
      shape = tf.shape(band.means)
      means = tf.reshape(band.means, [*tf.unstack(shape[:3]), -1])
      for axis in (1, 2):
        means = tf.repeat(means, stride, axis=axis)
      bands.append(means[:, : size[1], : size[2]])
    made = tf.concat(bands, axis=-1)
    return tf.ensure_shape(made, [*x.shape[:3], channels])

  return Space(of, channels)


SPACES: dict[str, Callable[[], Space]] = {"pixels": pixels, "pim": pim}
"""Spaces by the names of the flag `--critic_space`."""

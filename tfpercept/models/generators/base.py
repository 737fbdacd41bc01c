"""The contract of generators, from a latent vector to a small picture."""

import abc
import itertools
from collections.abc import Sequence
from typing import Any

import keras
import tensorflow as tf

from tfpercept.ops import checks

STEPS = (6.0, 4.0, 3.0, 2.0, 1.5, 1.0, 0.7, 0.5)
"""Quantizer steps of latents in units of pixels, coarsest first."""
_LEAST, _MOST, _START = 32, 128, 4


class LatentGenerator(keras.Model, abc.ABC):
  """A generator whose latent vector a codec can quantize and store.

  Args:
    config: Arguments of the subclass, as JSON values; `side`, `channels`,
      `latent` and `steps` are among them, and `check` has checked them.
    name: Keras model name.
  """

  registered_name = ""
  """Name in the registry, set by `register`."""

  def __init__(self, config: dict[str, Any], *, name: str):
    super().__init__(name=name, dtype="float32", autocast=False)
    self._config = {**config, "name": name}

  def build(self, input_shape: Any = None) -> None:
    self.built = True  # all layers are built in `__init__`

  @property
  def image_shape(self) -> tuple[int, int, int]:
    """Height, width and channels of a picture."""
    side = self._config["side"]
    return side, side, self._config["channels"]

  @property
  def latent(self) -> int:
    """Length of the latent vector."""
    return self._config["latent"]

  @property
  def quantizer_steps(self) -> tuple[float, ...]:
    """Quantizer steps of the qualities 1, 2, and so on, coarsest first."""
    return tuple(self._config["steps"])

  @property
  @abc.abstractmethod
  def deviations(self) -> tf.Tensor:
    """Standard deviation of each latent, float32 `[latent]`."""

  @abc.abstractmethod
  def decode(
    self, z: tf.Tensor, step: float | tf.Tensor, *, training: bool = False
  ) -> tf.Tensor:
    """Returns the pictures of latents, float32 `[N, side, side, channels]`.

    Their range is [0, 1], which linear generators may leave a little.

    Args:
      z: Latents, float32 `[N, latent]`.
      step: Quantizer step that the latents were rounded by, a scalar; 0 where
        they were not. Generators that do without it ignore it.
      training: Whether the layers are to behave as in training.
    """

  @abc.abstractmethod
  def encode(self, x: tf.Tensor) -> tf.Tensor | None:
    """Returns latents of pictures in one pass, float32 `[N, latent]`.

    None if the generator has no way back, so that they need a search.

    Args:
      x: Pictures, float32 `[N, side, side, channels]` in [0, 1].
    """

  def calibrate(self, seed: int = 0) -> None:
    """Fits statistics to the weights, for networks that have some.

    It is called before a network in training is used.

    Args:
      seed: Seed of what is drawn for them.
    """
    del seed  # most networks have none

  def draw(self, count: int, seed: tf.Tensor) -> tf.Tensor:
    """Returns latents drawn from independent normals, float32 `[N, latent]`.

    Args:
      count: Number N of latents.
      seed: Seed of the draw, int32 `[2]`.
    """
    unit = tf.random.stateless_normal([count, self.latent], seed)
    return unit * self.deviations

  def call(self, z: tf.Tensor, training: bool = False) -> tf.Tensor:
    return self.decode(z, 0.0, training=training)

  def get_config(self) -> dict[str, Any]:
    return dict(self._config)


def check(
  owner: str, *, side: int, channels: int, latent: int, steps: Sequence[float]
) -> dict[str, Any]:
  """Returns arguments that all generators have, once they are in range.

  Args:
    owner: Name of the network for messages.
    side: Side of the pictures: 32, 64 or 128 pixels.
    channels: Number of channels, 1 or 3.
    latent: Length of the latent vector, 1 to 4096.
    steps: Quantizer steps above 0, 1 to 15 of them, coarsest first.

  Raises:
    ValueError: if an argument is out of range.
  """
  if not all(checks.is_whole(n) for n in (side, channels, latent)):
    raise ValueError(
      f"{owner} needs whole numbers; got side={side}, channels={channels}, "
      f"latent={latent}"
    )
  if side not in (32, 64, 128) or channels not in (1, 3):
    raise ValueError(
      f"{owner} makes squares of 32, 64 or 128 pixels with 1 or 3 channels; "
      f"got side={side}, channels={channels}"
    )
  if not 1 <= latent <= 4096:
    raise ValueError(f"{owner} has 1 to 4096 latents; got {latent}")
  found = [float(step) for step in steps]
  falls = all(a > b for a, b in itertools.pairwise(found))
  if not 1 <= len(found) <= 15 or not falls or not 0 < found[-1] < 1e6:
    raise ValueError(
      f"{owner} has 1 to 15 quantizer steps above 0, each below the one "
      f"before; got {found}"
    )
  return {
    "side": int(side),
    "channels": int(channels),
    "latent": int(latent),
    "steps": found,
  }


def check_widths(owner: str, widths: Sequence[int], count: int) -> list[int]:
  """Returns widths of layers; raises ValueError unless so many are above 0."""
  found = list(widths)
  if len(found) != count or not all(
    checks.is_whole(w) and w >= 1 for w in found
  ):
    raise ValueError(f"{owner} needs {count} widths above 0 here; got {found}")
  return [int(width) for width in found]


def doublings(side: int) -> int:
  """Returns how often 4 pixels are doubled to a side."""
  return int(side // _START).bit_length() - 1

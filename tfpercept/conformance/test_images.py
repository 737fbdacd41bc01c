"""The test images of conformance: ordinary ones and hard ones."""

from collections.abc import Iterator
from typing import Protocol

import numpy as np


class Limited(Protocol):
  """The limits of images that a distance or an adapter states."""

  @property
  def min_size(self) -> int:
    """Smallest side of an image, in pixels."""

  @property
  def size_multiple(self) -> int:
    """Number of pixels of which the sides of an image are multiples."""

  @property
  def channels(self) -> tuple[int, ...] | None:
    """Numbers of channels of an image, or None for any."""


def side(distance: Limited) -> int:
  """Returns a side of images above the smallest; odd, where that is allowed."""
  odd = max(distance.min_size + 6, 48) | 1
  return -(-odd // distance.size_multiple) * distance.size_multiple


def channels(distance: Limited) -> int:
  """Returns the number of channels of images: 3, where that is allowed."""
  allowed = distance.channels
  return 3 if allowed is None or 3 in allowed else allowed[0]


def scene(count: int, side: int, channels: int = 3) -> np.ndarray:
  """Returns pictures, float32 `[count, side, side, channels]` in (0, 1).

  They have shades, edges and texture, different in each channel.
  """
  random = np.random.default_rng(3)
  y, x = np.mgrid[:side, :side] / side
  scenes = []
  for _ in range(count):
    angle = random.uniform(0, 6, (3, channels, 1, 1))  # wave, channel
    across = x * np.cos(angle) + y * np.sin(angle)
    waves = np.sin(random.uniform(3, 40, (3, 1, 1, 1)) * across + angle)
    edge = x + y * random.uniform(0.5, 2) > random.uniform(0.6, 1.2)
    texture = random.normal(scale=0.03, size=(channels, side, side))
    scenes.append(0.44 + 0.1 * waves.sum(0) + 0.12 * edge + texture)
  stacked = np.moveaxis(np.stack(scenes), 1, -1)
  return np.clip(stacked, 0.02, 0.98).astype(np.float32)


def ordinary(distance: Limited) -> tuple[np.ndarray, np.ndarray]:
  """Returns three pictures, and the same with noise of three strengths."""
  reference = scene(3, side(distance), channels(distance))
  noise = np.random.default_rng(4).normal(size=reference.shape)
  strength = np.reshape([0.02, 0.05, 0.1], (3, 1, 1, 1))
  image = np.clip(reference + strength * noise, 0, 1)
  return reference, image.astype(np.float32)


def noise_pair(side: int, channels: int) -> tuple[np.ndarray, np.ndarray]:
  """Returns two different images of noise, `[1, side, side, channels]`."""
  random = np.random.default_rng(6)
  shape = (1, side, side, channels)
  reference, image = random.uniform(size=(2, *shape)).astype(np.float32)
  return reference, image


def images(distance: Limited) -> dict[str, np.ndarray]:
  """Returns an ordinary picture and flat ones by name, `[1, H, W, C]`."""
  shape = (1, side(distance), side(distance), channels(distance))
  return {
    "ordinary": scene(1, shape[1], shape[3]),
    "black": np.zeros(shape, np.float32),
    "gray": np.full(shape, 0.5, np.float32),
    "white": np.ones(shape, np.float32),
  }


def pairs(
  distance: Limited,
) -> Iterator[tuple[str, np.ndarray, np.ndarray]]:
  """Yields name, reference and image of pairs that often break distances."""
  yield ("ordinary", *ordinary(distance))
  plain = images(distance)
  for name, image in plain.items():
    yield f"identical {name}", image, image
  yield "inverted", plain["ordinary"], 1 - plain["ordinary"]
  yield "black and ordinary", plain["black"], plain["ordinary"]
  yield "ordinary and black", plain["ordinary"], plain["black"]
  yield "gray and ordinary", plain["gray"], plain["ordinary"]
  yield "black and white", plain["black"], plain["white"]

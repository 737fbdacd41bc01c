"""What each latent is coded with: the number of a table, and its mean."""

import abc
from collections.abc import Callable, Iterator, Mapping
from typing import NamedTuple

import numpy as np
import tensorflow as tf

from tfpercept.codecs.bitstream import container
from tfpercept.codecs.learned import hyper_synthesis
from tfpercept.codecs.learned import tiles as strips
from tfpercept.models.compression import (
  entropy_coding,
  hyper_transforms,
  transforms,
)

# Rows of hyper-latents that a strip of latents sees beyond its own: two
# transposed 5x5 convolutions of stride 2, and a 3x3 one behind them.
_HALO = 2
_RATIO = hyper_transforms.STRIDE
ALL = slice(None)


class Part(NamedTuple):
  """Latents that are coded at a time.

  Attributes:
    rows: Which of them.
    channels: Likewise.
    index: Numbers of their tables, int32 `[1, rows, columns, channels]`.
    mean: Float32, of latents that are scaled by the gain.
  """

  rows: slice
  channels: slice
  index: tf.Tensor
  mean: tf.Tensor


Code = Callable[[Part], tf.Tensor]
"""Called with each part in the order of the string, returns its symbols."""


def gains(
  kept: Mapping[str, np.ndarray], step: int
) -> tuple[np.ndarray, np.ndarray]:
  """Returns what latents are scaled by before and after they are rounded.

  Args:
    kept: Of `coding.arrays`.
    step: The quality in sixteenths.

  Returns:
    Float32 `[latents]` each; their logarithms are linear between whole levels.
  """
  position = step / container.STEPS - 1
  levels = len(kept["log_gain"])
  low = max(min(int(position), levels - 2), 0)
  high, share = min(low + 1, levels - 1), np.float32(position - low)
  return tuple(
    np.exp((1 - share) * kept[name][low] + share * kept[name][high])
    for name in ("log_gain", "log_inverse")
  )


class Parameters(abc.ABC):
  """Tables and means of latents.

  Args:
    kept: Of `coding.arrays`.
  """

  def __init__(self, kept: Mapping[str, np.ndarray]):
    self._kept = kept

  @abc.abstractmethod
  def each(
    self, size: tuple[int, int], z: np.ndarray | None, step: int, code: Code
  ) -> None:
    """Goes through the latents of a picture, as many rows at a time as a strip.

    What it tells is the same as if it were made in one piece.

    Args:
      size: Rows and columns of latents.
      z: Hyper-latents, int32 `[1, h, w, hyper_latents]`; None if there are
        none.
      step: The quality in sixteenths.
      code: Called with each part.
    """

  @abc.abstractmethod
  def integers(self, z: np.ndarray) -> dict[str, np.ndarray]:
    """Returns all that must be exact of hyper-latents, for `selftest`.

    Args:
      z: Int32 `[1, h, w, hyper_latents]`.
    """

  def symbols(
    self, y: np.ndarray, mean: tf.Tensor, step: int, channels: slice = ALL
  ) -> tf.Tensor:
    """Returns int32 latents: scaled, less their means, rounded.

    Args:
      y: Float32 `[1, rows, columns, channels]`, not scaled.
      mean: Of a `Part`, likewise.
      step: The quality in sixteenths.
      channels: Which they are.
    """
    gain, _ = gains(self._kept, step)
    return tf.cast(tf.round(y * gain[channels] - mean), tf.int32)

  def values(
    self, symbols: tf.Tensor, mean: tf.Tensor, step: int, channels: slice = ALL
  ) -> tf.Tensor:
    """Returns the latents that symbols stand for, float32, not scaled."""
    inverse = self.inverse(step)[channels]
    return (tf.cast(symbols, tf.float32) + mean) * inverse

  def inverse(self, step: int) -> np.ndarray:
    """Returns what scales symbols back to latents, float32 `[latents]`."""
    return gains(self._kept, step)[1]


class FixedParameters(Parameters):
  """Each channel has its own table, and means are 0."""

  def each(
    self, size: tuple[int, int], z: np.ndarray | None, step: int, code: Code
  ) -> None:
    del z, step
    width, latents = size[1], len(self._kept["deviation"])
    channels = tf.range(latents)
    for rows in spans(size):
      shape = [1, rows.stop - rows.start, width, latents]
      index = tf.broadcast_to(channels, shape)
      code(Part(rows, ALL, index, tf.zeros(shape)))

  def integers(self, z: np.ndarray) -> dict[str, np.ndarray]:
    del z
    return {}


class HyperParameters(Parameters):
  """Indexes of scales, and perhaps means, follow from hyper-latents.

  Args:
    kept: Of `coding.arrays`.
  """

  def __init__(self, kept: Mapping[str, np.ndarray]):
    super().__init__(kept)
    self._hyper = hyper_synthesis.HyperSynthesis(kept)
    self._hidden_of, self._told_by = (
      tf.function(function, reduce_retracing=True)
      for function in (lambda z: self._hyper.hidden(z), self._tell)
    )

  def each(
    self, size: tuple[int, int], z: np.ndarray | None, step: int, code: Code
  ) -> None:
    del size
    for rows, index, mean in self.strips(z, step):
      code(Part(rows, ALL, index, mean))

  def strips(
    self, z: np.ndarray, step: int
  ) -> Iterator[tuple[slice, tf.Tensor, tf.Tensor]]:
    """Yields rows of latents and their indexes and means, as a `Part` has.

    Args:
      z: Int32 `[1, h, w, hyper_latents]`.
      step: The quality in sixteenths.
    """
    offset = tf.constant(index_offsets(self._kept, step))
    scale = tf.constant(self._kept["deviation"] * gains(self._kept, step)[0])
    for rows, hidden, own in hidden_strips(self._hidden_of, z):
      index, mean = self._told_by(hidden, offset, scale)
      yield rows, index[:, own], mean[:, own]

  def _tell(
    self, hidden: tf.Tensor, offset: tf.Tensor, scale: tf.Tensor
  ) -> tuple[tf.Tensor, tf.Tensor]:
    """Returns indexes and means of what is hidden, at a quality."""
    index = tf.cast(self._hyper.indexes(hidden), tf.int32) + offset
    return (
      tf.clip_by_value(index, 0, entropy_coding.SCALES - 1),
      self._hyper.means(hidden) * scale,
    )

  def integers(self, z: np.ndarray) -> dict[str, np.ndarray]:
    """Returns all that must be exact of hyper-latents, for `selftest`.

    Args:
      z: Int32 `[1, h, w, hyper_latents]`.

    Returns:
      `indexes`, not clipped, and `means`, in their unit, int32 `[1, 4h, 4w,
      latents]`.
    """
    hidden = self._hidden_of(tf.cast(z, tf.float32))
    means = self._hyper.means(hidden) * 2.0**hyper_transforms.MEAN_BITS
    return {
      "indexes": self._hyper.indexes(hidden).numpy().astype(np.int32),
      "means": means.numpy().astype(np.int32),
    }


def index_offsets(kept: Mapping[str, np.ndarray], step: int) -> np.ndarray:
  """Returns what a quality adds to indexes, int32 `[latents]`."""
  return kept["index_offsets"][step - container.STEPS].astype(np.int32)


def spans(size: tuple[int, int]) -> Iterator[slice]:
  """Yields the rows of strips of latents.

  Args:
    size: Rows and columns of latents.
  """
  rows = strips.heights(*(side * transforms.STRIDE for side in size))
  for top, bottom in strips.spans(size[0], rows // transforms.STRIDE):
    yield slice(top, bottom)


def hidden_strips(
  hidden_of: Callable[[tf.Tensor], tf.Tensor], z: np.ndarray
) -> Iterator[tuple[slice, tf.Tensor, slice]]:
  """Yields what a hyper-synthesis hides, strip by strip.

  Rows at a border that is none of the picture would be wrong; they are not
  among what is yielded.

  Args:
    hidden_of: `HyperSynthesis.hidden`.
    z: Int32 `[1, h, w, hyper_latents]`.

  Yields:
    Rows of latents, what is hidden there and a row above and below, where there
    is one, and which rows of that are their own.
  """
  height, width = (side * _RATIO for side in z.shape[1:3])
  for rows in spans((height, width)):
    first = max(rows.start // _RATIO - _HALO, 0)
    part = z[:, first : -(-rows.stop // _RATIO) + _HALO]
    hidden = hidden_of(tf.cast(part, tf.float32))
    seen, own = around(rows, height)
    start, end = (place - _RATIO * first for place in (seen.start, seen.stop))
    yield rows, hidden[:, start:end], own


def around(rows: slice, height: int) -> tuple[slice, slice]:
  """Returns rows with one above and below, and where in those they are."""
  start, end = max(rows.start - 1, 0), min(rows.stop + 1, height)
  return slice(start, end), slice(rows.start - start, rows.stop - start)

"""Entropy parameters in whole numbers, by the integer layers of a model.

Codecs and exported graphs both take them from here.
"""

from collections.abc import Mapping

import numpy as np
import tensorflow as tf

from tfpercept.codecs.learned import integer_layers
from tfpercept.models.compression import (
  channel_wise,
  entropy_coding,
  hyper_transforms,
)

_MEAN_UNIT = 2.0**-hyper_transforms.MEAN_BITS


class HyperSynthesis:
  """The hyper-synthesis in integers, as a model folder keeps it.

  Args:
    kept: Arrays of a model folder, by name (`coding_tables.arrays`).
    channels: Channels of the latents whose parameters are computed.
  """

  def __init__(
    self, kept: Mapping[str, np.ndarray], channels: slice = slice(None)
  ):
    self._hidden = [
      integer_layers.Convolution(kept, name, upsample=2)
      for name in ("hyper_0", "hyper_1")
    ]
    self._last = {
      name: integer_layers.Convolution(kept, name, channels=channels)
      for name in ("indexes", "means")
      if f"{name}_kernel" in kept
    }

  @property
  def width(self) -> int:
    """Number of channels of the features."""
    return self._hidden[-1].outputs

  def hidden(self, z: tf.Tensor) -> tf.Tensor:
    """Returns the features of indexes and means, `[N, 4h, 4w, C]`.

    Args:
      z: Hyper-latents, whole numbers in float32 `[N, h, w, hyper_latents]`.
    """
    for layer in self._hidden:
      z = integer_layers.clipped(layer(z))
    return z

  def indexes(self, hidden: tf.Tensor) -> tf.Tensor:
    """Returns whole numbers in float32, not clipped."""
    return self._last["indexes"](hidden)

  def means(self, hidden: tf.Tensor) -> tf.Tensor:
    """Returns means in units of the latents' deviations; 0 if none are kept."""
    if "means" not in self._last:
      return tf.zeros_like(self.indexes(hidden))
    return self._last["means"](hidden) * _MEAN_UNIT


class Context:
  """A context of earlier slices in integers (`channel_wise.Context`).

  Args:
    kept: Arrays of a model folder, by name (`coding_tables.arrays`).
    number: Number of the slice, 1 or more.
  """

  def __init__(self, kept: Mapping[str, np.ndarray], number: int):
    self._hidden, self._indexes, self._means = (
      integer_layers.Convolution(kept, f"context{number}_{name}")
      for name in ("hidden", "indexes", "means")
    )

  def __call__(self, symbols: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Returns whole numbers to add to indexes, and numbers to add to means.

    Args:
      symbols: Symbols of the slices before, float32 `[N, h, w, C]`.
    """
    limit = float(channel_wise.SYMBOL_LIMIT)
    hidden = integer_layers.clipped(
      self._hidden(tf.clip_by_value(symbols, -limit, limit))
    )
    return self._indexes(hidden), self._means(hidden) * _MEAN_UNIT


class Teller:
  """The entropy parameters of one slice of channels.

  Args:
    kept: Arrays of a model folder, by name (`coding_tables.arrays`).
    number: Number of the slice; the first one is 0.
    channels: Channels of the latents in the slice.
  """

  def __init__(
    self, kept: Mapping[str, np.ndarray], number: int, channels: slice
  ):
    self._hyper = HyperSynthesis(kept, channels)
    self._context = Context(kept, number) if number else None

  def tell(
    self,
    hidden: tf.Tensor,
    known: tf.Tensor | None,
    offset: tf.Tensor,
    scale: tf.Tensor,
  ) -> tuple[tf.Tensor, tf.Tensor]:
    """Returns the numbers of tables, int32, and means, float32.

    Each is `[N, h, w, channels]`; means are in the unit of symbols.

    Args:
      hidden: Features that `HyperSynthesis.hidden` made of side information,
        `[N, h, w, C]`.
      known: Symbols of the slices before, `[N, h, w, C]`; not read for the
        first slice.
      offset: Number that the quality adds to indexes, int32, a row of channels
        or one for each picture.
      scale: Unit of the means of side information, float32, of the shape of
        `offset`.
    """
    hidden = tf.cast(hidden, tf.float32)
    index = tf.cast(self._hyper.indexes(hidden), tf.int32) + offset
    mean = self._hyper.means(hidden) * scale
    if self._context:
      more, shift = self._context(tf.cast(known, tf.float32))
      index, mean = index + tf.cast(more, tf.int32), mean + shift
    return tf.clip_by_value(index, 0, entropy_coding.SCALES - 1), mean

  def integers(
    self, hidden: tf.Tensor, known: np.ndarray | None
  ) -> dict[tuple[str, str], np.ndarray]:
    """Returns indexes and means of both networks, in whole numbers.

    Args:
      hidden: Features, as for `tell`.
      known: Symbols of the slices before, as for `tell`.
    """
    pairs = {"hyper": (self._hyper.indexes(hidden), self._hyper.means(hidden))}
    if self._context:
      pairs["context"] = self._context(tf.cast(known, tf.float32))
    unit = 2.0**hyper_transforms.MEAN_BITS
    return {
      (name, what): np.asarray(values, np.int32)
      for name, (indexes, means) in pairs.items()
      for what, values in (("indexes", indexes), ("means", means * unit))
    }

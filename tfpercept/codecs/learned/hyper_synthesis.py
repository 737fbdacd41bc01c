"""Indexes and means in whole numbers, from what a model keeps of its layers."""

from collections.abc import Mapping

import numpy as np
import tensorflow as tf

from tfpercept.codecs.learned import integer_layers
from tfpercept.models.compression import channel_wise, hyper_transforms

_MEAN_UNIT = 2.0**-hyper_transforms.MEAN_BITS


class HyperSynthesis:
  """The hyper-synthesis in integers, as `coding.arrays` keeps it.

  Args:
    kept: Of `coding.arrays`.
    channels: Of the latents that are told of.
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

  def hidden(self, z: tf.Tensor) -> tf.Tensor:
    """Returns what indexes and means are made of, `[N, 4h, 4w, C]`.

    Args:
      z: Whole numbers in float32, `[N, h, w, hyper_latents]`.
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
  """What the slices before tell of a slice (`models.channel_wise.Context`).

  Args:
    kept: Of `coding.arrays`.
    number: Of the slice, 1 or more.
  """

  def __init__(self, kept: Mapping[str, np.ndarray], number: int):
    self._hidden, self._indexes, self._means = (
      integer_layers.Convolution(kept, f"context{number}_{name}")
      for name in ("hidden", "indexes", "means")
    )

  def __call__(self, symbols: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Returns what is added to indexes, whole, and to means, in symbols.

    Args:
      symbols: Of the slices before, float32 `[N, h, w, C]`.
    """
    limit = float(channel_wise.SYMBOL_LIMIT)
    hidden = integer_layers.clipped(
      self._hidden(tf.clip_by_value(symbols, -limit, limit))
    )
    return self._indexes(hidden), self._means(hidden) * _MEAN_UNIT

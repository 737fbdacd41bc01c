"""Entropy parameters in whole numbers, by the integer layers of a model.

Codecs and exported graphs both take them from here.
"""

from collections.abc import Mapping

import numpy as np

from tfpercept.codecs.learned import arithmetic, integer_layers
from tfpercept.ops import codec_constants

_MEAN_UNIT = np.float32(2.0**-codec_constants.MEAN_BITS)
Arithmetic = arithmetic.Arithmetic
Array = arithmetic.Array


class HyperSynthesis:
  """The hyper-synthesis in integers, as a model folder keeps it.

  Args:
    kept: Arrays of a model folder, by name (`coding_tables.load`).
    by: Library of arrays that computes.
    channels: Channels of the latents whose parameters are computed.
  """

  def __init__(
    self,
    kept: Mapping[str, np.ndarray],
    by: Arithmetic,
    channels: slice = slice(None),
  ):
    self._by = by
    self._hidden = [
      integer_layers.Convolution(kept, name, by, upsample=2)
      for name in ("hyper_0", "hyper_1")
    ]
    self._last = {
      name: integer_layers.Convolution(kept, name, by, channels=channels)
      for name in ("indexes", "means")
      if f"{name}_kernel" in kept
    }

  @property
  def width(self) -> int:
    """Number of channels of the features."""
    return self._hidden[-1].outputs

  def hidden(self, z: Array) -> Array:
    """Returns the features of indexes and means, `[N, 4h, 4w, C]`.

    Args:
      z: Hyper-latents, whole numbers in float32 `[N, h, w, hyper_latents]`.
    """
    for layer in self._hidden:
      z = layer.clipped(z)
    return z

  def indexes(self, hidden: Array) -> Array:
    """Returns whole numbers in float32, not clipped."""
    return self._last["indexes"](hidden)

  def means(self, hidden: Array) -> Array:
    """Returns means in units of the latents' deviations; 0 if none are kept."""
    if "means" not in self._last:
      return np.float32(0) * self.indexes(hidden)
    return self._last["means"](hidden) * _MEAN_UNIT


class Context:
  """A context of earlier slices in integers (`channel_wise.Context`).

  Args:
    kept: Arrays of a model folder, by name (`coding_tables.load`).
    by: Library of arrays that computes.
    number: Number of the slice, 1 or more.
  """

  def __init__(
    self, kept: Mapping[str, np.ndarray], by: Arithmetic, number: int
  ):
    self._by = by
    self._hidden, self._indexes, self._means = (
      integer_layers.Convolution(kept, f"context{number}_{name}", by)
      for name in ("hidden", "indexes", "means")
    )

  def __call__(self, symbols: Array) -> tuple[Array, Array]:
    """Returns whole numbers to add to indexes, and numbers to add to means.

    Args:
      symbols: Symbols of the slices before, float32 `[N, h, w, C]`.
    """
    limit = codec_constants.CONTEXT_LIMIT
    hidden = self._hidden.clipped(self._by.clip(symbols, -limit, limit))
    return self._indexes(hidden), self._means(hidden) * _MEAN_UNIT


class Teller:
  """The entropy parameters of one slice of channels.

  Args:
    kept: Arrays of a model folder, by name (`coding_tables.load`).
    by: Library of arrays that computes.
    number: Number of the slice; the first one is 0.
    channels: Channels of the latents in the slice.
  """

  def __init__(
    self,
    kept: Mapping[str, np.ndarray],
    by: Arithmetic,
    number: int,
    channels: slice,
  ):
    self._by = by
    self._hyper = HyperSynthesis(kept, by, channels)
    self._context = Context(kept, by, number) if number else None

  def tell(
    self,
    hidden: Array,
    known: Array | None,
    offset: Array,
    scale: Array,
  ) -> tuple[Array, Array]:
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
    cast = self._by.cast
    hidden = cast(hidden, "float32")
    index = cast(self._hyper.indexes(hidden), "int32") + offset
    mean = self._hyper.means(hidden) * scale
    if self._context:
      more, shift = self._context(cast(known, "float32"))
      index, mean = index + cast(more, "int32"), mean + shift
    return self._by.clip(index, 0, codec_constants.SCALES - 1), mean

  def integers(
    self, hidden: Array, known: np.ndarray | None
  ) -> dict[tuple[str, str], np.ndarray]:
    """Returns indexes and means of both networks, in whole numbers.

    Args:
      hidden: Features, as for `tell`.
      known: Symbols of the slices before, as for `tell`.
    """
    pairs = {"hyper": (self._hyper.indexes(hidden), self._hyper.means(hidden))}
    if self._context:
      pairs["context"] = self._context(self._by.cast(known, "float32"))
    unit = 2.0**codec_constants.MEAN_BITS
    return {
      (name, what): np.asarray(values, np.int32)
      for name, (indexes, means) in pairs.items()
      for what, values in (("indexes", indexes), ("means", means * unit))
    }

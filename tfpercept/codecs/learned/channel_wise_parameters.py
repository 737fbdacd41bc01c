"""What latents are coded with whose channels tell of those that follow."""

import itertools
from collections.abc import Mapping, Sequence

import numpy as np
import tensorflow as tf

from tfpercept.codecs.learned import entropy_parameters, hyper_synthesis
from tfpercept.models.compression import (
  channel_wise,
  entropy_coding,
  hyper_transforms,
)

_LIMIT = channel_wise.SYMBOL_LIMIT


class SliceParameters(entropy_parameters.Parameters):
  """Indexes and means follow from hyper-latents and from slices of channels.

  Slices are coded one after the other, each over the whole picture, since a
  symbol tells of its neighbours. Of symbols and of what is hidden in
  hyper-latents a byte each is held.

  Args:
    kept: Of `coding.arrays`.
    slices: Channels of each, in order.
  """

  def __init__(self, kept: Mapping[str, np.ndarray], slices: Sequence[int]):
    super().__init__(kept)
    ends = [0, *itertools.accumulate(slices)]
    self._slices = [slice(*pair) for pair in itertools.pairwise(ends)]
    hyper = hyper_synthesis.HyperSynthesis(kept)
    self._hidden_of = tf.function(hyper.hidden, reduce_retracing=True)
    self._tellers = [
      _Teller(kept, i, channels) for i, channels in enumerate(self._slices)
    ]
    self._told_by = [
      tf.function(teller.tell, reduce_retracing=True)
      for teller in self._tellers
    ]

  def each(
    self,
    size: tuple[int, int],
    z: np.ndarray | None,
    step: int,
    code: entropy_parameters.Code,
  ) -> None:
    offset = entropy_parameters.index_offsets(self._kept, step)
    scale = (
      self._kept["deviation"] * entropy_parameters.gains(self._kept, step)[0]
    )
    hidden = self._hidden(size, z)
    known = np.zeros((1, *size, self._slices[-1].start), np.int8)
    for channels, told_by in zip(self._slices, self._told_by, strict=True):
      for rows in entropy_parameters.spans(size):
        seen, own = entropy_parameters.around(rows, size[0])
        index, mean = told_by(
          tf.constant(hidden[:, seen]),
          tf.constant(known[:, seen, :, : channels.start]),
          tf.constant(offset[channels]),
          tf.constant(scale[channels]),
        )
        part = entropy_parameters.Part(
          rows, channels, index[:, own], mean[:, own]
        )
        symbols = code(part)
        if channels != self._slices[-1]:
          known[:, rows, :, channels] = symbols.numpy().clip(-_LIMIT, _LIMIT)

  def _hidden(self, size: tuple[int, int], z: np.ndarray) -> np.ndarray:
    """Returns what is hidden in hyper-latents, uint8 `[1, 4h, 4w, C]`."""
    found = None
    for rows, hidden, own in entropy_parameters.hidden_strips(
      self._hidden_of, z
    ):
      if found is None:
        found = np.empty((1, *size, hidden.shape[-1]), np.uint8)
      found[:, rows] = hidden[:, own]
    return found

  def integers(self, z: np.ndarray) -> dict[str, np.ndarray]:
    """Returns all that must be exact of hyper-latents, for `selftest`.

    Args:
      z: Int32 `[1, h, w, hyper_latents]`. Contexts see its channels in turn as
        symbols.

    Returns:
      For each slice, by its number, what is told of its indexes, not clipped,
      and of its means, in their units: by hyper-latents, `hyper<i>_indexes` and
      `hyper<i>_means`, int32 `[1, 4h, 4w, channels]`, and from the second on by
      slices, `context<i>_...`, `[1, h, w, channels]`.
    """
    hidden = self._hidden_of(tf.cast(z, tf.float32))
    found = {}
    for i, channels in enumerate(self._slices):
      turns = np.arange(channels.start) % z.shape[-1]
      told = self._tellers[i].integers(hidden, z[..., turns])
      found |= {f"{name}{i}_{what}": v for (name, what), v in told.items()}
    return found


class _Teller:
  """Tells of one slice.

  Args:
    kept: Of `coding.arrays`.
    number: Of the slice; the first one is 0.
    channels: Of latents.
  """

  def __init__(
    self, kept: Mapping[str, np.ndarray], number: int, channels: slice
  ):
    self._hyper = hyper_synthesis.HyperSynthesis(kept, channels)
    self._context = None
    if number:
      self._context = hyper_synthesis.Context(kept, number)

  def tell(
    self,
    hidden: tf.Tensor,
    known: tf.Tensor,
    offset: tf.Tensor,
    scale: tf.Tensor,
  ) -> tuple[tf.Tensor, tf.Tensor]:
    """Returns indexes and means, as a `Part` has.

    Args:
      hidden: Of hyper-latents, `[1, h, w, C]`.
      known: Symbols of the slices before, int8 `[1, h, w, C]`.
      offset: Of the quality, int32 `[channels]`.
      scale: Of the means of hyper-latents, float32 `[channels]`.
    """
    hidden = tf.cast(hidden, tf.float32)
    index = tf.cast(self._hyper.indexes(hidden), tf.int32) + offset
    mean = self._hyper.means(hidden) * scale
    if self._context:
      more, shift = self._context(tf.cast(known, tf.float32))
      index, mean = index + tf.cast(more, tf.int32), mean + shift
    return tf.clip_by_value(index, 0, entropy_coding.SCALES - 1), mean

  def integers(
    self, hidden: tf.Tensor, known: np.ndarray
  ) -> dict[tuple[str, str], np.ndarray]:
    """Returns indexes and means of both, in whole numbers."""
    pairs = {"hyper": (self._hyper.indexes(hidden), self._hyper.means(hidden))}
    if self._context:
      pairs["context"] = self._context(tf.cast(known, tf.float32))
    unit = 2.0**hyper_transforms.MEAN_BITS
    return {
      (name, what): np.int32(values)
      for name, (indexes, means) in pairs.items()
      for what, values in (("indexes", indexes), ("means", means * unit))
    }

"""The layout of what a model codes with: channels, slices and integer layers.

It follows from the arrays of a model folder and from the name of its bitstream,
so no network has to be built, and none has to be known.
"""

import dataclasses
import itertools
from collections.abc import Mapping

import numpy as np

from tfpercept.codecs.learned import integer_layers
from tfpercept.ops import codec_constants

_HYPER_KERNEL, _KERNEL = 5, 3  # sides; those of `hidden_strips` and `around`


@dataclasses.dataclass(frozen=True)
class Layout:
  """The layout of the arrays of a model folder.

  Attributes:
    codec: Name of the bitstream, a key of `header.CODEC_IDS`.
    latents: Number of channels of the latents.
    hyper_latents: Number of channels of the side information; 0 if there is
      none.
    levels: Largest quality.
    slices: Channels of the latents that are coded together, in order of coding.
    layers: Shapes of the integer layers, by name.
  """

  codec: str
  latents: int
  hyper_latents: int
  levels: int
  slices: tuple[slice, ...]
  layers: Mapping[str, integer_layers.Shape]

  @property
  def has_side_information(self) -> bool:
    """Whether a stream begins with hyper-latents."""
    return self.hyper_latents > 0

  @property
  def has_means(self) -> bool:
    """Whether hyper-latents tell means; otherwise those are 0."""
    return "means" in self.layers

  @property
  def ratio(self) -> int:
    """Number of latents per hyper-latent along each side; 1 without them."""
    return codec_constants.HYPER_STRIDE if self.has_side_information else 1

  @property
  def tables(self) -> int:
    """Number of coding tables of latents."""
    if self.has_side_information:
      return codec_constants.SCALES
    return self.latents


def of_arrays(kept: Mapping[str, np.ndarray], codec: str) -> Layout:
  """Returns the layout of some arrays, of whose shapes it is sure of none.

  Args:
    kept: Arrays of a model folder, by name.
    codec: Name of the bitstream.

  Raises:
    ValueError: if an array that tells of channels is missing.
  """
  try:
    latents, levels = len(kept["deviation"]), len(kept["log_gain"])
    hyper_latents = len(kept["z_offsets"]) if "z_offsets" in kept else 0
    slices = _slices(kept, latents)
    layers = _layers(kept, hyper_latents, slices) if hyper_latents else {}
  except (KeyError, TypeError, IndexError) as error:
    raise ValueError(f"it lacks arrays: {error}") from error
  return Layout(codec, latents, hyper_latents, levels, slices, layers)


def _slices(kept: Mapping[str, np.ndarray], latents: int) -> tuple[slice, ...]:
  """Returns the channels of each slice, by the contexts that are kept.

  The first slice has no context, and what the others leave of the channels.
  """
  counts: list[int] = []
  while (name := f"context{len(counts) + 1}_indexes_bias") in kept:
    counts.append(len(kept[name]))
  ends = np.cumsum([0, latents - sum(counts), *counts]).tolist()
  if min(np.diff(ends)) < 1:
    raise ValueError(f"slices of {np.diff(ends).tolist()} channels")
  return tuple(slice(*pair) for pair in itertools.pairwise(ends))


def _layers(
  kept: Mapping[str, np.ndarray], inputs: int, slices: tuple[slice, ...]
) -> dict[str, integer_layers.Shape]:
  """Returns the shapes that integer layers should have, by name.

  Of each only the number of hidden channels is its own.
  """
  found: dict[str, integer_layers.Shape] = {}
  width, largest = inputs, codec_constants.SYMBOL_LIMIT
  for name in ("hyper_0", "hyper_1"):
    outputs = len(kept[f"{name}_bias"])
    found[name] = integer_layers.Shape(
      (_HYPER_KERNEL, _HYPER_KERNEL, outputs, width), 2, largest
    )
    width, largest = outputs, codec_constants.ACTIVATION_LIMIT
  latents = slices[-1].stop
  # Without means they are 0; a context tells means all the same.
  named = ("indexes", "means") if "means_kernel" in kept else ("indexes",)
  for name in named:
    found[name] = integer_layers.Shape(
      (_KERNEL, _KERNEL, width, latents), 1, largest
    )
  for i, channels in enumerate(slices[1:], 1):
    hidden = len(kept[f"context{i}_hidden_bias"])
    found[f"context{i}_hidden"] = integer_layers.Shape(
      (_KERNEL, _KERNEL, channels.start, hidden),
      1,
      codec_constants.CONTEXT_LIMIT,
    )
    for name in ("indexes", "means"):
      found[f"context{i}_{name}"] = integer_layers.Shape(
        (1, 1, hidden, channels.stop - channels.start), 1, largest
      )
  return found

"""Integer layers: what a model folder keeps of them, and how they compute.

`layout` states which layers a bitstream has. A model folder keeps the kernel,
the bias and the shift of each, in whole numbers, under its name.
"""

import itertools
from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from tfpercept.codecs.learned import arithmetic
from tfpercept.ops import codec_constants

_EXACT_BITS = 24  # of integers in float32


class Shape(NamedTuple):
  """The shape of an integer layer.

  Attributes:
    kernel: Shape of the kernel, `[k, k, in, out]`; `[k, k, out, in]` if the
      layer upsamples.
    upsample: Factor by which sides grow, 1 or 2.
    largest: Largest magnitude of an input.
  """

  kernel: tuple[int, ...]
  upsample: int
  largest: int

  @property
  def outputs(self) -> int:
    """Number of output channels."""
    return self.kernel[2 if self.upsample > 1 else 3]


def kinds(
  layers: Mapping[str, Shape],
) -> dict[str, tuple[tuple[int, ...], str]]:
  """Returns the shape and the type of each array of some layers."""
  found = {}
  for name, layer in layers.items():
    found[f"{name}_kernel"] = (layer.kernel, "i1")
    found[f"{name}_bias"] = ((layer.outputs,), "i4")
    found[f"{name}_shift"] = ((layer.outputs,), "i1")
  return found


def check(name: str, layer: Shape, kept: Mapping[str, np.ndarray]) -> None:
  """Raises ValueError if a sum of a layer might be inexact in float32.

  Args:
    name: Name of the layer.
    layer: Shape of the layer.
    kept: Arrays of a model folder, by name.
  """
  shift = kept[f"{name}_shift"]
  if shift.min() < 0 or shift.max() >= _EXACT_BITS:
    raise ValueError(
      f"{name} is shifted by {shift.min()} to {shift.max()} bits"
    )
  kernel, bias = kept[f"{name}_kernel"], kept[f"{name}_bias"]
  # The worst input has the sign of each weight and the largest magnitude. To
  # that come the bias and the half that makes rounding down round to nearest.
  sums = _largest_sums(kernel, layer.upsample) * layer.largest
  sums = sums + np.abs(bias.astype(np.int64))
  sums = sums + (1 << np.maximum(shift.astype(np.int64) - 1, 0))
  if sums.max() >= codec_constants.EXACT:
    raise ValueError(
      f"a sum of {name} might reach {sums.max()}, and from "
      f"{codec_constants.EXACT} on float32 is not exact; train with a smaller "
      "hyper_width"
    )


def _largest_sums(kernel: np.ndarray, upsample: int) -> np.ndarray:
  """Returns the largest sum of magnitudes that meets in an output, `[out]`."""
  kernel = np.abs(kernel.astype(np.int16))
  if upsample == 1:
    return kernel.sum(axis=(0, 1, 2), dtype=np.int64)
  # Outputs of a transposed convolution fall into phases, by their place modulo
  # the stride; each sees every so-many-th row and column of the kernel.
  phases = itertools.product(range(upsample), repeat=2)
  return np.max(
    [
      kernel[i::upsample, j::upsample].sum(axis=(0, 1, 3), dtype=np.int64)
      for i, j in phases
    ],
    axis=0,
  )


class Convolution:
  """A layer as it is kept; its sums are whole numbers in float32, all exact.

  Args:
    kept: Arrays of a model folder, by name (`coding_tables.load`).
    name: Name of the layer.
    by: Library of arrays that computes.
    upsample: Factor by which sides grow, 1 or 2.
    channels: Output channels to compute, if the layer does not upsample.
  """

  def __init__(
    self,
    kept: Mapping[str, np.ndarray],
    name: str,
    by: arithmetic.Arithmetic,
    *,
    upsample: int = 1,
    channels: slice = slice(None),
  ):
    kernel, bias, shift = (
      kept[f"{name}_{part}"].astype(np.float32)
      for part in ("kernel", "bias", "shift")
    )
    if upsample == 1:
      kernel = np.ascontiguousarray(kernel[..., channels])
    bias, shift = bias[channels], shift[channels]
    half = np.where(shift > 0, 2.0 ** (shift - 1), 0).astype(np.float32)
    self._by, self._upsample = by, upsample
    self._kernel, self._bias, self._scale = kernel, bias + half, 2.0**-shift

  @property
  def outputs(self) -> int:
    """Number of output channels."""
    return len(self._bias)

  def __call__(self, x: arithmetic.Array) -> arithmetic.Array:
    """Returns `[N, H', W', out]` of float32 `[N, H, W, in]`, not clipped."""
    return self._by.layer(
      x, self._kernel, self._bias, self._scale, upsample=self._upsample
    )

  def clipped(self, x: arithmetic.Array) -> arithmetic.Array:
    """Returns the same, within the range of hidden values."""
    return self._by.clip(self(x), 0, codec_constants.ACTIVATION_LIMIT)

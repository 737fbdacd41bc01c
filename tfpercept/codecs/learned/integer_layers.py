"""Integer layers: what a model folder keeps of them, and how they compute.

The entropy model of a network states which layers these are
(`EntropyModel.integer_layers`). A model folder keeps the kernel, the bias and
the shift of each, in whole numbers, under its name.
"""

import itertools
from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import tensorflow as tf

from tfpercept.models.compression import entropy_model, integer

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


def shapes(model: entropy_model.EntropyModel) -> dict[str, Shape]:
  """Returns the shapes of the integer layers of a built entropy model."""
  return {
    name: Shape(tuple(layer.kernel.shape), layer.upsample, largest)
    for name, (layer, largest) in model.integer_layers.items()
  }


def arrays(
  name: str, layer: integer.IntegerConvolution
) -> dict[str, np.ndarray]:
  """Returns the arrays of a layer that a model folder keeps.

  Args:
    name: Name of the layer, with which the names of the arrays begin.
    layer: Built layer.

  Raises:
    ValueError: if its weights are too large.
  """
  kernel, bias, exponents = (value.numpy() for value in layer.integers())
  shift = exponents + layer.input_bits - layer.output_bits
  if shift.min() < 0:
    raise ValueError(
      f"{name} has weights of {np.abs(kernel).max():g} units, which are too "
      "large to be rounded to the units of its output"
    )
  return {
    f"{name}_kernel": kernel.astype(np.int8),
    f"{name}_bias": bias.astype(np.int32),
    f"{name}_shift": shift.astype(np.int8),
  }


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
  sums = sums + np.abs(bias.astype(np.float64))
  sums = sums + 2.0 ** np.maximum(shift.astype(int) - 1, 0)
  if sums.max() >= integer.EXACT:
    raise ValueError(
      f"a sum of {name} might reach {sums.max():.0f}, and from {integer.EXACT} "
      "on float32 is not exact; train with a smaller hyper_width"
    )


def _largest_sums(kernel: np.ndarray, upsample: int) -> np.ndarray:
  """Returns the largest sum of magnitudes that meets in an output, `[out]`."""
  kernel = np.abs(kernel.astype(np.float64))
  if upsample == 1:
    return kernel.sum(axis=(0, 1, 2))
  # Outputs of a transposed convolution fall into phases, by their place modulo
  # the stride; each sees every so-many-th row and column of the kernel.
  phases = itertools.product(range(upsample), repeat=2)
  return np.max(
    [kernel[i::upsample, j::upsample].sum(axis=(0, 1, 3)) for i, j in phases],
    axis=0,
  )


class Convolution:
  """A layer as it is kept; its sums are whole numbers in float32, all exact.

  Args:
    kept: Arrays of a model folder, by name (`coding_tables.arrays`).
    name: Name of the layer.
    upsample: Factor by which sides grow, 1 or 2.
    channels: Output channels to compute, if the layer does not upsample.
  """

  def __init__(
    self,
    kept: Mapping[str, np.ndarray],
    name: str,
    *,
    upsample: int = 1,
    channels: slice = slice(None),
  ):
    kernel, bias, shift = (
      kept[f"{name}_{part}"].astype(np.float32)
      for part in ("kernel", "bias", "shift")
    )
    if upsample == 1:
      kernel = kernel[..., channels]
    bias, shift = bias[channels], shift[channels]
    half = np.where(shift > 0, 2.0 ** (shift - 1), 0).astype(np.float32)
    self._upsample = upsample
    self._kernel, self._bias, self._scale = (
      tf.constant(values) for values in (kernel, bias + half, 2.0**-shift)
    )

  @property
  def outputs(self) -> int:
    """Number of output channels."""
    return self._bias.shape[0]

  def __call__(self, x: tf.Tensor) -> tf.Tensor:
    """Returns `[N, H', W', out]` of float32 `[N, H, W, in]`, not clipped."""
    if self._upsample > 1:
      shape = tf.shape(x)
      size = [
        shape[0],
        *(self._upsample * shape[i] for i in (1, 2)),
        self._kernel.shape[2],
      ]
      sums = tf.nn.conv2d_transpose(x, self._kernel, size, self._upsample)
    else:
      sums = tf.nn.conv2d(x, self._kernel, 1, "SAME")
    return tf.floor((sums + self._bias) * self._scale)


def clipped(values: tf.Tensor) -> tf.Tensor:
  """Returns values within the range of hidden ones."""
  return tf.clip_by_value(values, 0.0, float(integer.ACTIVATION_LIMIT))

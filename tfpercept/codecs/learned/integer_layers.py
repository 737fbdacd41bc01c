"""Layers in whole numbers: what a model keeps of them, and how they compute.

By the names of their arrays: `hyper_0` and `hyper_1`, which upsample, `indexes`
and `means` of the hyper-synthesis, and `context<i>_hidden`, `..._indexes` and
`..._means` of what the slices before tell of slice i.
"""

import itertools
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import keras
import numpy as np
import tensorflow as tf

from tfpercept.models.compression import channel_wise, hyper_transforms, integer

_EXACT_BITS = 24  # of integers in float32


class Shape(NamedTuple):
  """What a layer is like.

  Attributes:
    kernel: Its shape, `[k, k, in, out]`; `[k, k, out, in]` if it upsamples.
    upsample: Factor by which sides grow, 1 or 2.
    largest: Magnitude of an input.
  """

  kernel: tuple[int, int, int, int]
  upsample: int = 1
  largest: int = integer.ACTIVATION_LIMIT

  @property
  def outputs(self) -> int:
    """Channels of its output."""
    return self.kernel[2 if self.upsample > 1 else 3]


def shapes(manifest: Mapping[str, Any]) -> dict[str, Shape]:
  """Returns the layers of a network, by the manifest of its folder."""
  config = manifest["config"]
  if "hyper_width" not in config:
    return {}
  width, latents = config["hyper_width"], config["latents"]
  last = Shape((3, 3, width, latents))
  found = {
    "hyper_0": Shape(
      (5, 5, width, config["hyper_latents"]), 2, hyper_transforms.SYMBOL_LIMIT
    ),
    "hyper_1": Shape((5, 5, width, width), 2),
    "indexes": last,
  }
  if manifest["model"] != "scale_hyperprior":
    found["means"] = last
  slices = config.get("slices", [])
  before = itertools.accumulate(slices)
  for i, (known, channels) in enumerate(
    zip(before, slices[1:], strict=False), 1
  ):
    hidden = config["context_width"]
    told = Shape((1, 1, hidden, channels))
    found |= {
      f"context{i}_hidden": Shape(
        (3, 3, known, hidden), 1, channel_wise.SYMBOL_LIMIT
      ),
      f"context{i}_indexes": told,
      f"context{i}_means": told,
    }
  return found


def of(
  network: keras.Model,
) -> Iterator[tuple[str, integer.IntegerConvolution]]:
  """Yields the layers of a network, each with its name."""
  synthesis = getattr(network, "hyper_synthesis", None)
  if synthesis is None:
    return
  for i, layer in enumerate(synthesis.hidden):
    yield f"hyper_{i}", layer
  yield "indexes", synthesis.indexes
  if synthesis.means is not None:
    yield "means", synthesis.means
  for i, context in enumerate(getattr(network, "contexts", ()), 1):
    for name in ("hidden", "indexes", "means"):
      yield f"context{i}_{name}", getattr(context, name)


def arrays(
  name: str, layer: integer.IntegerConvolution
) -> dict[str, np.ndarray]:
  """Returns what is kept of a layer.

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
  """Returns shapes and types of the arrays of layers."""
  found = {}
  for name, layer in layers.items():
    found[f"{name}_kernel"] = (layer.kernel, "i1")
    found[f"{name}_bias"] = ((layer.outputs,), "i4")
    found[f"{name}_shift"] = ((layer.outputs,), "i1")
  return found


def check(name: str, layer: Shape, kept: Mapping[str, np.ndarray]) -> None:
  """Raises ValueError if a sum of a layer might be inexact in float32."""
  shift = kept[f"{name}_shift"]
  if shift.min() < 0 or shift.max() >= _EXACT_BITS:
    raise ValueError(
      f"{name} is shifted by {shift.min()} to {shift.max()} bits"
    )
  kernel, bias = kept[f"{name}_kernel"], kept[f"{name}_bias"]
  sums = _largest_sums(kernel, layer.upsample) * layer.largest
  sums += np.abs(bias.astype(np.float64))
  sums += 2.0 ** np.maximum(shift.astype(int) - 1, 0)
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
  phases = itertools.product(range(upsample), repeat=2)
  return np.max(
    [kernel[i::upsample, j::upsample].sum(axis=(0, 1, 3)) for i, j in phases],
    axis=0,
  )


class Convolution:
  """A layer as it is kept; its sums are whole numbers in float32, all exact.

  Args:
    kept: Of `coding.arrays`.
    name: Of the layer.
    upsample: Factor by which sides grow, 1 or 2.
    channels: Which of its outputs to compute, if it does not upsample.
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

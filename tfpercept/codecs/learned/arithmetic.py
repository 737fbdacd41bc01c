"""Integer layers by NumPy, and what another library has to offer instead.

Entropy parameters are written once, as functions of arrays. Codecs compute them
by NumPy; exported graphs by tensors of TensorFlow, with a class of their own.
"""

import abc
from collections.abc import Sequence
from typing import Any

import numpy as np

from tfpercept.codecs.learned import numpy_layers

Array = Any
"""An array or a tensor, of the library that an `Arithmetic` is of."""


class Arithmetic(abc.ABC):
  """Base of what entropy parameters ask of a library of arrays.

  Arrays add, multiply and are indexed as those of NumPy.
  """

  @abc.abstractmethod
  def layer(
    self,
    x: Array,
    kernel: np.ndarray,
    bias: np.ndarray,
    scale: np.ndarray,
    *,
    upsample: int,
  ) -> Array:
    """Returns the output of an integer layer, not clipped, `[N, H', W', out]`.

    It is `floor((sums + bias) * scale)`, with zeros around the border.

    Args:
      x: Whole numbers, float32 `[N, H, W, in]`.
      kernel: Whole numbers, float32 `[k, k, in, out]`; `[5, 5, out, in]` if the
        layer upsamples.
      bias: Whole numbers, float32 `[out]`.
      scale: Powers of two, float32 `[out]`.
      upsample: Factor by which sides grow, 1 or 2.
    """

  @abc.abstractmethod
  def clip(self, x: Array, low: int, high: int) -> Array:
    """Returns values within two bounds, of the type of `x`."""

  @abc.abstractmethod
  def cast(self, x: Array, dtype: str) -> Array:
    """Returns values as `float32` or `int32`."""

  @abc.abstractmethod
  def zeros(self, shape: Sequence[Any]) -> Array:
    """Returns zeros, float32; sides are numbers, or tensors of the library."""


class NumPy(Arithmetic):
  """The arithmetic of codecs. Batches are of one picture."""

  def layer(
    self,
    x: np.ndarray,
    kernel: np.ndarray,
    bias: np.ndarray,
    scale: np.ndarray,
    *,
    upsample: int,
  ) -> np.ndarray:
    def finish(sums: np.ndarray) -> np.ndarray:
      sums += bias
      sums *= scale
      return np.floor(sums, out=sums)

    (single,) = x
    if upsample == 2:
      return numpy_layers.upsampled(single, kernel, finish)[None]
    return numpy_layers.convolved(single, kernel, finish)[None]

  def clip(self, x: np.ndarray, low: int, high: int) -> np.ndarray:
    return x.clip(x.dtype.type(low), x.dtype.type(high))

  def cast(self, x: np.ndarray, dtype: str) -> np.ndarray:
    return x.astype(dtype, copy=False)

  def zeros(self, shape: Sequence[int]) -> np.ndarray:
    return np.zeros(shape, np.float32)

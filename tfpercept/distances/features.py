"""Features of fixed networks, which LPIPS, DISTS and Watson-VGG compare."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import tensorflow as tf

from tfpercept.distances.base import Distance
from tfpercept.models.perceptual import backbones
from tfpercept.ops import numerics, tiling

# Mean and standard deviation of ImageNet, for images in [-1, 1], with which the
# input of the networks is normalized (`ScalingLayer` of LPIPS).
SHIFT = (-0.030, -0.088, -0.188)
SCALE = (0.458, 0.448, 0.450)


class NetworkFeatures:
  """Features of a network, raw or scaled to unit length at each position.

  The kernels become weights of the distance, in its dtype and never trained.

  Args:
    distance: Distance that uses the features, within its `__init__`.
    backbone: Network that computes them.
    arrays: Kernels and biases of the network by name, as
      `Backbone.convolutions` takes them.
    source: Name or path of `arrays` for error messages.
    signed: If True, images in [0, 1] are mapped to [-1, 1] first.

  Raises:
    ValueError: if a kernel is missing or has another shape.
  """

  def __init__(
    self,
    distance: Distance,
    backbone: backbones.Backbone,
    arrays: Mapping[str, np.ndarray],
    *,
    source: str,
    signed: bool,
  ):
    self.backbone = backbone
    self._convolutions = [
      (
        _fixed(distance, f"kernel_{i}", kernel),
        _fixed(distance, f"bias_{i}", bias),
      )
      for i, (kernel, bias) in enumerate(backbone.convolutions(arrays, source))
    ]
    # (2 v - 1 - shift) / scale, or (v - shift) / scale.
    self._factor = (2 if signed else 1) / np.array(SCALE)
    self._offset = (np.array(SHIFT) + int(signed)) / np.array(SCALE)

  def arrays(self) -> dict[str, np.ndarray]:
    """Returns the kernels and biases by torchvision's names."""
    return self.backbone.arrays(
      [(k.numpy(), bias.numpy()) for k, bias in self._convolutions]
    )

  @property
  def locality(self) -> tiling.Locality:
    """The pixels that each position at each tap depends on.

    It serves a distance that compares the features position by position.
    """
    return tiling.Locality(
      self.backbone.strides, self.backbone.reach, is_pointwise=True
    )

  def __call__(self, image: tf.Tensor) -> list[tf.Tensor]:
    """Returns the features at each tap, `[N, h, w, C]`, of unit length or 0.

    Args:
      image: Images `[N, H, W, 3]` in [0, 1]; one channel stands for three equal
        ones. If an image has a NaN, its features at the deepest tap are NaN
        everywhere.
    """
    *units, deepest = [backbones.unit(f) for f in self.raw(image)]
    return [*units, deepest + numerics.nan_mark(image)]

  def raw(self, image: tf.Tensor) -> list[tf.Tensor]:
    """Returns the features at each tap as the network gives them.

    Args:
      image: Images `[N, H, W, 3]` in [0, 1]; one channel stands for three equal
        ones. A NaN of an image may be missing in its features.
    """
    factor = tf.constant(self._factor, image.dtype)
    offset = tf.constant(self._offset, image.dtype)
    convolutions = [
      tuple(map(tf.convert_to_tensor, pair)) for pair in self._convolutions
    ]
    return self.backbone(image * factor - offset, convolutions)


def _fixed(distance: Distance, name: str, value: np.ndarray) -> Any:
  return distance.parameter(name, value, trainable=False, is_from_file=True)


def dropout(
  terms: list[tf.Tensor], rate: float, seed: tf.Tensor
) -> list[tf.Tensor]:
  """Sets random elements to 0 and divides the others by `1 - rate`.

  Args:
    terms: Tensors of any shapes.
    rate: Probability of an element to be set to 0, in [0, 1).
    seed: Seed, int32 `[2]`. Each tensor draws from its own seed made from this.
  """
  return [
    tf.nn.experimental.stateless_dropout(
      term, rate, tf.random.experimental.stateless_fold_in(seed, i)
    )
    for i, term in enumerate(terms)
  ]


def upsample(band: tf.Tensor, height: tf.Tensor, width: tf.Tensor) -> tf.Tensor:
  """Stretches `[N, h, w, 1]` bilinearly to `[N, height, width]`, same dtype.

  It computes in float32 for every dtype, since `tf.image.resize` has no other.
  """
  stretched = tf.image.resize(band, [height, width])
  return tf.cast(stretched[..., 0], band.dtype)

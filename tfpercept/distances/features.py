"""Features of fixed networks, which LPIPS and Watson-VGG compare."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import tensorflow as tf

from tfpercept.distances.base import Distance
from tfpercept.models.perceptual import backbones
from tfpercept.ops import numerics, tiling

# What the networks' input was normalized with, for images in [-1, 1]: the mean
# and the deviation of ImageNet. LPIPS, `ScalingLayer`.
SHIFT = (-0.030, -0.088, -0.188)
SCALE = (0.458, 0.448, 0.450)


class UnitFeatures:
  """A network's features, each position's divided by their length.

  The kernels become weights of the distance, in its dtype and never trained.

  Args:
    distance: What uses the features, while it is being made.
    backbone: The network.
    arrays: Its kernels and biases; see `Backbone.convolutions`.
    source: What to call `arrays` in an error.
    signed: Whether images in [0, 1] are mapped to [-1, 1] first.

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
    """Which pixels each position at each tap sees.

    Of use to a distance that compares the features of each position apart.
    """
    return tiling.Locality(
      self.backbone.strides, self.backbone.reach, is_pointwise=True
    )

  def __call__(self, image: tf.Tensor) -> list[tf.Tensor]:
    """Returns the features at each tap, `[N, h, w, C]`, of unit length or 0.

    Args:
      image: `[N, H, W, 3]` in [0, 1]; one channel stands for three equal ones.
        If one has a NaN, so have its features at the deepest tap everywhere.
    """
    factor = tf.constant(self._factor, image.dtype)
    offset = tf.constant(self._offset, image.dtype)
    convolutions = [
      tuple(map(tf.convert_to_tensor, pair)) for pair in self._convolutions
    ]
    features = self.backbone(image * factor - offset, convolutions)
    *units, deepest = [backbones.unit(f) for f in features]
    return [*units, deepest + numerics.nan_mark(image)]


def _fixed(distance: Distance, name: str, value: np.ndarray) -> Any:
  return distance.parameter(name, value, trainable=False, is_from_file=True)


def dropout(
  terms: list[tf.Tensor], rate: float, seed: tf.Tensor
) -> list[tf.Tensor]:
  """Sets a share of the elements to 0 and divides the others by the rest.

  Args:
    terms: Tensors of any shapes.
    rate: Probability of each element to go, in [0, 1).
    seed: Int32 `[2]`; each tensor draws from a seed of its own made of it.
  """
  return [
    tf.nn.experimental.stateless_dropout(
      term, rate, tf.random.experimental.stateless_fold_in(seed, i)
    )
    for i, term in enumerate(terms)
  ]


def upsample(band: tf.Tensor, height: tf.Tensor, width: tf.Tensor) -> tf.Tensor:
  """Stretches `[N, h, w, 1]` bilinearly to `[N, height, width]`, same dtype.

  In float32 whatever the dtype, which is all that `tf.image.resize` does.
  """
  stretched = tf.image.resize(band, [height, width])
  return tf.cast(stretched[..., 0], band.dtype)

"""Watson's model on the features of a network."""

import bisect
import re
from collections.abc import Mapping
from typing import Any

import numpy as np
import tensorflow as tf

from tfpercept import weights as weight_files
from tfpercept.distances import features
from tfpercept.distances.base import Distance, register
from tfpercept.distances.watson import DROPOUT
from tfpercept.distances.watson_parameters import (
  MIN_BETA,
  AtLeast,
  require_beta,
)
from tfpercept.models.perceptual import backbones
from tfpercept.ops import checks, numerics, tiling, visibility

KERNELS = "lpips_vgg"
"""Name of the weights with the kernels, unless the given file holds some."""

MASKING = 0.2  # initial exponent, in every layer
# Features below this mask in proportion. The authors' slope grows to 2e7 there,
# so rounding of the smallest features would decide the reference's gradient.
FLOOR = 1e-4
_KERNEL = re.compile(r"vgg\.slice\d\.(\d+\.(?:weight|bias))")
# First layer of each slice, by torchvision's numbers.
_SLICES = (0, 4, 9, 16, 23)


@register("watson_vgg")
class WatsonVGG(Distance):
  """Watson's model on the features of VGG-16.

  At each of five depths the feature vector of a position is divided by its
  length. A difference counts in units of the threshold of visibility, which
  grows with the reference's own feature (contrast masking); luminance does not
  mask. The counts are pooled by a power.

  Images: float `[N, H, W, 3]` in [0, 1], or with one channel that stands for
  three equal ones; no side below 16.
  Value: `[N]`, unitless, 0 when identical; a mean over the positions of each
  depth, so it does not grow with the image. Not symmetric: the reference masks.
  Gradient: finite everywhere, 0 at identical images.
  Weights: those of the network, which have to be fetched, are fixed. These are
  trained where a task makes the distance trainable: `t0_tilde`, ..., the
  logarithm of each channel's threshold; `w0_tilde`, ..., the logit of each
  depth's masking exponent; `beta`, the exponent of pooling, which is kept at
  0.2 or more. `training_value` drops half of the summands at random, as the
  authors did.

  Args:
    weights: Name or path of parameters for `weights.load`, by default the
      initial ones. A file holds `t0_tild`, `w0_tild`, ..., `beta`, and may hold
      the kernels of the network too (`vgg.slice1.0.weight`, ...).
    reference: If True, reproduces the authors' numbers, which are not 0 for
      identical images and have unbounded slopes there.

  Raises:
    ValueError: if an option is out of range, a weight is missing or has another
      shape, or an image is too small.
    weights.MissingWeights: if weights cannot be found.

  Source: Czolbe, Krause, Cox, Igel, "A loss function for generative neural
  networks based on Watson's perceptual model", 2020, and its authors' code,
  whose trained parameters were not available: by default they are the initial
  ones. As there, the network gets images in [0, 1] and not in [-1, 1], the
  range that it was trained on.
  Differs from the code: 0 with a finite slope at identical images; features
  below 1e-4 mask in proportion. Values differ by less than 0.1 %, on pictures
  with black backgrounds as well; no luminance masks here.
  """

  symmetric = False
  channels = (1, 3)

  def __init__(
    self, *, weights: str | None = None, reference: bool = False, **kwargs: Any
  ):
    super().__init__(**kwargs)
    checks.choice("watson_vgg", "reference", reference, (False, True))
    self.source = checks.path_or_none("watson_vgg", "weights", weights)
    self.reference = reference
    given = {} if self.source is None else weight_files.load(self.source)
    kernels, origin = _kernels(given, self.source)
    self._has_own_kernels = origin == self.source
    self._features = features.NetworkFeatures(
      self, backbones.VGG16, kernels, source=origin, signed=False
    )
    parameters = _initial()
    if self.source is not None:
      parameters = _checked(given, parameters, self.source)
    guard = {"beta": {"constraint": AtLeast(MIN_BETA)}}
    self._parameters = {
      key: self.parameter(
        key.replace("tild", "tilde"),
        v,
        is_from_file=weights is not None,
        **guard.get(key, {}),
      )
      for key, v in parameters.items()
    }

  @property
  def min_size(self) -> int:
    return backbones.VGG16.min_size

  @property
  def support(self) -> int:
    return backbones.VGG16.reach

  @property
  def locality(self) -> tiling.Locality:
    return self._features.locality

  def embed(self, image: tf.Tensor) -> list[tf.Tensor]:
    return self._features(image)

  def compare(
    self, reference: list[tf.Tensor], image: list[tf.Tensor]
  ) -> list[tf.Tensor]:
    return [
      self._summands(tf.abs(r - i) / self._thresholds(r, depth))
      for depth, (r, i) in enumerate(zip(reference, image, strict=True))
    ]

  def pool(self, maps: list[tf.Tensor]) -> tf.Tensor:
    return self._root(_total(maps))

  def render(
    self, maps: list[tf.Tensor], height: tf.Tensor, width: tf.Tensor
  ) -> tf.Tensor:
    """Stretches the map of each depth to the picture's size and adds them.

    Maps are scaled so that their mean before stretching is the value.
    """
    # The root is taken of the total, so each part of the total counts with the
    # ratio of the two.
    total = _total(maps)
    share = tf.math.divide_no_nan(self._root(total), total)
    bands = [
      features.upsample(tf.reduce_sum(m, -1, keepdims=True), height, width)
      for m in maps
    ]
    return tf.add_n(bands) * share[:, tf.newaxis, tf.newaxis]

  def training_value(
    self, reference: tf.Tensor, image: tf.Tensor, seed: tf.Tensor
  ) -> tf.Tensor:
    reference, image = self._checked(reference, image)
    maps = self.compare(self.embed(reference), self.embed(image))
    return self.pool(features.dropout(maps, DROPOUT, seed))

  def checkpoint(self) -> dict[str, np.ndarray]:
    """Returns the parameters by the authors' names.

    If the kernels of the network came by `weights=`, they are added. A file
    that `numpy.savez` makes of the result can be given as `weights=`.
    """
    kernels = self._features.arrays() if self._has_own_kernels else {}
    named = {_author_name(key): array for key, array in kernels.items()}
    return named | {key: w.numpy() for key, w in self._parameters.items()}

  def get_config(self) -> dict[str, Any]:
    return super().get_config() | {
      "weights": self.source,
      "reference": self.reference,
    }

  def _value_of(self, key: str) -> tf.Tensor:
    return tf.convert_to_tensor(self._parameters[key])

  def _thresholds(self, feature: tf.Tensor, depth: int) -> tf.Tensor:
    """Returns differences just visible beside `feature`, same shape."""
    # Without luminance masking, since no feature holds the light.
    sensitivity = self._value_of(f"t{depth}_tild")  # logarithm of thresholds
    exponent = tf.sigmoid(self._value_of(f"w{depth}_tild"))
    floor = 0.0 if self.reference else FLOOR
    return visibility.thresholds(
      feature, tf.exp(sensitivity), exponent, floor=floor
    )

  def _summands(self, visible: tf.Tensor) -> tf.Tensor:
    return visibility.summands(
      visible, self._value_of("beta"), reference=self.reference
    )

  def _root(self, total: tf.Tensor) -> tf.Tensor:
    return visibility.root(
      total, self._value_of("beta"), reference=self.reference
    )


def _total(maps: list[tf.Tensor]) -> tf.Tensor:
  """Returns the sum over channels and depths of means over positions, `[N]`."""
  # Means, since a sum would give the depths with more positions more weight and
  # would grow with the image.
  return tf.add_n(
    [tf.reduce_sum(numerics.spatial_mean(m), axis=-1) for m in maps]
  )


def _initial() -> dict[str, np.ndarray]:
  """Returns the authors' initial parameters by their checkpoint names."""
  # Logarithms of thresholds of 1, and the logit of `MASKING`.
  values = {}
  for depth, count in enumerate(backbones.VGG16.channels):
    values[f"t{depth}_tild"] = np.zeros(count)
    values[f"w{depth}_tild"] = np.log(MASKING / (1 - MASKING))
  return values | {"beta": np.array(1.0)}


def _kernels(
  given: Mapping[str, np.ndarray], source: str | None
) -> tuple[Mapping[str, np.ndarray], str]:
  """Returns arrays with the network's kernels, and the name of their source."""
  own = {
    f"features.{match[1]}": array
    for key, array in given.items()
    if (match := _KERNEL.fullmatch(key))
  }
  if own and source is not None:
    return own, source
  return weight_files.load(KERNELS), KERNELS


def _author_name(key: str) -> str:
  """Returns the authors' name of a kernel, given torchvision's.

  It is the inverse of `_KERNEL`: `features.0.bias` becomes `vgg.slice1.0.bias`.
  """
  _, index, part = key.split(".")
  return f"vgg.slice{bisect.bisect(_SLICES, int(index))}.{index}.{part}"


def _checked(
  found: Mapping[str, np.ndarray],
  expected: Mapping[str, np.ndarray],
  source: str,
) -> dict[str, np.ndarray]:
  """Returns the parameters of a file; raises ValueError if one does not fit."""
  for key, value in expected.items():
    shape = np.shape(found[key]) if key in found else "nothing"
    if shape != value.shape:
      raise ValueError(
        f"watson_vgg needs {key!r} of shape {value.shape}; {source} has {shape}"
      )
  require_beta("beta", found["beta"], source, "watson_vgg")
  return {key: found[key] for key in expected}

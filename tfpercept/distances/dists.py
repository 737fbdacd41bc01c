"""Deep image structure and texture similarity."""

from collections.abc import Mapping
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from tfpercept import weights as weight_files
from tfpercept.distances import features
from tfpercept.distances.base import Distance, register
from tfpercept.models.perceptual import backbones
from tfpercept.ops import checks, numerics

KERNELS = "lpips_vgg"
"""Name of the weights with the kernels of VGG-16, if a file has none."""

FLOOR = 1e-6
"""Constants c1 and c2 of equations 3 and 4, as in the authors' code."""

_BACKBONE = backbones.VGG16_L2
_CHANNELS = (3, *_BACKBONE.channels)  # the image itself is the first band
_SHAPE = (1, sum(_CHANNELS), 1, 1)  # of `alpha` and `beta`, as published


@register("dists")
class DISTS(Distance):
  """Deep image structure and texture similarity (DISTS).

  Bands are the image itself and the features of VGG-16 at five depths, whose
  max poolings are replaced by L2 poolings. Of each channel two numbers are
  compared over the whole image: the mean, which stands for texture, and the
  covariance with the reference, which stands for structure. Weights fitted to
  human judgements and to patches of one texture add them up. Textures that are
  alike but not in register have a small distance.

  Images: float `[N, H, W, 3]` in [0, 1], or with one channel that stands for
  three equal ones, of any size. The authors scale images so that the smaller
  side has 256 pixels; the caller has to do so where published values matter.
  Value: `[N]`, unitless, 0 when identical, below 2; it does not grow with the
  image. Symmetric. The means are those of the whole image, so a picture that is
  measured in tiles gets the mean of its tiles' values.
  Gradient: finite everywhere, 0 at identical images.
  Weights: those of the network, which have to be fetched, are fixed. `alpha`
  (texture) and `beta` (structure) are trained where a task makes the distance
  trainable, and its optimizer sets negative ones to 0 after each step.

  Args:
    weights: Name or path of weights for `weights.load`, by default the authors'
      (`"dists"`). A file holds `alpha` and `beta`, each of 1,475 numbers that
      are not negative, and may hold the kernels of the network too
      (`features.0.weight`, `features.0.bias`, ...).

  Raises:
    ValueError: if a weight is missing, negative or has another shape.
    weights.MissingWeights: if weights cannot be found.

  Source: Ding, Ma, Wang, Simoncelli, "Image quality assessment: unifying
  structure and texture similarity", 2020, equations 2 to 6. Differs from the
  authors' code: similarities are never subtracted from 1, so that small
  distances keep their digits in float32.
  """

  channels = (1, 3)

  def __init__(self, *, weights: str = "dists", **kwargs: Any):
    super().__init__(**kwargs)
    self.source = checks.path("dists", "weights", weights)
    given = weight_files.load(self.source)
    layers = {k: _checked(given, k, self.source) for k in ("alpha", "beta")}
    self._has_own_kernels = any(map(_BACKBONE.owns, given))
    kernels, origin = given, self.source
    if not self._has_own_kernels:
      kernels, origin = weight_files.load(KERNELS), KERNELS
    self._features = features.NetworkFeatures(
      self, _BACKBONE, kernels, source=origin, signed=True
    )
    self._texture, self._structure = (
      self.parameter(
        key, value, constraint=keras.constraints.NonNeg(), is_from_file=True
      )
      for key, value in layers.items()
    )

  @property
  def support(self) -> int:
    return _BACKBONE.reach

  def embed(self, image: tf.Tensor) -> list[tf.Tensor]:
    if image.shape[-1] == 1:
      image = tf.repeat(image, 3, axis=-1)
    return [image, *self._features.raw(image)]

  def compare(
    self, reference: list[tf.Tensor], image: list[tf.Tensor]
  ) -> list[tf.Tensor]:
    """Returns the parts `[N, h, w, 1]` that places add, one map per band.

    A part may be negative, where a difference is against the mean one.
    """
    texture, structure = (
      tf.convert_to_tensor(w) for w in (self._texture, self._structure)
    )
    total = tf.reduce_sum(texture) + tf.reduce_sum(structure)
    split = [
      tf.split(tf.reshape(w, [-1]) / total, _CHANNELS)
      for w in (texture, structure)
    ]
    return [
      _differences(*parts)
      for parts in zip(reference, image, *split, strict=True)
    ]

  def pool(self, maps: list[tf.Tensor]) -> tf.Tensor:
    return tf.add_n([numerics.spatial_mean(m)[:, 0] for m in maps])

  def render(
    self, maps: list[tf.Tensor], height: tf.Tensor, width: tf.Tensor
  ) -> tf.Tensor:
    """Stretches the map of each band to the picture's size and adds them.

    Negative sums become 0, so the mean of a map may exceed the value.
    """
    stretched = [features.upsample(m, height, width) for m in maps]
    return tf.nn.relu(tf.add_n(stretched))

  def checkpoint(self) -> dict[str, np.ndarray]:
    """Returns `alpha` and `beta` by the authors' names, `[1, 1475, 1, 1]`.

    If the kernels came by `weights=`, they are added by torchvision's names. A
    file that `numpy.savez` makes of the result can be given as `weights=`.
    """
    kernels = self._features.arrays() if self._has_own_kernels else {}
    return kernels | {
      "alpha": np.reshape(self._texture.numpy(), _SHAPE),
      "beta": np.reshape(self._structure.numpy(), _SHAPE),
    }

  def get_config(self) -> dict[str, Any]:
    return super().get_config() | {"weights": self.source}


def _differences(
  reference: tf.Tensor,
  image: tf.Tensor,
  texture: tf.Tensor,
  structure: tf.Tensor,
) -> tf.Tensor:
  """Returns the weighted differences of a band, `[N, h, w, 1]`.

  The mean of the map is the sum over channels of alpha (1 - l) + beta (1 - s),
  with l and s as in equations 3 and 4. Their numerators and denominators differ
  by squares: (mean of x - mean of y)^2, and the variance of x - y.

  Args:
    reference: Band of the reference, `[N, h, w, C]`.
    image: Band of the image, of the same shape.
    texture: Weights alpha of the channels, `[C]`.
    structure: Weights beta of the channels, `[C]`.
  """
  means, variances = zip(*map(_moments, (reference, image)), strict=True)
  shift = means[1] - means[0]  # [N, 1, 1, C], as all moments
  difference = image - reference
  power = tf.square(means[0]) + tf.square(means[1]) + FLOOR
  spread = variances[0] + variances[1] + FLOOR
  # The square of a mean is the mean of the mean times the term.
  by_texture = texture * shift / power * difference
  by_structure = structure / spread * tf.square(difference - shift)
  return tf.reduce_sum(by_texture + by_structure, axis=-1, keepdims=True)


def _moments(band: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
  """Returns the mean and the variance of each channel, `[N, 1, 1, C]`."""
  mean = _spread(numerics.spatial_mean(band))
  return mean, _spread(numerics.spatial_mean(tf.square(band - mean)))


def _spread(means: tf.Tensor) -> tf.Tensor:
  """Returns numbers of channels `[N, C]` as `[N, 1, 1, C]`."""
  # TFLite has no slices that add axes.
  return tf.expand_dims(tf.expand_dims(means, 1), 1)


def _checked(
  arrays: Mapping[str, np.ndarray], key: str, source: str
) -> np.ndarray:
  """Returns the numbers `[1475]` of `alpha` or `beta` of a file."""
  found = arrays.get(key)
  if found is None or found.size != sum(_CHANNELS):
    has = "nothing" if found is None else f"{found.size}"
    raise ValueError(
      f"dists needs {key!r} of {sum(_CHANNELS)} numbers; {source} has {has}"
    )
  if not (found >= 0).all():
    raise ValueError(
      f"dists needs {key!r} without negative numbers; {source} has some"
    )
  return np.reshape(found, -1)

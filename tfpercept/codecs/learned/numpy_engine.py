"""The transforms of the learned codec in NumPy.

They are those of `models.compression.transforms` and `hyper_transforms`, which
state their sources, of the weights that a model folder holds.
"""

import functools
from collections.abc import Mapping
from typing import Any

import numpy as np

from tfpercept import manifests
from tfpercept.codecs.learned import (
  engines,
  layout,
  numpy_layers,
  transform_shapes,
)
from tfpercept.io import files
from tfpercept.ops import codec_constants

_STRIDE = codec_constants.STRIDE
_VALUES = 3 * _STRIDE**2  # in a block of 16x16 pixels


class NumPyEngine(engines.Engine):
  """The engine in NumPy.

  Weights of a transform are read when it is first needed.
  """

  analysis_halo = codec_constants.ANALYSIS_HALO

  def __init__(
    self,
    model: files.PathLike,
    manifest: Mapping[str, Any],
    laid: layout.Layout,
  ):
    self._manifest, self._laid = manifest, laid
    self._places = transform_shapes.places(manifest)
    shapes = {
      name: tuple(manifest["weights"][place])
      for name, place in self._places.items()
    }
    self._blocks = (
      sum(name.startswith("synthesis/block") for name in shapes) // 4
    )
    self.halo = codec_constants.HALO + self._blocks
    transform_shapes.require(shapes, laid, self._blocks)
    self._path = manifests.weights_file(model, manifest)

  def analysis(self, x: np.ndarray, quality: float) -> np.ndarray:
    w, (picture,) = self._analysis, x
    features = picture - np.float32(0.5)
    for i in (1, 2, 3):
      features = numpy_layers.convolved(
        features, w[f"conv{i}/kernel"], _normalized(w, i, quality), stride=2
      )
    features = _residuals(features, w, self._blocks)
    height, width = (side // _STRIDE for side in picture.shape[:2])
    pixels = picture.reshape(height, _STRIDE, width, _STRIDE, 3)
    pixels = pixels.swapaxes(1, 2).reshape(height, width, _VALUES)
    y = pixels @ w["linear/kernel"][0, 0] + w["linear/bias"]
    y += numpy_layers.convolved(
      features, w["last/kernel"], plus(w["last/bias"]), stride=2
    )
    return y[None]

  def hyper_analysis(self, y: np.ndarray, quality: float) -> np.ndarray:
    w, (z,) = self._hyper_analysis, y / self._deviation
    if not self._laid.has_means:
      z = np.abs(z)  # signs say nothing of scales
    for i, stride in ((1, 1), (2, 2), (3, 2)):
      finish: numpy_layers.Finish = _modulation(w, i, quality)
      if i < 3:
        finish = composed(plus(w[f"conv{i}/bias"]), finish)
        finish = composed(finish, leaky)
      z = numpy_layers.convolved(z, w[f"conv{i}/kernel"], finish, stride=stride)
    return z[None]

  def synthesis(self, y_hat: np.ndarray, quality: float) -> np.ndarray:
    with numpy_layers.unwarned():
      return self._picture(y_hat[0], quality)[None]

  def _picture(self, latents: np.ndarray, quality: float) -> np.ndarray:
    w = self._synthesis
    features = latents / self._deviation
    for i in (1, 2, 3):
      features = numpy_layers.upsampled(
        features,
        w[f"conv{i}/kernel"],
        _normalized(w, i, quality, is_inverse=True),
      )
      if i == 1:
        features = _residuals(features, w, self._blocks)
    x_hat = numpy_layers.upsampled(
      features, w["last/kernel"], plus(w["last/bias"])
    )
    height, width = latents.shape[:2]
    pixels = latents @ w["linear/kernel"][0, 0] + w["linear/bias"]
    pixels *= np.float32(codec_constants.LINEAR_UNIT)
    pixels = pixels.reshape(height, width, _STRIDE, _STRIDE, 3)
    blocks = x_hat.reshape(height, _STRIDE, width, _STRIDE, 3)
    blocks += pixels.swapaxes(1, 2)
    return x_hat

  @functools.cached_property
  def _analysis(self) -> dict[str, np.ndarray]:
    return self._read("analysis/")

  @functools.cached_property
  def _hyper_analysis(self) -> dict[str, np.ndarray]:
    return self._read("hyper_analysis/")

  @functools.cached_property
  def _synthesis(self) -> dict[str, np.ndarray]:
    return self._read("synthesis/")

  @functools.cached_property
  def _deviation(self) -> np.ndarray:
    return self._read("deviation")[""]

  def _read(self, prefix: str) -> dict[str, np.ndarray]:
    """Returns weights by what follows the prefix in their names.

    Roots of GDN become what they are roots of.
    """
    names = [name for name in self._places if name.startswith(prefix)]
    found = manifests.read_weights(
      self._path, self._manifest, [self._places[name] for name in names]
    )
    pedestal = np.float32(codec_constants.PEDESTAL)
    weights = {}
    for full, weight in zip(names, found, strict=True):
      name = full.removeprefix(prefix)
      least = codec_constants.LEAST_BETA * name.endswith("beta_root")
      if name.endswith("_root"):
        bound = np.float32((least + codec_constants.PEDESTAL) ** 0.5)
        weight = np.square(np.maximum(weight, bound)) - pedestal
      weights[name.removesuffix("_root")] = weight
    return weights


create = NumPyEngine


class _Affine:
  """Multiplies channels in place by some numbers, and adds others."""

  def __init__(self, scale: np.ndarray, offset: np.ndarray):
    self._scale, self._offset = scale, offset

  def __call__(self, x: np.ndarray) -> np.ndarray:
    x *= self._scale
    x += self._offset
    return x


def plus(bias: np.ndarray) -> numpy_layers.Finish:
  """Returns a function that adds a bias `[channels]` in place."""
  return _Affine(np.ones_like(bias), bias)


def _modulation(w: Mapping[str, np.ndarray], i: int, quality: float) -> _Affine:
  scale, offset = (
    between(w[f"quality{i}/{name}"], quality) for name in ("scale", "offset")
  )
  return _Affine(1 + scale, offset)


def between(table: np.ndarray, quality: float) -> np.ndarray:
  """Returns the row of a table at a quality, linear between whole ones."""
  place = min(max(quality, 1.0), float(len(table))) - 1
  low = min(int(place), max(len(table) - 2, 0))
  share = np.float32(place - low)
  high = min(low + 1, len(table) - 1)
  return (1 - share) * table[low] + share * table[high]


def _normalized(
  w: Mapping[str, np.ndarray],
  i: int,
  quality: float,
  *,
  is_inverse: bool = False,
) -> numpy_layers.Finish:
  """Returns what follows a convolution: bias, GDN and modulation."""
  bias, beta, gamma = (
    w[f"{name}{i}/{part}"]
    for name, part in (("conv", "bias"), ("gdn", "beta"), ("gdn", "gamma"))
  )
  modulate = _modulation(w, i, quality)

  def finish(sums: np.ndarray) -> np.ndarray:
    sums += bias
    norm = np.abs(sums) @ gamma
    norm += beta
    if is_inverse:
      sums *= norm
    else:
      sums /= norm
    return modulate(sums)

  return finish


def leaky(x: np.ndarray) -> np.ndarray:
  """Returns the leaky ReLU of codecs."""
  return np.maximum(x, np.float32(codec_constants.SLOPE) * x)


def composed(
  first: numpy_layers.Finish, second: numpy_layers.Finish
) -> numpy_layers.Finish:
  """Returns the function that calls one after the other."""
  return lambda x: second(first(x))


def _residuals(
  x: np.ndarray, w: Mapping[str, np.ndarray], blocks: int
) -> np.ndarray:
  """Returns the output of residual blocks."""
  for j in range(1, blocks + 1):
    first = plus(w[f"block{j}/conv1/bias"])
    inner = numpy_layers.convolved(
      x, w[f"block{j}/conv1/kernel"], composed(first, leaky)
    )
    x = x + numpy_layers.convolved(
      inner, w[f"block{j}/conv2/kernel"], plus(w[f"block{j}/conv2/bias"])
    )
  return x

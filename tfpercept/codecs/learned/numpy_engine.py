"""The transforms of the learned codec in NumPy.

They are those of `models.compression.transforms` and `hyper_transforms`, which
state their sources, of the weights that a model folder holds.
"""

import functools
from collections.abc import Mapping
from typing import Any

import numpy as np

from tfpercept import manifests
from tfpercept.codecs.learned import engines, layout, numpy_layers
from tfpercept.io import files
from tfpercept.ops import codec_constants

_STRIDE = codec_constants.STRIDE
_VALUES = 3 * _STRIDE**2  # in a block of 16x16 pixels
_SIDE = 5  # of most kernels
_Shapes = dict[str, tuple[int, ...]]


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
    self._shapes = _shapes(manifest)
    self._blocks = sum(
      name.startswith("synthesis/block") for name in self._shapes
    ) // 4
    self.halo = codec_constants.HALO + self._blocks
    _require(self._shapes, laid, self._blocks)
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
      features, w["last/kernel"], _plus(w["last/bias"]), stride=2
    )
    return y[None]

  def hyper_analysis(self, y: np.ndarray, quality: float) -> np.ndarray:
    w, (z,) = self._hyper_analysis, y / self._deviation
    if not self._laid.has_means:
      z = np.abs(z)  # signs say nothing of scales
    for i, stride in ((1, 1), (2, 2), (3, 2)):
      modulate = _modulation(w, i, quality)

      def finish(
        sums: np.ndarray, i: int = i, modulate: _Affine = modulate
      ) -> np.ndarray:
        if i == 3:
          return modulate(sums)
        sums += w[f"conv{i}/bias"]
        return _leaky(modulate(sums))

      z = numpy_layers.convolved(
        z, w[f"conv{i}/kernel"], finish, stride=stride
      )
    return z[None]

  def synthesis(self, y_hat: np.ndarray, quality: float) -> np.ndarray:
    w, (latents,) = self._synthesis, y_hat
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
      features, w["last/kernel"], _plus(w["last/bias"])
    )
    height, width = latents.shape[:2]
    pixels = latents @ w["linear/kernel"][0, 0] + w["linear/bias"]
    pixels *= np.float32(codec_constants.LINEAR_UNIT)
    pixels = pixels.reshape(height, width, _STRIDE, _STRIDE, 3)
    blocks = x_hat.reshape(height, _STRIDE, width, _STRIDE, 3)
    blocks += pixels.swapaxes(1, 2)
    return x_hat[None]

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
    names = list(self._shapes)
    places = [i for i, name in enumerate(names) if name.startswith(prefix)]
    found = manifests.read_weights(self._path, self._manifest, places)
    pedestal = np.float32(codec_constants.PEDESTAL)
    weights = {}
    for place, weight in zip(places, found, strict=True):
      name = names[place].removeprefix(prefix)
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


def _plus(bias: np.ndarray) -> _Affine:
  return _Affine(np.float32(1), bias)


def _modulation(
  w: Mapping[str, np.ndarray], i: int, quality: float
) -> _Affine:
  scale, offset = (
    _between(w[f"quality{i}/{name}"], quality) for name in ("scale", "offset")
  )
  return _Affine(1 + scale, offset)


def _between(table: np.ndarray, quality: float) -> np.ndarray:
  """Returns the row of a table at a quality, linear between whole ones."""
  place = min(max(quality, 1.0), float(len(table))) - 1
  low = min(int(place), max(len(table) - 2, 0))
  share = np.float32(place - low)
  high = min(low + 1, len(table) - 1)
  return (1 - share) * table[low] + share * table[high]


def _normalized(
  w: Mapping[str, np.ndarray], i: int, quality: float, *, is_inverse=False
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


def _leaky(x: np.ndarray) -> np.ndarray:
  return np.maximum(x, np.float32(codec_constants.SLOPE) * x)


def _residuals(
  x: np.ndarray, w: Mapping[str, np.ndarray], blocks: int
) -> np.ndarray:
  """Returns the output of residual blocks."""
  for j in range(1, blocks + 1):
    bias = w[f"block{j}/conv1/bias"]
    inner = numpy_layers.convolved(
      x, w[f"block{j}/conv1/kernel"], lambda sums, b=bias: _leaky(sums + b)
    )
    x = x + numpy_layers.convolved(
      inner, w[f"block{j}/conv2/kernel"], _plus(w[f"block{j}/conv2/bias"])
    )
  return x


def _shapes(manifest: Mapping[str, Any]) -> _Shapes:
  """Returns the shapes of weights by name, in the order of the file."""
  names = manifest.get("names")
  if not isinstance(names, list) or len(set(map(str, names))) != len(
    manifest["weights"]
  ):
    raise engines.Unfit("the manifest does not name each weight")
  return {
    str(name): tuple(shape)
    for name, shape in zip(names, manifest["weights"], strict=True)
  }


def _require(found: _Shapes, laid: layout.Layout, blocks: int) -> None:
  """Raises Unfit unless weights are those of the transforms that run here."""
  prefixes = ["analysis/", "synthesis/"]
  if laid.has_side_information:
    prefixes.append("hyper_analysis/")
  own = {
    name: shape
    for name, shape in found.items()
    if name.startswith(tuple(prefixes))
  }
  try:
    wanted = _analysis_shapes(found, laid, blocks)
    wanted |= _synthesis_shapes(found, laid, blocks)
    if laid.has_side_information:
      wanted |= _hyper_analysis_shapes(found, laid)
  except (KeyError, IndexError) as error:
    raise engines.Unfit(f"the model has no {error}") from error
  if own != wanted or found.get("deviation") != (laid.latents,):
    raise engines.Unfit("the model has other transforms than this engine runs")


def _width(found: _Shapes, layer: str) -> int:
  return found[f"{layer}/bias"][0]


def _analysis_shapes(
  found: _Shapes, laid: layout.Layout, blocks: int
) -> _Shapes:
  name, inputs, wanted = "analysis", 3, {}
  for i in (1, 2, 3):
    outputs = _width(found, f"{name}/conv{i}")
    wanted[f"{name}/conv{i}/kernel"] = (_SIDE, _SIDE, inputs, outputs)
    wanted |= _hidden_shapes(name, i, outputs, laid.levels)
    inputs = outputs
  wanted |= _block_shapes(name, inputs, blocks)
  return wanted | {
    f"{name}/last/kernel": (_SIDE, _SIDE, inputs, laid.latents),
    f"{name}/last/bias": (laid.latents,),
    f"{name}/linear/kernel": (1, 1, _VALUES, laid.latents),
    f"{name}/linear/bias": (laid.latents,),
  }


def _synthesis_shapes(
  found: _Shapes, laid: layout.Layout, blocks: int
) -> _Shapes:
  name, inputs, wanted = "synthesis", laid.latents, {}
  for i in (1, 2, 3):
    outputs = _width(found, f"{name}/conv{i}")
    wanted[f"{name}/conv{i}/kernel"] = (_SIDE, _SIDE, outputs, inputs)
    wanted |= _hidden_shapes(name, i, outputs, laid.levels)
    inputs = outputs
    if i == 1:
      wanted |= _block_shapes(name, inputs, blocks)
  return wanted | {
    f"{name}/last/kernel": (_SIDE, _SIDE, 3, inputs),
    f"{name}/last/bias": (3,),
    f"{name}/linear/kernel": (1, 1, laid.latents, _VALUES),
    f"{name}/linear/bias": (_VALUES,),
  }


def _hidden_shapes(name: str, i: int, outputs: int, levels: int) -> _Shapes:
  return {
    f"{name}/conv{i}/bias": (outputs,),
    f"{name}/gdn{i}/beta_root": (outputs,),
    f"{name}/gdn{i}/gamma_root": (outputs, outputs),
    f"{name}/quality{i}/scale": (levels, outputs),
    f"{name}/quality{i}/offset": (levels, outputs),
  }


def _block_shapes(name: str, channels: int, blocks: int) -> _Shapes:
  inner, wanted = max(channels // 2, 1), {}
  for j in range(1, blocks + 1):
    wanted |= {
      f"{name}/block{j}/conv1/kernel": (3, 3, channels, inner),
      f"{name}/block{j}/conv1/bias": (inner,),
      f"{name}/block{j}/conv2/kernel": (3, 3, inner, channels),
      f"{name}/block{j}/conv2/bias": (channels,),
    }
  return wanted


def _hyper_analysis_shapes(found: _Shapes, laid: layout.Layout) -> _Shapes:
  name, inputs, wanted = "hyper_analysis", laid.latents, {}
  for i, side in ((1, 3), (2, _SIDE), (3, _SIDE)):
    outputs = laid.hyper_latents
    if i < 3:
      outputs = _width(found, f"{name}/conv{i}")
      wanted[f"{name}/conv{i}/bias"] = (outputs,)
    wanted |= {
      f"{name}/conv{i}/kernel": (side, side, inputs, outputs),
      f"{name}/quality{i}/scale": (laid.levels, outputs),
      f"{name}/quality{i}/offset": (laid.levels, outputs),
    }
    inputs = outputs
  return wanted

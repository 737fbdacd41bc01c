"""Realism heads in NumPy: what a decoder adds to its faithful picture.

The network is that of `models.compression.realism`, which states its source, of
the weights that a model folder holds. Both engines use this one, so that their
pictures are alike.
"""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from tfpercept import manifests
from tfpercept.codecs.learned import (
  heads,
  layout,
  numpy_engine,
  numpy_layers,
  tiles,
)
from tfpercept.io import files
from tfpercept.ops import codec_constants

_STRIDE = codec_constants.STRIDE
_SCALES = (16, 8, 4, 2)
_MOST = {"levels": 64, "widths": 1024, "blocks": 16}
"""Largest numbers of a config; more are taken for damage."""
PATCH = tiles.Patch(pixels=1 << 21, columns=1408)
"""Patches of decoding with a head, nearly square since its halo is large."""
SMALL_PATCH = tiles.Patch(pixels=1 << 20, columns=1024)
"""Patches beside an engine that keeps its memory while the head takes its own.

A quarter more is computed, for halos; 100 megapixels take less than 3 GB."""
BYTES_AT_ONCE = 200, 4_500_000
"""As `Codec.bytes_at_once`, of decoding with a head in patches of `PATCH`."""
PIXELS_OF_SMALL_PATCH = 2_700_000
"""Most pixels of a small patch with what is seen around it."""

_Weights = Mapping[str, np.ndarray]


class Head:
  """The realism head of a model.

  Args:
    folder: Folder or name of the head.
    laid: Layout of what the model codes with.

  Attributes:
    halo: Most latents beyond its own that a pixel depends on.

  Raises:
    ValueError: if it is damaged, or for other latents.
  """

  def __init__(self, folder: files.PathLike, laid: layout.Layout):
    manifest = heads.read(folder)
    self._config = _checked(folder, manifest, laid)
    self._levels = laid.levels
    seen = 1.0  # a convolution of 3x3 sees one position of its scale further
    for scale, count in zip(_SCALES, self._config["blocks"], strict=True):
      seen += (2 * count + 1) * scale / _STRIDE
    self.halo = math.ceil(seen)
    path = manifests.weights_file(folder, manifest)
    found = manifests.read_weights(path, manifest)
    self._weights = dict(zip(manifest["names"], found, strict=True))

  def share(self, quality: float) -> float:
    """Returns the share of the strength that is used at a quality.

    It is 1 at the qualities that the head was trained at, and falls from there
    to 0 at the largest one, whose pictures need nothing added.
    """
    highest = self._config["highest"]
    if quality <= highest:
      return 1.0
    return max(self._levels - quality, 0.0) / (self._levels - highest)

  def realistic(
    self,
    y_hat: np.ndarray,
    x_hat: np.ndarray,
    quality: float,
    strength: float,
  ) -> np.ndarray:
    """Returns a picture with what the head adds, `[1, 16 h, 16 w, 3]`.

    Args:
      y_hat: Decoded latents, float32 `[1, h, w, latents]`, not scaled.
      x_hat: Faithful picture, float32 `[1, 16 h, 16 w, 3]`, not clipped.
      quality: Quality, 1 or more.
      strength: Factor of what is added, 0 to 1.
    """
    if not strength:
      return x_hat
    with numpy_layers.unwarned():
      faithful = x_hat[0].clip(0.0, 1.0)
      added = self._added(y_hat[0], faithful, quality, strength)
      added *= np.float32(strength)
      added += faithful
    return added[None]

  def _added(
    self,
    latents: np.ndarray,
    faithful: np.ndarray,
    quality: float,
    strength: float,
  ) -> np.ndarray:
    w = self._weights
    centered = faithful - np.float32(0.5)
    features = _convolved(latents / w["deviation"], w, "latents")
    for i, scale in enumerate(_SCALES):
      if i:
        features = _shuffled(_convolved(features, w, f"up{scale}"))
        features = numpy_engine.leaky(features)
      pixels = _blocks(centered, scale)
      name = f"picture{scale}"
      features += pixels @ w[f"{name}/kernel"][0, 0] + w[f"{name}/bias"]
      _modulate(features, w, f"quality{scale}", quality)
      if self._config["conditioned"]:
        _modulate(features, w, f"strength{scale}", 1.0 + strength)
      for j in range(1, self._config["blocks"][i] + 1):
        block = f"block{scale}_{j}"
        inner = _convolved(features, w, f"{block}/conv1", is_leaky=True)
        features += _convolved(inner, w, f"{block}/conv2")
    return _shuffled(_convolved(features, w, "last"))


def _convolved(
  x: np.ndarray, w: _Weights, name: str, *, is_leaky: bool = False
) -> np.ndarray:
  finish = numpy_engine.plus(w[f"{name}/bias"])
  if is_leaky:
    finish = numpy_engine.composed(finish, numpy_engine.leaky)
  return numpy_layers.convolved(x, w[f"{name}/kernel"], finish)


def _modulate(x: np.ndarray, w: _Weights, name: str, place: float) -> None:
  x *= 1 + numpy_engine.between(w[f"{name}/scale"], place)
  x += numpy_engine.between(w[f"{name}/offset"], place)


def _shuffled(x: np.ndarray) -> np.ndarray:
  """Turns four channels into 2x2 positions, `[2 H, 2 W, C / 4]`."""
  height, width, channels = x.shape
  x = x.reshape(height, width, 2, 2, channels // 4).swapaxes(1, 2)
  return x.reshape(2 * height, 2 * width, channels // 4)


def _blocks(x: np.ndarray, side: int) -> np.ndarray:
  """Turns blocks of positions into channels, `[H / side, W / side, ...]`."""
  height, width, channels = x.shape
  x = x.reshape(height // side, side, width // side, side, channels)
  return x.swapaxes(1, 2).reshape(
    height // side, width // side, side * side * channels
  )


def _checked(
  folder: files.PathLike, manifest: Mapping[str, Any], laid: layout.Layout
) -> dict[str, Any]:
  """Returns the config of a head; raises ValueError if it is damaged."""
  config = manifest["config"]
  try:
    found: dict[str, Any] = {
      "levels": _whole([config["levels"]], 1, _MOST["levels"], 1)[0],
      "widths": _whole(config["widths"], 1, _MOST["widths"], len(_SCALES)),
      "blocks": _whole(config["blocks"], 0, _MOST["blocks"], len(_SCALES)),
      "conditioned": config["conditioned"],
      "highest": manifest["highest"],
    }
    if type(found["conditioned"]) is not bool:
      raise ValueError(f"conditioned is {found['conditioned']!r}, no bool")
    highest = found["highest"]
    if type(highest) not in (int, float) or not 1 <= highest <= laid.levels:
      raise ValueError(f"it was trained up to quality {highest!r}")
    names = manifest["names"]
    wanted = _shapes(found, laid.latents)
    shapes = [tuple(shape) for shape in manifest["weights"]]
    if dict(zip(names, shapes, strict=True)) != wanted or len(names) != len(
      wanted
    ):
      raise ValueError("its weights are not those of its config")
  except (KeyError, TypeError, ValueError) as error:
    raise ValueError(
      f"{folder} holds no realism head for {laid.latents} latents: {error}. "
      "Copy the whole folder again"
    ) from error
  return found


def _whole(
  numbers: Sequence[Any], least: int, most: int, count: int
) -> list[int]:
  if len(numbers) != count or not all(
    type(n) is int and least <= n <= most for n in numbers
  ):
    raise ValueError(
      f"{numbers} are not {count} whole numbers from {least} to {most}"
    )
  return list(numbers)


def _shapes(
  config: Mapping[str, Any], latents: int
) -> dict[str, tuple[int, ...]]:
  """Returns the shapes of all weights by name."""
  widths, blocks = config["widths"], config["blocks"]
  kernels = {"latents": (3, latents, widths[0]), "last": (3, widths[-1], 12)}
  shapes: dict[str, tuple[int, ...]] = {"deviation": (latents,)}
  tables = {"quality": config["levels"]}
  if config["conditioned"]:
    tables["strength"] = 2
  before = 0
  for scale, width, count in zip(_SCALES, widths, blocks, strict=True):
    kernels[f"picture{scale}"] = (1, 3 * scale**2, width)
    if before:
      kernels[f"up{scale}"] = (3, before, 4 * width)
    for j in range(1, count + 1):
      for layer in ("conv1", "conv2"):
        kernels[f"block{scale}_{j}/{layer}"] = (3, width, width)
    for name, rows in tables.items():
      for part in ("scale", "offset"):
        shapes[f"{name}{scale}/{part}"] = (rows, width)
    before = width
  for name, (side, inputs, outputs) in kernels.items():
    shapes[f"{name}/kernel"] = (side, side, inputs, outputs)
    shapes[f"{name}/bias"] = (outputs,)
  return shapes

"""Rates and qualities of small pictures after codecs."""

import dataclasses
import math

import numpy as np
import tensorflow as tf

from tfpercept import codecs, distances
from tfpercept.evaluation.core import set_distances
from tfpercept.evaluation.inversion import methods

_BATCH = 64  # pictures at once
_LAYER = 1  # of AlexNet: the second, 192 channels at an eighth of the side
_LEVEL = 6  # of PIM: its half of the side, ten channels


@dataclasses.dataclass(frozen=True)
class Row:
  """The figures of a method, means over pictures.

  Attributes:
    bytes: Bytes of a file, headers included.
    bpp: Bits per pixel.
    to_png: Bytes of all PNG files over those of all files.
    to_raw: 24 bits a pixel, also of grey ones, over the rate of the files.
    psnr: PSNR in dB; infinite where no picture differs.
    mse: Mean squared error of 8-bit samples.
    ssim: Structural similarity.
    lpips: LPIPS with AlexNet.
    pim: PIM.
    frechet: Fréchet distance of patches, in features of AlexNet's second layer.
    pim_frechet: Fréchet distance of patches, in features of PIM.
    patches: Number of patches of each set, of either features.
  """

  bytes: float
  bpp: float
  to_png: float
  to_raw: float
  psnr: float
  mse: float
  ssim: float
  lpips: float
  pim: float
  frechet: float
  pim_frechet: float
  patches: tuple[int, int]


class Judge:
  """Measures methods on the same pictures.

  Args:
    images: Pictures, uint8 `[N, H, W, C]`, N at least 2.
  """

  def __init__(self, images: np.ndarray):
    self.images = images
    png = methods.of_codec(codecs.get("png"))
    self._png = float(png(images).sizes.sum())
    self._distances = {
      name: distances.get(name) for name in ("ssim", "lpips", "pim")
    }
    self._features = self._embedded(images)

  def row(self, coded: methods.Coded) -> Row:
    """Returns the figures of pictures after a method."""
    count, height, width, _ = self.images.shape
    total = float(coded.sizes.sum())
    error = self.images.astype(np.float64) - coded.images
    mse = np.square(error).mean(axis=(1, 2, 3))
    differs = mse > 0
    features = self._embedded(coded.images)
    frechet, pim_frechet = (
      set_distances.frechet(mine, others)
      for mine, others in zip(self._features, features, strict=True)
    )
    return Row(
      bytes=total / count,
      bpp=8 * total / (count * height * width),
      to_png=self._png / total,
      to_raw=3 * count * height * width / total,
      psnr=float(np.mean(10 * np.log10(255**2 / mse[differs])))
      if differs.any()
      else math.inf,
      mse=float(mse.mean()),
      ssim=1 - self._mean("ssim", coded.images),
      lpips=self._mean("lpips", coded.images),
      pim=self._mean("pim", coded.images),
      frechet=frechet,
      pim_frechet=pim_frechet,
      patches=(len(features[0]), len(features[1])),
    )

  def _mean(self, name: str, images: np.ndarray) -> float:
    distance = self._distances[name]
    parts = [
      distance(_color(self.images[i : i + _BATCH]), _color(part)).numpy()
      for i, part in _parts(images)
    ]
    return float(np.concatenate(parts).mean())

  def _embedded(self, images: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Returns features of patches, float64 `[P, 192]` and `[P, 10]`."""
    found: tuple[list[np.ndarray], list[np.ndarray]] = ([], [])
    for _, part in _parts(images):
      x = tf.constant(_color(part))
      layer = self._distances["lpips"].embed(x)[_LAYER]
      level = tf.nest.flatten(self._distances["pim"].embed(x))[_LEVEL]
      for kept, features in zip(found, (layer, level), strict=True):
        kept.append(features.numpy().reshape(-1, features.shape[-1]))
    alex, pim = (np.concatenate(kept).astype(np.float64) for kept in found)
    return alex, pim


def _parts(images: np.ndarray) -> list[tuple[int, np.ndarray]]:
  """Returns the pictures in parts, and where each part begins."""
  return [(i, images[i : i + _BATCH]) for i in range(0, len(images), _BATCH)]


def _color(images: np.ndarray) -> np.ndarray:
  """Returns pictures as float32 `[N, H, W, 3]` in [0, 1]."""
  color = np.broadcast_to(images, (*images.shape[:3], 3))
  return color / np.float32(255)

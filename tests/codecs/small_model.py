"""A small learned codec with random weights, for tests of bytes."""

import pathlib

import keras
import numpy as np

from tfpercept import models
from tfpercept.codecs import hyperprior


def write(folder: pathlib.Path, *, seed: int = 0) -> pathlib.Path:
  """Writes a model folder with which most of the 64 scales occur, and escapes.

  It has learned nothing: its files are large and its pictures poor.
  """
  random = np.random.default_rng(seed)
  keras.utils.set_random_seed(seed)
  network = models.MeanScaleHyperprior(
    widths=(6, 7, 8), latents=20, hyper_width=5, hyper_latents=4
  )
  network.build()
  network.start(random.uniform(size=(500, 16, 16, 3)).astype(np.float32))
  network.set_weights(
    [
      weight + 0.1 * random.normal(size=weight.shape) * np.abs(weight).mean()
      for weight in network.get_weights()
    ]
  )
  indexes = network.hyper_synthesis.indexes
  indexes.bias.assign(random.permutation(np.linspace(-5, 70, 20)))
  indexes.kernel.assign(random.normal(0, 0.6, indexes.kernel.shape))
  hyperprior.save(network, folder, dtype="float16")
  return folder


def picture(
  height: int, width: int, channels: int = 3, *, seed: int = 0
) -> np.ndarray:
  """Returns random squares of 4x4, uint8 `[height, width, channels]`."""
  random = np.random.default_rng(seed)
  squares = random.integers(
    0, 256, (-(-height // 4), -(-width // 4), channels), np.uint8
  )
  return squares.repeat(4, axis=0).repeat(4, axis=1)[:height, :width]

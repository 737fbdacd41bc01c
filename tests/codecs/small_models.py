"""Small learned codecs of random weights, and pictures for them."""

import pathlib
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from tfpercept import models
from tfpercept.codecs.learned import model_writer

SMALL = {
  "widths": (8, 8, 8), "latents": 24, "hyper_width": 12, "hyper_latents": 8,
  "base": 2, "linear": True,
}  # fmt: skip


def save(
  folder: pathlib.Path,
  picture: np.ndarray,
  *,
  architecture: str = "mean_scale_hyperprior",
  dtype: str = "float32",
  **details: Any,
) -> pathlib.Path:
  """Writes a codec that codes as trained ones do.

  It starts at the transform of a picture's blocks.

  Args:
    folder: Where to.
    picture: uint8 `[H, W, 3]`, sides multiples of 16.
    architecture: Name of the network.
    dtype: That weights are kept in.
    **details: For the manifest.

  Returns:
    The folder.
  """
  known = models.MODELS.options(architecture)
  network = models.MODELS.create(
    architecture, {k: v for k, v in SMALL.items() if k in known}
  )
  network.build()
  blocks = tf.nn.space_to_depth(picture[None] / np.float32(255), 16)
  network.start(blocks.numpy().reshape(-1, 16, 16, 3))
  _stir(network)
  if "hyper_latents" in known:
    _tell(network)
  model_writer.save(network, folder, dtype=dtype, **details)
  return folder


def _tell(network: keras.Model) -> None:
  """Has hyper-latents, and slices if there are any, tell something."""
  # Indexes of many values.
  kernels = network.hyper_analysis.get_weights()
  network.hyper_analysis.set_weights([3 * kernel for kernel in kernels])
  # But no value far beyond its scale, as after training.
  synthesis = network.hyper_synthesis
  for layer in synthesis.convolutions[len(synthesis.hidden) :]:
    kernel, bias = layer.get_weights()
    layer.set_weights([0.1 * kernel, bias])
  random = np.random.default_rng(2)
  for context in getattr(network, "contexts", ()):
    for layer in (context.indexes, context.means):
      layer.kernel.assign(random.normal(0, 0.2, layer.kernel.shape))


def save_wild(folder: pathlib.Path, *, seed: int = 0) -> pathlib.Path:
  """Writes a codec with which most of the 64 scales occur, and escapes.

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
      # What training starts at 0 must count too.
      weight
      + 0.1 * random.normal(size=weight.shape) * (np.abs(weight).mean() or 0.5)
      for weight in network.get_weights()
    ]
  )
  _stir(network)
  indexes = network.hyper_synthesis.indexes
  indexes.bias.assign(random.permutation(np.linspace(-5, 70, 20)))
  indexes.kernel.assign(random.normal(0, 0.6, indexes.kernel.shape))
  model_writer.save(network, folder, dtype="float16")
  return folder


def _stir(network: keras.Model) -> None:
  """Gives what is nothing before training some small effect."""
  random = np.random.default_rng(1)
  for weight in network.analysis.weights + network.synthesis.weights:
    if "block" in weight.name or "quality" in weight.name:
      weight.assign_add(random.normal(0, 0.05, weight.shape))


def picture(
  height: int, width: int, channels: int = 3, *, seed: int = 0
) -> np.ndarray:
  """Returns random squares of 4x4, uint8 `[height, width, channels]`."""
  random = np.random.default_rng(seed)
  squares = random.integers(
    0, 256, (-(-height // 4), -(-width // 4), channels), np.uint8
  )
  return squares.repeat(4, axis=0).repeat(4, axis=1)[:height, :width]

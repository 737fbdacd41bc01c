"""Small codecs of random weights for tests, which code as trained ones do."""

import pathlib

import numpy as np
import tensorflow as tf

from tfpercept import models
from tfpercept.codecs import hyperprior

SMALL = {
  "widths": (8, 8, 8), "latents": 24, "hyper_width": 12, "hyper_latents": 8
}  # fmt: skip


def save(
  folder: pathlib.Path, picture: np.ndarray, *, dtype: str = "float32"
) -> pathlib.Path:
  """Writes a codec that starts at the transform of a picture's blocks.

  Args:
    folder: Where to.
    picture: uint8 `[H, W, 3]`, sides multiples of 16.
    dtype: That weights are kept in.

  Returns:
    The folder.
  """
  network = models.MeanScaleHyperprior(**SMALL)
  network.build()
  blocks = tf.nn.space_to_depth(picture[None] / np.float32(255), 16)
  network.start(blocks.numpy().reshape(-1, 16, 16, 3))
  # Hyper-latents that tell something: indexes of many values.
  kernels = network.hyper_analysis.get_weights()
  network.hyper_analysis.set_weights([3 * kernel for kernel in kernels])
  # But no value far beyond its scale, as after training.
  for layer in (network.hyper_synthesis.indexes, network.hyper_synthesis.means):
    kernel, bias = layer.get_weights()
    layer.set_weights([0.1 * kernel, bias])
  hyperprior.save(network, folder, dtype=dtype)
  return folder

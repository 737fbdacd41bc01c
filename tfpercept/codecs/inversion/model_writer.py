"""Writes generators as models that code."""

from typing import Any

import numpy as np

from tfpercept import models
from tfpercept.codecs.inversion import latent_tables
from tfpercept.codecs.learned import model_ids
from tfpercept.io import files
from tfpercept.models.generators import base as generators

_DRAWN = 4096  # latents of the prior, for generators without an encoder
_AT_ONCE = 256


def save(
  network: generators.LatentGenerator,
  folder: files.PathLike,
  *,
  images: np.ndarray,
  dtype: str = "float32",
  **details: Any,
) -> None:
  """Writes a generator with its coding tables, atomically.

  The tables are those that code the latents of training pictures shortest, or
  latents of the prior where the generator has no encoder.

  Args:
    network: Generator that was trained.
    folder: Path of the folder to write; a model in it is replaced.
    images: Training pictures, uint8 `[N, H, W, C]`.
    dtype: Type of the weights in the file, `"float32"` or `"float16"`. The
      tables are those of the weights as they are kept.
    **details: Further JSON values for the manifest.

  Raises:
    ValueError: as `models.save`.
  """
  kept = [w.astype(dtype).astype(np.float32) for w in network.get_weights()]
  network.set_weights(kept)
  parts = []
  for start in range(0, len(images), _AT_ONCE):
    x = images[start : start + _AT_ONCE].astype(np.float32) / np.float32(255)
    z = network.encode(x)
    if z is None:
      z = network.draw(_DRAWN, [0, 1])
    parts.append(np.asarray(z))
    if len(parts[-1]) == _DRAWN:
      break
  steps = np.array(network.quantizer_steps, np.float32)
  arrays = latent_tables.make(np.concatenate(parts), steps)
  models.save(
    network,
    folder,
    dtype=dtype,
    arrays={latent_tables.FILE: arrays},
    **{model_ids.BITSTREAM: "inversion"},
    **details,
  )

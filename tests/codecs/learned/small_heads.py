"""Small realism heads of random weights, for any codec."""

import pathlib

import numpy as np

from tfpercept import manifests, models
from tfpercept.codecs.learned import model_ids
from tfpercept.models.compression import realism


def head(latents: int = 24, *, seed: int = 0, **options) -> realism.RealismHead:
  """Returns a head that adds a few levels here and there."""
  made = realism.RealismHead(
    latents=latents,
    **{"levels": 5, "widths": (8, 6, 4, 4), "blocks": (1, 0, 1, 1), **options},
  )
  made.build()
  random = np.random.default_rng(seed)
  made.set_weights(
    [
      random.normal(size=weight.shape) / weight[..., 0].size ** 0.5
      for weight in made.get_weights()
    ]
  )
  made.start(np.linspace(0.5, 2, latents))
  return made


def save(
  folder: pathlib.Path,
  codec: pathlib.Path,
  *,
  highest: float = 4.5,
  dtype: str = "float16",
  **options,
) -> pathlib.Path:
  """Writes a head for the codec in a folder, and returns its own folder."""
  identity = model_ids.identity(manifests.read(codec)).hex()
  models.save(
    head(**options),
    folder,
    dtype=dtype,
    codec={"name": str(codec), "identity": identity},
    highest=highest,
  )
  return folder

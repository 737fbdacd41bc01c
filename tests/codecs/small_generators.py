"""Generators that are small enough to save and to search in a test."""

import pathlib

import numpy as np

from tfpercept import models
from tfpercept.codecs.inversion import model_writer

SIDE, LATENT = 32, 6
_STEPS = (1.0, 0.5, 0.25)


def pictures(count: int, channels: int = 3, seed: int = 0) -> np.ndarray:
  """Returns smooth pictures, uint8 `[count, 32, 32, channels]`."""
  random = np.random.default_rng(seed)
  row, column = np.indices((SIDE, SIDE)) / SIDE
  waves = np.stack(
    [np.ones_like(row), row, column, np.sin(6 * row), np.cos(6 * column)], -1
  )
  weights = random.normal(0, 0.2, (count, 5, channels))
  made = 0.5 + np.einsum("hwk,nkc->nhwc", waves, weights)
  return np.round(255 * made.clip(0, 1)).astype(np.uint8)


def make(name: str, channels: int = 3):
  """Returns a generator, `pca`, `klt_generator` or `dcgan`, of 32 pixels."""
  shape = {"side": SIDE, "channels": channels, "latent": LATENT}
  if name == "dcgan":
    network = models.DCGAN(**shape, widths=(8, 6, 4), steps=_STEPS, seed=1)
    network.calibrate()
    return network
  if name == "vae_gan":
    return models.VAEGAN(
      **shape, widths=(8, 6, 4), encoder_widths=(4, 6), steps=_STEPS, seed=1
    )
  if name == "klt_generator":
    network = models.KLTGenerator(
      **shape, widths=(4, 4, 4), steps=_STEPS, seed=1
    )
  else:
    network = models.PCA(**shape, steps=_STEPS)
  network.basis.fit(pictures(40, channels))
  return network


def save(name: str, folder: pathlib.Path, channels: int = 3) -> pathlib.Path:
  """Saves such a generator as a model that codes; returns its folder."""
  model_writer.save(make(name, channels), folder, images=pictures(40, channels))
  return folder

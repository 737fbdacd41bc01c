"""A run folder with a tiny network, as a training leaves it."""

import pathlib

import numpy as np

from tfpercept import models

SCALE = 2


def save_run(folder: pathlib.Path) -> pathlib.Path:
  """Saves an SRCNN with random weights that change pictures visibly."""
  network = models.SRCNN(filters=(6, 4), kernels=(5, 1, 3))
  network.build()
  noise = np.random.default_rng(0)
  network.set_weights(
    [noise.normal(0, 0.15, w.shape) for w in network.get_weights()]
  )
  models.save(
    network,
    folder / "model",
    scale=SCALE,
    objective="mse",
    training={"steps": 0, "seed": 0},
  )
  return folder

"""A run folder with a tiny network, as a training leaves it."""

import pathlib

import numpy as np

from tfpercept import models

SCALE = 2


def save_run(folder: pathlib.Path) -> pathlib.Path:
  """Saves an SRCNN with random weights that change pictures visibly.

  Its first layer has the 1024 weights from which TFLite stores them in 8 bits.
  """
  network = models.SRCNN(filters=(16, 8), kernels=(9, 1, 5))
  network.build()
  noise = np.random.default_rng(0)
  network.set_weights(
    [noise.normal(0, 0.06, w.shape) for w in network.get_weights()]
  )
  models.save(
    network,
    folder / "model",
    scale=SCALE,
    objective="mse",
    training={"steps": 0, "seed": 0},
  )
  return folder

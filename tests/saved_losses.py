"""Loads saved models and says what their losses are: `saved_losses FOLDER`.

For each `NAME.keras` it writes `NAME.npz` beside it: the spec of the loss, its
other settings, and its values of the images in `NAME.images.npz`.
"""

import json
import pathlib
import sys

import keras
import numpy as np

from tfpercept import distances  # which registers the loss with Keras
from tfpercept.losses import DistanceLoss


def describe(loss: DistanceLoss, images: pathlib.Path) -> dict[str, object]:
  """Returns what a loss is and gives, as `numpy.savez` takes it."""
  with np.load(images) as pair:
    reference, image = pair["reference"], pair["image"]
  config = loss.get_config()
  spec = distances.get(distances.deserialize(config.pop("spec"))).spec
  return {
    "spec": spec,
    "settings": json.dumps(config, sort_keys=True),
    "values": np.asarray(loss(reference, image)),
  }


def main(folder: str) -> None:
  for path in sorted(pathlib.Path(folder).glob("*.keras")):
    loss = keras.models.load_model(path).loss
    images = path.with_suffix(".images.npz")
    np.savez(path.with_suffix(".npz"), **describe(loss, images))


if __name__ == "__main__":
  main(sys.argv[1])

"""Photographs that come with scikit-image and scikit-learn, no download."""

import pathlib

import numpy as np

from tfpercept import extras
from tfpercept.io import files

# Real photographs only; diagrams, test charts and scans of text are left out.
_TRAIN = (
  "skimage/astronaut.png",
  "skimage/brick.png",
  "skimage/camera.png",
  "skimage/coins.png",
  "skimage/grass.png",
  "skimage/gravel.png",
  "skimage/ihc.png",
  "skimage/motorcycle_left.png",
  "skimage/rocket.jpg",
  "sklearn/china.jpg",
)
_TEST = ("skimage/chelsea.png", "skimage/coffee.png", "sklearn/flower.jpg")


def train() -> list[np.ndarray]:
  """Returns the photographs for training, uint8 `[H, W, 1 or 3]`."""
  return [files.read_image(path) for path in _paths(_TRAIN)]


def files_of_training() -> dict[str, pathlib.Path]:
  """Returns the files of the photographs for training, by name."""
  return dict(zip(_TRAIN, _paths(_TRAIN), strict=True))


def test() -> dict[str, np.ndarray]:
  """Returns the photographs for tests, never trained on, by name."""
  return {path.stem: files.read_image(path) for path in _paths(_TEST)}


def _paths(names: tuple[str, ...]) -> list[pathlib.Path]:
  with extras.needed("the packaged photographs"):
    import skimage
    import sklearn
  folders = {
    "skimage": pathlib.Path(skimage.__file__).parent / "data",
    "sklearn": pathlib.Path(sklearn.__file__).parent / "datasets" / "images",
  }
  return [
    folders[package] / file for package, file in (n.split("/") for n in names)
  ]

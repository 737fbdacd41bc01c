"""Where pictures come from: packaged photographs, a folder, or tfds."""

import pathlib
from collections.abc import Iterable

import numpy as np

from tfpercept import files
from tfpercept.data import packaged, tfds


def load(names: Iterable[str], *, download: bool = False) -> list[np.ndarray]:
  """Reads all pictures of some sources into memory.

  Args:
    names: Each is `"packaged"` (photographs that come with scikit-image and
      scikit-learn), the path of a folder, or the name of an image data set in
      TensorFlow Datasets, such as `"div2k"`.
    download: Whether tfds may download a data set.

  Returns:
    uint8 pictures `[H, W, 3]` or `[H, W, 1]`, in a fixed order.

  Raises:
    ValueError: if a name is none of these, or there is no picture.
  """
  pictures: list[np.ndarray] = []
  for name in names:
    if name == "packaged":
      pictures += packaged.train()
    elif pathlib.Path(name).is_dir():
      pictures += [files.read_image(p) for p in files.list_images(name)]
    # A path is not looked up in tfds, which would ask the network.
    elif "/" in name and (
      name.startswith(("/", ".", "~")) or not tfds.is_known(name)
    ):
      raise ValueError(
        "expected 'packaged', a folder or a tfds name; there is no folder "
        f"{name}"
      )
    else:
      pictures += tfds.load(name, download=download)
  if not pictures:
    raise ValueError("no source of pictures given; try --data=packaged")
  return pictures

"""Pictures of TensorFlow Datasets, which no other module imports."""

import pathlib
import types

import numpy as np

_NOT_HERE = (
  "the tfds data set {!r} is not prepared on this machine; pass --download to "
  "fetch it, or --data=FOLDER"
)


def is_known(name: str) -> bool:
  """Returns True if tfds has a data set of this name."""
  try:
    import tensorflow_datasets as tfds
  except ImportError:
    return False
  return name.split("/")[0].split(":")[0] in tfds.list_builders()


def load(
  name: str, *, split: str = "train", download: bool = False
) -> list[np.ndarray]:
  """Reads the pictures of a tfds data set: uint8 `[H, W, C]` each.

  Args:
    name: Name of the data set, such as `"div2k"` or `"clic"`. The feature
      `image` is read, or `hr` where the data set has pairs for
      super-resolution.
    split: Name of the split, such as `"train"`.
    download: If True, downloads the data set if it is not prepared. The default
      is False, since tfds retries for minutes without a network.

  Raises:
    ValueError: if tfds is not installed, has no such data set, holds no
      pictures under these features, or the data are not there.
  """
  tfds = _tfds(name)
  try:
    data = tfds.load(name, split=split, download=download)
  except (AssertionError, FileNotFoundError) as error:
    raise ValueError(_NOT_HERE.format(name)) from error
  key = next((k for k in ("image", "hr") if k in data.element_spec), None)
  if key is None:
    raise ValueError(
      f"the tfds data set {name!r} has no feature 'image' or 'hr'; it has "
      f"{sorted(data.element_spec)}"
    )
  return [example[key] for example in tfds.as_numpy(data)]


def files_of(name: str, *, download: bool = False) -> dict[str, pathlib.Path]:
  """Returns the files of a prepared data set by name.

  Args:
    name: Name of the data set, such as `"div2k"`.
    download: If True, downloads and prepares the data set if it is missing.

  Raises:
    ValueError: if tfds is not installed or has no such data set.
  """
  builder = _tfds(name).builder(name)
  if download:
    builder.download_and_prepare()
  folder = pathlib.Path(builder.data_dir)
  found = {
    path.relative_to(folder).as_posix(): path
    for path in sorted(folder.rglob("*"))
    if path.is_file()
  }
  # Other versions of tfds write these files anew; they hold no pictures.
  found = {k: p for k, p in found.items() if p.suffix not in (".json", ".txt")}
  return found


def _tfds(name: str) -> types.ModuleType:
  """Returns the module of TensorFlow Datasets if it has this data set."""
  try:
    import tensorflow_datasets as tfds
  except ImportError as error:
    raise ValueError(
      f"{name!r} is not a folder, and TensorFlow Datasets is not installed: "
      "pip install 'tfpercept[train]'"
    ) from error
  if not is_known(name):
    raise ValueError(
      f"expected 'packaged', an existing folder or the name of a tfds data "
      f"set; {name!r} is none of them"
    )
  return tfds

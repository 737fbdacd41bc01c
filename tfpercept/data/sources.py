"""Sources of pictures: packaged photographs, folders, and tfds."""

import pathlib
from collections.abc import Iterable

import numpy as np
from absl import logging

from tfpercept.data import packaged, tfds
from tfpercept.io import files, notes


def load(
  names: Iterable[str], *, download: bool = False, skip_damaged: bool = False
) -> list[np.ndarray]:
  """Reads all pictures of some sources into memory.

  Args:
    names: Names of sources. Each is `"packaged"` (photographs that come with
      scikit-image and scikit-learn), the path of a folder, or the name of an
      image data set in TensorFlow Datasets, such as `"div2k"`.
    download: If True, tfds may download a data set.
    skip_damaged: If True, pictures that cannot be read are left out and logged;
      else they are an error.

  Returns:
    Pictures, uint8 `[H, W, 3]` or `[H, W, 1]`, in a fixed order.

  Raises:
    ValueError: if a name is none of these, there is no picture, or some cannot
      be read; it names all of those.
  """
  parts = load_each(names, download=download, skip_damaged=skip_damaged)
  pictures = [picture for part in parts for picture in part]
  if not pictures:
    raise ValueError("no source of pictures given; try --data=packaged")
  return pictures


def load_each(
  names: Iterable[str], *, download: bool = False, skip_damaged: bool = False
) -> list[list[np.ndarray]]:
  """Reads sources as `load` does and returns one list for each source."""
  names = list(names)
  listed = {name: pictures_in(name) for name in names if _is_folder(name)}
  paths = dict.fromkeys(path for found in listed.values() for path in found)
  read = read_all(paths, skip_damaged=skip_damaged)
  parts = []
  for name in names:
    if name == "packaged":
      parts.append(packaged.train())
    elif name in listed:
      parts.append([read[path] for path in listed[name] if path in read])
    else:
      parts.append(tfds.load(_tfds_name(name), download=download))
  return parts


def pictures_in(folder: files.PathLike) -> list[pathlib.Path]:
  """Returns the pictures in a folder, sorted by name.

  An entry with the name of a picture that is not a file, such as a folder or a
  broken link, is skipped and logged.

  Raises:
    ValueError: if there is no such folder or it holds no picture.
  """
  found, others = _listed(folder)
  if others:
    logging.warning("%s: passed over, since no files: %s", folder, others)
  return found


def _listed(folder: files.PathLike) -> tuple[list[pathlib.Path], str]:
  """Returns the pictures, and the names of other entries with such a suffix."""
  listed = files.list_images(folder)
  found = [path for path in listed if path.is_file()]
  others = ", ".join(path.name for path in listed if not path.is_file())
  if not found:
    raise ValueError(f"no picture in {folder}; {others} are no files")
  return found, others


def read_all(
  paths: Iterable[files.PathLike], *, skip_damaged: bool = False
) -> dict[files.PathLike, np.ndarray]:
  """Reads pictures as uint8 `[H, W, 3]` or `[H, W, 1]`, by path.

  Args:
    paths: Paths of the pictures.
    skip_damaged: If True, pictures that cannot be read are left out and logged.

  Raises:
    ValueError: if some cannot be read; it names all of them.
  """
  read, damaged = {}, []
  with notes.collected() as found:
    for path in paths:
      try:
        read[path] = files.read_image(path)
      except ImportError:
        raise
      except (ValueError, OSError) as error:
        damaged.append(str(error))
  for line in notes.lines(found):
    logging.info("%s", line)
  if damaged and not (skip_damaged and read):
    raise ValueError(
      f"{len(damaged)} of {len(read) + len(damaged)} pictures cannot be read: "
      f"{'; '.join(damaged)}. Remove or mend them"
      + (", or leave them out with --skip_damaged." if read else ".")
    )
  for why in damaged:
    logging.warning("left out: %s", why)
  return read


def files_of(name: str, *, download: bool = False) -> dict[str, pathlib.Path]:
  """Returns the files of a source by name.

  A source that is a single file has the name "".

  Args:
    name: Name of a source of `load`, or the path of a file.
    download: If True, tfds may download.

  Raises:
    ValueError: if there is no such source.
  """
  if name == "packaged":
    return packaged.files_of_training()
  if pathlib.Path(name).exists():
    return files_at(name)
  return tfds.files_of(_tfds_name(name), download=download)


def files_at(path: files.PathLike) -> dict[str, pathlib.Path]:
  """Returns the pictures in a folder by name, or a single file by the name "".

  Raises:
    ValueError: if the path does not exist, or a folder holds no picture.
  """
  path = pathlib.Path(path)
  if path.is_file():
    return {"": path}
  if not path.exists():
    raise ValueError(f"expected a file or a folder; {path} does not exist")
  return {picture.name: picture for picture in _listed(path)[0]}


def _is_folder(name: str) -> bool:
  return name != "packaged" and pathlib.Path(name).is_dir()


def _tfds_name(name: str) -> str:
  """Returns a name for tfds; raises ValueError if it can only be a path.

  A path is not looked up in tfds, since that would use the network.
  """
  if "/" in name and (
    name.startswith(("/", ".", "~")) or not tfds.is_known(name)
  ):
    raise ValueError(
      f"expected 'packaged', a folder or a tfds name; there is no folder {name}"
    )
  return name

"""A reader of golden cases: images, and results of a reference program.

A folder holds `images.npz`, uint8 images `[H, W, C]` by name, and other `.npz`
files with arrays named `<case>/<name>`. Each of these has a JSON text `meta`
that states, for each case, the names of its images (`target`, `pred`), the part
of them that was used (`crop`) and the settings of the reference program.
"""

import dataclasses
import functools
import json
import pathlib
from typing import Any

import numpy as np

from tfpercept.io.files import is_system_file


@dataclasses.dataclass(frozen=True)
class Case:
  """Images and the results of a reference program."""

  name: str
  reference: np.ndarray  # float64 [N, H, W, C] in [0, 1]
  image: np.ndarray
  settings: dict[str, Any]
  """Settings of the reference program."""
  arrays: dict[str, np.ndarray]
  """Results of the reference program: `value`, `grad_pred` and others."""


def files(folder: pathlib.Path) -> tuple[str, ...]:
  """Returns the names, without suffix, of the files that hold cases."""
  return tuple(
    path.stem
    for path in sorted(folder.glob("*.npz"))
    if not is_system_file(path) and "meta" in _load(folder, path.stem)
  )


@functools.cache
def read(folder: pathlib.Path, file: str) -> tuple[Case, ...]:
  """Returns the cases of a file that compare images.

  Args:
    folder: Path of the folder with `images.npz`.
    file: Name of the file without suffix.

  Raises:
    ValueError: if the file or the images do not have the layout above.
  """
  arrays = _load(folder, file)
  try:
    described = json.loads(str(arrays["meta"]))
    return tuple(
      _case(folder, name, meta, arrays)
      for name, meta in described.items()
      if "pred" in meta
    )
  except (LookupError, ValueError) as error:
    raise ValueError(
      f"{folder / file}.npz is no file of golden cases: {error!r}"
    ) from error


def _case(
  folder: pathlib.Path,
  name: str,
  meta: dict[str, Any],
  arrays: dict[str, np.ndarray],
) -> Case:
  images = _load(folder, "images")
  targets, predictions = _names(meta["target"]), _names(meta["pred"])
  crops = [_crop(text) for text in _names(meta.get("crop", "[:,:]"))]
  if len(targets) not in (1, len(predictions)):
    raise ValueError(
      f"{name} names {len(targets)} targets for {len(predictions)} pictures"
    )
  crops *= len(predictions) // len(crops)  # one, or one for each image
  reference = np.stack(
    [images[n][c] / 255 for n, c in zip(targets, crops, strict=False)]
  )
  image = np.stack(
    [
      _prediction(images, n, c, reference[0])
      for n, c in zip(predictions, crops, strict=True)
    ]
  )
  results = {
    key.removeprefix(f"{name}/"): value
    for key, value in arrays.items()
    if key.startswith(f"{name}/")
  }
  # One image that is named for several values is the image of all of them.
  count = max(len(image), len(np.atleast_1d(results.get("value", 0))))
  shape = (count, *image.shape[1:])
  return Case(
    name,
    np.broadcast_to(reference, shape),
    np.broadcast_to(image, shape),
    {k: v for k, v in meta.items() if k not in ("pred", "target", "crop")},
    results,
  )


def _prediction(
  images: dict[str, np.ndarray],
  name: str,
  crop: tuple[slice, ...],
  reference: np.ndarray,
) -> np.ndarray:
  if name == "1 - target":
    return 1 - reference
  if name.startswith("constant "):
    return np.full_like(reference, float(name.removeprefix("constant ")))
  return images[name][crop] / 255


@functools.cache
def _load(folder: pathlib.Path, file: str) -> dict[str, np.ndarray]:
  with np.load(folder / f"{file}.npz", allow_pickle=False) as stored:
    return dict(stored)


def _names(value: str | list[str]) -> list[str]:
  return [value] if isinstance(value, str) else value


def _crop(text: str) -> tuple[slice, ...]:
  """Returns the slices that a text such as '[40:216,40:216]' stands for."""
  if text == "none":
    return (slice(None), slice(None))
  return tuple(
    slice(*(int(limit) if limit else None for limit in part.split(":")))
    for part in text.strip("[]").split(",")
  )

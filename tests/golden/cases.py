"""Numbers of the reference programs; README.md says how they were made."""

import dataclasses
import functools
import json
import pathlib

import numpy as np

FOLDER = pathlib.Path(__file__).parent


@dataclasses.dataclass(frozen=True)
class Case:
  """Images and what a reference program made of them."""

  name: str
  reference: np.ndarray  # float64 [N, H, W, C] in [0, 1]
  image: np.ndarray
  settings: dict
  """What the reference program was told beside the images."""
  arrays: dict[str, np.ndarray]
  """What it returned: `value`, `grad_pred` and others."""


@functools.cache
def read(file: str, folder: pathlib.Path = FOLDER) -> tuple[Case, ...]:
  """Returns the cases of one file that compare two images.

  Args:
    file: Its name without suffix.
    folder: Another one than this, for cases that are not in the repository.
  """
  with np.load(folder / f"{file}.npz", allow_pickle=False) as stored:
    arrays = dict(stored)
  described = json.loads(str(arrays.pop("meta")))
  found = []
  for name, meta in described.items():
    if "pred" not in meta:
      continue
    crop = _crop(meta.get("crop", "[:,:]"))
    reference = np.stack([_image(n)[crop] for n in _names(meta["target"])])
    image = np.stack(
      [_prediction(n, crop, reference[0]) for n in _names(meta["pred"])]
    )
    results = {
      key.removeprefix(f"{name}/"): value
      for key, value in arrays.items()
      if key.startswith(f"{name}/")
    }
    # One name that is given for several values stands for all of them.
    count = max(len(image), *(len(v) for v in results.values() if v.ndim))
    shape = (count, *image.shape[1:])
    found.append(
      Case(
        name,
        np.broadcast_to(reference, shape),
        np.broadcast_to(image, shape),
        {k: v for k, v in meta.items() if k not in ("pred", "target", "crop")},
        results,
      )
    )
  return tuple(found)


def _prediction(name, crop, reference):
  if name == "1 - target":
    return 1 - reference
  if name.startswith("constant "):
    return np.full_like(reference, float(name.removeprefix("constant ")))
  return _image(name)[crop]


@functools.cache
def _images() -> dict[str, np.ndarray]:
  with np.load(FOLDER / "images.npz", allow_pickle=False) as stored:
    return dict(stored)


def _image(name):
  return _images()[name] / 255


def _names(value):
  return [value] if isinstance(value, str) else value


def _crop(text):
  """Turns '[40:216,40:216]' into slices."""
  return tuple(
    slice(*(int(limit) if limit else None for limit in part.split(":")))
    for part in text.strip("[]").split(",")
  )

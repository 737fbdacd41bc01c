"""Manifests of trained models and their weights, read without TensorFlow."""

import json
import math
import pathlib
import zipfile
from collections.abc import Collection, Mapping
from typing import Any

import numpy as np

from tfpercept import weights
from tfpercept.io import files

FORMAT = "tfpercept-model-1"
DTYPES = ("float32", "float16")
"""Types of weights in a file; they are float32 in memory."""
MAX_WEIGHTS = 1_000_000_000
"""Largest number of weights of a folder; more are taken for damage."""
_KINDS = {"model": str, "config": dict, "weights": list, "sha256": str}


def read(model: files.PathLike) -> dict[str, Any]:
  """Returns the manifest of a trained model without reading its weights.

  Args:
    model: Path of a run folder or a model folder, or the name of a model that
      comes with the package.

  Raises:
    ValueError: if the folder holds no model, or its manifest is damaged.
  """
  found = folder(model)
  path = found / "manifest.json"
  if not path.is_file():
    raise ValueError(
      f"no trained model in {found}: there is no manifest.json. Give a run "
      "folder whose training has finished, or its model/ folder"
    )
  try:
    manifest = json.loads(path.read_text())
    if manifest["format"] != FORMAT:
      raise ValueError(f"its format is {manifest['format']!r}, not {FORMAT!r}")
    manifest.setdefault("dtype", "float32")
    if manifest["dtype"] not in DTYPES:
      raise ValueError(f"its dtype is {manifest['dtype']!r}")
    for key, kind in _KINDS.items():
      if not isinstance(manifest[key], kind):
        raise ValueError(f"its {key} is {manifest[key]!r}")
    if not isinstance(manifest.get("files", {}), dict):
      raise ValueError(f"its files are {manifest['files']!r}")
    for shape in manifest["weights"]:
      if not all(isinstance(side, int) and side > 0 for side in shape):
        raise ValueError(f"it lists a weight of shape {shape}")
  except (ValueError, KeyError, TypeError, RecursionError) as error:
    raise ValueError(f"{path} is not a model manifest: {error}") from error
  return manifest


def require_replaceable(folder: files.PathLike) -> None:
  """Raises ValueError if writing a model here would remove anything else.

  Args:
    folder: Folder that a model is written to, which replaces all in it. It may
      be missing.
  """
  place = pathlib.Path(folder)
  found = (
    sorted(path.name for path in place.iterdir()) if place.is_dir() else []
  )
  if found and "manifest.json" not in found:
    raise ValueError(
      f"{place} holds something that is not a model, such as {found[0]}, and "
      "would be replaced; name another folder, or a new one inside it"
    )


def folder(model: files.PathLike) -> pathlib.Path:
  """Returns the folder that holds, or should hold, the manifest of a model."""
  found = weights.find(model)
  here = (found / "manifest.json").is_file()
  return found if here else found / "model"


def weights_file(
  model: files.PathLike, manifest: Mapping[str, Any]
) -> pathlib.Path:
  """Returns the path of the weights of a trained model.

  Args:
    model: Path or name of the model, as `read` takes it.
    manifest: Manifest of the model.

  Raises:
    ValueError: if the file is missing or is not the one that the manifest was
      written with, or there are more than `MAX_WEIGHTS`.
  """
  found = folder(model)
  if sum(math.prod(shape) for shape in manifest["weights"]) > MAX_WEIGHTS:
    raise ValueError(f"{found} claims more than {MAX_WEIGHTS} weights")
  path = found / "weights.npz"
  if not path.is_file() or files.sha256(path) != manifest["sha256"]:
    raise ValueError(
      f"{path} is missing or is not what {found / 'manifest.json'} was "
      "written with; copy the whole model folder again"
    )
  return path


def read_weights(
  path: pathlib.Path,
  manifest: Mapping[str, Any],
  places: Collection[int] | None = None,
) -> list[np.ndarray]:
  """Returns weights of a trained model, in no more memory than they need.

  Args:
    path: Path that `weights_file` returned.
    manifest: Manifest of the model.
    places: Places of the weights in the manifest; None stands for all.

  Returns:
    Float32 arrays, in the order of `places`.

  Raises:
    ValueError: if the file holds anything else than the manifest says.
  """
  dtype, weights = np.dtype(manifest["dtype"]), []
  shapes = [tuple(shape) for shape in manifest["weights"]]
  try:
    with zipfile.ZipFile(path) as archive:
      for i in range(len(shapes)) if places is None else places:
        with archive.open(f"{i:03d}.npy") as file:
          np.lib.format.read_magic(file)
          header = np.lib.format.read_array_header_1_0(file)
          if header != (shapes[i], False, dtype):
            raise ValueError(f"array {i} is {header}, not {dtype} {shapes[i]}")
          data = file.read(dtype.itemsize * math.prod(shapes[i]))
        weight = np.frombuffer(data, dtype).reshape(shapes[i])
        weights.append(weight.astype(np.float32))
        if not np.isfinite(weights[-1]).all():
          raise ValueError(f"array {i} holds NaN or infinity")
  except (ValueError, KeyError, EOFError, OSError, zipfile.BadZipFile) as error:
    raise ValueError(f"{path} is not what `models.save` writes: {error}") from (
      error
    )
  return weights

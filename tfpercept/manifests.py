"""Manifests of trained models, read without the weights."""

import json
import pathlib
from typing import Any

from tfpercept import weights
from tfpercept.io import files

FORMAT = "tfpercept-model-1"
DTYPES = ("float32", "float16")
"""Types of weights in a file; they are float32 in memory."""
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
    for shape in manifest["weights"]:
      if not all(isinstance(side, int) and side > 0 for side in shape):
        raise ValueError(f"it lists a weight of shape {shape}")
  except (ValueError, KeyError, TypeError) as error:
    raise ValueError(f"{path} is not a model manifest: {error}") from error
  return manifest


def folder(model: files.PathLike) -> pathlib.Path:
  """Returns the folder that holds, or should hold, the manifest of a model."""
  found = weights.find(model)
  here = (found / "manifest.json").is_file()
  return found if here else found / "model"

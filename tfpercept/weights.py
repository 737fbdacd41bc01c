"""Trained weights that come with the package."""

import difflib
import os
import pathlib

_SHIPPED = pathlib.Path(__file__).parent / "pretrained"


def shipped() -> tuple[str, ...]:
  """Names of the trained models in the package, sorted."""
  return tuple(sorted(p.parent.name for p in _SHIPPED.glob("*/manifest.json")))


def find(model: str | os.PathLike) -> pathlib.Path:
  """Returns the folder of a trained model.

  Args:
    model: The path of an existing folder, or a name from `shipped()`.

  Raises:
    ValueError: if it is neither; the message has the nearest name.
  """
  folder = pathlib.Path(model)
  if folder.is_dir():
    return folder
  names = shipped()
  if str(model) in names:
    return _SHIPPED / str(model)
  near = difflib.get_close_matches(str(model), names, n=1, cutoff=0.5)
  hint = f" Did you mean {near[0]!r}?" if near else ""
  raise ValueError(
    "expected the folder of a trained model or the name of one that comes "
    f"with tfpercept; got {str(model)!r}.{hint} Names: "
    f"{', '.join(names) or 'none'}."
  )

"""The curves of training runs, as one picture."""

import os
import pathlib
from collections.abc import Sequence

import numpy as np
import tensorflow as tf
from absl import logging

from tfpercept.evaluation.core import training_curves
from tfpercept.io import files
from tfpercept.reports import charts
from trainers import compression_validation

FILE = "curves.png"
"""Name of the picture in the folder of a run."""
_Numbers = Sequence[float] | np.ndarray
_Curves = dict[str, tuple[_Numbers, _Numbers]]


def keep(run: pathlib.Path) -> None:
  """Draws the curves of a run into its folder.

  A training does not fail for a picture of its curves: where they cannot be
  drawn, a warning says why.
  """
  try:
    draw([run], run / FILE)
  except (ValueError, OSError, tf.errors.OpError) as error:
    logging.warning("%s is not drawn: %s", FILE, error)


def draw(
  runs: Sequence[pathlib.Path],
  picture: files.PathLike,
  *,
  tags: Sequence[str] = (),
) -> list[str]:
  """Draws each scalar on axes of its own, with a line for each run.

  Args:
    runs: Folders of runs.
    picture: Path of the picture to write, a PNG file.
    tags: Starts of the names of the scalars that are drawn; all if empty.

  Returns:
    The titles of the axes: the names of the scalars, but for a codec's
    validation.

  Raises:
    ValueError: if a run is named twice or logged nothing of the kind, or
      matplotlib is not installed.
    OSError: if the picture cannot be written.
  """
  if len({run.resolve() for run in runs}) < len(runs):
    raise ValueError("a run is named twice; name each once")
  panels: dict[str, _Curves] = {}
  for name, run in zip(_names(runs), runs, strict=True):
    found = {
      tag: curve
      for tag, curve in _curves(run).items()
      if not tags or tag.split(": ")[-1].startswith(tuple(tags))
    }
    if not found:
      raise ValueError(
        f"{run} has no curves{_of(tags)}; give the folder of a training that "
        "has ended an interval"
      )
    for tag, curve in found.items():
      panels.setdefault(compression_validation.SCALARS.get(tag, tag), {})[
        name
      ] = curve
  files.write_image(picture, charts.panels(panels, x="step"))
  return list(panels)


def _curves(run: pathlib.Path) -> _Curves:
  """Returns the curves of a run by the names of its scalars.

  Those of a codec's validation are taken from its file, which is kept where the
  logs for TensorBoard are not.
  """
  root = run / "tensorboard"
  found: _Curves = {}
  # Scalars are logged in folders below, too.
  for place in sorted({path.parent for path in root.rglob("*tfevents*")}):
    for tag, curve in training_curves.scalars(place).items():
      name = f"{place.relative_to(root)}: {tag}" if tag in found else tag
      found[name] = curve
  validation = run / compression_validation.FILE
  if validation.exists():
    found |= compression_validation.curves(validation)
  return found


def _names(runs: Sequence[pathlib.Path]) -> list[str]:
  """Returns names of the runs for the legend: what their paths do not share."""
  paths = [str(run.absolute()) for run in runs]
  if len(paths) == 1:
    return [""]
  common = os.path.commonpath([os.path.dirname(path) for path in paths])
  return [os.path.relpath(path, common) for path in paths]


def _of(tags: Sequence[str]) -> str:
  return f" of {', '.join(tags)}" if tags else ""

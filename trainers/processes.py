"""Trainings in processes of their own, each done once."""

import json
import pathlib
import subprocess
import sys
from collections.abc import Callable, Iterable
from typing import TypeVar

from programs import program
from tfpercept import training
from tfpercept.data import identity
from tfpercept.io import files
from tfpercept.training import checkpoints
from trainers import shared_settings

ROOT = pathlib.Path(__file__).parents[1]
PRESETS = ROOT / "trainers" / "presets"
FLAGS = "trained.flags"
"""Name of the file with the flags of a folder's trainings."""
_Kind = TypeVar("_Kind")


def train(
  trainer: str,
  out: pathlib.Path,
  *more: str,
  preset: files.PathLike,
  runs: Iterable[str] = (".",),
  holds: str = "model",
  identify: Callable[[list[str]], identity.Identity] = identity.of,
) -> None:
  """Trains with the flags of a preset, unless that has been done.

  What was begun and not finished is resumed.

  Output goes to standard error, so that standard output holds only tables.

  Args:
    trainer: Name of the trainer, such as `srcnn`.
    out: Folder of the training, its `--out`.
    *more: Flags that come after those of the preset.
    preset: Path of the flag file.
    runs: Names of folders in `out` that hold a run each.
    holds: Name of what the folder of a finished run holds.
    identify: Function from the names of data to their identity, as the trainer
      notes it.

  Raises:
    ValueError: if that has been done with other flags, or on other data.
    subprocess.CalledProcessError: if the training fails.
  """
  # Whoever moves the folder moves what the runs in it start from.
  given = "\n".join([*program.lines(preset), *more])
  noted = _ascii(given.replace(str(out.parent), "...")).splitlines()
  if all(is_finished(out / run, holds) for run in runs):
    _require_same(out, noted)
    for run in runs:
      _require_same_data(out / run, identify)
    print(f"{out}: trained already", file=sys.stderr, flush=True)
    return
  subprocess.run(
    [
      *(sys.executable, "-m", f"trainers.{trainer}"),
      *(f"--flagfile={pathlib.Path(preset).absolute()}", f"--out={out}", *more),
    ],
    cwd=ROOT,  # presets name data relative to the repository
    stdout=sys.stderr,
    check=True,
  )
  files.write_text(out / FLAGS, "\n".join(noted) + "\n")


def is_finished(run: pathlib.Path, holds: str = "model") -> bool:
  """Returns whether a folder holds the model that its run ended with.

  Some trainers renew the model as they go, and leave that of an earlier step
  where they are killed. The manifest of such a model tells its step; where one
  does not, the newest checkpoint does. A model that nothing tells of was put
  there by hand, and is taken as it is.

  Args:
    run: Folder of the run.
    holds: Name of what the folder of a finished run holds.

  Raises:
    ValueError: as `told`, of `run.json` or the manifest.
  """
  if not (run / holds).exists():
    return False
  if not (run / "run.json").exists():
    return True
  steps = told(run / "run.json", "steps", int)
  step = max(checkpoints.steps(run / checkpoints.FOLDER), default=steps)
  manifest = run / "model" / "manifest.json"
  if manifest.exists():
    step = told(manifest, "step", int, default=step)
  return step >= steps


def told(
  path: pathlib.Path,
  key: str,
  kind: type[_Kind],
  *,
  default: _Kind | None = None,
) -> _Kind:
  """Returns a value of the JSON object that a trainer has written.

  Args:
    path: Path of the file.
    key: Key of the value.
    kind: Type of the value.
    default: What to return if there is no such key; None if there must be one.

  Raises:
    ValueError: if the file is damaged or says nothing of the kind.
    OSError: if it cannot be read.
  """
  try:
    found = json.loads(path.read_bytes())
    if not isinstance(found, dict):
      raise ValueError("it is no object")
    value = found.get(key, default)
    if not isinstance(value, kind):
      raise ValueError(f"its {key} is {value!r}")
  except ValueError as error:
    raise ValueError(
      f"{path} is damaged, or another program wrote it ({error}); put it back "
      "from a copy, or remove the folder to train anew"
    ) from error
  return value


def _require_same(out: pathlib.Path, noted: list[str]) -> None:
  path = out / FLAGS
  if not path.exists():
    return  # trained by hand, or by a version without this file
  before = path.read_text().splitlines()
  lost = [flag for flag in before if flag not in noted]
  new = [flag for flag in noted if flag not in before]
  if lost or new:
    raise ValueError(
      f"{out} was trained with other flags (then {' '.join(lost) or 'none'}, "
      f"now {' '.join(new) or 'none'}). Choose another --out, repeat those "
      "flags, or remove the folder to train anew."
    )


def _require_same_data(
  run: pathlib.Path, identify: Callable[[list[str]], identity.Identity]
) -> None:
  """Raises ValueError if the data of a run have changed."""
  if not (run / "run.json").exists():
    return
  settings = told(run / "run.json", "settings", dict)
  here = [
    str(ROOT / name) if (ROOT / name).exists() else name
    for name in shared_settings.Sources.read(settings).data
  ]
  training.check_data(run, data=lambda: identify(here))


def _ascii(text: str) -> str:
  return text.encode("ascii", "backslashreplace").decode()

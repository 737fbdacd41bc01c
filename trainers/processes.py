"""Trainings in processes of their own, each done once."""

import pathlib
import subprocess
import sys
from collections.abc import Iterable

from tfpercept import files

ROOT = pathlib.Path(__file__).parents[1]
PRESETS = ROOT / "trainers" / "presets"


def train(
  trainer: str,
  out: pathlib.Path,
  *more: str,
  preset: files.PathLike,
  runs: Iterable[str] = (".",),
) -> None:
  """Trains as a preset says, unless that has been done.

  What is printed goes to standard error, which leaves the other to tables.

  Args:
    trainer: Such as `srcnn`.
    out: Its `--out`.
    *more: Flags that come after those of the preset.
    preset: A flag file.
    runs: Folders in `out` that hold a run each.

  Raises:
    subprocess.CalledProcessError: if the training fails.
  """
  if all((out / run / "model").exists() for run in runs):
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

"""Running trainers as users do, and killing them."""

import os
import pathlib
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).parents[2]


def run(trainer: str, *flags: str) -> subprocess.CompletedProcess:
  """Runs a trainer, such as `srcnn`, to its end."""
  return subprocess.run(
    _command(trainer, flags),
    cwd=ROOT,
    capture_output=True,
    text=True,
    check=False,
  )


def unbroken_and_killed(
  folder: pathlib.Path,
  trainer: str,
  *flags: str,
  watched: str = "checkpoints",
) -> tuple[pathlib.Path, pathlib.Path]:
  """Trains twice alike; the second is killed on its way and started again.

  Args:
    folder: Where to.
    trainer: Such as `srcnn`.
    *flags: Its flags, without `--out`.
    watched: Folder in that of the run, or in one of those below it, in which a
      first checkpoint is waited for.

  Returns:
    The folders of the runs.
  """
  unbroken, killed = folder / "unbroken", folder / "killed"
  done = run(trainer, *flags, f"--out={unbroken}")
  assert done.returncode == 0, done.stderr
  flags = [*flags, f"--out={killed}"]
  with subprocess.Popen(
    _command(trainer, flags),
    cwd=ROOT,
    stdout=subprocess.DEVNULL,
    stderr=subprocess.DEVNULL,
  ) as process:
    try:
      while process.poll() is None and not _has_checkpoint(killed, watched):
        time.sleep(0.01)
    finally:
      process.kill()
  resumed = run(trainer, *flags)
  assert resumed.returncode == 0, resumed.stderr
  return unbroken, killed


def _has_checkpoint(run_folder: pathlib.Path, watched: str) -> bool:
  # The run renames temporary folders meanwhile: `os.walk` passes over what
  # vanishes, where `Path.glob` raises.
  return any(
    pathlib.Path(folder).name == watched
    and any(name.endswith(".index") for name in names)
    for folder, _, names in os.walk(run_folder)
  )


def _command(trainer, flags) -> list[str]:
  return [sys.executable, "-m", f"trainers.{trainer}", *flags]

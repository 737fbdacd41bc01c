"""Running trainers as users do, and killing them."""

import pathlib
import signal
import subprocess

from tests import forked


def run(trainer: str, *flags: str) -> subprocess.CompletedProcess[str]:
  """Runs a trainer, such as `srcnn`, to its end."""
  return forked.run(f"trainers.{trainer}", *flags)


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
    *flags: Flags of the program, without `--out`.
    watched: Folder in that of the run, or in one of those below it, whose
      second checkpoint the run does not live to write: the last parts of its
      path. All steps since the first are taken again.

  Returns:
    The folders of the runs.
  """
  unbroken, killed = folder / "unbroken", folder / "killed"
  done = run(trainer, *flags, f"--out={unbroken}")
  assert done.returncode == 0, done.stderr
  flags = [*flags, f"--out={killed}"]
  died = forked.run(f"trainers.{trainer}", *flags, killed_in=watched)
  assert died.returncode == -signal.SIGKILL, died.stderr
  resumed = run(trainer, *flags)
  assert resumed.returncode == 0, resumed.stderr
  # Every run knows its data by their content, where it has any.
  if trainer != "toy_sources":
    notes, all_runs = (
      {path.parent for path in killed.rglob(name)}
      for name in ("data.json", "run.json")
    )
    assert notes == all_runs != set()
  return unbroken, killed

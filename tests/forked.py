"""Programs of the tree in processes of their own, which start in a moment.

Most of a short program's time goes into importing TensorFlow. Here one process
has imported that, and nothing else; it forks each program asked for, before
TensorFlow has made a thread or read a setting.
"""

import atexit
import multiprocessing
import os
import pathlib
import runpy
import signal
import subprocess
import sys
import tempfile
from collections.abc import Mapping

ROOT = pathlib.Path(__file__).parents[1]
_CONTEXT = multiprocessing.get_context("forkserver")
_CONTEXT.set_forkserver_preload(["tensorflow"])
# Seconds, after which a program is killed: a minute's work takes twenty on a
# busy machine, so only what hangs takes this long.
_TIMEOUT = 2 * 60 * 60


def run(
  module: str,
  *arguments: object,
  killed_in: str | None = None,
  variables: Mapping[str, str] | None = None,
) -> subprocess.CompletedProcess[str]:
  """Runs `python -m module arguments` from the root of the tree to its end.

  Args:
    module: Such as `trainers.srcnn`.
    *arguments: Arguments of the program.
    killed_in: Where given, the program dies by SIGKILL as it comes to write its
      second checkpoint into a folder that matches, such as `checkpoints`.
    variables: Environment variables beside those of this process.

  Returns:
    Its exit status, standard output and standard error.
  """
  command = [module, *map(str, arguments)]
  with tempfile.TemporaryDirectory() as folder:
    paths = [pathlib.Path(folder, name) for name in ("stdout", "stderr")]
    process = _CONTEXT.Process(
      target=_main,
      args=(command, killed_in, {**os.environ, **(variables or {})}, paths),
    )
    process.start()
    try:
      process.join(_TIMEOUT)
      hung = process.is_alive()
    finally:
      process.kill()
      process.join()
    printed = [path.read_text() for path in paths]
  # No test is to take it for a program that died by itself.
  assert not hung, f"{command} hung: {printed[1]}"
  return subprocess.CompletedProcess(command, process.exitcode, *printed)


def _main(command, killed_in, environment, paths) -> None:
  os.environ.clear()
  os.environ.update(environment)
  os.chdir(ROOT)
  for descriptor, path in enumerate(paths, start=1):
    with open(path, "wb") as file:
      os.dup2(file.fileno(), descriptor)
  if killed_in is not None:
    _die_at_the_second_checkpoint(killed_in)
  sys.argv = command
  try:
    runpy.run_module(command[0], run_name="__main__", alter_sys=True)
  finally:
    atexit._run_exitfuncs()  # which `multiprocessing` leaves out


def _die_at_the_second_checkpoint(folder: str) -> None:
  import tensorflow as tf  # forked processes have it already

  save = tf.train.CheckpointManager.save

  def save_or_die(self, *arguments, **options):
    if self.checkpoints and pathlib.Path(self.directory).match(folder):
      os.kill(os.getpid(), signal.SIGKILL)
    return save(self, *arguments, **options)

  tf.train.CheckpointManager.save = save_or_die

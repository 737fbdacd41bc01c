"""How the programs of `export` and `trainers` start, and how they fail."""

import subprocess
import sys
from collections.abc import Callable

from absl import app, logging

from export import fresh

# What a user can put right; anything else is our mistake and shows its origin.
_MISTAKES = (
  ValueError,
  OSError,
  fresh.CheckError,
  subprocess.CalledProcessError,
)


def start(
  main: Callable[[], None], *, also: tuple[type[Exception], ...] = ()
) -> None:
  """Parses the flags and calls `main`; a mistake of the user exits in one line.

  With `--verbosity=1` the log shows where the mistake was noticed.

  Args:
    main: The program.
    also: More exceptions that are answered with one line.
  """

  def guarded(argv: list[str]) -> None:
    if len(argv) > 1:
      raise app.UsageError(
        f"unexpected arguments {argv[1:]}; flags start with --"
      )
    try:
      main()
    except (*_MISTAKES, *also) as error:
      logging.debug("%s", error, exc_info=True)
      sys.exit(f"error: {error}")

  app.run(guarded)

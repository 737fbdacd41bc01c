"""The `tfpercept` command, for people who have files rather than code.

    tfpercept evaluate --model=runs/a --scale=4 photos/
    tfpercept compress photo.png
    tfpercept rate-distortion photos/ --codec=jpeg --codec=webp
    tfpercept list
    tfpercept weights fetch watson_dft_rgb
    tfpercept doctor 'ssim(window=7)'

Exit status: 0 when all went well, 1 when some files could not be used, 2 when
the command could not be carried out.

Each command is one module with `add(commands)`, which sets `run`.
"""

import argparse
import contextlib
import logging
import os
import sys
import warnings
from collections.abc import Sequence

from tfpercept import __version__
from tfpercept.cli import (
  agreement,
  batch_files,
  blindspots,
  completion,
  compress,
  decompress,
  doctor,
  evaluate,
  info,
  ladder,
  listing,
  output,
  ranking,
  rate_distortion,
  realism,
  score,
  weights,
)
from tfpercept.io import notes

COMMANDS = (
  compress,
  decompress,
  info,
  evaluate,
  score,
  agreement,
  blindspots,
  ladder,
  ranking,
  rate_distortion,
  realism,
  doctor,
  listing,
  weights,
  completion,
)

_BROKEN_PIPE = 141  # the exit status that shells give


def main(argv: Sequence[str] | None = None) -> int:
  """Runs the command; returns its exit status.

  Args:
    argv: Arguments without the name of the program; those of the process by
      default.
  """
  if argv is None:
    _settle_process()
  given = sys.argv[1:] if argv is None else argv
  arguments = parser().parse_args([_at_home(word) for word in given])
  try:
    with notes.collected() as found:
      try:
        status = arguments.run(arguments)
      finally:
        output.tell(found)
    output.finish()
    return status
  except BrokenPipeError:
    output.drop()  # of `| head`, which has what it wants
    return _BROKEN_PIPE
  except KeyboardInterrupt:
    print("interrupted", file=sys.stderr)
    return batch_files.INTERRUPTED
  except (ValueError, OSError) as error:
    print(f"error: {error}", file=sys.stderr)
    with contextlib.suppress(OSError):
      output.finish()
    return 2


def _at_home(word: str) -> str:
  """Expands `~` in `--out=~/x`, as shells do in `--out ~/x`.

  A file called ~ in the working folder is left alone; `--out=./~/x` always
  names it.
  """
  option, equals, value = word.partition("=")
  is_home = value == "~" or value.startswith(f"~{os.sep}")
  if not (option.startswith("--") and is_home) or os.path.lexists("~"):
    return word
  return option + equals + os.path.expanduser(value)


def _settle_process() -> None:
  """Silences the notes of libraries, and escapes what an encoding lacks.

  Settings of the user stay. TensorFlow reads its variable when it is imported,
  which no command has done by now. Characters that the encoding lacks are
  escaped, so that no table is lost because of one name in it.
  """
  if os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3") == "3":
    # Its lines in Python, such as those on retracing, heed no variable. Child
    # processes, which find it set, come by here, too.
    logging.getLogger("tensorflow").setLevel(logging.ERROR)
  # The learned codec has threads of its own, which do not wait for each other
  # at every product of matrices.
  os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
  if not sys.warnoptions:
    warnings.simplefilter("ignore")
  output.settle()


def parser() -> argparse.ArgumentParser:
  """Returns the parser of the command, with all subcommands."""
  whole = argparse.ArgumentParser(
    prog="tfpercept",
    description="Perceptual image distances, codecs and evaluation.",
  )
  whole.add_argument("--version", action="version", version=__version__)
  commands = whole.add_subparsers(required=True, metavar="command")
  for command in COMMANDS:
    command.add(commands)
  return whole

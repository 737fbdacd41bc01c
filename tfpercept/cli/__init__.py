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
import sys
from collections.abc import Sequence

from tfpercept import __version__
from tfpercept.cli import (
  agreement,
  blindspots,
  compress,
  decompress,
  doctor,
  evaluate,
  info,
  ladder,
  listing,
  ranking,
  rate_distortion,
  score,
  weights,
)

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
  doctor,
  listing,
  weights,
)


def main(argv: Sequence[str] | None = None) -> int:
  """Runs the command; returns its exit status.

  Args:
    argv: Arguments without the name of the program; those of the process by
      default.
  """
  arguments = _parser().parse_args(argv)
  try:
    return arguments.run(arguments)
  except (ValueError, OSError) as error:
    print(f"error: {error}", file=sys.stderr)
    return 2


def _parser() -> argparse.ArgumentParser:
  parser = argparse.ArgumentParser(
    prog="tfpercept",
    description="Perceptual image distances and what uses them.",
  )
  parser.add_argument("--version", action="version", version=__version__)
  commands = parser.add_subparsers(required=True, metavar="command")
  for command in COMMANDS:
    command.add(commands)
  return parser

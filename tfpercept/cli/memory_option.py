"""The option `--max-memory` of `compress` and `decompress`."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from tfpercept.cli import deferred

if TYPE_CHECKING:
  from tfpercept.codecs import memory
else:
  memory = deferred.module("tfpercept.codecs.memory")


def add(parser: argparse.ArgumentParser) -> None:
  """Adds the option `--max-memory`."""
  parser.add_argument(
    "--max-memory",
    metavar="SIZE",
    help="most memory that the command may take, such as 800M or 4G; a picture "
    "that takes more by its size is refused before it is read (default: half "
    "of the memory of the machine)",
  )


def most(arguments: argparse.Namespace) -> int:
  """Returns the bytes of `--max-memory`; raises ValueError if it is none."""
  if arguments.max_memory is None:
    return memory.default()
  try:
    return memory.parsed(arguments.max_memory)
  except ValueError as error:
    raise ValueError(f"--max-memory: {error}") from error

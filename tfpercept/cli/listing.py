"""`tfpercept list`: the registered distances."""

import argparse
from typing import TYPE_CHECKING

from tfpercept.cli import deferred, output

if TYPE_CHECKING:
  from tfpercept import distances
else:
  distances = deferred.module("tfpercept.distances")


def add(commands: argparse._SubParsersAction) -> None:
  """Adds the command to the parser."""
  names = commands.add_parser("list", help="list the registered distances")
  names.set_defaults(run=_list)


def _list(arguments: argparse.Namespace) -> int:
  del arguments
  for name in distances.names():
    summary = (distances.DISTANCES.get(name).__doc__ or "").split("\n")[0]
    output.show(f"{name:16}{summary}")
  return 0

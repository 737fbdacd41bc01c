"""`tfpercept evaluate`: super-resolution networks against bicubic."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING

from tfpercept import offers
from tfpercept.cli import deferred, folders, output

if TYPE_CHECKING:
  from tfpercept.evaluation.core import score_table
  from tfpercept.evaluation.super_resolution import measure
else:
  score_table = deferred.module("tfpercept.evaluation.core.score_table")
  measure = deferred.module("tfpercept.evaluation.super_resolution.measure")


def add(commands: argparse._SubParsersAction) -> None:
  """Adds the command to the parser."""
  evaluate = commands.add_parser(
    "evaluate",
    help="score super-resolution networks against bicubic",
    description="Reduces pictures, enlarges them with each network, and prints "
    "PSNR and SSIM of the luma, by the rules of the published tables.",
  )
  evaluate.add_argument(
    "folders", nargs="+", metavar="FOLDER", help="folder of pictures"
  )
  evaluate.add_argument(
    "--model",
    action="append",
    default=[],
    metavar="RUN",
    help="run folder, model folder, or name of a model that comes with the "
    f"package ({', '.join(offers.shipped('srcnn'))}); may be repeated",
  )
  evaluate.add_argument(
    "--scale",
    type=int,
    default=4,
    help="factor of super-resolution, 2 or more (default: 4)",
  )
  output.add(evaluate, tuple(_FORMATS))
  evaluate.set_defaults(run=_evaluate)


def _evaluate(arguments: argparse.Namespace) -> int:
  output.check(arguments)
  pictures = measure.folder_pictures(arguments.folders)
  folders.tell_passed_over_in(arguments.folders)
  table = measure.evaluate(
    pictures,
    measure.load_all(arguments.model, scale=arguments.scale),
    scale=arguments.scale,
  )
  output.emit(arguments, _FORMATS[arguments.format](table))
  for name, why in table.failures.items():
    print(f"{name}: not scored: {why}", file=sys.stderr)
  return output.status(failures=table.failures, results=table.groups)


_FORMATS = output.formats(score_table)

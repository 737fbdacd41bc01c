"""`tfpercept doctor`: conformance and speed of a distance or a loss."""

from __future__ import annotations

import argparse
import json
import os
import sys
from typing import TYPE_CHECKING

from tfpercept.cli import deferred, output

if TYPE_CHECKING:
  from tfpercept.conformance import scorecard, suite
else:
  suite = deferred.module("tfpercept.conformance.suite")
  scorecard = deferred.module("tfpercept.conformance.scorecard")


def add(commands: argparse._SubParsersAction) -> None:
  """Adds the command to the parser."""
  parser = commands.add_parser(
    "doctor",
    help="check a distance, or a Keras loss of your own",
    description="Runs the conformance checks on a loss, measures its speed, "
    "compares it with golden values, and prints a scorecard. The exit status "
    "is 1 if a check failed.",
  )
  parser.add_argument(
    "subject",
    metavar="SPEC|MODULE:NAME",
    help="spec such as 'ssim(window=7)', or package.module:name of a loss, a "
    "function of (y_true, y_pred) or a Distance. The module is imported "
    "from the working folder or where it is installed, so its code is run",
  )
  parser.add_argument(
    "--goldens",
    metavar="FOLDER",
    help="folder of golden values, in the layout of tests/golden",
  )
  parser.add_argument(
    "--cases",
    metavar="PATTERN",
    help="pattern of the golden cases of this loss, such as 'file/*'; not "
    "needed for a registered distance",
  )
  parser.add_argument(
    "--check",
    action="append",
    metavar="NAME",
    help="run only this check; may be repeated; an unknown name lists all "
    "checks",
  )
  for option, default, text in (
    ("--min-size", 1, "smallest side of images for the loss, in pixels"),
    ("--size-multiple", 1, "number of pixels that divides their sides"),
    ("--channels", 3, "number of their channels"),
  ):
    parser.add_argument(
      option,
      type=int,
      default=default,
      help=f"{text} (default: {default}); a Distance states it by itself",
    )
  output.add(parser, ("table", "json"))
  parser.set_defaults(run=_doctor)


def _doctor(arguments: argparse.Namespace) -> int:
  output.check(arguments)
  prints_lines = arguments.format == "table" and not arguments.out

  def each(finding: suite.Finding) -> None:
    if prints_lines:
      output.show(scorecard.line(finding))

  if os.getcwd() not in sys.path:
    sys.path.insert(0, os.getcwd())  # as `python -m` does
  card = scorecard.examine(
    arguments.subject,
    min_size=arguments.min_size,
    size_multiple=arguments.size_multiple,
    channels=arguments.channels,
    checks=arguments.check,
    golden_folder=arguments.goldens,
    golden_cases=arguments.cases,
    each=each,
  )
  if arguments.format == "json":
    text = json.dumps(scorecard.to_json(card), indent=2)
  else:
    text = scorecard.to_text(card)
  if prints_lines:
    output.show(scorecard.totals(card))
  else:
    output.emit(arguments, text)
  return 0 if card.passed else 1

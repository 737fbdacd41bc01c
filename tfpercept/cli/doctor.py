"""`tfpercept doctor`: what a distance or a loss does right, and how fast."""

from __future__ import annotations

import argparse
import json
import os
import sys

from tfpercept.cli import deferred, output

conformance = deferred.module("tfpercept.conformance.suite")
doctor = deferred.module("tfpercept.conformance.scorecard")


def add(commands: argparse._SubParsersAction) -> None:
  """Adds the command to the parser."""
  parser = commands.add_parser(
    "doctor",
    help="examine a distance, or a Keras loss of your own",
    description="Puts a loss to the checks that every distance here passes, "
    "measures its speed, compares it with golden values, and prints a "
    "scorecard. Exit status 1 says that something failed.",
  )
  parser.add_argument(
    "subject",
    metavar="SPEC|MODULE:NAME",
    help="a spec such as 'ssim(window=7)', or package.module:name of a loss, a "
    "function of (y_true, y_pred) or a Distance; that module is imported, from "
    "here or where it is installed, so its code is run",
  )
  parser.add_argument(
    "--goldens",
    metavar="FOLDER",
    help="golden values, laid out as tests/golden",
  )
  parser.add_argument(
    "--cases",
    metavar="PATTERN",
    help="the golden cases that are this loss' own, such as 'file/*'; those of "
    "a registered distance are known",
  )
  parser.add_argument(
    "--check",
    action="append",
    metavar="NAME",
    help="run only this check; may be repeated; a wrong name has all named",
  )
  for option, default, text in (
    ("--min-size", 1, "smallest side of images that the loss takes"),
    ("--size-multiple", 1, "what their sides must be multiples of"),
    ("--channels", 3, "their number of channels"),
  ):
    parser.add_argument(
      option,
      type=int,
      default=default,
      help=f"{text} (default: {default}); a Distance says so itself",
    )
  output.add(parser, ("table", "json"))
  parser.set_defaults(run=_doctor)


def _doctor(arguments: argparse.Namespace) -> int:
  output.check(arguments)
  prints_lines = arguments.format == "table" and not arguments.out

  def each(finding: conformance.Finding) -> None:
    if prints_lines:
      output.show(doctor.line(finding))

  if os.getcwd() not in sys.path:
    sys.path.insert(0, os.getcwd())  # as `python -m` does
  card = doctor.examine(
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
    text = json.dumps(doctor.to_json(card), indent=2)
  else:
    text = doctor.to_text(card)
  if prints_lines:
    output.show(doctor.totals(card))
  else:
    output.emit(arguments, text)
  return 0 if card.passed else 1

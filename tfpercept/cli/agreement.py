"""`tfpercept agreement`: agreement of distances with people."""

from __future__ import annotations

import argparse
import functools
import sys
from typing import TYPE_CHECKING

from tfpercept import offers
from tfpercept.cli import deferred, metric_options, options, output, progress
from tfpercept.evaluation.core import settings as defaults

if TYPE_CHECKING:
  from tfpercept import distances
  from tfpercept.codecs import files as codec_files
  from tfpercept.data import judgement_layouts
  from tfpercept.evaluation.agreement import disagreements_page
  from tfpercept.evaluation.agreement import table as agreement_table
  from tfpercept.evaluation.core import kept_values
  from tfpercept.io import files
else:
  codec_files = deferred.module("tfpercept.codecs.files")
  kept_values = deferred.module("tfpercept.evaluation.core.kept_values")
  files = deferred.module("tfpercept.io.files")
  disagreements_page = deferred.module(
    "tfpercept.evaluation.agreement.disagreements_page"
  )
  judgement_layouts = deferred.module("tfpercept.data.judgement_layouts")
  distances = deferred.module("tfpercept.distances")
  agreement_table = deferred.module("tfpercept.evaluation.agreement.table")


def add(commands: argparse._SubParsersAction) -> None:
  """Adds the command to the parser."""
  agreement = commands.add_parser(
    "agreement",
    help="score distances against human judgements",
    description="Prints how well distances agree with people: 2AFC scores, "
    "mean average precision of just noticeable differences (JND), and "
    "correlations with mean opinion scores (MOS), each with its bootstrap "
    "interval.",
  )
  agreement.add_argument(
    "--data",
    action="append",
    required=True,
    metavar="PATH",
    help="folder of human judgements, or folder of such folders; may be "
    "repeated",
  )
  agreement.add_argument(
    "--layout",
    choices=("auto", *offers.LAYOUTS),
    default="auto",
    help="layout of the files in the folder (default: auto, recognised by the "
    "files)",
  )
  metric_options.add_metric(agreement)
  options.add(agreement, defaults.Agreement)
  agreement.add_argument(
    "--page",
    metavar="FILE",
    help="HTML page to write as well: the tables, and the twenty questions on "
    "which the best distance and people part most, as pictures",
  )
  agreement.add_argument(
    "--sheet",
    metavar="FILE",
    help="picture of details of these questions to write as well: the "
    "original, the image that people found nearer, and the one that the "
    "distance chose",
  )
  agreement.add_argument(
    "--keep",
    metavar="FILE",
    help="file of measured values: each is added as soon as it is measured, "
    "and the same command goes on from there, however it was stopped",
  )
  output.add(agreement, tuple(_FORMATS))
  agreement.set_defaults(run=_agreement)


def _agreement(arguments: argparse.Namespace) -> int:
  output.check(arguments)
  for path in filter(None, (arguments.page, arguments.sheet)):
    files.require_writable(path)
  if arguments.sheet:
    codec_files.require_picture_name(arguments.sheet)
  settings = options.read(defaults.Agreement, arguments)
  metrics, missing = agreement_table.load(_specs(arguments.metric))
  found = judgement_layouts.load_all(arguments.data, arguments.layout)
  agreement_table.require(found)
  kept = kept_values.KeptValues(arguments.keep) if arguments.keep else None
  blocks = []
  for data in found:
    with progress.Bar() as bar:
      blocks.append(
        agreement_table.block(
          data,
          metrics,
          settings,
          kept=kept,
          progress=functools.partial(_show, bar, data.name),
        )
      )
  if kept is not None and kept.used:
    print(f"{kept.used} values are those of {kept.path}", file=sys.stderr)
  output.emit(arguments, _FORMATS[arguments.format](blocks))
  if arguments.page:
    disagreements_page.write(arguments.page, blocks)
  failures = dict(missing)
  if arguments.sheet:
    try:
      sheet = disagreements_page.sheet(blocks)
      files.write_image(arguments.sheet, sheet)
    except ValueError as error:
      failures[arguments.sheet] = str(error)
  for block in blocks:
    failures |= block.failures
  for name, why in failures.items():
    print(f"{name}: left out: {why}", file=sys.stderr)
  measured = any(row.seconds >= 0 for b in blocks for row in b.rows)
  return output.status(failures=failures, results=measured)


def _show(
  bar: progress.Bar, name: str, spec: str, done: int, total: int
) -> None:
  bar.show(done, f"{name}: {spec}", total)


def _specs(given: list[str]) -> list[str]:
  """Returns the specs to measure, each once."""
  specs: list[str] = []
  for spec in given or ["all"]:
    specs += distances.names() if spec == "all" else [spec]
  return list(dict.fromkeys(specs))


_FORMATS = output.formats(agreement_table)

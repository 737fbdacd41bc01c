"""`tfpercept score`: distances of pictures from their references."""

from __future__ import annotations

import argparse
import pathlib
import sys
from typing import TYPE_CHECKING

from tfpercept import offers
from tfpercept.cli import batch_files, deferred, folders, output, progress
from tfpercept.io import picture_files

if TYPE_CHECKING:
  from tfpercept import distances
  from tfpercept.evaluation.core import (
    comparison,
    comparison_table,
    picture_pairs,
  )
  from tfpercept.io import files
  from tfpercept.reports import charts
else:
  distances = deferred.module("tfpercept.distances")
  charts = deferred.module("tfpercept.reports.charts")
  comparison = deferred.module("tfpercept.evaluation.core.comparison")
  comparison_table = deferred.module(
    "tfpercept.evaluation.core.comparison_table"
  )
  picture_pairs = deferred.module("tfpercept.evaluation.core.picture_pairs")
  files = deferred.module("tfpercept.io.files")

DEFAULT_METRICS = ("psnr", "ssim", "ms_ssim")


def add(commands: argparse._SubParsersAction) -> None:
  """Adds the command to the parser."""
  score = commands.add_parser(
    "score",
    help="measure distances of pictures from their references",
    description="Compares pictures with one reference, or with the pictures "
    "of a folder that have the same names without suffix. The output says "
    "whether larger or smaller scores are better. Means have bootstrap "
    "intervals over pictures. 16-bit samples are used as such. A grey picture "
    "beside one in color counts as three equal channels. Pictures of more than "
    "4 megapixels are cut into tiles: distances such as psnr, ssim and ms_ssim "
    "keep the value of the whole picture; for others the output says that the "
    "value is a mean over tiles. With --recursive, pictures match by their "
    "paths in the folders.",
  )
  score.add_argument(
    "reference", metavar="REFERENCE", help="undistorted picture, or folder"
  )
  score.add_argument(
    "images",
    metavar="IMAGE",
    nargs="+",
    help="distorted picture, or folder; several are compared in one table",
  )
  score.add_argument(
    "--metric",
    action="append",
    metavar="SPEC",
    help="spec of a distance, such as 'ms_ssim' or 'ms_ssim(scales=3)'; may be "
    f"repeated; see tfpercept list (default: {', '.join(DEFAULT_METRICS)})",
  )
  score.add_argument(
    "--alpha",
    choices=offers.ALPHA,
    default="white",
    help="rule for transparency: lay both pictures over white or black, ignore "
    "it, or report an error (default: white)",
  )
  batch_files.add_recursive(score)
  score.add_argument(
    "--maps",
    metavar="FOLDER",
    help="folder for error maps, and for maps.csv with the scale of their "
    "colors",
  )
  output.add(score, tuple(_FORMATS))
  score.set_defaults(run=_score)


def _score(arguments: argparse.Namespace) -> int:
  specs = dict.fromkeys(arguments.metric or DEFAULT_METRICS)
  metrics = [distances.get(spec) for spec in specs]
  output.check(arguments)
  if arguments.maps is not None:
    charts.require()
    files.require_writable_folder(arguments.maps)
  found = picture_pairs.find(
    arguments.reference, arguments.images, is_recursive=arguments.recursive
  )
  for path in map(pathlib.Path, [arguments.reference, *arguments.images]):
    if path.is_dir():
      folders.tell_passed_over(
        path, picture_files.SUFFIXES, is_recursive=arguments.recursive
      )
  with progress.Bar(sum(len(part.pairs) for part in found)) as bar:
    tables = comparison.compare_all(
      found,
      metrics,
      alpha=arguments.alpha,
      maps=arguments.maps,
      progress=bar.show,
    )
  are_measured = any(table.rows for table in tables)
  if are_measured:
    output.emit(arguments, _FORMATS[arguments.format](tables))
  for table in tables:
    where = f"{table.folder}: " if table.folder else ""
    for name, why in table.failures.items():
      what = "not made" if name in table.unmapped else "not scored"
      print(f"{where}{name}: {what}: {why}", file=sys.stderr)
  failures = any(table.failures for table in tables)
  return output.status(failures=failures, results=are_measured)


_FORMATS = output.formats(comparison_table)

"""`tfpercept score`: distances of pictures from their references."""

from __future__ import annotations

import argparse
import json
import pathlib
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

from tfpercept import offers
from tfpercept.cli import deferred, output, progress

if TYPE_CHECKING:
  from tfpercept import distances, registry
  from tfpercept.evaluation.core import comparison, comparison_table
  from tfpercept.io import files
  from tfpercept.reports import charts
else:
  distances = deferred.module("tfpercept.distances")
  charts = deferred.module("tfpercept.reports.charts")
  comparison = deferred.module("tfpercept.evaluation.core.comparison")
  comparison_table = deferred.module(
    "tfpercept.evaluation.core.comparison_table"
  )
  files = deferred.module("tfpercept.io.files")
  registry = deferred.module("tfpercept.registry")

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
    "value is a mean over tiles.",
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
  judges = [distances.get(spec) for spec in specs]
  output.check(arguments)
  if arguments.maps is not None:
    charts.require()
    files.require_writable_folder(arguments.maps)
  found = comparison.find(arguments.reference, arguments.images)
  tables, done = [], 0
  with progress.Bar(sum(len(part.pairs) for part in found)) as bar:
    for part, maps in zip(found, _maps(arguments.maps, found), strict=True):

      def show(place: int, name: str, done: int = done) -> None:
        bar.show(done + place, name)

      table = comparison.compare(
        part.pairs,
        judges,
        alpha=arguments.alpha,
        maps=maps,
        folder=part.folder,
        progress=show,
      )
      table.failures.update(part.failures)
      tables.append(table)
      done += len(part.pairs)
  if any(table.rows for table in tables):
    output.emit(arguments, _FORMATS[arguments.format](tables))
  for table in tables:
    where = f"{table.folder}: " if table.folder else ""
    for name, why in table.failures.items():
      what = "not made" if name in table.unmapped else "not scored"
      print(f"{where}{name}: {what}: {why}", file=sys.stderr)
  if not any(table.failures for table in tables):
    return 0
  return 1 if any(table.rows for table in tables) else 2


def _maps(
  folder: str | None, found: Sequence[comparison.Found]
) -> list[pathlib.Path | None]:
  """Returns the folder of maps for each folder of pictures."""
  if folder is None:
    return [None] * len(found)
  if len(found) == 1:
    return [pathlib.Path(folder)]
  names = registry.file_names([part.folder for part in found])
  return [pathlib.Path(folder) / names[part.folder] for part in found]


_FORMATS = {
  "table": lambda tables: comparison_table.to_text(tables),
  "csv": lambda tables: comparison_table.to_csv(tables).rstrip("\n"),
  "json": lambda tables: json.dumps(comparison_table.to_json(tables), indent=2),
}

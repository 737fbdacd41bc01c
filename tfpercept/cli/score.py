"""`tfpercept score`: distances of pictures from their references."""

from __future__ import annotations

import argparse
import json
import sys

from tfpercept import offers
from tfpercept.cli import deferred, output, progress

distances = deferred.module("tfpercept.distances")
comparison = deferred.module("tfpercept.evaluation.comparison")

DEFAULT_METRICS = ("psnr", "ssim", "ms_ssim")


def add(commands: argparse._SubParsersAction) -> None:
  """Adds the command to the parser."""
  score = commands.add_parser(
    "score",
    help="measure how far pictures are from their references",
    description="Compares two pictures, or two folders whose pictures have the "
    "same names up to the suffix. 16-bit samples are used as such, a grey "
    "picture beside one in colour counts as three equal channels. Pictures of "
    "more than 4 megapixels are taken in tiles: the values of distances such "
    "as psnr, ssim and ms_ssim stay those of the whole, of others the output "
    "says that they are means over tiles.",
  )
  score.add_argument(
    "reference", metavar="REFERENCE", help="undistorted picture, or folder"
  )
  score.add_argument(
    "image", metavar="IMAGE", help="picture to judge, or folder"
  )
  score.add_argument(
    "--metric",
    action="append",
    metavar="SPEC",
    help="distance such as 'ms_ssim' or 'ms_ssim(scales=3)'; may be repeated "
    f"(default: {', '.join(DEFAULT_METRICS)}); see tfpercept list",
  )
  score.add_argument(
    "--alpha",
    choices=offers.ALPHA,
    default="white",
    help="what to do with transparency: lay both pictures over white or black, "
    "ignore it, or report it as an error (default: white)",
  )
  score.add_argument(
    "--maps",
    metavar="FOLDER",
    help="write error maps there, and the scale of their colours to maps.csv",
  )
  output.add(score, tuple(_FORMATS))
  score.set_defaults(run=_score)


def _score(arguments: argparse.Namespace) -> int:
  specs = dict.fromkeys(arguments.metric or DEFAULT_METRICS)
  judges = [distances.get(spec) for spec in specs]
  output.check(arguments)
  pairs, unmatched = comparison.find_pairs(arguments.reference, arguments.image)
  with progress.Bar(len(pairs)) as bar:
    table = comparison.compare(
      pairs,
      judges,
      alpha=arguments.alpha,
      maps=arguments.maps,
      progress=bar.show,
    )
  table.failures.update(unmatched)
  if table.rows:
    output.emit(arguments, _FORMATS[arguments.format](table))
  for name, why in table.failures.items():
    print(f"{name}: not scored: {why}", file=sys.stderr)
  if not table.failures:
    return 0
  return 1 if table.rows else 2


_FORMATS = {
  "table": lambda table: comparison.to_text(table),
  "csv": lambda table: comparison.to_csv(table).rstrip("\n"),
  "json": lambda table: json.dumps(comparison.to_json(table), indent=2),
}

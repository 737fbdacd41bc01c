"""`tfpercept blindspots`: pictures whose errors a distance does not see."""

from __future__ import annotations

import argparse
import pathlib
import sys
from typing import TYPE_CHECKING

from tfpercept.cli import deferred, metric_options, options, output, progress
from tfpercept.evaluation.core import settings as defaults

if TYPE_CHECKING:
  import numpy as np

  from tfpercept import distances
  from tfpercept.evaluation.stress import blindspots, blindspots_page
  from tfpercept.io import files
else:
  np = deferred.module("numpy")
  distances = deferred.module("tfpercept.distances")
  blindspots = deferred.module("tfpercept.evaluation.stress.blindspots")
  blindspots_page = deferred.module(
    "tfpercept.evaluation.stress.blindspots_page"
  )
  files = deferred.module("tfpercept.io.files")


def add(commands: argparse._SubParsersAction) -> None:
  """Adds the command to the parser."""
  spots = commands.add_parser(
    "blindspots",
    help="make pictures that distances take for a reference",
    description="Starts from noise, and from the reference with noise, and "
    "minimises each distance over the pixels. Writes the pictures and a page "
    "for each reference. Finished pictures are not made again.",
  )
  spots.add_argument(
    "references", nargs="+", metavar="IMAGE", help="reference picture"
  )
  metric_options.add_metric(spots)
  spots.add_argument(
    "--out", required=True, metavar="FOLDER", help="folder of all results"
  )
  metric_options.add_size(spots)
  options.add(spots, defaults.Blindspots)
  spots.set_defaults(run=_blindspots)


def _blindspots(arguments: argparse.Namespace) -> int:
  settings = options.read(defaults.Blindspots, arguments)
  distances.get(settings.held)  # a mistake in it is one of the command
  files.require_writable_folder(arguments.out)
  pictures = {}
  for path in map(pathlib.Path, arguments.references):
    picture = files.read_image(path)
    pictures[path.stem] = metric_options.square(picture, arguments.size)
  if len(pictures) < len(arguments.references):
    raise ValueError(
      "references need different names, since pages are named after them"
    )
  failed = 0
  for name, picture in pictures.items():
    failed += _page(name, picture, arguments.metric, settings, arguments.out)
  return int(failed > 0)


def _page(
  name: str,
  picture: np.ndarray,
  specs: list[str],
  settings: blindspots.Settings,
  out: str,
) -> int:
  """Makes one page; returns how many distances are left out."""
  metrics, missing = metric_options.chosen(specs, picture)
  todo = blindspots.plan(metrics, settings)
  with progress.Bar(len(todo) * settings.steps) as bar:
    found = blindspots.make(
      picture,
      metrics,
      pathlib.Path(out) / name,
      settings,
      missing=missing,
      progress=bar.show,
    )
  page = pathlib.Path(out) / f"{name}.html"
  blindspots_page.write(page, name, found, settings)
  for spec, why in found.missing.items():
    print(f"{spec}: left out: {why}", file=sys.stderr)
  output.show(str(page))
  return len(found.missing)

"""`tfpercept ladder`: distances under distortions of growing strength."""

import argparse
import os
import pathlib
import sys
from typing import TYPE_CHECKING

from tfpercept.cli import (
  deferred,
  folders,
  metric_options,
  output,
  progress,
)

if TYPE_CHECKING:
  from tfpercept.evaluation.stress import ladder, ladder_page
  from tfpercept.io import files
else:
  ladder = deferred.module("tfpercept.evaluation.stress.ladder")
  ladder_page = deferred.module("tfpercept.evaluation.stress.ladder_page")
  files = deferred.module("tfpercept.io.files")


def add(commands: argparse._SubParsersAction) -> None:
  """Adds the command to the parser."""
  parser = commands.add_parser(
    "ladder",
    help="make error maps and rank correlations on distorted pictures",
    description="Distorts pictures by noise, blur, JPEG, a shift and loss of "
    "contrast, at five levels each. Writes a page with the error maps of the "
    "first picture and the rank correlations of the distances over all "
    "pictures, these correlations as PNG, and all values as CSV.",
  )
  parser.add_argument(
    "pictures", nargs="+", metavar="PICTURE", help="picture file, or folder"
  )
  metric_options.add_metric(parser)
  parser.add_argument(
    "--out", required=True, metavar="FOLDER", help="folder of all results"
  )
  metric_options.add_size(parser)
  parser.add_argument(
    "--seed", type=int, default=0, help="seed of the noise (default: 0)"
  )
  parser.set_defaults(run=_ladder)


def _ladder(arguments: argparse.Namespace) -> int:
  files.require_writable_folder(arguments.out)
  folders.tell_passed_over_in(arguments.pictures)
  pictures, failures = {}, {}
  for path in _paths(arguments.pictures):
    try:
      picture = files.read_image(path)
    except ValueError as error:
      failures[path.name] = str(error)
      continue
    pictures[path.name] = metric_options.square(picture, arguments.size)
  if not pictures:
    raise ValueError("; ".join(failures.values()))
  smallest = min(pictures.values(), key=lambda p: min(p.shape[:2]))
  metrics, missing = metric_options.chosen(arguments.metric, smallest)
  rungs: dict[str, list[ladder.Rung]] = {}
  total = len(pictures) * ladder.count()
  with progress.Bar(total) as bar:
    done = iter(range(total))
    for name, picture in pictures.items():

      def show(what: str, name: str = name) -> None:
        bar.show(next(done), f"{name}: {what}")

      rungs[name] = ladder.climb(
        picture,
        metrics,
        seed=arguments.seed,
        with_maps=not rungs,  # of the first picture only
        progress=show,
      )
  conditions = {"Seed": arguments.seed, "Size, at most": arguments.size}
  page = ladder_page.write(
    arguments.out, rungs, pictures, missing=missing, conditions=conditions
  )
  for name, why in {**failures, **missing}.items():
    print(f"{name}: left out: {why}", file=sys.stderr)
  output.show(str(page))
  return int(bool(failures or missing))


def _paths(given: list[str]) -> list[pathlib.Path]:
  """Returns the files given, and the pictures of the folders given."""
  paths = []
  for path in map(pathlib.Path, given):
    paths += files.list_images(path) if os.path.isdir(path) else [path]
  if len({path.name for path in paths}) < len(paths):
    raise ValueError("pictures need different names, since tables go by names")
  return paths

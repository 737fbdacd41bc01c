"""`tfpercept ranking`: results that people put in order."""

from __future__ import annotations

import argparse
import json
import pathlib
import sys
from typing import TYPE_CHECKING

from tfpercept.cli import (
  deferred,
  folders,
  metric_options,
  options,
  output,
  progress,
)
from tfpercept.evaluation.core import settings as defaults

if TYPE_CHECKING:
  from tfpercept.evaluation.agreement import table as agreement_table
  from tfpercept.evaluation.ranking import agreement as ranking_agreement
  from tfpercept.evaluation.ranking import analysis as ranking_analysis
  from tfpercept.evaluation.ranking import page as ranking_page
  from tfpercept.evaluation.ranking import report, results, study_config
  from tfpercept.evaluation.ranking import study as ranking_study
  from tfpercept.io import files
else:
  agreement_table = deferred.module("tfpercept.evaluation.agreement.table")
  study_config = deferred.module("tfpercept.evaluation.ranking.study_config")
  ranking_agreement = deferred.module("tfpercept.evaluation.ranking.agreement")
  ranking_analysis = deferred.module("tfpercept.evaluation.ranking.analysis")
  ranking_page = deferred.module("tfpercept.evaluation.ranking.page")
  report = deferred.module("tfpercept.evaluation.ranking.report")
  results = deferred.module("tfpercept.evaluation.ranking.results")
  ranking_study = deferred.module("tfpercept.evaluation.ranking.study")
  files = deferred.module("tfpercept.io.files")


def add(commands: argparse._SubParsersAction) -> None:
  """Adds the command to the parser."""
  parser = commands.add_parser(
    "ranking",
    help="make a study in which people rank results, and analyse it",
    description="Makes a page on which people rank the results of methods, "
    "and analyses their answers.",
  )
  actions = parser.add_subparsers(required=True, metavar="action")
  _add_make(actions)
  _add_analyse(actions)


def _add_make(actions: argparse._SubParsersAction) -> None:
  make = actions.add_parser(
    "make",
    help="make the page of a study",
    description="Writes one HTML file, which needs no server and no network, "
    "and beside it the key that says which method made which picture. Send "
    "the page, and keep the key.",
  )
  make.add_argument(
    "folders",
    nargs="+",
    metavar="[NAME=]FOLDER",
    help="folder of the results of one method; NAME is the name of the method "
    "(default: that of the folder). Pictures are matched by file name without "
    "suffix",
  )
  make.add_argument(
    "--originals",
    metavar="FOLDER",
    help="folder of undistorted pictures, shown above the results",
  )
  make.add_argument(
    "--out", required=True, metavar="PAGE", help="HTML file to write"
  )
  options.add(make, defaults.Study)
  options.add(make, defaults.Look)
  make.add_argument(
    "--smooth",
    action="store_true",
    help="interpolate enlarged pictures (default: square pixels)",
  )
  make.add_argument(
    "--overwrite",
    action="store_true",
    help="replace the key of another study, without which the answers to its "
    "page cannot be analysed",
  )
  make.set_defaults(run=_make)


def _add_analyse(actions: argparse._SubParsersAction) -> None:
  analyse = actions.add_parser(
    "analyse",
    help="analyse people's answers",
    description="Prints the ranks of each method, its strength by the model of "
    "Bradley and Terry or of Plackett and Luce with a bootstrap interval, the "
    "agreement of people with one another, the failed attention checks and, "
    "given the pictures, the agreement of distances with people.",
  )
  analyse.add_argument(
    "results", nargs="+", metavar="RESULTS", help="answers of one person"
  )
  analyse.add_argument(
    "--key", required=True, metavar="FILE", help="key written beside the page"
  )
  analysis = defaults.Analysis()
  analyse.add_argument(
    "--bootstrap",
    choices=defaults.OVER,
    default=analysis.over,
    help="units that the bootstrap draws (default: %(default)s)",
  )
  options.add(analyse, defaults.Analysis)
  _add_pictures(analyse)
  analyse.add_argument(
    "--page", metavar="FILE", help="HTML report to write as well"
  )
  output.add(analyse, tuple(_FORMATS))
  analyse.set_defaults(run=_analyse)


def _add_pictures(analyse: argparse.ArgumentParser) -> None:
  analyse.add_argument(
    "--originals",
    metavar="FOLDER",
    help="folder of undistorted pictures; with --folder, the agreement of "
    "distances is measured too",
  )
  analyse.add_argument(
    "--folder",
    action="append",
    default=[],
    metavar="[NAME=]FOLDER",
    help="folder of the results of a method, as for make; may be repeated",
  )
  metric_options.add_metric(analyse)


def _make(arguments: argparse.Namespace) -> int:
  settings = options.read(defaults.Study, arguments)
  look = options.read(defaults.Look, arguments, is_smooth=arguments.smooth)
  page = pathlib.Path(arguments.out)
  key = page.with_suffix(".key.json")
  for path in (page, key):
    files.require_writable(path)
  groups = _found(arguments.folders, arguments.originals)
  with progress.Bar(len(groups)) as bar:
    study = ranking_study.make(groups, settings, progress=bar.show)
  if not arguments.overwrite:
    results.require_no_other(
      key, study.key["page"], "Choose another --out, or --overwrite it"
    )
  files.write_json(key, study.key)
  ranking_page.write(page, study, look)
  output.show(str(page))
  print(
    f"{study.trials} trials a person on {len(groups)} pictures; {key} says "
    "which method made which: keep it, and do not send it",
    file=sys.stderr,
  )
  return 0


def _analyse(arguments: argparse.Namespace) -> int:
  settings = options.read(
    defaults.Analysis, arguments, over=arguments.bootstrap
  )
  output.check(arguments)
  if arguments.page:
    files.require_writable(arguments.page)
  groups = _groups(arguments)
  key = results.read_key(arguments.key)
  people, failures = results.read(arguments.results, key)
  if failures and not people:
    listed = "; ".join(f"{path}: {why}" for path, why in failures.items())
    raise ValueError(f"no results that can be used: {listed}")
  with progress.Bar(settings.resamples) as bar:
    analysis = ranking_analysis.analyse(
      people, key, settings, progress=bar.show
    )
  distances = None
  if groups:
    distances, missing = _distances(arguments.metric, groups, analysis)
    failures |= missing
  found = report.Findings(analysis, distances, failures)
  if arguments.page:
    report.write_page(arguments.page, found)
  output.emit(arguments, _FORMATS[arguments.format](found))
  for name, why in {**analysis.left_out, **failures}.items():
    print(f"{name}: left out: {why}", file=sys.stderr)
  return int(bool(failures))


def _groups(arguments: argparse.Namespace) -> list[study_config.Group]:
  """Returns the pictures that distances are measured on, if it is asked."""
  if not arguments.folder and not arguments.originals:
    return []
  if not arguments.folder or not arguments.originals:
    raise ValueError(
      "distances need --originals and a --folder for each method"
    )
  return _found(arguments.folder, arguments.originals)


def _found(given: list[str], originals: str | None) -> list[study_config.Group]:
  """Returns the pictures of folders; notes what is passed over there."""
  named = folders.named(given)
  folders.tell_passed_over_in(
    [*([originals] if originals else []), *named.values()]
  )
  return study_config.find(named, originals)


def _distances(
  specs: list[str],
  groups: list[study_config.Group],
  analysis: ranking_analysis.Analysis,
) -> tuple[agreement_table.Block, dict[str, str]]:
  """Measures distances; says which are left out."""
  original = groups[0].original
  if original is None:
    raise ValueError("agreement with distances needs the originals")
  shown = files.read_image(original)
  metrics, missing = metric_options.chosen(specs, shown)
  with progress.Bar() as bar:
    block = ranking_agreement.measure(
      analysis,
      groups,
      metrics,
      progress=lambda spec, done, of: bar.show(done, spec, of),
    )
  return block, {**missing, **block.failures}


_FORMATS = {
  "text": lambda found: report.to_text(found),
  "json": lambda found: json.dumps(report.to_json(found), indent=2),
}

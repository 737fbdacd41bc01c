"""`tfpercept ranking`: results that people put in order."""

from __future__ import annotations

import argparse
import json
import pathlib
import sys

from tfpercept.cli import deferred, metric_options, options, output, progress
from tfpercept.evaluation.core import settings as defaults

agreement_table = deferred.module("tfpercept.evaluation.agreement.table")
ranking = deferred.module("tfpercept.evaluation.ranking")
ranking_agreement = deferred.module("tfpercept.evaluation.ranking.agreement")
ranking_analysis = deferred.module("tfpercept.evaluation.ranking.analysis")
ranking_page = deferred.module("tfpercept.evaluation.ranking.page")
ranking_report = deferred.module("tfpercept.evaluation.ranking.report")
ranking_results = deferred.module("tfpercept.evaluation.ranking.results")
ranking_study = deferred.module("tfpercept.evaluation.ranking.study")
files = deferred.module("tfpercept.io.files")


def add(commands: argparse._SubParsersAction) -> None:
  """Adds the command to the parser."""
  parser = commands.add_parser(
    "ranking",
    help="let people rank results, and analyse what they say",
    description="Makes a page on which people rank the results of methods, "
    "and analyses their answers.",
  )
  actions = parser.add_subparsers(required=True, metavar="action")
  _add_make(actions)
  _add_analyse(actions)


def _add_make(actions: argparse._SubParsersAction) -> None:
  make = actions.add_parser(
    "make",
    help="make the page",
    description="Writes one HTML file, which needs no server and no network, "
    "and beside it the key that says which method made which picture. Keep the "
    "key; send the page.",
  )
  make.add_argument(
    "folders",
    nargs="+",
    metavar="[NAME=]FOLDER",
    help="results of one method, whose name is that of the folder by default; "
    "pictures belong together by their file names without suffix",
  )
  make.add_argument(
    "--originals", metavar="FOLDER", help="undistorted pictures, to be shown"
  )
  make.add_argument(
    "--out", required=True, metavar="PAGE", help="HTML file to write"
  )
  settings = defaults.Study()
  options.add(make, settings, _STUDY, choices={"mode": defaults.MODES})
  options.add(make, defaults.Look(), _LOOK)
  make.add_argument(
    "--smooth",
    action="store_true",
    help="interpolate enlarged pictures (default: square pixels)",
  )
  make.set_defaults(run=_make)


def _add_analyse(actions: argparse._SubParsersAction) -> None:
  analyse = actions.add_parser(
    "analyse",
    help="analyse people's answers",
    description="Prints how often each method got each rank, strengths of "
    "Bradley and Terry or of Plackett and Luce with bootstrap intervals, how "
    "far people agree, who failed attention checks and, given the pictures, "
    "how well distances agree with people.",
  )
  analyse.add_argument(
    "results", nargs="+", metavar="RESULTS", help="file of one person"
  )
  analyse.add_argument(
    "--key", required=True, metavar="FILE", help="that make wrote by the page"
  )
  analysis = defaults.Analysis()
  analyse.add_argument(
    "--bootstrap",
    choices=defaults.OVER,
    default=analysis.over,
    help="what it draws (default: %(default)s)",
  )
  options.add(analyse, analysis, _ANALYSIS)
  _add_pictures(analyse)
  analyse.add_argument(
    "--page", metavar="FILE", help="write an HTML report there, too"
  )
  output.add(analyse, tuple(_FORMATS))
  analyse.set_defaults(run=_analyse)


def _add_pictures(analyse: argparse.ArgumentParser) -> None:
  analyse.add_argument(
    "--originals",
    metavar="FOLDER",
    help="undistorted pictures; with --folder, distances are judged too",
  )
  analyse.add_argument(
    "--folder",
    action="append",
    default=[],
    metavar="[NAME=]FOLDER",
    help="results of a method, as for make; may be repeated",
  )
  metric_options.add_metric(analyse)


def _make(arguments: argparse.Namespace) -> int:
  settings = options.read(defaults.Study, arguments)
  look = options.read(defaults.Look, arguments, is_smooth=arguments.smooth)
  page = pathlib.Path(arguments.out)
  key = page.with_suffix(".key.json")
  for path in (page, key):
    files.require_writable(path)
  groups = ranking.find(_named(arguments.folders), arguments.originals)
  with progress.Bar(len(groups)) as bar:
    study = ranking_study.make(groups, settings, progress=bar.show)
  ranking_page.write(page, study, look)
  files.write_json(key, study.key)
  output.show(str(page))
  print(
    f"{study.trials} trials a person on {len(groups)} pictures; {key} says "
    "which method made which: keep it, and do not send it",
    file=sys.stderr,
  )
  return 0


def _named(given: list[str]) -> dict[str, pathlib.Path]:
  """Returns folders by the name of their method."""
  found = {}
  for text in given:
    name, equals, path = text.partition("=")
    if not equals or pathlib.Path(text).is_dir():
      name, path = files.resolved(text).name, text
    if name in found:
      raise ValueError(
        f"two folders are called {name!r}; name them, as in first={path}"
      )
    found[name] = pathlib.Path(path)
  return found


def _analyse(arguments: argparse.Namespace) -> int:
  settings = options.read(
    defaults.Analysis, arguments, over=arguments.bootstrap
  )
  output.check(arguments)
  if arguments.page:
    files.require_writable(arguments.page)
  groups = _groups(arguments)
  key = ranking_results.read_key(arguments.key)
  people, failures = ranking_results.read(arguments.results, key)
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
  found = ranking_report.Findings(analysis, distances, failures)
  if arguments.page:
    ranking_report.write_page(arguments.page, found)
  output.emit(arguments, _FORMATS[arguments.format](found))
  for name, why in {**analysis.left_out, **failures}.items():
    print(f"{name}: left out: {why}", file=sys.stderr)
  return int(bool(failures))


def _groups(arguments: argparse.Namespace) -> list[ranking.Group]:
  """Returns the pictures that distances are measured on, if it is asked."""
  if not arguments.folder and not arguments.originals:
    return []
  if not arguments.folder or not arguments.originals:
    raise ValueError(
      "distances need --originals and a --folder for each method"
    )
  return ranking.find(_named(arguments.folder), arguments.originals)


def _distances(
  metrics: list[str],
  groups: list[ranking.Group],
  analysis: ranking_analysis.Analysis,
) -> tuple[agreement_table.Block, dict[str, str]]:
  """Measures distances; says which are left out."""
  shown = files.read_image(groups[0].original)
  judges, missing = metric_options.judges(metrics, shown)
  with progress.Bar() as bar:
    block = ranking_agreement.measure(
      analysis,
      groups,
      judges,
      progress=lambda spec, done, of: bar.show(done, spec, of),
    )
  return block, {**missing, **block.failures}


_FORMATS = {
  "text": lambda found: ranking_report.to_text(found),
  "json": lambda found: json.dumps(ranking_report.to_json(found), indent=2),
}

_STUDY = {
  "mode": "rank all results of a picture, or choose the better of two "
  "(default: %(default)s)",
  "pictures": "that each person judges (default: all)",
  "shared": "of these, how many everybody judges (default: %(default)s)",
  "pairs": "of each picture that a person judges, in mode pairs (default: all)",
  "checks": "trials with one spoiled picture (default: %(default)s)",
  "seed": "of every choice and order (default: %(default)s)",
}
_LOOK = {
  "title": "of the page",
  "introduction": "below the title",
  "question": "above the pictures",
  "contact": "on the last screen",
  "upscale": "show pictures at most so many times their size (default: "
  "%(default)s)",
}
_ANALYSIS = {
  "resamples": "bootstrap samples (default: %(default)s)",
  "seed": "of the bootstrap (default: %(default)s)",
  "max_failed": "leave out who failed a larger share of the checks (default: "
  "%(default)s)",
}

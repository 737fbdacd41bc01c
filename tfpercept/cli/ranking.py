"""`tfpercept ranking`: results that people put in order."""

import argparse
import json
import pathlib
import sys

from tfpercept import files
from tfpercept.cli import output, picked, progress
from tfpercept.evaluation import (
  agreement_table,
  ranking,
  ranking_agreement,
  ranking_analysis,
  ranking_page,
  ranking_report,
  ranking_results,
  ranking_study,
)


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
  defaults = ranking.Settings()
  make.add_argument(
    "--mode",
    choices=ranking.MODES,
    default=defaults.mode,
    help="rank all results of a picture, or choose the better of two (default: "
    f"{defaults.mode})",
  )
  for name, text in (
    ("pictures", "that each person judges (default: all)"),
    ("shared", "of these, how many everybody judges (default: 0)"),
    ("pairs", "of each picture that a person judges, in mode pairs (default: "
              "all)"),
    ("checks", f"trials with one spoiled picture (default: {defaults.checks})"),
    ("seed", "of every choice and order (default: 0)"),
  ):  # fmt: skip
    make.add_argument(
      f"--{name}", type=int, default=getattr(defaults, name), metavar="N",
      help=text,
    )  # fmt: skip
  look = ranking_page.Look()
  make.add_argument("--title", default=look.title, help="of the page")
  make.add_argument(
    "--introduction", default=look.introduction, help="below the title"
  )
  make.add_argument("--question", default="", help="above the pictures")
  make.add_argument(
    "--contact", default=look.contact, help="on the last screen"
  )
  make.add_argument(
    "--upscale",
    type=float,
    default=look.upscale,
    metavar="X",
    help="show pictures at most X times their size (default: "
    f"{look.upscale:g})",
  )
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
  defaults = ranking_analysis.Options()
  analyse.add_argument(
    "--bootstrap",
    choices=ranking_analysis.OVER,
    default=defaults.over,
    help=f"what it draws (default: {defaults.over})",
  )
  analyse.add_argument(
    "--resamples", type=int, default=defaults.resamples,
    help=f"bootstrap samples (default: {defaults.resamples})",
  )  # fmt: skip
  analyse.add_argument(
    "--seed", type=int, default=defaults.seed, help="of the bootstrap"
  )
  analyse.add_argument(
    "--max_failed",
    type=float,
    default=defaults.max_failed,
    metavar="SHARE",
    help="leave out who failed a larger share of the checks (default: "
    f"{defaults.max_failed})",
  )
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
  picked.add_metric(analyse)
  analyse.add_argument(
    "--page", metavar="FILE", help="write an HTML report there, too"
  )
  output.add(analyse, tuple(_FORMATS))
  analyse.set_defaults(run=_analyse)


def _make(arguments: argparse.Namespace) -> int:
  settings = ranking.Settings(
    mode=arguments.mode,
    pictures=arguments.pictures,
    shared=arguments.shared,
    pairs=arguments.pairs,
    checks=arguments.checks,
    seed=arguments.seed,
  )
  look = ranking_page.Look(
    title=arguments.title,
    introduction=arguments.introduction,
    question=arguments.question,
    contact=arguments.contact,
    upscale=arguments.upscale,
    is_smooth=arguments.smooth,
  )
  page = pathlib.Path(arguments.out)
  files.require_writable(page)
  groups = ranking.find(_named(arguments.folders), arguments.originals)
  with progress.Bar(len(groups)) as bar:
    study = ranking_study.make(groups, settings, progress=bar.show)
  key = page.with_suffix(".key.json")
  ranking_page.write(page, study, look)
  files.write_json(key, study.key)
  print(page)
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
      name, path = pathlib.Path(text).resolve().name, text
    if name in found:
      raise ValueError(
        f"two folders are called {name!r}; name them, as in first={path}"
      )
    found[name] = pathlib.Path(path)
  return found


def _analyse(arguments: argparse.Namespace) -> int:
  options = ranking_analysis.Options(
    over=arguments.bootstrap,
    resamples=arguments.resamples,
    seed=arguments.seed,
    max_failed=arguments.max_failed,
  )
  output.check(arguments)
  if arguments.page:
    files.require_writable(arguments.page)
  key = ranking_results.read_key(arguments.key)
  people, failures = ranking_results.read(arguments.results, key)
  if failures and not people:
    listed = "; ".join(f"{path}: {why}" for path, why in failures.items())
    raise ValueError(f"no results that can be used: {listed}")
  with progress.Bar(options.resamples) as bar:
    analysis = ranking_analysis.analyse(people, key, options, progress=bar.show)
  distances, missing = _distances(arguments, analysis)
  failures |= missing
  found = ranking_report.Findings(analysis, distances, failures)
  if arguments.page:
    ranking_report.write_page(arguments.page, found)
  output.emit(arguments, _FORMATS[arguments.format](found))
  for name, why in {**analysis.left_out, **failures}.items():
    print(f"{name}: left out: {why}", file=sys.stderr)
  return int(bool(failures))


def _distances(
  arguments: argparse.Namespace, analysis: ranking_analysis.Analysis
) -> tuple[agreement_table.Block | None, dict[str, str]]:
  """Measures distances if there is what they need; says what is left out."""
  if not arguments.folder and not arguments.originals:
    return None, {}
  if not arguments.folder or not arguments.originals:
    raise ValueError(
      "distances need --originals and a --folder for each method"
    )
  groups = ranking.find(_named(arguments.folder), arguments.originals)
  shown = files.read_image(groups[0].original)
  judges, missing = picked.judges(arguments.metric, shown)
  with progress.Bar() as bar:
    block = ranking_agreement.measure(
      analysis,
      groups,
      judges,
      progress=lambda spec, done, of: bar.show(done, spec, of),
    )
  return block, {**missing, **block.failures}


_FORMATS = {
  "text": ranking_report.to_text,
  "json": lambda found: json.dumps(ranking_report.to_json(found), indent=2),
}

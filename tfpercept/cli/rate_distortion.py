"""`tfpercept rate-distortion`: comparison of codecs on your pictures."""

from __future__ import annotations

import argparse
import math
import pathlib
import sys
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from tfpercept import offers
from tfpercept.cli import deferred, folders, output, progress
from tfpercept.evaluation.core import settings

if TYPE_CHECKING:
  from tfpercept import codecs, distances
  from tfpercept.codecs.learned import model_lookup
  from tfpercept.evaluation.core import machine
  from tfpercept.evaluation.rate_distortion import (
    at_rate,
    measure,
    page,
    standings,
    work_file,
  )
  from tfpercept.evaluation.rate_distortion import (
    result as rate_distortion_result,
  )
  from tfpercept.evaluation.rate_distortion import (
    table as rate_distortion_table,
  )
  from tfpercept.io import files
else:
  model_lookup = deferred.module("tfpercept.codecs.learned.model_lookup")
  codecs = deferred.module("tfpercept.codecs")
  distances = deferred.module("tfpercept.distances")
  at_rate = deferred.module("tfpercept.evaluation.rate_distortion.at_rate")
  measure = deferred.module("tfpercept.evaluation.rate_distortion.measure")
  page = deferred.module("tfpercept.evaluation.rate_distortion.page")
  rate_distortion_result = deferred.module(
    "tfpercept.evaluation.rate_distortion.result"
  )
  rate_distortion_table = deferred.module(
    "tfpercept.evaluation.rate_distortion.table"
  )
  standings = deferred.module("tfpercept.evaluation.rate_distortion.standings")
  work_file = deferred.module("tfpercept.evaluation.rate_distortion.work_file")
  machine = deferred.module("tfpercept.evaluation.core.machine")
  files = deferred.module("tfpercept.io.files")

_EVERY = 15.0
"""Seconds between lines of progress where standard error is no terminal."""


def add(commands: argparse._SubParsersAction) -> None:
  """Adds the command to the parser."""
  parser = commands.add_parser(
    "rate-distortion",
    help="compare codecs: rate, distances, speed, BD-rate",
    description="Compresses pictures with codecs at all their qualities, and "
    "prints the BD-rate of each codec: how many percent more or fewer bits it "
    "takes than an anchor at equal quality. Rates are sizes of real files.",
  )
  parser.add_argument(
    "folders", nargs="+", metavar="FOLDER", help="folder of pictures"
  )
  parser.add_argument(
    "--codec",
    action="append",
    default=[],
    metavar="SPEC",
    help="spec of a codec, such as jpeg or 'webp(method=6)'; may be repeated; "
    "'all' takes every codec that works here, of "
    f"{', '.join(offers.CODECS)}, and 'models' the learned codec with every "
    "model of the package (default without --pair: all)",
  )
  parser.add_argument(
    "--metric",
    action="append",
    default=[],
    metavar="SPEC",
    help="spec of a distance; may be repeated (default: psnr and ms_ssim)",
  )
  parser.add_argument(
    "--anchor",
    metavar="SPEC",
    help="codec to compare the others with (default: jpeg if it is among them, "
    "else the first)",
  )
  _add_rates(parser)
  parser.add_argument(
    "--repeats",
    type=int,
    default=1,
    metavar="N",
    help="number of timed runs of each file, of which the median counts "
    "(default: 1)",
  )
  _add_page(parser)
  parser.set_defaults(run=_rate_distortion)


def _add_rates(parser: argparse.ArgumentParser) -> None:
  parser.add_argument(
    "--bpp",
    action="append",
    nargs=2,
    type=float,
    metavar=("LOW", "HIGH"),
    help="lowest and highest rate of the points used, in bits per pixel "
    "(default: 0.1 0.8); may be repeated: a second table then has all ranges",
  )
  parser.add_argument(
    "--at",
    action="append",
    default=[],
    type=float,
    metavar="BPP",
    help="rate in bits per pixel at which a further table has every distance, "
    "beside the anchor's; may be repeated",
  )


def _add_page(parser: argparse.ArgumentParser) -> None:
  parser.add_argument(
    "--out",
    metavar="FOLDER",
    help="folder for report.html, points.csv, means.csv, result.json, crops "
    "of each picture shown, and work.jsonl, which keeps every measured point: "
    "the same command goes on from it where it was stopped",
  )
  parser.add_argument(
    "--fresh",
    action="store_true",
    help="measure every point anew, and drop those that the folder of --out "
    "keeps",
  )
  parser.add_argument(
    "--shown",
    type=int,
    metavar="N",
    help="number of pictures on the page of --out (default: 2)",
  )
  parser.add_argument(
    "--shown_bpp",
    type=float,
    metavar="BPP",
    help="rate at which they are shown, in bits per pixel (default: 0.25)",
  )
  parser.add_argument(
    "--pair",
    nargs=2,
    metavar=("LEFT", "RIGHT"),
    help="two codecs that the page shows over each other at first; they are "
    "measured even if --codec does not name them (default: the anchor and the "
    "last codec)",
  )


def _rate_distortion(arguments: argparse.Namespace) -> int:
  spans = _spans(arguments.bpp)
  rates = at_rate.check(arguments.at)
  shown, shown_bpp = _shown(arguments)
  if arguments.out:
    files.require_writable_folder(arguments.out)
  folders.tell_passed_over_in(arguments.folders)
  pictures = measure.find_pictures(arguments.folders)
  pair = [codecs.get(spec) for spec in arguments.pair or ()]
  if pair and pair[0].spec == pair[1].spec:
    raise ValueError(f"--pair is two codecs that differ; got {pair[0].spec}")
  chosen, missing = _codecs(arguments.codec or ([] if pair else ["all"]), pair)
  specs = list(dict.fromkeys(arguments.metric or ("psnr", "ms_ssim")))
  metrics = [distances.get(spec) for spec in specs]
  anchor = _anchor(arguments.anchor, [codec.spec for codec in chosen])
  work = _work(arguments)
  result = _measured(pictures, chosen, metrics, arguments.repeats, work)
  text = _text(result, anchor, spans, rates)
  if not arguments.out or not result.points:
    output.show(text)
  else:
    options = page.Options(
      anchor=anchor,
      span=spans[0],
      spans=_wide(spans),
      at=rates,
      shown=shown,
      bpp=shown_bpp,
      pair=(pair[0].spec, pair[1].spec) if pair else None,
    )
    conditions = _conditions(arguments, chosen, len(pictures), work)
    _write_tables(pathlib.Path(arguments.out), result, options, conditions)
    output.show(text)  # what reads it may stop, and the tables are there
    with progress.Bar(every=_EVERY) as bar:
      page.write(
        pathlib.Path(arguments.out) / "report.html",
        result,
        pictures,
        chosen,
        metrics,
        options,
        conditions=conditions,
        sheets=arguments.out,
        progress=bar.show,
      )
    output.show(str(pathlib.Path(arguments.out) / "report.html"))
  for note in result.warnings:
    print(f"warning: {note}", file=sys.stderr)
  failures = {**missing, **result.failures}
  for name, why in failures.items():
    print(f"{name}: left out: {why}", file=sys.stderr)
  return output.status(failures=result.failures, results=result.points)


def _shown(arguments: argparse.Namespace) -> tuple[int, float]:
  """Returns how many pictures the page shows, and at which rate.

  Raises:
    ValueError: if no page can have such options, or there is none.
  """
  count, rate = arguments.shown, arguments.shown_bpp
  if not arguments.out and (count, rate) != (None, None):
    raise ValueError(
      "--shown and --shown_bpp are of the page that --out makes; give --out"
    )
  count, rate = 2 if count is None else count, 0.25 if rate is None else rate
  if count < 0:
    raise ValueError(f"--shown is 0 or more; got {count}")
  if not 0 < rate < math.inf:
    raise ValueError(f"--shown_bpp is above 0; got {rate:g}")
  return count, rate


def _spans(
  given: Sequence[Sequence[float]] | None,
) -> tuple[tuple[float, float], ...]:
  """Returns the ranges of rates that are asked for, one at least."""
  spans = [(low, high) for low, high in given or [settings.SPAN]]
  for low, high in spans:
    if not 0 <= low < high < math.inf:
      raise ValueError(f"--bpp is two rates, rising; got {low:g} and {high:g}")
  return tuple(dict.fromkeys(spans))


def _wide(
  spans: tuple[tuple[float, float], ...],
) -> tuple[tuple[float, float], ...]:
  """Returns the ranges of the standings: those given, or the usual ones."""
  return spans if len(spans) > 1 else standings.SPANS


def _text(
  result: rate_distortion_result.Result,
  anchor: str,
  spans: tuple[tuple[float, float], ...],
  rates: tuple[float, ...],
) -> str:
  """Returns the tables for the terminal.

  The standings follow if several ranges are asked for, or if there are
  published codecs to compare with; then those of single rates, if any.
  """
  text = rate_distortion_table.to_text(result, anchor, spans[0])
  if len(spans) > 1 or standings.are_beside_published(result, anchor):
    more = standings.to_text(result, anchor, _wide(spans))
    text = f"{text}\n\n{more}"
  if rates:
    rows = at_rate.of(result, anchor, rates)
    text = f"{text}\n\n{at_rate.to_text(rows, anchor)}"
  return text


def _work(arguments: argparse.Namespace) -> work_file.WorkFile | None:
  """Returns the file of measured points; None if nothing is written."""
  if not arguments.out:
    if arguments.fresh:
      raise ValueError("--fresh drops the points that --out keeps; give --out")
    return None
  path = pathlib.Path(arguments.out) / work_file.NAME
  return work_file.WorkFile(path, is_fresh=arguments.fresh)


def _measured(
  pictures: Mapping[str, pathlib.Path],
  chosen: Sequence[codecs.Codec],
  metrics: Sequence[distances.Distance],
  repeats: int,
  work: work_file.WorkFile | None,
) -> rate_distortion_result.Result:
  """Measures; says what is kept if it is interrupted."""
  total = len(pictures) * sum(len(codec.qualities) for codec in chosen)
  try:
    with progress.Bar(total, every=_EVERY) as bar:
      result = measure.measure(
        pictures,
        chosen,
        metrics,
        repeats=repeats,
        work=work,
        progress=bar.show,
      )
  except KeyboardInterrupt:
    if work is not None:
      print(
        f"{len(work)} measured points are kept in {work.path}; the same "
        "command goes on from there",
        file=sys.stderr,
      )
    raise
  if work is not None and work.used:
    print(
      f"{work.used} of {len(result.points)} points are those of earlier runs, "
      f"from {work.path}",
      file=sys.stderr,
    )
  return result


def _codecs(
  given: Sequence[str], pair: Sequence[codecs.Codec]
) -> tuple[list[codecs.Codec], dict[str, str]]:
  """Returns the codecs that `--codec` and `--pair` name.

  Codecs that do not work here follow, each with the reason.
  """
  found: dict[str, codecs.Codec] = {}
  missing: dict[str, str] = {}
  for item in given:
    if item == "all":
      works, missing = codecs.at_hand()
      found |= {codec.spec: codec for codec in works}
    elif item == "models":
      for name in model_lookup.shipped():
        codec = codecs.get(f"learned(model={name!r})")
        found[codec.spec] = codec
    else:
      codec = codecs.get(item)
      found[codec.spec] = codec
  for codec in pair:
    found.setdefault(codec.spec, codec)
  return list(found.values()), missing


def _anchor(given: str | None, specs: Sequence[str]) -> str:
  if given is None:
    return "jpeg" if "jpeg" in specs else specs[0]
  anchor = codecs.get(given).spec
  if anchor not in specs:
    raise ValueError(
      f"--anchor is one of the codecs, {', '.join(specs)}; got {given}"
    )
  return anchor


def _conditions(
  arguments: argparse.Namespace,
  chosen: Sequence[codecs.Codec],
  count: int,
  work: work_file.WorkFile | None,
) -> dict[str, object]:
  """Returns the conditions of the measurement, for the reader of tables."""
  kept = {}
  if work is not None and work.used:
    kept["Points of earlier runs"] = work.used
  return {
    "Pictures": count,
    **kept,
    "Rates": "bytes of whole files, headers included",
    "Means": "of each picture, then over pictures; decibels are -10 log10 of "
    "the distance",
    "Timing": f"median of {arguments.repeats}, after a warm-up; each codec "
    "with its own number of threads",
    **machine.facts(),
    **{c.spec: c.made_by for c in chosen if c.made_by},
  }


def _write_tables(
  folder: pathlib.Path,
  result: rate_distortion_result.Result,
  options: page.Options,
  conditions: dict[str, object],
) -> None:
  table = rate_distortion_table
  files.write_text(folder / "points.csv", table.points_csv(result))
  files.write_text(folder / "means.csv", table.means_csv(result))
  files.write_json(
    folder / "result.json",
    table.to_json(
      result,
      options.anchor,
      options.span,
      conditions,
      options.spans,
      options.at,
    ),
  )

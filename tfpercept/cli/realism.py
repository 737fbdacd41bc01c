"""`tfpercept realism`: decoders of the same files, by fidelity and realism."""

from __future__ import annotations

import argparse
import json
import os
import pathlib
import sys
from typing import TYPE_CHECKING

from tfpercept import offers
from tfpercept.cli import deferred, folders, output, progress

if TYPE_CHECKING:
  from tfpercept.codecs import targets
  from tfpercept.codecs.learned import learned_codec
  from tfpercept.evaluation.realism import decoders, measure, page, table
  from tfpercept.io import files
else:
  targets = deferred.module("tfpercept.codecs.targets")
  learned_codec = deferred.module("tfpercept.codecs.learned.learned_codec")
  decoders = deferred.module("tfpercept.evaluation.realism.decoders")
  measure = deferred.module("tfpercept.evaluation.realism.measure")
  page = deferred.module("tfpercept.evaluation.realism.page")
  table = deferred.module("tfpercept.evaluation.realism.table")
  files = deferred.module("tfpercept.io.files")

_PAGE, _TABLE, _CSV, _JSON = (
  "realism.html", "realism.txt", "realism.csv", "realism.json"
)  # fmt: skip
_LINES = 30.0  # seconds between lines of progress where there is no terminal


def add(commands: argparse._SubParsersAction) -> None:
  """Adds the command to the parser."""
  parser = commands.add_parser(
    "realism",
    help="judge decoders of the same files by fidelity and by realism",
    description="Codes each picture once and decodes the file faithfully and "
    "with realism heads. Prints distances of the pictures from their originals "
    "beside distances between the sets of their patches, and whether a grid "
    "is seen. With --decoded it judges pictures that were decoded before.",
  )
  parser.add_argument(
    "pictures", nargs="+", metavar="PICTURE", help="original, or folder of them"
  )
  _add_decoders(parser)
  parser.add_argument(
    "--metric",
    action="append",
    default=[],
    metavar="SPEC",
    help="spec of a distance of pairs; may be repeated (default: mse, lpips, "
    "watson_dft, pim)",
  )
  parser.add_argument(
    "--side",
    type=int,
    default=64,
    help="side of a patch in pixels (default: %(default)s)",
  )
  parser.add_argument(
    "--out",
    metavar="FOLDER",
    help=f"folder for {_PAGE}, {_CSV}, {_JSON} and the decoded pictures; "
    "without it the table is only printed",
  )
  parser.set_defaults(run=_realism)


def _add_decoders(parser: argparse.ArgumentParser) -> None:
  parser.add_argument(
    "--decoded",
    action="append",
    default=[],
    metavar="[NAME=]FOLDER",
    help="folder of decoded pictures with the names of the originals; may be "
    "repeated. Nothing is coded then",
  )
  parser.add_argument(
    "--model",
    help="codec: a run folder or the name of a model (default: "
    f"{offers.MODEL})",
  )
  parser.add_argument(
    "--head",
    action="append",
    default=[],
    metavar="[NAME=]RUN",
    help="folder or name of a realism head of the model; may be repeated, each "
    "with a name (default: the one that comes with the package, if any)",
  )
  parser.add_argument(
    "--strength",
    action="append",
    type=float,
    default=[],
    metavar="T",
    help="strength of the heads, above 0 up to 1; may be repeated (default: 1)",
  )
  rate = parser.add_mutually_exclusive_group()
  rate.add_argument(
    "--quality",
    type=float,
    help="quality of the files (default: the lowest, 1)",
  )
  rate.add_argument(
    "--bpp",
    type=float,
    help="largest rate of each file in bits per pixel, in place of a quality",
  )


def _realism(arguments: argparse.Namespace) -> int:
  if arguments.out:
    files.require_writable_folder(arguments.out)
  if arguments.side < 1:
    raise ValueError(f"--side is above 0; got {arguments.side}")
  folders.tell_passed_over_in(arguments.pictures)
  pictures = _pictures(arguments.pictures)
  specs = arguments.metric or measure.FIDELITY
  collector = measure.Judge(specs, side=arguments.side)
  with progress.Bar(len(pictures), every=_LINES) as bar:
    if arguments.decoded:
      found = _judge_folders(arguments, pictures, collector, bar)
    else:
      found = _judge(arguments, pictures, collector, bar)
  text = table.to_text(found.rows, side=arguments.side)
  if found.bpp is not None:
    text = f"{found.bpp.value:.4f} bits per pixel, the same files\n\n{text}"
  output.show(text)  # first, since it took long to measure
  if arguments.out:
    _write(arguments, found, text)
  return 0


def _judge(
  arguments: argparse.Namespace,
  pictures: dict[str, pathlib.Path],
  collector: measure.Judge,
  bar: progress.Bar,
) -> decoders.Judged:
  model = arguments.model or offers.MODEL
  codec = learned_codec.Hyperprior(model=model)
  heads: dict[str, files.PathLike] = dict(folders.named(arguments.head))
  if len(heads) == 1 and "=" not in arguments.head[0]:
    heads = {"": next(iter(heads.values()))}
  heads = heads or decoders.own_head(model)
  if arguments.strength and not heads:
    raise ValueError(
      f"no realism head for {model} comes with the package; give one "
      "with --head, or drop --strength"
    )
  chosen = decoders.strengths(model, heads, arguments.strength or [1.0])
  if arguments.bpp is None:
    quality = 1.0 if arguments.quality is None else arguments.quality

    def code(picture):  # type: ignore[no-untyped-def]  # NumPy comes late
      return codec.compress(picture, quality=quality)
  else:

    def code(picture):  # type: ignore[no-untyped-def]  # NumPy comes late
      found = targets.at_most_bpp(codec, picture, arguments.bpp)
      if not found.is_reached:
        raise ValueError(
          f"no quality of {model} takes at most {arguments.bpp:g} "
          f"bits per pixel for all of the pictures; the lowest one takes "
          f"{found.value:.4g}. Give a larger --bpp"
        )
      return found.data

  keep = pathlib.Path(arguments.out) / "decoded" if arguments.out else None
  return decoders.judge(
    pictures, code, chosen, collector, keep=keep, progress=bar.show
  )


def _judge_folders(
  arguments: argparse.Namespace,
  pictures: dict[str, pathlib.Path],
  collector: measure.Judge,
  bar: progress.Bar,
) -> decoders.Judged:
  others = (arguments.model, arguments.bpp, arguments.quality)
  if arguments.head or arguments.strength or any(n is not None for n in others):
    raise ValueError(
      "--decoded judges pictures as they are; drop --model, --head, "
      "--strength, --quality and --bpp, or --decoded"
    )
  named = folders.named(arguments.decoded)
  folders.tell_passed_over_in(named.values())
  decoded = {
    name: decoders.by_name(files.list_images(folder))
    for name, folder in named.items()
  }
  return decoders.judge_folders(pictures, decoded, collector, progress=bar.show)


def _write(
  arguments: argparse.Namespace, found: decoders.Judged, text: str
) -> None:
  out = pathlib.Path(arguments.out)
  files.write_text(out / _TABLE, text + "\n")
  files.write_text(out / _CSV, table.to_csv(found.rows))
  made = {
    "bits_per_pixel": None if found.bpp is None else found.bpp.value,
    "decoders": table.to_json(found.rows),
  }
  files.write_text(out / _JSON, json.dumps(made, indent=2) + "\n")
  conditions: dict[str, object] = {"Pictures": found.rows[0].pictures}
  if not arguments.decoded:
    model = arguments.model or offers.MODEL
    conditions["Model"] = files.resolved(model).name
  title = "Faithful and realistic decoders"
  page.write(
    out / _PAGE,
    found,
    title=title,
    side=arguments.side,
    conditions=conditions,
  )
  print(f"written: {out / _PAGE}", file=sys.stderr)


def _pictures(given: list[str]) -> dict[str, pathlib.Path]:
  """Returns the pictures of files and folders by name without suffix."""
  paths: list[pathlib.Path] = []
  for path in map(pathlib.Path, given):
    paths += files.list_images(path) if os.path.isdir(path) else [path]
  found = decoders.by_name(paths)
  if len(found) < 2:
    raise ValueError(
      f"realism is judged on two pictures or more; got {len(found)}"
    )
  return found

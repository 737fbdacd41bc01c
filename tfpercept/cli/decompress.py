"""`tfpercept decompress`: files of `compress` to pictures."""

from __future__ import annotations

import argparse
import pathlib
from typing import TYPE_CHECKING

from tfpercept import offers
from tfpercept.cli import (
  batch_files,
  coded_stats,
  compress,
  deferred,
  memory_option,
)

if TYPE_CHECKING:
  from tfpercept import codecs
  from tfpercept.codecs import files as codec_files
  from tfpercept.codecs.learned import model_lookup
  from tfpercept.io import files
else:
  codecs = deferred.module("tfpercept.codecs")
  codec_files = deferred.module("tfpercept.codecs.files")
  model_lookup = deferred.module("tfpercept.codecs.learned.model_lookup")
  files = deferred.module("tfpercept.io.files")


def add(commands: argparse._SubParsersAction) -> None:
  """Adds the command to the parser."""
  parser = commands.add_parser(
    "decompress",
    help="decompress .tfp files to pictures",
    description="Decompresses .tfp files to PNG, or to the format of --out by "
    "its suffix. Each file names the model that wrote it, which is looked up "
    "among those of the package and those of --model; a lossless file needs "
    "none.",
  )
  batch_files.add(parser, ".tfp file", "pictures")
  codec = parser.add_mutually_exclusive_group()
  add_model(codec)
  codec.add_argument(
    "--codec",
    metavar="SPEC",
    help="read files of another codec, such as jxl, instead of .tfp",
  )
  parser.add_argument(
    "--realism",
    type=float,
    default=0.0,
    metavar="T",
    help="strength of the realism head, 0 to 1. 0 is the faithful picture, "
    "nearest to the original; above 0 likely details are added, which may "
    "differ from the true ones. The file is the same (default: %(default)s)",
  )
  parser.add_argument(
    "--head",
    action="append",
    default=[],
    metavar="RUN",
    help="folder of a realism head that trainers.realism wrote, in place of "
    "those of the package; may be repeated, for files of several models",
  )
  parser.add_argument(
    "--max-pixels",
    type=int,
    default=offers.MAX_DECODED_PIXELS,
    metavar="N",
    help="largest number of pixels of a picture that is decoded; a file of a "
    "few bytes may ask for any number (default: %(default)s)",
  )
  compress.add_engine(parser)
  memory_option.add(parser)
  coded_stats.add(parser, "size, bits per pixel and seconds of decoding")
  parser.set_defaults(run=_decompress)


def add_model(parser: argparse._ActionsContainer) -> None:
  """Adds the option `--model`, which may be repeated."""
  parser.add_argument(
    "--model",
    action="append",
    default=[],
    metavar="RUN",
    help="run folder or model folder of a further model; may be repeated",
  )


def find_coded(
  folder: pathlib.Path,
  suffix: str = compress.SUFFIX,
  *,
  is_recursive: bool = False,
) -> list[pathlib.Path]:
  """Returns the files in a folder that have a suffix, by path.

  Args:
    folder: Path of the folder.
    suffix: Suffix of the files, with its dot.
    is_recursive: Whether the folders below are searched, too.

  Raises:
    ValueError: if there is none.
  """
  found = files.list_files(folder, (suffix,), is_recursive=is_recursive)
  if not found:
    raise ValueError(f"no file in {folder} ends in {suffix}")
  return found


def _require_head_in_use(arguments: argparse.Namespace) -> None:
  """Raises ValueError for options of realism that would do nothing."""
  if arguments.codec and (arguments.realism or arguments.head):
    raise ValueError(
      "--realism and --head apply to .tfp files only; remove them, or --codec"
    )
  if arguments.head and not arguments.realism:
    raise ValueError(
      "--head needs a strength above 0; give --realism=1 for all that the head "
      "adds"
    )


def _decompress(arguments: argparse.Namespace) -> int:
  compress.require_no_engine(arguments)
  _require_head_in_use(arguments)
  if arguments.max_pixels < 1:
    raise ValueError(f"--max-pixels is above 0; got {arguments.max_pixels}")
  memory_option.most(arguments)  # which may be wrong
  suffix, codec = compress.SUFFIX, None
  if arguments.codec:
    codec = codecs.get(arguments.codec)
    suffix = codec.suffix
  kinds = codec_files.suffixes(suffix)
  made = batch_files.plan(arguments, ".png", kinds)
  for job in made.jobs:
    if job.target:
      codec_files.require_picture_name(job.target)
  reader = codec or model_lookup.KnownModels(
    arguments.model,
    engine=arguments.engine,
    realism=arguments.realism,
    given_heads=arguments.head,
  )
  rows = []

  def work(job: batch_files.Job) -> None:
    with batch_files.target(job) as target:
      stats = codec_files.decompress_file(
        reader,
        batch_files.source(job),
        target,
        overwrite=arguments.overwrite,
        max_pixels=arguments.max_pixels,
        max_memory=memory_option.most(arguments),
      )
    if coded_stats.wanted(arguments):
      rows.append(coded_stats.row(job.name, stats))

  status = batch_files.carry_out(made, work, "decompressed")
  if coded_stats.wanted(arguments):
    coded_stats.show(arguments, rows, is_streamed=made.is_streamed)
  return status

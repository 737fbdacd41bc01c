"""`tfpercept decompress`: files of `compress` to pictures."""

from __future__ import annotations

import argparse
import pathlib
import time
from typing import TYPE_CHECKING

from tfpercept.cli import batch_files, coded_stats, compress, deferred

if TYPE_CHECKING:
  import numpy as np

  from tfpercept import codecs
  from tfpercept.codecs.bitstream import container
  from tfpercept.codecs.learned import model_lookup as known_models
  from tfpercept.evaluation.rate_distortion import file_stats as coded_files
  from tfpercept.io import files
else:
  np = deferred.module("numpy")
  codecs = deferred.module("tfpercept.codecs")
  container = deferred.module("tfpercept.codecs.bitstream.container")
  known_models = deferred.module("tfpercept.codecs.learned.model_lookup")
  coded_files = deferred.module(
    "tfpercept.evaluation.rate_distortion.file_stats"
  )
  files = deferred.module("tfpercept.io.files")

_PNG = "png(level=6)"  # for standard output


def add(commands: argparse._SubParsersAction) -> None:
  """Adds the command to the parser."""
  parser = commands.add_parser(
    "decompress",
    help="decompress .tfp files to pictures",
    description="Decompresses .tfp files to PNG, or to the format of --out by "
    "its suffix. Each file names the model that wrote it. The model is looked "
    "up among those of the package and those of --model.",
  )
  batch_files.add(parser, ".tfp file", "pictures")
  codec = parser.add_mutually_exclusive_group()
  add_model(codec)
  codec.add_argument(
    "--codec",
    metavar="SPEC",
    help="read files of another codec, such as jxl, instead of .tfp",
  )
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
  folder: pathlib.Path, suffix: str = compress.SUFFIX
) -> list[pathlib.Path]:
  """Returns the files directly in a folder that have a suffix, by name.

  Raises:
    ValueError: if there is none.
  """
  found = files.list_files(folder, (suffix,))
  if not found:
    raise ValueError(f"no file in {folder} ends in {suffix}")
  return found


def _decompress(arguments: argparse.Namespace) -> int:
  suffix, codec = compress.SUFFIX, None
  if arguments.codec:
    codec = codecs.get(arguments.codec)
    suffix = compress.suffix(codec)
  made = batch_files.plan(
    arguments, ".png", lambda folder: find_coded(folder, suffix)
  )
  for job in made.jobs:
    if job.target and job.target.suffix.lower() not in files.PICTURE_SUFFIXES:
      raise ValueError(
        f"{job.target} is no picture by its name; let it end in one of "
        f"{', '.join(files.PICTURE_SUFFIXES)}"
      )
  known = known_models.KnownModels(arguments.model)
  rows = []

  def work(job: batch_files.Job) -> None:
    data = batch_files.read_bytes(job.source, container.MAX_BYTES)
    reader = codec or known.codec_of(data)
    start = time.perf_counter()
    picture = reader.decompress(data)
    seconds = time.perf_counter() - start
    _write(job, picture)
    height, width = picture.shape[:2]
    rows.append(coded_files.Row(job.name, width, height, len(data), seconds))

  status = batch_files.carry_out(made, work, "decompressed")
  if coded_stats.wanted(arguments):
    coded_stats.show(arguments, rows, is_streamed=made.is_streamed)
  return status


def _write(job: batch_files.Job, picture: np.ndarray) -> None:
  if job.target:
    files.write_image(job.target, picture)
  else:
    batch_files.write_bytes(job, codecs.get(_PNG).compress(picture))

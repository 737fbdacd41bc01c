"""`tfpercept compress`: pictures to files of a codec."""

from __future__ import annotations

import argparse
import math
from typing import TYPE_CHECKING

from tfpercept import offers
from tfpercept.cli import (
  batch_files,
  coded_stats,
  deferred,
  memory_option,
  progress,
)
from tfpercept.io import picture_files

if TYPE_CHECKING:
  import numpy as np

  from tfpercept import codecs
  from tfpercept.codecs import files as codec_files
  from tfpercept.codecs.inversion import inversion_codec
  from tfpercept.codecs.learned import model_lookup, selftest
  from tfpercept.codecs.lossless import lossless_codec
  from tfpercept.evaluation.rate_distortion import file_stats
else:
  codecs = deferred.module("tfpercept.codecs")
  codec_files = deferred.module("tfpercept.codecs.files")
  inversion_codec = deferred.module(
    "tfpercept.codecs.inversion.inversion_codec"
  )
  model_lookup = deferred.module("tfpercept.codecs.learned.model_lookup")
  selftest = deferred.module("tfpercept.codecs.learned.selftest")
  lossless_codec = deferred.module("tfpercept.codecs.lossless.lossless_codec")
  file_stats = deferred.module(
    "tfpercept.evaluation.rate_distortion.file_stats"
  )

SUFFIX = ".tfp"
"""Suffix of the files of trained models."""


def add(commands: argparse._SubParsersAction) -> None:
  """Adds the command to the parser."""
  parser = commands.add_parser(
    "compress",
    help="compress pictures to .tfp files with a trained model",
    description="Compresses pictures with a trained model, or with another "
    "codec. Where that takes no more bytes, and in most drawings and text, a "
    ".tfp holds the picture exactly. Pixels are kept upright, in 8 bits, as "
    "sRGB or grey; colors with a profile are converted to sRGB. Transparency "
    "and camera data are not kept. Existing files are replaced only with "
    "--overwrite.",
  )
  batch_files.add(parser, "picture", "files")
  codec = parser.add_mutually_exclusive_group()
  codec.add_argument(
    "--model",
    metavar="RUN",
    help="run folder, model folder, or name of a model that comes with the "
    f"package (default: {offers.MODEL})",
  )
  codec.add_argument(
    "--codec",
    metavar="SPEC",
    help="use another codec, such as jpeg or 'webp(method=6)'; one of "
    f"{', '.join(offers.CODECS)}",
  )
  _add_quality(parser)
  _add_search(parser)
  parser.add_argument(
    "--lossless",
    choices=offers.LOSSLESS,
    default="auto",
    help="rule by which a .tfp holds the picture exactly. auto: where that "
    "takes no more bytes than the model, keeps the target of a rate or a size, "
    "or, at a quality, takes up to twice the bytes for text, charts and other "
    "drawings (default: auto)",
  )
  parser.add_argument(
    "--alpha",
    choices=offers.ALPHA,
    default="white",
    help="rule for transparency: lay the picture over white or black, ignore "
    "it, or report an error (default: white)",
  )
  add_engine(parser)
  memory_option.add(parser)
  coded_stats.add(
    parser, "size, bits per pixel, PSNR, MS-SSIM and seconds of encoding"
  )
  parser.set_defaults(run=_compress)


def _add_search(parser: argparse.ArgumentParser) -> None:
  """Adds the options of what is chosen for the very picture."""
  parser.add_argument(
    "--effort",
    type=int,
    default=0,
    metavar="N",
    help="number of rounds that refine the latents of the model for each "
    f"picture, 0 to {offers.MAX_EFFORT}. A round takes a few times as long as "
    "decompression; 4 rounds save about 5 %% of the bits. With a generator it "
    "is 50 steps of the search for its latent (default: 0)",
  )
  parser.add_argument(
    "--seconds",
    type=float,
    metavar="S",
    help="most seconds of each search for the latent of a generator, by the "
    "clock; a large picture has several, and a target takes seven of each. The "
    "files depend on the speed of the machine then (default: no limit)",
  )


def require_no_engine(arguments: argparse.Namespace) -> None:
  """Raises ValueError if an engine is named beside another codec."""
  if arguments.codec and arguments.engine != offers.ENGINES[0]:
    raise ValueError(
      "--engine applies to trained models; it does not go with --codec"
    )


def add_engine(parser: argparse.ArgumentParser) -> None:
  """Adds the option `--engine`."""
  parser.add_argument(
    "--engine",
    choices=offers.ENGINES,
    default=offers.ENGINES[0],
    help="what runs the networks of a model: NumPy, which starts at once, or "
    "TensorFlow; auto takes NumPy where that can do what is asked for, and "
    "TensorFlow for --effort. The files of one are read by the other "
    "(default: %(default)s)",
  )


def _add_quality(parser: argparse.ArgumentParser) -> None:
  quality = parser.add_mutually_exclusive_group()
  quality.add_argument(
    "--quality",
    type=float,
    help="quality; a larger value gives a better picture and a larger file. "
    "The models of the package take 1 to 8, and 4.5 by default",
  )
  quality.add_argument(
    "--target-bpp",
    type=float,
    metavar="BPP",
    help="use the best quality of at most this rate, in bits per pixel",
  )
  quality.add_argument(
    "--target-bytes",
    type=int,
    metavar="N",
    help="use the best quality whose whole file has at most N bytes",
  )
  quality.add_argument(
    "--target-psnr",
    type=float,
    metavar="DB",
    help="use the lowest quality of at least this PSNR, in dB",
  )


def _compress(arguments: argparse.Namespace) -> int:
  memory_option.most(arguments)  # which may be wrong
  given = (arguments.target_bpp, arguments.target_bytes, arguments.target_psnr)
  targets = [target for target in given if target is not None]
  for target in targets:
    if not 0 < target < math.inf:
      raise ValueError(f"a target is a number above 0; got {target:g}")
  if arguments.codec and arguments.effort:
    raise ValueError(
      "--effort applies to trained models; it does not go with --codec"
    )
  if arguments.seconds is not None:
    if not 0 < arguments.seconds < math.inf:
      raise ValueError(
        f"--seconds is a number above 0; got {arguments.seconds:g}"
      )
    if arguments.codec:
      raise ValueError(
        "--seconds does not go with --codec: give the seconds in the spec of a "
        "trained generator"
      )
  require_no_engine(arguments)
  codec = codecs.get(arguments.codec) if arguments.codec else None
  if arguments.lossless == "always":
    codec = _exact(arguments, codec)
  suffix = codec.suffix if codec else SUFFIX
  made = batch_files.plan(arguments, suffix, picture_files.SUFFIXES)
  for job in made.jobs:
    if job.target:
      codec_files.require_codec_name(suffix, job.target)
  if made.jobs and not codec:
    codec = _learned(arguments)
  if made.jobs and codec and arguments.quality is not None:
    _check_quality(codec, arguments.quality)
  rows: list[file_stats.Row] = []

  def work(job: batch_files.Job) -> None:
    assert codec is not None  # there is one where there are jobs
    _compress_one(codec, job, arguments, made.notes, rows)

  def watch(show: progress.Show) -> None:
    # For a target, each picture is searched several times from the start.
    if isinstance(codec, inversion_codec.Inversion) and not targets:
      codec.progress = lambda taken, steps, value: show(taken, steps)

  status = batch_files.carry_out(made, work, "compressed", watch=watch)
  if coded_stats.wanted(arguments):
    coded_stats.show(arguments, rows, is_streamed=made.is_streamed)
  return status


def _compress_one(
  codec: codecs.Codec,
  job: batch_files.Job,
  arguments: argparse.Namespace,
  notes: list[str],
  rows: list[file_stats.Row],
) -> None:
  """Does a job, and adds its notes and, if wanted, its row of `--stats`."""
  found = []

  def score(
    stats: codec_files.FileStats, picture: np.ndarray, data: bytes
  ) -> None:
    row = coded_stats.row(job.name, stats)
    found.append(file_stats.scored(row, picture, codec.decompress(data)))

  with batch_files.target(job) as target:
    stats = codec_files.compress_file(
      codec,
      batch_files.source(job),
      target,
      quality=arguments.quality,
      target_bpp=arguments.target_bpp,
      target_bytes=arguments.target_bytes,
      target_psnr=arguments.target_psnr,
      lossless=arguments.lossless,
      alpha=arguments.alpha,
      overwrite=arguments.overwrite,
      max_memory=memory_option.most(arguments),
      name=job.name,
      inspect=score if coded_stats.wanted(arguments) else None,
    )
  notes.extend(f"{job.name}: {note}" for note in stats.notes)
  rows.extend(found)


def _exact(
  arguments: argparse.Namespace, codec: codecs.Codec | None
) -> codecs.Codec:
  """Returns the codec of lossless files, which needs no model."""
  if codec and codec.suffix != SUFFIX:
    raise ValueError(
      f"--lossless=always is for {SUFFIX} files; --codec=png and "
      "--codec='webp(lossless=True)' are lossless, too"
    )
  given = (arguments.quality, arguments.target_bpp, arguments.target_bytes,
           arguments.target_psnr, arguments.seconds,
           arguments.model)  # fmt: skip
  is_set = any(value is not None for value in given) or arguments.effort
  if is_set or arguments.engine != offers.ENGINES[0]:
    raise ValueError(
      "--lossless=always has no model, engine, quality, target, effort or "
      "seconds; leave them out"
    )
  return lossless_codec.Lossless()


def _learned(arguments: argparse.Namespace) -> codecs.Codec:
  try:
    return model_lookup.opened(
      arguments.model or offers.MODEL,
      effort=arguments.effort,
      seconds=arguments.seconds,
      engine=arguments.engine,
    )
  except selftest.WrongArithmetic as error:
    raise ValueError(str(error)) from error


def _check_quality(codec: codecs.Codec, quality: float) -> None:
  low, high = codec.qualities[0], codec.qualities[-1]
  if not low <= quality <= high:
    raise ValueError(
      f"--quality of {codec.spec} is {low:g} to {high:g}; got {quality:g}"
    )

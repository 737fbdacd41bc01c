"""`tfpercept compress`: pictures to files of a codec."""

from __future__ import annotations

import argparse
import math
import time
from typing import TYPE_CHECKING

from tfpercept import offers
from tfpercept.cli import batch_files, coded_stats, deferred

if TYPE_CHECKING:
  import numpy as np

  from tfpercept import codecs
  from tfpercept.codecs import targets
  from tfpercept.codecs.bitstream import container
  from tfpercept.codecs.learned import learned_codec as hyperprior
  from tfpercept.codecs.learned import selftest
  from tfpercept.evaluation.rate_distortion import file_stats as coded_files
  from tfpercept.io import files
  from tfpercept.io import samples as bits
else:
  np = deferred.module("numpy")
  codecs = deferred.module("tfpercept.codecs")
  container = deferred.module("tfpercept.codecs.bitstream.container")
  hyperprior = deferred.module("tfpercept.codecs.learned.learned_codec")
  selftest = deferred.module("tfpercept.codecs.learned.selftest")
  targets = deferred.module("tfpercept.codecs.targets")
  coded_files = deferred.module(
    "tfpercept.evaluation.rate_distortion.file_stats"
  )
  files = deferred.module("tfpercept.io.files")
  bits = deferred.module("tfpercept.io.samples")

SUFFIX = ".tfp"
_SUFFIXES = {"hyperprior": SUFFIX, "jpeg": ".jpg", "jpeg2000": ".jp2"}


def add(commands: argparse._SubParsersAction) -> None:
  """Adds the command to the parser."""
  parser = commands.add_parser(
    "compress",
    help="compress pictures to .tfp files with a trained model",
    description="Compresses pictures with a trained model, or with another "
    "codec. The pixels are kept, upright, in 8 bits, as sRGB or grey. "
    "Transparency, color profile and camera data are not kept. Existing files "
    "are replaced only with --overwrite.",
  )
  batch_files.add(parser, "picture", "files")
  codec = parser.add_mutually_exclusive_group()
  codec.add_argument(
    "--model",
    default=offers.MODEL,
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
  parser.add_argument(
    "--effort",
    type=int,
    default=0,
    metavar="N",
    help="number of rounds that refine the latents of the model for each "
    f"picture, 0 to {offers.MAX_EFFORT}. A round takes a few times as long as "
    "decompression; 4 rounds save about 5 %% of the bits (default: 0)",
  )
  parser.add_argument(
    "--alpha",
    choices=offers.ALPHA,
    default="white",
    help="rule for transparency: lay the picture over white or black, ignore "
    "it, or report an error (default: white)",
  )
  coded_stats.add(
    parser, "size, bits per pixel, PSNR, MS-SSIM and seconds of encoding"
  )
  parser.set_defaults(run=_compress)


def _add_quality(parser: argparse.ArgumentParser) -> None:
  quality = parser.add_mutually_exclusive_group()
  quality.add_argument(
    "--quality",
    type=float,
    help="quality; a larger value gives a better picture and a larger file. "
    "Models usually take 1 to 8 (default: set by the codec)",
  )
  quality.add_argument(
    "--target-bpp",
    type=float,
    metavar="BPP",
    help="use the best quality of at most this rate, in bits per pixel",
  )
  quality.add_argument(
    "--target-psnr",
    type=float,
    metavar="DB",
    help="use the lowest quality of at least this PSNR, in dB",
  )


def suffix(codec: codecs.Codec) -> str:
  """Returns the suffix of a codec's files."""
  name = codec.registered_name
  return _SUFFIXES.get(name, f".{name}")


def _compress(arguments: argparse.Namespace) -> int:
  for target in (arguments.target_bpp, arguments.target_psnr):
    if target is not None and not 0 < target < math.inf:
      raise ValueError(f"a target is a number above 0; got {target:g}")
  if arguments.codec and arguments.effort:
    raise ValueError(
      "--effort applies to trained models; drop it beside --codec"
    )
  codec = codecs.get(arguments.codec) if arguments.codec else None
  made = batch_files.plan(
    arguments, suffix(codec) if codec else SUFFIX, files.list_images
  )
  if made.jobs and not codec:
    codec = _learned(arguments.model, arguments.effort)
  if made.jobs and codec and arguments.quality is not None:
    _check_quality(codec, arguments.quality)
  rows = []

  def work(job: batch_files.Job) -> None:
    assert codec is not None  # there is one where there are jobs
    picture = _picture(job, arguments.alpha, made.notes)
    start = time.perf_counter()
    data, quality = _encoded(codec, picture, job, arguments, made.notes)
    seconds = time.perf_counter() - start
    height, width = picture.shape[:2]
    row = coded_files.Row(job.name, width, height, len(data), seconds, quality)
    if coded_stats.wanted(arguments):
      row = coded_files.judged(row, picture, codec.decompress(data))
    batch_files.write_bytes(job, data)
    rows.append(row)

  status = batch_files.carry_out(made, work, "compressed")
  if coded_stats.wanted(arguments):
    coded_stats.show(arguments, rows, is_streamed=made.is_streamed)
  return status


def _learned(model: str, effort: int) -> codecs.Codec:
  try:
    return hyperprior.Hyperprior(model=model, effort=effort)
  except selftest.WrongArithmetic as error:
    raise ValueError(str(error)) from error


def _check_quality(codec: codecs.Codec, quality: float) -> None:
  low, high = codec.qualities[0], codec.qualities[-1]
  if not low <= quality <= high:
    raise ValueError(
      f"--quality of {codec.spec} is {low:g} to {high:g}; got {quality:g}"
    )


def _picture(job: batch_files.Job, alpha: str, notes: list[str]) -> np.ndarray:
  """Returns a job's picture in 8 bits."""
  samples = batch_files.read_picture(job, alpha)
  if samples.dtype == np.uint8:
    return samples
  notes.append(f"{job.name}: its 16 bits are reduced to 8")
  return bits.reduced(samples)


def _encoded(
  codec: codecs.Codec,
  picture: np.ndarray,
  job: batch_files.Job,
  arguments: argparse.Namespace,
  notes: list[str],
) -> tuple[bytes, float | None]:
  """Returns the file of a picture, and its quality if that is known."""
  if arguments.target_bpp is not None:
    found = targets.at_most_bpp(codec, picture, arguments.target_bpp)
    if not found.is_reached:
      notes.append(
        f"{job.name}: {arguments.target_bpp:g} bits per pixel are too few: at "
        f"the lowest quality, {found.quality:g}, it takes {found.value:.4g}"
      )
  elif arguments.target_psnr is not None:
    found = targets.at_least_psnr(codec, picture, arguments.target_psnr)
    if not found.is_reached:
      notes.append(
        f"{job.name}: a PSNR of {arguments.target_psnr:g} dB is too much: at "
        f"the highest quality, {found.quality:g}, it has {found.value:.2f}"
      )
  else:
    data = codec.compress(picture, quality=arguments.quality)
    return data, _quality(codec, data, arguments.quality)
  return found.data, found.quality


def _quality(
  codec: codecs.Codec, data: bytes, given: float | None
) -> float | None:
  """Returns the quality that was used for `given`, if it is known."""
  if data.startswith(container.MAGIC):
    step = container.read_header(data).header.quality
    return step / container.STEPS if step else None  # the model's only one
  return getattr(codec, "default_quality", None) if given is None else given

r"""Compresses pictures in bulk, by all cores or by a Spark cluster.

    python -m pipelines.compress --input=photos --output=compressed \
        --engine=spark --master=spark://host:7077

Each picture goes through the function of `tfpercept compress`. A rerun makes
only what is missing. What cannot be compressed is listed in
`OUTPUT/_job/failed.jsonl` and never ends the job; the summary is beside it. The
exit status is 0 if nothing failed, 1 if some did, 2 if all did.
"""

import dataclasses
import functools
import os
import sys

from pipelines import options, work
from programs import derived_flags, program
from tfpercept import offers, settings
from tfpercept.cli import output


@dataclasses.dataclass(frozen=True, kw_only=True)
class Compress(options.Bulk):
  """Bulk compression.

  Attributes:
    model: Run folder, model folder or name of a model; None for that of the
      package.
    codec: Spec of another codec; None for the model.
    quality: Quality; None for the codec's own.
    target_bpp: Rate in bits per pixel to stay below; None for a quality.
    lossless: Rule by which a file holds the picture exactly.
    alpha: Rule for transparency.
  """

  model: str | None = settings.option(
    None,
    f"Run folder, model folder or name of a model; by default {offers.MODEL}.",
  )
  codec: str | None = settings.option(
    None, "Spec of another codec, such as jpeg; by default the model is used."
  )
  quality: float | None = settings.option(
    None, "Quality; by default that of the codec."
  )
  target_bpp: float | None = settings.option(
    None, "Highest rate in bits per pixel, instead of a quality."
  )
  lossless: str = settings.option(
    "auto",
    "Rule by which a .tfp holds the picture exactly.",
    choices=offers.LOSSLESS,
  )
  alpha: str = settings.option(
    "white", "Rule for transparency.", choices=offers.ALPHA
  )


_FLAGS = derived_flags.Flags(Compress)


def _require_exact(asked: Compress) -> None:
  """Raises ValueError for what files without loss do not have."""
  given = (asked.model, asked.quality, asked.target_bpp)
  if any(value is not None for value in given) or asked.codec is not None:
    raise ValueError(
      "--lossless=always has no model, codec, quality or target; leave them out"
    )


def main() -> None:
  """Compresses what is missing, and prints the summary."""
  asked = _FLAGS.read()
  if asked.quality is not None and asked.target_bpp is not None:
    raise ValueError("give --quality or --target_bpp, not both")
  if asked.model is not None and asked.codec is not None:
    raise ValueError("give --model or --codec, not both")
  if asked.lossless == "always":
    _require_exact(asked)
  model = None if asked.codec else _absolute(asked.model or offers.MODEL)
  codec = work.opened(model, asked.codec)
  folder = os.path.abspath(asked.output)
  told = {
    "output": folder,
    "model": model,
    "codec": asked.codec,
    "identity": work.identity(codec),
    "quality": asked.quality,
    "target_bpp": asked.target_bpp,
    "lossless": asked.lossless,
    "alpha": asked.alpha,
  }
  with options.carried_out(
    asked,
    options.found(asked),
    work.compressor,
    told,
    target=functools.partial(work.target, folder, codec.suffix),
  ) as (_, summary):
    sizes = [summary.get(name, 0) / 1e6 for name in ("bytes_in", "bytes_out")]
    print(
      f"{summary['done']} of {summary['pictures']} pictures compressed, "
      f"{summary.get('made_before', 0)} of them by an earlier call: "
      f"{sizes[0]:.2f} MB to {sizes[1]:.2f} MB"
    )
  sys.exit(output.status(failures=summary["failed"], results=summary["done"]))


def _absolute(model: str) -> str:
  """Returns a folder by its whole path; a name stays as it is."""
  return os.path.abspath(model) if os.path.isdir(model) else model


if __name__ == "__main__":
  program.start(main)

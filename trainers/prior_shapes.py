"""Prints what another shape of the prior would save of a codec's bits.

    python -m trainers.prior_shapes --model=photo_mse --data=photos

The latents of a hyperprior are coded by normals, one for each of a ladder of
scales. Here the symbols of pictures are coded anew, by normals, Laplacians and
logistics whose scales are fitted for each step of the ladder, and by the shares
of the symbols themselves. What codes a picture is fitted on the other pictures
of the folder. No network is trained: a gain that is not there for the symbols
as they are is not worth the hours.
"""

import dataclasses

from programs import derived_flags, program
from tfpercept import codecs, settings, weights
from tfpercept.codecs.learned import reference_decoder
from tfpercept.evaluation.core import text_tables
from tfpercept.evaluation.rate_distortion import prior_shapes
from tfpercept.io import files


@dataclasses.dataclass(frozen=True, kw_only=True)
class Job(settings.Settings):
  """The table to print.

  Attributes:
    model: Name or folder of a model whose files hold hyper-latents.
    data: Folder of pictures, at least as many as folds.
    qualities: Qualities of the files.
  """

  model: str = settings.option("photo_mse", "Name or folder of the model.")
  data: str = settings.option(settings.REQUIRED, "Folder of pictures.")
  qualities: tuple[float, ...] = settings.option(
    (2.0, 5.0, 8.0), "Qualities of the files."
  )


_FLAGS = derived_flags.Flags(Job)


def main() -> None:
  job = _FLAGS.read()
  paths = files.list_images(job.data)
  if len(paths) < prior_shapes.FOLDS:
    raise ValueError(
      f"--data needs {prior_shapes.FOLDS} pictures or more, since each is "
      f"coded by what is fitted on others; {job.data} has {len(paths)}"
    )
  codec = codecs.get(f"hyperprior(model={job.model!r})")
  decoder = reference_decoder.ReferenceDecoder(weights.find(job.model))
  lines = [["quality", *prior_shapes.SHAPES]]
  for quality in job.qualities:
    found = []
    for path in paths:
      data = codec.compress(files.read_image(path)[..., :3], quality=quality)
      found.append(prior_shapes.counted(decoder.latents(data)))
    rates = prior_shapes.bits_per_pixel(found)
    lines.append([f"{quality:g}", *prior_shapes.cells(rates)])
  print(text_tables.aligned(lines))
  print(
    f"\nBits per pixel of the symbols of {len(paths)} pictures by {job.model}, "
    "without side information; in brackets the difference from "
    f"{next(iter(prior_shapes.SHAPES))}. Shapes are fitted for each scale, for "
    "a picture on the others."
  )


if __name__ == "__main__":
  program.start(main)

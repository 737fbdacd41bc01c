"""Draws the curve of a codec's training, from `validation.csv` of its run.

    python -m trainers.codec_curve --run=runs/long/photo_mse --out=curve.png

The training draws it too, each time that it measures; this is for another
place, or for a run of an older version.
"""

import dataclasses
import pathlib

from programs import derived_flags, program
from tfpercept import settings
from trainers import compression_validation


@dataclasses.dataclass(frozen=True, kw_only=True)
class Job(settings.Settings):
  """The curve to draw.

  Attributes:
    run: Folder of the run.
    out: Path of the picture, a PNG file.
  """

  run: str = settings.option(
    settings.REQUIRED, "Run folder of a training by trainers.compression."
  )
  out: str = settings.option(settings.REQUIRED, "PNG file to write.")


_FLAGS = derived_flags.Flags(Job)


def main() -> None:
  job = _FLAGS.read()
  curve = pathlib.Path(job.run) / compression_validation.FILE
  if not curve.exists():
    raise ValueError(
      f"{curve} is missing; the run was trained without --validation, or has "
      "not measured yet"
    )
  count = compression_validation.draw(curve, job.out)
  print(f"{count} measurements: {job.out}")


if __name__ == "__main__":
  program.start(main)

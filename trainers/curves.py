"""Draws the curves of trainings, from what they logged for TensorBoard.

    python -m trainers.curves --run=runs/a --run=runs/b --out=curves.png

Each scalar has axes of its own, with a line for each run. Trainings against a
critic draw theirs when they end; this is for several runs beside each other,
and for a run that is still going on.
"""

import dataclasses
import pathlib

from programs import derived_flags, program
from tfpercept import settings
from trainers import training_chart


@dataclasses.dataclass(frozen=True, kw_only=True)
class Job(settings.Settings):
  """The curves to draw.

  Attributes:
    run: Folders of the runs.
    tags: Starts of the names of the scalars that are drawn.
    out: Path of the picture, a PNG file.
  """

  run: tuple[str, ...] = settings.option(
    settings.REQUIRED,
    "Run folder of a trainer; may be repeated.",
    repeated=True,
  )
  tags: tuple[str, ...] = settings.option(
    (),
    "Start of the names of scalars to draw, such as train/loss or held_out; "
    "may be repeated. All are drawn if none is given.",
    repeated=True,
  )
  out: str = settings.option(settings.REQUIRED, "PNG file to write.")


_FLAGS = derived_flags.Flags(Job)


def main() -> None:
  job = _FLAGS.read()
  drawn = training_chart.draw(
    [pathlib.Path(run) for run in job.run], job.out, tags=job.tags
  )
  print(f"{', '.join(drawn)}: {job.out}")


if __name__ == "__main__":
  program.start(main)

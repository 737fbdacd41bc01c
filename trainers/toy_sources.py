"""Trains codecs of toy sources, and compares them with theory.

    python -m trainers.toy_sources --out=runs/toy_sources

trains vector quantizers, nonlinear and linear transform codecs of each source,
unless that has been done. It prints their losses beside the published ones and
the coding gains of transforms of an AR(1) source, and writes `table.md`,
`table.json` and `report.html`. If it is killed, the same command resumes it.
"""

import dataclasses
import pathlib

from programs import derived_flags, program
from tfpercept import settings, training
from tfpercept.evaluation.core import machine
from tfpercept.evaluation.toy_sources import page as toy_page
from tfpercept.io import files, folders
from trainers import toy_coding


@dataclasses.dataclass(frozen=True, kw_only=True)
class Settings(settings.Settings):
  """Settings of the comparison.

  Attributes:
    out: Folder of all trainings, the table and the page.
    source: Names of the sources.
    method: Names of the methods; None for all that suit a source.
    steps: Number of steps of each training; None for that of the source.
    seed: Seed of trainings and test sets.
    count: Number of vectors in a test set.
  """

  out: str = settings.option(
    settings.REQUIRED, "Folder of the trainings, the table and the page."
  )
  source: tuple[str, ...] = settings.option(
    tuple(toy_coding.EXPERIMENTS),
    "Source to compare; may be repeated.",
    choices=tuple(toy_coding.EXPERIMENTS),
    repeated=True,
  )
  method: tuple[str, ...] | None = settings.option(
    None,
    "Method to compare; may be repeated. By default all that suit the source.",
    choices=tuple(toy_coding.METHODS),
    repeated=True,
  )
  steps: int | None = settings.option(
    None,
    "Number of steps of each training; by default that of its source.",
    least=1,
  )
  seed: int = settings.option(0, "Seed of trainings and test sets.", least=0)
  count: int = settings.option(
    200_000, "Number of vectors in a test set.", least=2
  )


_FLAGS = derived_flags.Flags(Settings)


def main() -> None:
  asked = _FLAGS.read()
  out = pathlib.Path(asked.out).absolute()
  folders.require(out)
  results = [
    toy_coding.compare(
      spec,
      out,
      steps=asked.steps,
      seed=asked.seed,
      count=asked.count,
      only=asked.method or (),
    )
    for spec in asked.source
  ]
  table = toy_page.markdown(results)
  files.write_text(out / "table.md", table)
  files.write_json(out / "table.json", toy_page.to_json(results))
  steps = {
    f"Steps, {spec}": asked.steps or toy_coding.EXPERIMENTS[spec].steps
    for spec in asked.source
  }
  conditions = {
    "Test sets": f"{asked.count} vectors, seed {asked.seed}",
    **steps,
    **machine.facts(),
  }
  toy_page.write(out / "report.html", results, conditions=conditions)
  print(table)


if __name__ == "__main__":
  program.start(main, also=(training.NonFiniteError,))

"""Codecs of toy sources, and transforms of an AR(1) source, beside theory.

    python -m trainers.toy_sources --out=runs/toy_sources

trains vector quantisers, nonlinear and linear transform codecs of each source
where that has not been done, prints their losses beside the published ones, and
writes `table.md`, `table.json` and `report.html`. Killed at any moment, the
same command resumes it.
"""

import pathlib

from absl import flags

from programs import program
from tfpercept import training
from tfpercept.evaluation.core import machine
from tfpercept.evaluation.toy_sources import page as toy_page
from tfpercept.io import files, folders
from trainers import toy_coding

_OUT = flags.DEFINE_string("out", None, "Folder of all.", required=True)
_SOURCES = flags.DEFINE_multi_enum(
  "source",
  list(toy_coding.EXPERIMENTS),
  list(toy_coding.EXPERIMENTS),
  "May be repeated.",
)
_METHODS = flags.DEFINE_multi_enum(
  "method", None, list(toy_coding.METHODS), "Only these; may be repeated."
)
_STEPS = flags.DEFINE_integer(
  "steps", None, "Of each training; by default as its source needs.", 1
)
_SEED = flags.DEFINE_integer("seed", 0, "Of trainings and test sets.", 0)
_COUNT = flags.DEFINE_integer("count", 200_000, "Vectors of a test set.", 2)


def main() -> None:
  out = pathlib.Path(_OUT.value).absolute()
  folders.require(out)
  results = [
    toy_coding.compare(
      spec,
      out,
      steps=_STEPS.value,
      seed=_SEED.value,
      count=_COUNT.value,
      only=_METHODS.value or (),
    )
    for spec in _SOURCES.value
  ]
  table = toy_page.markdown(results)
  files.write_text(out / "table.md", table)
  files.write_json(out / "table.json", toy_page.to_json(results))
  steps = {
    f"Steps, {spec}": _STEPS.value or toy_coding.EXPERIMENTS[spec].steps
    for spec in _SOURCES.value
  }
  conditions = {
    "Test sets": f"{_COUNT.value} vectors, seed {_SEED.value}",
    **steps,
    **machine.facts(),
  }
  toy_page.write(out / "report.html", results, conditions=conditions)
  print(table)


if __name__ == "__main__":
  program.start(main, also=(training.NonFiniteError,))

"""Tunes distances on answers about JPEG, and prints what that gains.

    python -m trainers.tuning_table --out=runs/tuned

trains each distance on folds of the contents and once on all, by the presets,
unless that has been done; a training that was killed is resumed. It prints the
agreement on contents that were not trained on before and after, the gain over
MSE, and what becomes of other data, which no distance is trained on.
"""

import dataclasses
import functools
import pathlib

from programs import derived_flags, program
from tfpercept import settings
from tfpercept.data import judgement_layouts
from tfpercept.io import folders
from trainers import (
  preference_choices,
  preference_training,
  processes,
  tuning_report,
  tuning_rows,
)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Job(settings.Settings):
  """The table to print.

  Attributes:
    rows: Names of the distances that are tuned, of `tuning_rows.ROWS`.
    also: Folders of other judgements, which nothing is trained on. The first
      one holds forced choices.
    out: Folder of the trainings.
  """

  rows: tuple[str, ...] = settings.option(
    tuple(tuning_rows.ROWS),
    f"Distances to tune, of {', '.join(tuning_rows.ROWS)}.",
  )
  also: tuple[str, ...] = settings.option(
    ("../shared/data/gan_2afc", "../shared/data/iqa/tid2013_resynth"),
    "Folders of other judgements, on which the tuned distances are measured; "
    "relative to the repository, forced choices first.",
  )
  out: str = settings.option("runs/tuned", "Folder of the trainings.")

  def check(self) -> None:
    if not self.rows or not self.also:
      raise ValueError("--rows and --also name at least one each")
    if unknown := sorted(set(self.rows) - tuning_rows.ROWS.keys()):
      raise ValueError(
        f"--rows takes names of {', '.join(tuning_rows.ROWS)}; got "
        f"{', '.join(unknown)}"
      )


_FLAGS = derived_flags.Flags(Job)


def main() -> None:
  """Trains what is missing, then prints the tables."""
  job = _FLAGS.read()
  out = pathlib.Path(job.out).absolute()
  folders.require(out)
  others = [
    found
    for place in job.also
    for found in judgement_layouts.load(processes.ROOT / place)
  ]
  for found in others:
    tuning_report.require_scores(found)
  for name in job.rows:
    _train(out, name, judge_by=job.also[0])
  data = tuning_report.trained_on(out / job.rows[0])
  before, after = {}, {}
  for name in job.rows:
    spec = tuning_rows.ROWS[name].spec
    before[spec], after[spec] = tuning_report.held_out(out / name)
  base = tuning_report.measured(
    tuning_report.BASELINE, data, out / "baseline.jsonl"
  )
  after[tuning_report.BASELINE] = base
  if set(tuning_rows.JOINT) <= set(job.rows):
    terms = [
      tuning_report.held_out(out / name, is_scaled=True)[1]
      for name in tuning_rows.JOINT
    ]
    after[f"{' + '.join(tuning_rows.JOINT)}, tuned"] = tuning_report.added(
      terms
    )
  print("\n".join(tuning_report.gains(data, before, after)))
  trained = {
    tuning_rows.ROWS[name].spec: out / f"{name}_all" for name in job.rows
  }
  for found in others:
    lines = tuning_report.elsewhere(trained, tuning_report.normal(found))
    print("\n".join(["", *lines]))


def _train(out: pathlib.Path, name: str, *, judge_by: str) -> None:
  """Trains a distance on folds, and on all contents."""
  row = tuning_rows.ROWS[name]
  train = functools.partial(
    processes.train,
    "watson",
    preset=processes.PRESETS / f"{row.preset}.flags",
    holds=preference_training.VALUES,
    identify=functools.partial(preference_choices.identity_of, layout="auto"),
  )
  flags = (f"--distance={row.spec}", *row.more)
  runs = [f"fold_{i}" for i in range(tuning_rows.FOLDS)]
  train(out / name, *flags, f"--folds={tuning_rows.FOLDS}", runs=runs)
  train(out / f"{name}_all", *flags, "--folds=0", f"--judge_by={judge_by}")


if __name__ == "__main__":
  program.start(main)

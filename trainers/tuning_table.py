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
)

FOLDS = 5


@dataclasses.dataclass(frozen=True)
class Row:
  """A distance that is tuned.

  Attributes:
    spec: Spec of the distance before it is tuned.
    preset: Name of the preset.
    more: Flags that come after those of the preset.
  """

  spec: str
  preset: str
  more: tuple[str, ...] = ()


# The cosine form begins with thresholds of people, and so near its end; in the
# Fourier form they are equal at first.
_DCT = ("--learning_rate=1e-2", "--pull=3e-4")
# The weights of the sum give each term the same mean over mucped23.
ROWS = {
  "watson_dft": Row("watson_dft", "judged_jpeg"),
  "watson_dct": Row("watson_dct", "judged_jpeg", _DCT),
  "watson_dft_gray": Row("watson_dft(channels=1)", "judged_jpeg"),
  "watson_dct_gray": Row("watson_dct(channels=1)", "judged_jpeg", _DCT),
  "lpips": Row("lpips", "judged_jpeg_linear"),
  "sum": Row(
    "3000.0*mse + 97.0*mae + 22.0*ssim + 111.0*ms_ssim + 23.0*nlpd",
    "judged_jpeg_linear",
  ),
}
JOINT = ("watson_dft", "lpips", "sum")
"""Rows whose tuned distances, each divided by its mean, are also added up."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Job(settings.Settings):
  """The table to print.

  Attributes:
    rows: Names of the distances that are tuned, of `ROWS`.
    also: Folders of other judgements, which nothing is trained on. The first
      one holds forced choices.
    out: Folder of the trainings.
  """

  rows: tuple[str, ...] = settings.option(
    tuple(ROWS), f"Distances to tune, of {', '.join(ROWS)}."
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
    if unknown := sorted(set(self.rows) - ROWS.keys()):
      raise ValueError(
        f"--rows takes names of {', '.join(ROWS)}; got {', '.join(unknown)}"
      )


_FLAGS = derived_flags.Flags(Job)


def main() -> None:
  """Trains what is missing, then prints the tables."""
  job = _FLAGS.read()
  out = pathlib.Path(job.out).absolute()
  folders.require(out)
  for name in job.rows:
    _train(out, name, judge_by=job.also[0])
  data = tuning_report.trained_on(out / job.rows[0])
  before, after = {}, {}
  for name in job.rows:
    spec = ROWS[name].spec
    before[spec], after[spec] = tuning_report.held_out(out / name)
  base = tuning_report.measured(
    tuning_report.BASELINE, data, out / "baseline.json"
  )
  after[tuning_report.BASELINE] = base
  if set(JOINT) <= set(job.rows):
    terms = [
      tuning_report.held_out(out / name, is_scaled=True)[1] for name in JOINT
    ]
    after[f"{' + '.join(JOINT)}, tuned"] = tuning_report.added(terms)
  print("\n".join(tuning_report.gains(data, before, after)))
  trained = {ROWS[name].spec: out / f"{name}_all" for name in job.rows}
  for place in job.also:
    for found in judgement_layouts.load(processes.ROOT / place):
      lines = tuning_report.elsewhere(trained, tuning_report.normal(found))
      print("\n".join(["", *lines]))


def _train(out: pathlib.Path, name: str, *, judge_by: str) -> None:
  """Trains a distance on folds, and on all contents."""
  row = ROWS[name]
  train = functools.partial(
    processes.train,
    "watson",
    preset=processes.PRESETS / f"{row.preset}.flags",
    holds=preference_training.VALUES,
    identify=functools.partial(preference_choices.identity_of, layout="auto"),
  )
  flags = (f"--distance={row.spec}", *row.more)
  runs = [f"fold_{i}" for i in range(FOLDS)]
  train(out / name, *flags, f"--folds={FOLDS}", runs=runs)
  train(out / f"{name}_all", *flags, "--folds=0", f"--judge_by={judge_by}")


if __name__ == "__main__":
  program.start(main)

"""Tunes Watson's distances, LPIPS or a sum on people's forced choices.

    python -m trainers.watson --flagfile=trainers/presets/watson_bapps.flags \
        --distance=watson_dft --data=bapps/2afc/train \
        --judge_by=bapps/2afc/val --out=runs/watson
    python -m trainers.watson --flagfile=trainers/presets/judged_gan.flags \
        --leave_one_out --out=runs/judged

Prints the agreement with people on held-out choices, before and after, and
writes it with curves to the run's folder. If the training is killed, the same
command resumes it.
"""

import dataclasses

from absl import flags, logging

from programs import derived_flags, program
from tfpercept import settings, training
from tfpercept.data import judgement_layouts
from trainers import (
  preference_choices,
  preference_report,
  preference_settings,
  preference_training,
  run_flags,
)

_FURTHER = (
  "train its weights.npz further, in a new --out: "
  "--distance=\"NAME(weights='OUT/weights.npz')\""
)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Job(settings.Settings):
  """The trainings to do.

  Attributes:
    distance: Specs of the distances, each of which is trained.
    layout: Layout of the data, one of `data.judgement_layouts.LAYOUTS` or
      `"auto"`.
    leave_one_out: Whether to train once for each content, on the others.
    folds: Number of trainings, each of which holds out another part of the
      contents; 0 for one training.
  """

  distance: tuple[str, ...] = settings.option(
    settings.REQUIRED, "Spec of the distance; may be repeated.", repeated=True
  )
  layout: str = settings.option(
    "auto",
    "Layout of the judgements.",
    choices=("auto", *judgement_layouts.LAYOUTS),
  )
  leave_one_out: bool = settings.option(
    False, "Train once for each content, on the others."
  )
  folds: int = settings.option(
    0,
    "Number of trainings, each of which holds out another part of the "
    "contents; 0 trains once.",
    least=0,
  )


flags.adopt_module_key_flags(run_flags)  # so that --help lists them
_SETTINGS = derived_flags.Flags(preference_settings.Settings)
_JOB = derived_flags.Flags(Job)


def main() -> None:
  job = _JOB.read()
  run = run_flags.run(_SETTINGS.read(), longer=_FURTHER)
  own = run.settings
  sources = {
    "data": preference_choices.identity_of(own.data, job.layout),
    "judge_by": preference_choices.identity_of(own.judge_by, job.layout),
  }
  run = dataclasses.replace(run, sources=sources)
  splits = _splits(own, job, run.seed)
  outcomes: dict[str, list[preference_training.Outcome]] = {}
  for number, spec in enumerate(job.distance):
    part = f"distance_{number}" if len(job.distance) > 1 else ""
    outcomes[spec] = preference_training.train_all(
      dataclasses.replace(run, out=run.out / part, loss=spec), splits
    )
  preference_report.write(outcomes, run)
  print(preference_report.to_text(outcomes, run))


def _splits(
  own: preference_settings.Settings, job: Job, seed: int
) -> dict[str, preference_choices.Split]:
  """Returns choices to train on and held-out choices, by name of a folder."""
  given = {
    "leave_one_out": job.leave_one_out,
    "folds": job.folds,
    "judge_by": own.judge_by,
    "held_out": own.held_out,
  }
  first, *others = [*filter(given.get, given), ""]
  if any(others):
    # No error: folders of runs that were begun so are to be resumed.
    logging.warning(
      "--%s says what is not trained on; %s has no effect beside it",
      first,
      " and ".join(f"--{name}" for name in others if name),
    )
  data = preference_choices.load(own.data, job.layout)
  if job.leave_one_out:
    return preference_choices.leave_one_out(data)
  if job.folds:
    return preference_choices.folds(data, job.folds, seed=seed)
  if own.judge_by:
    return {"": (data, preference_choices.load(own.judge_by, job.layout))}
  held_out = own.held_out or preference_choices.some_contents(data, seed=seed)
  return {"": preference_choices.split(data, held_out)}


if __name__ == "__main__":
  program.start(main, also=(training.NonFiniteError,))

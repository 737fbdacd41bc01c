"""Tunes Watson, LPIPS or a weighted sum on people's forced choices.

    python -m trainers.watson --flagfile=trainers/presets/watson_bapps.flags \
        --distance=watson_dft --data=bapps/2afc/train \
        --judge_by=bapps/2afc/val --out=runs/watson
    python -m trainers.watson --flagfile=trainers/presets/judged_gan.flags \
        --leave_one_out --out=runs/judged

Prints agreement with people on choices that were not trained on, before and
after, and writes it with curves to the run's folder. Killed at any moment, the
same command resumes it.
"""

import dataclasses
import hashlib
import os

from absl import flags

from programs import program
from tfpercept import training
from tfpercept.data import judgement_layouts, judgements
from tfpercept.tasks import agreement
from trainers import preference_report, preference_training, run_flags

flags.adopt_module_key_flags(run_flags)  # so that --help lists them
_DISTANCE = flags.DEFINE_multi_string(
  "distance", None, "Spec of the distance; may be repeated.", required=True
)
_DATA = flags.DEFINE_multi_string(
  "data", None, "Folder of forced choices; may be repeated.", required=True
)
_LAYOUT = flags.DEFINE_enum(
  "layout", "auto", ("auto", *judgement_layouts.LAYOUTS), "Of the data."
)
_HEAD = flags.DEFINE_enum(
  "head", "ratio", tuple(agreement.HEADS), "From two distances to a choice."
)
_PATCH = flags.DEFINE_integer("patch", 64, "Side of the crops.", 8)
_BATCH = flags.DEFINE_integer("batch", 50, "Triplets in a batch.", 1)
_BETA_1 = flags.DEFINE_float("beta_1", 0.5, "Of Adam.", 0.0, 1.0)
_EPOCHS = flags.DEFINE_integer(
  "epochs", 0, "Passes over the data; 0: as many as --steps allow.", 0
)
_HELD_OUT = flags.DEFINE_list(
  "held_out", [], "Contents not to train on; a fifth of them by default."
)
_JUDGE_BY = flags.DEFINE_multi_string(
  "judge_by", [], "Folder of other choices to judge by: none is held out then."
)
_LEAVE_ONE_OUT = flags.DEFINE_bool(
  "leave_one_out", False, "Train once for each content, on the others."
)

_LONGEST = 255  # bytes of a name, on most disks


def main() -> None:
  run = run_flags.run(
    {
      "data": _DATA.value,
      "judge_by": _JUDGE_BY.value,
      "held_out": _HELD_OUT.value,
      "head": _HEAD.value,
      "patch": _PATCH.value,
      "batch": _BATCH.value,
      "beta_1": _BETA_1.value,
      "epochs": _EPOCHS.value,
    },
    longer="train its weights.npz further, in a new --out: "
    "--distance=\"NAME(weights='OUT/weights.npz')\"",
  )
  sources = {
    "data": preference_training.identity_of(_DATA.value, _LAYOUT.value),
    "judge_by": preference_training.identity_of(_JUDGE_BY.value, _LAYOUT.value),
  }
  run = dataclasses.replace(run, sources=sources)
  splits = _splits(
    preference_training.load(_DATA.value, _LAYOUT.value), run.seed
  )
  outcomes = {}
  for number, spec in enumerate(_DISTANCE.value):
    outcomes[spec] = []
    for name, (train_on, judge_by) in splits.items():
      part = f"distance_{number}" if len(_DISTANCE.value) > 1 else ""
      folder = run.out / part / name
      one = dataclasses.replace(run, out=folder, loss=spec)
      outcomes[spec].append(preference_training.train(one, train_on, judge_by))
  preference_report.write(outcomes, run)
  print(preference_report.to_text(outcomes, run))


def _folder(content: str) -> str:
  """Returns the folder of the training that does not see a content."""
  name = f"without_{content}"
  if max(len(os.fsencode(part)) for part in name.split("/")) > _LONGEST:
    digest = hashlib.blake2b(os.fsencode(content), digest_size=12)
    return f"without_{digest.hexdigest()}"
  return name


def _splits(
  data: judgements.Judgements, seed: int
) -> dict[str, tuple[judgements.Judgements, judgements.Judgements]]:
  """Returns what to train on and what to judge by, by name of a folder."""
  if _LEAVE_ONE_OUT.value:
    return {
      _folder(content): preference_training.split(data, [content])
      for content in data.contents
    }
  if _JUDGE_BY.value:
    return {
      "": (data, preference_training.load(_JUDGE_BY.value, _LAYOUT.value))
    }
  held_out = _HELD_OUT.value or preference_training.some_contents(
    data, seed=seed
  )
  return {"": preference_training.split(data, held_out)}


if __name__ == "__main__":
  program.start(main, also=(training.NonFiniteError,))

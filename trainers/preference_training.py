"""Training on people's choices, and what comes of it."""

import dataclasses
from collections.abc import Container, Mapping
from typing import TypeAlias

import keras
from absl import logging

from tfpercept import distances, training
from tfpercept.data import judged_contents, judged_crops, judgements
from tfpercept.evaluation.agreement import scores as agreement
from tfpercept.io import files
from tfpercept.tasks import agreement as agreement_task
from tfpercept.training import run as run_lib
from trainers import (
  preference_choices,
  preference_curve,
  preference_parts,
  preference_settings,
  preference_stopping,
  tuned_distances,
)

VALUES = "values.json"
"""File of a run with the values on held-out choices, before and after."""
_KEPT = 1 << 30  # bytes of pictures in memory; those of mucped23 take 0.7 GB
Crops: TypeAlias = (
  judged_crops.TripletCrops
  | judged_contents.ContentCrops
  | judged_contents.ContentParts
)
_PARTS = 10  # parts of the schedule if no epochs are given


@dataclasses.dataclass(frozen=True)
class Outcome:
  """Outcome of the training of a distance, on held-out judgements.

  Attributes:
    held_out: Held-out judgements.
    before: Values of the distance as it was given, by pair.
    after: Values of the trained distance, by pair.
    curve: Agreement by step, on the judgements of `watched`.
    watched: Names of the contents of the curve: those that choose the step, or
      those held out where none do.
    step: The step that the weights are of.
    spec: Spec of the trained distance; its weights are in the run's folder.
    run: The run, with the steps that were taken.
  """

  held_out: judgements.Judgements
  before: dict[judgements.PairKey, float]
  after: dict[judgements.PairKey, float]
  curve: dict[int, float]
  watched: tuple[str, ...]
  step: int
  spec: str
  run: training.Run[preference_settings.Settings]


def train(
  run: training.Run[preference_settings.Settings],
  train_on: judgements.Judgements,
  held_out: judgements.Judgements,
  *,
  parts: preference_parts.Parts | None = None,
  cache: judgements.Cache | None = None,
) -> Outcome:
  """Trains a distance, or resumes it, and writes it to `run.out`.

  Args:
    run: The run, whose loss is the distance. Epochs other than 0 decide how
      many steps there are.
    train_on: Forced choices. Those between the reference itself and another
      image teach a distance nothing and are left out.
    held_out: Forced choices that are not trained on.
    parts: The terms that the distance weighs, for all pairs, if whole pictures
      are learned from.
    cache: Cache of the pictures, which other trainings may share.

  Raises:
    ValueError: if the distance has nothing to train or does not fit the patch,
      pictures cannot be read, which it names, all of them, or the folder holds
      another run.
  """
  own = run.settings
  _require_one_device(run)
  cache = judgements.Cache(_KEPT) if cache is None else cache
  # Folds of another number have the same folders and other contents.
  split = preference_choices.identity_of_split((train_on, held_out))
  train_on = train_on.only(lambda item: item.reference not in item.images)
  stop_by = None
  if own.stop_by:
    train_on, stop_by = preference_choices.some_for_stopping(
      train_on, own.stop_by, seed=run.seed
    )
    stop_by = _readable(stop_by, cache, skip=own.skip_damaged)
  crops = _crops(train_on, run, cache, parts)
  if own.epochs:
    run = dataclasses.replace(run, steps=own.epochs * crops.steps_per_epoch)
  run = run.on(contents=lambda: split)
  held_out = _readable(held_out, cache, skip=own.skip_damaged)
  measure = preference_curve.Measure(distances.get(run.loss), cache, parts)
  before = measure(held_out)
  task, optimizer = _task(run)
  distance = task.network.distance
  measure = preference_curve.Measure(distance, cache, parts)
  # Where contents are kept to stop by, the curve is of their choices.
  watch = (
    preference_curve.Curve(measure, held_out, run)
    if stop_by is None
    else preference_stopping.Best(task.network, measure, stop_by, run)
  )
  training.fit(task, crops, run, optimizer=optimizer, extra_callbacks=[watch])
  watch.measure(run.steps)  # if the run was killed after its last checkpoint
  step = run.steps
  if isinstance(watch, preference_stopping.Best):
    watch.restore()
    step = watch.step
  after = measure(held_out)
  spec = tuned_distances.write(distance, run.out)
  watched = tuple((held_out if stop_by is None else stop_by).contents)
  outcome = Outcome(
    held_out, before, after, watch.curve, watched, step, spec, run
  )
  _write(outcome)
  return outcome


def _require_one_device(
  run: training.Run[preference_settings.Settings],
) -> None:
  """Raises ValueError where several devices would share a batch of contents."""
  own = run.settings
  if run.strategy != "none" and (own.by_content or own.whole_pictures):
    raise ValueError(
      "--by_content and --whole_pictures give all answers of a batch at once, "
      f"which no devices share; drop --strategy={run.strategy}"
    )


def train_all(
  run: training.Run[preference_settings.Settings],
  splits: Mapping[str, preference_choices.Split],
) -> list[Outcome]:
  """Trains a distance on each of several splits.

  Args:
    run: The run, whose folder gets a folder for each split.
    splits: Judgements to train on, and held-out ones, by name of the folder.

  Returns:
    The outcomes in the order of the splits.

  Raises:
    ValueError: for the reasons of `train`.
  """
  parts: preference_parts.Parts | None = None
  cache = judgements.Cache(_KEPT)
  if run.settings.whole_pictures:
    parts, skip = {}, run.settings.skip_damaged
    splits = {
      name: (
        _readable(train_on, cache, skip=skip),
        _readable(held_out, cache, skip=skip),
      )
      for name, (train_on, held_out) in splits.items()
    }
    for split in splits.values():
      for data in split:
        parts |= preference_parts.measure(run.loss, data, run.out)
  return [
    train(
      dataclasses.replace(run, out=run.out / name),
      *split,
      parts=parts,
      cache=cache,
    )
    for name, split in splits.items()
  ]


def _write(outcome: Outcome) -> None:
  """Writes the card of an outcome, and the values that it rests on."""
  out = outcome.run.out
  files.write_text(out / "README.md", _card(outcome))
  values = {"before": outcome.before, "after": outcome.after}
  files.write_json(
    out / VALUES,
    {
      name: [[*pair, value] for pair, value in found.items()]
      for name, found in values.items()
    },
  )


def _task(
  run: training.Run[preference_settings.Settings],
) -> tuple[agreement_task.Agreement, keras.optimizers.Optimizer]:
  """Returns the task of a run and its optimizer."""
  own = run.settings
  with training.prepare(run).scope():
    distance = distances.get(run.loss)
    if not own.whole_pictures:
      distance.validate(own.patch, own.patch)
    network = agreement_task.Judge(distance, own.head)
    if own.whole_pictures:
      preference_parts.freeze_terms(distance)
    tuned_distances.parameters(distance)  # raises before what `write` would
    task = agreement_task.Agreement(
      network, seed=run.seed, drops=own.dropout, pull=own.pull
    )
    optimizer = keras.optimizers.Adam(
      training.steady_then_linear(
        run.learning_rate, steps=run.steps, epochs=own.epochs or _PARTS
      ),
      beta_1=own.beta_1,
    )
  return task, optimizer


def _crops(
  data: judgements.Judgements,
  run: training.Run[preference_settings.Settings],
  cache: judgements.Cache,
  parts: preference_parts.Parts | None = None,
) -> Crops:
  """Returns crops of choices that can all be drawn, or terms of whole pairs."""
  own = run.settings
  if parts is not None:
    return judged_contents.ContentParts(
      data, parts, batch=own.batch, seed=run.seed
    )
  triplets = judged_crops.TripletCrops(
    data,
    patch=own.tile or own.patch,
    batch=own.batch,
    seed=run.seed,
    cache=cache,
  )
  # Those of a run that was begun were looked at then.
  if own.skip_damaged or not (run.out / run_lib.SETTINGS).exists():
    wrong = triplets.problems()
    _report(wrong, len(data.items), skip=own.skip_damaged)
    data = _without(data, wrong)
  options = {"patch": own.patch, "batch": own.batch, "seed": run.seed}
  if not own.by_content:
    return judged_crops.TripletCrops(data, **options, cache=cache)
  return judged_contents.ContentCrops(
    data, **options, tile=own.tile, cache=cache
  )


def _readable(
  data: judgements.Judgements, cache: judgements.Cache, *, skip: bool
) -> judgements.Judgements:
  """Returns choices between pictures that can be read."""
  wrong = {}
  for place, item in enumerate(data.items):
    try:
      for picture in (item.reference, *item.images):
        cache(picture)
    except ImportError:
      raise
    except (ValueError, OSError) as error:
      wrong[place] = str(error)
  _report(wrong, len(data.items), skip=skip)
  return _without(data, wrong)


def _without(
  data: judgements.Judgements, places: Container[int]
) -> judgements.Judgements:
  kept = (item for i, item in enumerate(data.items) if i not in places)
  return dataclasses.replace(data, items=tuple(kept))


def _report(wrong: dict[int, str], count: int, *, skip: bool) -> None:
  """Raises ValueError with all that is wrong, or logs what is left out."""
  reasons = list(dict.fromkeys(wrong.values()))
  if wrong and (not skip or len(wrong) == count):
    raise ValueError(
      f"{len(wrong)} of {count} choices cannot be used: {'; '.join(reasons)}. "
      "Mend or remove them, or leave them out with --skip_damaged."
    )
  for why in reasons:
    logging.warning("left out: %s", why)


def _card(outcome: Outcome) -> str:
  run, own, held_out = outcome.run, outcome.run.settings, outcome.held_out
  scores = [
    agreement.agreement(held_out, values)["2afc"].value
    for values in (outcome.before, outcome.after)
  ]
  people = "".join(
    f", {row['2afc'].value:.3f} {name}"
    for name, row in agreement.people(held_out).items()
  )
  return f"""# {run.loss}, tuned on people's choices

- Load: `distances.get({outcome.spec!r})`.

| | |
| --- | --- |
| Data | {", ".join(own.data)}; its terms hold for these weights too |
| Steps | {run.steps} of {preference_settings.drawn(own)}, with the answers \
given for the whole picture |
| Optimizer | Adam, {run.learning_rate:g}, beta_1 {own.beta_1:g}, \
steady for half of the run, then falling |
| Head | {own.head} |
| Seed | {run.seed} |
| Weights of | step {outcome.step} |
| Judged by | {len(held_out.items)} choices on {len(held_out.contents)} \
contents |
| Agreement there, whole pictures | {scores[0]:.3f} before, {scores[1]:.3f} \
after{people} |
"""

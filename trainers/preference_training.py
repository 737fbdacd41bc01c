"""Training on people's choices: its settings, and what follows from them."""

import dataclasses
from collections.abc import Container

import keras
from absl import logging

from tfpercept import distances, settings, training
from tfpercept.data import judged_crops, judgements
from tfpercept.evaluation.agreement import scores as agreement
from tfpercept.io import files
from tfpercept.tasks import agreement as agreement_task
from tfpercept.training import run as run_lib
from trainers import preference_curve, shared_settings, tuned_distances

_PARTS = 10  # parts of the schedule if no epochs are given


@dataclasses.dataclass(frozen=True, kw_only=True)
class Settings(shared_settings.Trainer):
  """Settings of a training on people's choices.

  Attributes:
    data: Folders of forced choices.
    judge_by: Folders of other choices, which agreement is measured on.
    held_out: Contents that are not trained on; a fifth of them if empty.
    head: Way from two distances to a choice, one of `tasks.agreement.HEADS`.
    patch: Side of the crops, in pixels.
    batch: Number of triplets in a batch.
    beta_1: Momentum of Adam.
    epochs: Number of passes over the data; 0 for as many as the steps of the
      run allow.
  """

  data: tuple[str, ...] = settings.option(
    settings.REQUIRED,
    "Folder of forced choices; may be repeated.",
    repeated=True,
  )
  judge_by: tuple[str, ...] = settings.option(
    (),
    "Folder of other choices, on which agreement is measured; may be repeated. "
    "No content of --data is held out then.",
    repeated=True,
  )
  held_out: tuple[str, ...] = settings.option(
    (), "Names of held-out contents; by default a fifth of them."
  )
  head: str = settings.option(
    "ratio",
    "Function from two distances to a choice.",
    choices=tuple(agreement_task.HEADS),
  )
  patch: int = settings.option(64, "Side of the crops, in pixels.", least=8)
  batch: int = settings.option(50, "Number of triplets in a batch.", least=1)
  beta_1: float = settings.option(0.5, "Momentum of Adam.", least=0.0, most=1.0)
  epochs: int = settings.option(
    0,
    "Number of passes over the data; 0 uses --steps instead.",
    least=0,
  )


@dataclasses.dataclass(frozen=True)
class Outcome:
  """Outcome of the training of a distance, on held-out judgements.

  Attributes:
    held_out: Held-out judgements.
    before: Values of the distance as it was given, by pair.
    after: Values of the trained distance, by pair.
    curve: Agreement on the held-out judgements, or a part of them, by step.
    spec: Spec of the trained distance; its weights are in the run's folder.
    run: The run, with the steps that were taken.
  """

  held_out: judgements.Judgements
  before: dict[judgements.PairKey, float]
  after: dict[judgements.PairKey, float]
  curve: dict[int, float]
  spec: str
  run: training.Run[Settings]


def train(
  run: training.Run[Settings],
  train_on: judgements.Judgements,
  held_out: judgements.Judgements,
) -> Outcome:
  """Trains a distance, or resumes it, and writes it to `run.out`.

  Args:
    run: The run, whose loss is the distance. Epochs other than 0 decide how
      many steps there are.
    train_on: Forced choices. Those between the reference itself and another
      image teach a distance nothing and are left out.
    held_out: Forced choices that are not trained on.

  Raises:
    ValueError: if the distance has nothing to train or does not fit the patch,
      pictures can not be read, which it names, all of them, or the folder holds
      another run.
  """
  own, cache = run.settings, judgements.Cache()
  crops = _crops(
    train_on.only(lambda item: item.reference not in item.images), run, cache
  )
  if own.epochs:
    run = dataclasses.replace(run, steps=own.epochs * crops.steps_per_epoch)
  run = run.on()
  held_out = _readable(held_out, cache, skip=own.skip_damaged)
  before = preference_curve.values(distances.get(run.loss), held_out, cache)
  with training.prepare(run).scope():
    distance = distances.get(run.loss)
    distance.validate(own.patch, own.patch)
    network = agreement_task.Judge(distance, own.head)
    tuned_distances.parameters(distance)  # raises before what `write` would
    task = agreement_task.Agreement(network, seed=run.seed)
    optimizer = keras.optimizers.Adam(
      training.steady_then_linear(
        run.learning_rate, steps=run.steps, epochs=own.epochs or _PARTS
      ),
      beta_1=own.beta_1,
    )
  curve = preference_curve.Curve(distance, held_out, cache, run)
  training.fit(task, crops, run, optimizer=optimizer, extra_callbacks=[curve])
  curve.measure(run.steps)  # if the run was killed after its last checkpoint
  after = preference_curve.values(distance, held_out, cache)
  spec = tuned_distances.write(distance, run.out)
  outcome = Outcome(held_out, before, after, curve.values, spec, run)
  files.write_text(run.out / "README.md", _card(outcome))
  return outcome


def _crops(
  data: judgements.Judgements,
  run: training.Run[Settings],
  cache: judgements.Cache,
) -> judged_crops.TripletCrops:
  """Returns crops of choices that can all be drawn."""

  def of(data: judgements.Judgements) -> judged_crops.TripletCrops:
    return judged_crops.TripletCrops(
      data,
      patch=run.settings.patch,
      batch=run.settings.batch,
      seed=run.seed,
      cache=cache,
    )

  skip = run.settings.skip_damaged
  if not skip and (run.out / run_lib.SETTINGS).exists():
    return of(data)  # they were looked at as the run began
  wrong = of(data).problems()
  _report(wrong, len(data.items), skip=skip)
  return of(_without(data, wrong))


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
      f"{len(wrong)} of {count} choices can not be used: {'; '.join(reasons)}. "
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
  people = agreement.people(held_out)["people, majority"]["2afc"].value
  return f"""# {run.loss}, tuned on people's choices

- Load: `distances.get({outcome.spec!r})`.

| | |
| --- | --- |
| Data | {", ".join(own.data)}; its terms hold for these weights too |
| Steps | {run.steps} of {own.batch} crops of {own.patch}x\
{own.patch}, each with the answer given for the whole picture |
| Optimizer | Adam, {run.learning_rate:g}, beta_1 {own.beta_1:g}, \
steady for half of the run, then falling |
| Head | {own.head} |
| Seed | {run.seed} |
| Judged by | {len(held_out.items)} choices on {len(held_out.contents)} \
contents |
| Agreement there, whole pictures | {scores[0]:.3f} before, {scores[1]:.3f} \
after, {people:.3f} with the majority of people |
"""

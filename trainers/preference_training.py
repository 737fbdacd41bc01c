"""What every training on people's choices does once its settings are known."""

import dataclasses
import hashlib
import io
import json
import os
import pathlib
from collections.abc import Container, Sequence
from typing import Any

import keras
import numpy as np
from absl import logging

from tfpercept import distances, registry, training
from tfpercept.data import (
  identity,
  judged_crops,
  judgement_layouts,
  judgements,
)
from tfpercept.evaluation.agreement import scores as agreement
from tfpercept.evaluation.core import runner
from tfpercept.io import files
from tfpercept.tasks import agreement as agreement_task
from tfpercept.training import run as run_lib

_SHOWN = 200  # judgements that the curve of a run rests on
_PARTS = 10  # of the schedule, where no epochs are given


@dataclasses.dataclass(frozen=True)
class Outcome:
  """What training did to a distance, on judgements it did not see.

  Attributes:
    judged: Those judgements.
    before: Values of the distance as it was given.
    after: Values of the trained one.
    curve: Agreement on them, or a part of them, by step.
    spec: The trained distance; its weights are in the run's folder.
    run: The settings, with the steps that were taken.
  """

  judged: judgements.Judgements
  before: dict[judgements.PairKey, float]
  after: dict[judgements.PairKey, float]
  curve: dict[int, float]
  spec: str
  run: training.Run


def load(paths: Sequence[str], layout: str) -> judgements.Judgements:
  """Reads forced choices; those of several folders become one set.

  Raises:
    ValueError: if there are none.
  """
  found = [
    data
    for path in paths
    for data in judgement_layouts.load(path, layout)
    if data.kind == "2afc"
  ]
  if not found:
    raise ValueError(f"no forced choices in {', '.join(paths)}")
  for data in found:
    for name, why in data.failures.items():
      logging.warning("%s: left out: %s", name, why)
  items = tuple(item for data in found for item in data.items)
  return judgements.Judgements(
    " + ".join(data.name for data in found), "2afc", items
  )


def identity_of(paths: Sequence[str], layout: str) -> identity.Identity:
  """Returns what choices and pictures are, see `data.identity`."""
  return [
    _identity(path, judgement_layouts.load(path, layout)) for path in paths
  ]


def _identity(
  path: str, found: Sequence[judgements.Judgements]
) -> dict[str, Any]:
  items = [i for data in found if data.kind == "2afc" for i in data.items]
  pictures = {p.key for i in items for p in (i.reference, *i.images)}
  keys = {key: os.path.abspath(key) for key in pictures}
  root = os.path.commonpath(map(os.path.dirname, keys.values())) if keys else ""
  names = {key: os.path.relpath(full, root) for key, full in keys.items()}
  entry = identity.of_files(
    path, {name: key for key, name in names.items() if os.path.isfile(key)}
  )
  answers = [
    [*(names[p.key] for p in (i.reference, *i.images)), i.content, i.answer]
    for i in items
  ]
  digest = hashlib.blake2b(json.dumps(answers).encode(), digest_size=12)
  entry["files"]["(the choices)"] = digest.hexdigest()
  return entry


def some_contents(data: judgements.Judgements, *, seed: int) -> list[str]:
  """Returns a fifth of the contents, at least one and not all."""
  contents = list(data.contents)
  if len(contents) < 2:
    raise ValueError(
      f"{data.name} shows one content; nothing could be held out"
    )
  order = np.random.default_rng(seed).permutation(len(contents))
  return sorted(contents[i] for i in order[: max(1, len(contents) // 5)])


def split(
  data: judgements.Judgements, held_out: Sequence[str]
) -> tuple[judgements.Judgements, judgements.Judgements]:
  """Returns what to train on and what to judge by, told apart by content.

  Raises:
    ValueError: if a content is unknown or nothing is left to train on.
  """
  held_out = set(held_out)
  unknown = sorted(held_out - set(data.contents))
  if unknown:
    raise ValueError(
      f"there is no content {', '.join(unknown)} to hold out; the contents are "
      f"{', '.join(data.contents[:20])}"
    )
  train_on = data.only(lambda item: item.content not in held_out)
  if not train_on.items:
    raise ValueError("nothing is left to train on; hold out fewer contents")
  return train_on, data.only(lambda item: item.content in held_out)


def train(
  run: training.Run,
  train_on: judgements.Judgements,
  judged: judgements.Judgements,
) -> Outcome:
  """Trains a distance, or resumes it, and writes it to `run.out`.

  Args:
    run: `loss` is the distance; `settings` hold `head`, `patch`, `batch`,
      `beta_1` and `epochs`, which if not 0 decides how many steps there are.
    train_on: Forced choices. Those between the reference itself and another
      image teach a distance nothing and are left out.
    judged: Forced choices that are not trained on.

  Raises:
    ValueError: if the distance has nothing to train or does not fit the patch,
      pictures can not be read, which it names, all of them, or the folder holds
      another run.
  """
  settings = run.settings
  cache = judgements.Cache()
  skip = "skip_damaged" in settings
  crops = _crops(
    train_on.only(lambda item: item.reference not in item.images), run, cache
  )
  if settings["epochs"]:
    steps = settings["epochs"] * crops.steps_per_epoch
    run = dataclasses.replace(run, steps=steps)
  run = run.on()
  judged = _readable(judged, cache, skip=skip)
  before = _values(distances.get(run.loss), judged, cache)
  with training.prepare(run).scope():
    distance = distances.get(run.loss)
    distance.validate(settings["patch"], settings["patch"])
    network = agreement_task.Judge(distance, settings["head"])
    _parameters(distance)  # raises before training what `write` would after
    task = agreement_task.Agreement(network, seed=run.seed)
    optimizer = keras.optimizers.Adam(
      training.steady_then_linear(
        run.learning_rate,
        steps=run.steps,
        epochs=settings["epochs"] or _PARTS,
      ),
      beta_1=settings["beta_1"],
    )
  curve = _Curve(distance, judged, cache, run)
  training.fit(task, crops, run, optimizer=optimizer, extra_callbacks=[curve])
  curve.measure(run.steps)  # if the run was killed after its last checkpoint
  after = _values(distance, judged, cache)
  spec = write(distance, run)
  outcome = Outcome(judged, before, after, curve.values, spec, run)
  files.write_text(run.out / "README.md", _card(outcome))
  return outcome


def _crops(
  data: judgements.Judgements, run: training.Run, cache: judgements.Cache
) -> judged_crops.TripletCrops:
  """Returns crops of choices that can all be drawn."""

  def of(data: judgements.Judgements) -> judged_crops.TripletCrops:
    return judged_crops.TripletCrops(
      data,
      patch=run.settings["patch"],
      batch=run.settings["batch"],
      seed=run.seed,
      cache=cache,
    )

  skip = "skip_damaged" in run.settings
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


def write(distance: distances.Distance, run: training.Run) -> str:
  """Writes a distance's parameters into the run's folder; returns its spec.

  The weights of a sum are in the spec itself.

  Raises:
    ValueError: if something is trained that neither a file nor the spec holds.
  """
  is_sum = isinstance(distance, distances.WeightedSum)
  terms = []
  for i, (term, arrays) in enumerate(
    zip(registry.parse_spec(distance.spec), _parameters(distance), strict=True)
  ):
    if arrays:
      path = run.out / (f"weights_{i}.npz" if is_sum else "weights.npz")
      data = io.BytesIO()
      np.savez(data, **arrays)
      files.write_bytes(path, data.getvalue())
      options = {**term.options, "weights": path.as_posix()}
      term = dataclasses.replace(term, options=options)
    terms.append(term)
  return registry.format_spec(tuple(terms))


def _parameters(
  distance: distances.Distance,
) -> list[dict[str, np.ndarray]]:
  """Returns the checkpoint of each term, of the one there is if no sum.

  Raises:
    ValueError: if a term trains more numbers than its checkpoint has.
  """
  is_sum = isinstance(distance, distances.WeightedSum)
  found = []
  for part in distance.distances if is_sum else [distance]:
    arrays = part.checkpoint()
    trained = sum(np.prod(w.shape) for w in part.trainable_weights)
    if trained > sum(array.size for array in arrays.values()):
      raise ValueError(
        f"{part.spec} can be trained but its checkpoint() lacks what is "
        "trained, so that the result would be lost; implement it"
      )
    found.append(arrays)
  return found


def _card(outcome: Outcome) -> str:
  run, settings, judged = outcome.run, outcome.run.settings, outcome.judged
  scores = [
    agreement.agreement(judged, values)["2afc"].value
    for values in (outcome.before, outcome.after)
  ]
  people = agreement.people(judged)["people, majority"]["2afc"].value
  return f"""# {run.loss}, tuned on people's choices

- Load: `distances.get({outcome.spec!r})`.

| | |
| --- | --- |
| Data | {", ".join(settings["data"])}; its terms hold for these weights too |
| Steps | {run.steps} of {settings["batch"]} crops of {settings["patch"]}x\
{settings["patch"]}, each with the answer given for the whole picture |
| Optimiser | Adam, {run.learning_rate:g}, beta_1 {settings["beta_1"]:g}, \
steady for half of the run, then falling |
| Head | {settings["head"]} |
| Seed | {run.seed} |
| Judged by | {len(judged.items)} choices on {len(judged.contents)} contents |
| Agreement there, whole pictures | {scores[0]:.3f} before, {scores[1]:.3f} \
after, {people:.3f} with the majority of people |
"""


def _values(
  distance: distances.Distance,
  data: judgements.Judgements,
  cache: judgements.Cache,
  compiled: runner.Compiled | None = None,
) -> dict[judgements.PairKey, float]:
  measured = runner.measure(distance, data, cache=cache, compiled=compiled)
  if measured.failures:
    reasons = "; ".join(f"{k}: {why}" for k, why in measured.failures.items())
    raise ValueError(f"{distance.spec} has no value for {reasons}")
  return measured.values


def _read_curve(path: pathlib.Path) -> dict[int, float]:
  try:
    found = dict(json.loads(path.read_bytes()))
    return {int(step): float(value) for step, value in found.items()}
  except (ValueError, TypeError) as error:
    raise ValueError(
      f"{path} is damaged ({error}); remove it to go on, without the points of "
      "the curve that were in it"
    ) from error


class _Curve(keras.callbacks.Callback):
  """Measures agreement on what is not trained on at every interval.

  The values are kept in the run's folder, so that a resumed run has them all.
  """

  def __init__(
    self,
    distance: distances.Distance,
    data: judgements.Judgements,
    cache: judgements.Cache,
    run: training.Run,
  ):
    super().__init__()
    step = -(-len(data.items) // _SHOWN)
    self._data = dataclasses.replace(data, items=data.items[::step])
    self._distance, self._cache = distance, cache
    self._compiled = runner.Compiled(distance)
    self._path = run.out / "curve.json"
    self.values: dict[int, float] = {}
    if self._path.exists():
      self.values = _read_curve(self._path)

  def on_train_begin(self, logs: dict[str, float] | None = None) -> None:
    # Step 0, or that of a checkpoint whose run was killed right after it.
    self.measure(int(self.model.optimizer.iterations.numpy()))

  def on_epoch_end(self, epoch: int, logs: dict[str, float]) -> None:
    self.measure(int(self.model.optimizer.iterations.numpy()))

  def measure(self, step: int) -> None:
    """Adds the distance as it is, of that step, if it is not there."""
    if step in self.values:
      return
    values = _values(self._distance, self._data, self._cache, self._compiled)
    score = agreement.agreement(self._data, values, resamples=1)["2afc"]
    self.values[step] = score.value
    files.write_json(self._path, self.values)

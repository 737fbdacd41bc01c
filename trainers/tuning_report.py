"""Tables of what tuning gains, from the folders of the trainings."""

import dataclasses
import functools
import json
import os
import pathlib
from collections.abc import Mapping, Sequence

import numpy as np

from tfpercept import distances
from tfpercept.data import judgements
from tfpercept.evaluation.agreement import scores
from tfpercept.evaluation.core import kept_values, runner
from trainers import (
  preference_choices,
  preference_report,
  preference_training,
  processes,
)

Values = dict[judgements.PairKey, float]
"""Values of a distance by the keys of reference and image."""
BASELINE = "mse"
"""Name of the row that the others are compared with."""


def trained_on(folder: pathlib.Path) -> judgements.Judgements:
  """Returns the judgements of a training on folds."""
  settings = processes.told(folder / "fold_0" / "run.json", "settings", dict)
  paths = [str(processes.ROOT / path) for path in settings["data"]]
  return normal(preference_choices.load(paths, "auto"))


def normal(data: judgements.Judgements) -> judgements.Judgements:
  """Returns judgements whose keys are spelled in one way."""
  named = functools.cache(
    lambda p: dataclasses.replace(p, key=os.path.normpath(p.key))
  )
  items = tuple(
    dataclasses.replace(
      item,
      reference=named(item.reference),
      images=tuple(map(named, item.images)),
    )
    for item in data.items
  )
  return dataclasses.replace(data, items=items, published={})


def held_out(
  folder: pathlib.Path, *, is_scaled: bool = False
) -> tuple[Values, Values]:
  """Returns values before and after, each pair by a training without it.

  Args:
    folder: Folder of the trainings of a distance, one for each fold.
    is_scaled: Whether the values of each training are divided by their mean.

  Raises:
    ValueError: if a training is not finished.
  """
  before: Values = {}
  after: Values = {}
  for fold in sorted(folder.glob("fold_*")):
    path = fold / preference_training.VALUES
    if not path.is_file():
      raise ValueError(f"{fold} is not finished; it has no {path.name}")
    told = json.loads(path.read_bytes())
    for kept, values in ((before, told["before"]), (after, told["after"])):
      found = {(_absolute(r), _absolute(p)): value for r, p, value in values}
      kept |= scaled(found) if is_scaled else found
  return before, after


def _absolute(key: str) -> str:
  return os.path.normpath(processes.ROOT / key)


def scaled(values: Values) -> Values:
  """Returns values divided by their mean."""
  mean = float(np.mean(list(values.values())))
  return {pair: value / mean for pair, value in values.items()}


def added(terms: Sequence[Values]) -> Values:
  """Returns the sum of values.

  Args:
    terms: Values by pair, all of the same pairs, each scaled by its own mean in
      the training that it comes from: trainings differ in scale.
  """
  return {pair: sum(t[pair] for t in terms) for pair in terms[0]}


def measured(
  spec: str, data: judgements.Judgements, path: pathlib.Path
) -> Values:
  """Measures a distance on all pairs, but for values that a file has already.

  Args:
    spec: Spec of the distance.
    data: Judgements whose pairs are measured.
    path: File of values, see `kept_values.KeptValues`: those of other
      parameters, or of pictures that have changed, are measured anew.

  Raises:
    ValueError: if there is no value for a pair.
  """
  kept = kept_values.KeptValues(path)
  found = runner.measure(distances.get(spec), data, kept=kept)
  if found.failures:
    raise ValueError(f"{spec} has no value for {found.failures}")
  return found.values


def gains(
  data: judgements.Judgements,
  before: Mapping[str, Values],
  after: Mapping[str, Values],
) -> list[str]:
  """Returns the lines of the table on contents that were not trained on.

  Args:
    data: The judgements.
    before: Values before training by row; sums of tuned distances have none.
    after: Values after training by row, among them those of `BASELINE`.
  """
  lines = [
    f"{data.name}: 2AFC on {len(data.items)} answers, {len(data.contents)} "
    "contents, each judged by a training without it; 95 % bootstrap over "
    "contents",
    "",
    f"| distance | before | tuned | gain | gain over {BASELINE} |",
    "| --- | --- | --- | --- | --- |",
  ]
  for name, values in after.items():
    tuned = scores.agreement(data, values)["2afc"]
    over = scores.gain(data, after[BASELINE], values)
    cells = [
      "",
      preference_report.cell(tuned),
      "",
      preference_report.cell(over, signed=True),
    ]
    if name == BASELINE:
      cells = [preference_report.cell(tuned), "", "", ""]
    elif name in before:
      was = scores.agreement(data, before[name])["2afc"]
      gain = scores.gain(data, before[name], values)
      cells[0], cells[2] = (
        preference_report.cell(was),
        preference_report.cell(gain, signed=True),
      )
    lines.append(f"| `{name}` | {' | '.join(cells)} |")
  for name, row in scores.people(data).items():
    lines.append(f"| {name} | {preference_report.cell(row['2afc'])} | | | |")
  return lines


def require_scores(data: judgements.Judgements) -> None:
  """Raises ValueError for judgements that `elsewhere` has no score of."""
  if data.kind not in ("2afc", "mos"):
    raise ValueError(
      f"{data.name} has just noticeable differences, of which there is no "
      "gain; name forced choices or opinions"
    )


def elsewhere(
  trained: Mapping[str, pathlib.Path], data: judgements.Judgements
) -> list[str]:
  """Returns the lines of the table on data that nothing was trained on.

  Args:
    trained: Folder of the training on all contents, by the spec of the
      distance before it.
    data: The judgements.
  """
  score = "srcc" if data.kind == "mos" else "2afc"
  lines = [
    f"{data.name}: {score} on {len(data.items)} judgements, "
    f"{len(data.contents)} contents, by the training on all contents",
    "",
    "| distance | before | tuned | gain |",
    "| --- | --- | --- | --- |",
  ]
  for before, folder in trained.items():
    told = json.loads((folder / "agreement.json").read_bytes())
    (after,) = told["trained"][before]
    pair = [
      measured(spec, data, folder / f"{when}_{data.name}.jsonl")
      for when, spec in (("before", before), ("after", after))
    ]
    cells = [
      preference_report.cell(scores.agreement(data, values)[score])
      for values in pair
    ]
    gain = scores.gain(data, pair[0], pair[1])
    cells.append(preference_report.cell(gain, signed=True))
    lines.append(f"| `{before}` | {' | '.join(cells)} |")
  return lines

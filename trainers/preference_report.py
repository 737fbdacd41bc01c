"""The gain of training on people's choices: a table, a page with curves."""

import dataclasses
import math
from collections.abc import Mapping, Sequence

import numpy as np

from tfpercept import training
from tfpercept.data import judgements
from tfpercept.evaluation.agreement import scores as agreement
from tfpercept.evaluation.core import machine, training_curves
from tfpercept.evaluation.core.statistics import Estimate
from tfpercept.io import files
from tfpercept.reports import markup, page
from trainers import preference_settings, preference_training


def summary(
  outcomes: Mapping[str, Sequence[preference_training.Outcome]],
) -> dict[str, dict[str, Estimate]]:
  """Returns agreement before and after, and the gain, by distance.

  Every choice was held out from its training; those of all splits are pooled.

  Args:
    outcomes: Outcomes by the spec of the distance, one for each split.
  """
  rows = {}
  for spec, folds in outcomes.items():
    data = _pooled(folds)
    before = {k: v for fold in folds for k, v in fold.before.items()}
    after = {k: v for fold in folds for k, v in fold.after.items()}
    rows[spec] = {
      "before": agreement.agreement(data, before)["2afc"],
      "after": agreement.agreement(data, after)["2afc"],
      "gain": agreement.gain(data, before, after),
    }
  people = agreement.people(_pooled(next(iter(outcomes.values()))))
  for name, row in people.items():
    rows[name] = {"after": row["2afc"]}
  return rows


def to_text(
  outcomes: Mapping[str, Sequence[preference_training.Outcome]],
  run: training.Run[preference_settings.Settings],
) -> str:
  """Formats the summary for a terminal, with the gain of every content.

  Args:
    outcomes: Outcomes by the spec of the distance, one for each split.
    run: A run with the settings that all share.
  """
  rows = summary(outcomes)
  folds = next(iter(outcomes.values()))
  data = _pooled(folds)
  own = run.settings
  lines = [
    f"2AFC agreement on {len(data.items)} choices that were not trained on, n "
    f"= {len(data.contents)} contents; 95 % bootstrap over contents",
    f"{folds[0].run.steps} steps of {preference_settings.drawn(own)}, Adam at "
    f"{run.learning_rate:g}, head {own.head}; judged on whole pictures",
  ]
  width = max(map(len, rows))
  lines.append(f"{'':{width}}" + "".join(f"{c:>24}" for c in _COLUMNS))
  for name, row in rows.items():
    cells = [cell(row.get(c), signed=c == "gain") for c in _COLUMNS]
    lines.append(f"{name:{width}}" + "".join(f"{c:>24}" for c in cells))
  for spec, trained in outcomes.items():
    changes = []
    for fold in trained:
      pair = [
        agreement.agreement(fold.held_out, values, resamples=1)["2afc"].value
        for values in (fold.before, fold.after)
      ]
      names = fold.held_out.contents
      name = names[0] if len(names) == 1 else f"{len(names)} contents"
      changes.append(f"{name}: {pair[0]:.3f} to {pair[1]:.3f}")
    lines.append(f"{spec} by content: {', '.join(changes)}")
  return "\n".join(lines)


def write(
  outcomes: Mapping[str, Sequence[preference_training.Outcome]],
  run: training.Run[preference_settings.Settings],
) -> None:
  """Writes `agreement.json`, `agreement.txt` and `report.html` into `run.out`.

  Args:
    outcomes: Outcomes by the spec of the distance, one for each split.
    run: A run with the settings that all share.
  """
  text = to_text(outcomes, run)
  files.write_text(run.out / "agreement.txt", text + "\n")
  rows = {
    name: {
      column: [_json(v) for v in (e.value, e.low, e.high)]
      for column, e in row.items()
    }
    for name, row in summary(outcomes).items()
  }
  trained = {s: [fold.spec for fold in f] for s, f in outcomes.items()}
  files.write_json(
    run.out / "agreement.json",
    {"run": run.to_json(), "scores": rows, "trained": trained},
  )
  sections = [
    page.section(
      "Agreement", f'<pre style="overflow-x:auto">{markup.escape(text)}</pre>'
    )
  ]
  sections += [
    page.section(spec, page.curves(_curves(folds)))
    for spec, folds in outcomes.items()
  ]
  sections.append(
    page.section(
      "Conditions", page.facts({**run.settings.to_json(), **machine.facts()})
    )
  )
  page.Page(
    "Trained on people's choices",
    "Distances tuned on forced choices, and judged on contents they did not "
    "see.",
    sections,
  ).write(run.out / "report.html")


_COLUMNS = ("before", "after", "gain")


def _curves(
  folds: Sequence[preference_training.Outcome],
) -> dict[str, tuple[np.ndarray, np.ndarray]]:
  """Returns the loss and the agreement of each split, by step."""
  series = {}
  for fold in folds:
    name = ", ".join(fold.held_out.contents[:3])
    series[f"loss without {name}"] = training_curves.read(
      fold.run.out / "tensorboard", "train/loss"
    )
    curve = sorted(fold.curve.items())
    watched = ", ".join(fold.watched[:3])
    series[f"agreement on {watched}"] = (
      np.array([step for step, _ in curve]),
      np.array([value for _, value in curve]),
    )
  return series


def _pooled(
  folds: Sequence[preference_training.Outcome],
) -> judgements.Judgements:
  items = tuple(item for fold in folds for item in fold.held_out.items)
  return dataclasses.replace(folds[0].held_out, items=items)


def cell(estimate: Estimate | None, *, signed: bool = False) -> str:
  """Returns an estimate with its interval as text; nothing for None."""
  if estimate is None:
    return ""
  form = "+.3f" if signed else ".3f"
  value = f"{estimate.value:{form}}"
  if not math.isfinite(estimate.low):
    return value
  return f"{value} [{estimate.low:{form}}, {estimate.high:{form}}]"


def _json(value: float) -> float | None:
  return value if math.isfinite(value) else None

"""Prints the table of codes of Snell et al. beside our own.

    python -m trainers.probe_table --out=runs/yaleb

trains autoencoders on Extended Yale B with MSE, MAE and three forms of MS-SSIM
by the preset, each with five seeds, unless that has been done. It probes their
codes for the person and the direction of the light, and prints which forms of
MS-SSIM win. With `--models` it probes trained networks instead. If it is
killed, the same command resumes it.

Source: Snell, Ridgeway, Liao, Roads, Mozer, Zemel, "Learning to generate images
with perceptual similarity metrics", 2017.
"""

import collections
import dataclasses
import pathlib
import sys
from collections.abc import Mapping
from typing import Any

import numpy as np

from programs import derived_flags, program
from tfpercept import registry, settings
from tfpercept.data import examples
from tfpercept.evaluation.probing import probe as probing
from tfpercept.evaluation.probing import published as probing_published
from tfpercept.evaluation.probing import runs as probing_runs
from tfpercept.evaluation.probing import table as probing_table
from tfpercept.io import files, folders
from tfpercept.reports import charts
from trainers import processes

IDENTITY, ANGLES = probing.IDENTITY, ("azimuth", "elevation")
SNELL = probing_published.SNELL


def _count(value: str) -> int:
  if not value.isdecimal() or int(value) < 1:
    raise ValueError(f"--labels are whole numbers above 0; got {value!r}")
  return int(value)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Job(settings.Settings):
  """The table to print.

  Attributes:
    out: Folder of trainings and results.
    models: Folders of trained networks; None to train them.
    data: Path of the pictures with their labels.
    seeds: Number of trainings of each loss.
    preset: Path of the flag file of the trainings.
    steps: Number of steps of each training; None for that of the preset.
    labels: Numbers of labels of each person that probes are limited to.
    workers: Number of threads of the probes.
  """

  out: str = settings.option(
    "runs/probe_table", "Folder of trainings and results."
  )
  models: tuple[str, ...] | None = settings.option(
    None,
    "Folder of trained networks; may be repeated. Nothing is trained then.",
    repeated=True,
  )
  data: str = settings.option(
    "../shared/data/yaleb/extended_yale_b_48x48.npz",
    "Path of an .npz file with pictures, identity, azimuth and elevation.",
  )
  seeds: int = settings.option(5, "Number of trainings of each loss.", least=1)
  preset: str = settings.option(
    str(processes.PRESETS / "yaleb_autoencoder.flags"),
    "Flag file of the trainings of autoencoders.",
  )
  steps: int | None = settings.option(
    None,
    "Number of steps of each training; by default that of the preset.",
    least=1,
  )
  labels: tuple[int, ...] = settings.option(
    (1, 2, 5, 10, 20, 30),
    "Numbers of labels of each person that probes are limited to.",
    parse=_count,
  )
  workers: int = settings.option(2, "Number of threads of the probes.", least=1)


_FLAGS = derived_flags.Flags(Job)

Table = Mapping[str, probing_table.Runs]


def main() -> None:
  """Trains missing networks, probes, then prints tables and results."""
  job = _FLAGS.read()
  out = pathlib.Path(job.out).absolute()
  folders.require(out)
  if not job.models:
    _train(job, out)
  # Runs of other seeds may be there, too.
  here = [out / f"seed_{seed}" for seed in range(job.seeds)]
  trained = probing_runs.load(job.models or here)
  side, _, channels = trained[0].network.image_shape
  data = examples.load([job.data], side=side, channels=channels)
  known = _known(job.data, data)
  table, budgets = _probe(job, trained, data, known, out / "probes")
  lines = _tables(table, known)
  if budgets:
    head = "Error of identity in %, by labels a person:"
    lines += ["", head, "", *probing_table.budget_markdown(budgets)]
    picture = charts.bands(
      {m: _bands(runs) for m, runs in budgets.items()},
      x="labels a person",
      y="error of identity, %",
    )
    files.write_image(out / "label_budget.png", picture)
  text = "\n".join([*lines, "", *_answers(table, known)])
  files.write_text(out / "table.md", text + "\n")
  values = probing_table.to_json(table, known.questions)
  files.write_json(out / "table.json", values)
  print(text)


def _train(job: Job, out: pathlib.Path) -> None:
  """Trains all losses of a seed in one process, seed by seed."""
  preset = pathlib.Path(job.preset)
  given = program.lines(preset)
  losses = [x.removeprefix("--loss=") for x in given if x.startswith("--loss=")]
  names = registry.file_names(losses).values() if len(losses) > 1 else ["."]
  more = [f"--steps={job.steps}"] if job.steps else []
  for seed in range(job.seeds):
    processes.train(
      "autoencoder",
      out / f"seed_{seed}",
      f"--seed={seed}",
      *more,
      preset=preset,
      runs=names,
    )


def _known(name: str, data: examples.Examples) -> probing.Known:
  wanted = (IDENTITY, *ANGLES)
  missing = [label for label in wanted if label not in data.labels]
  if missing:
    raise ValueError(
      f"{name} has no {', '.join(missing)}; probes need arrays [N] of "
      f"{', '.join(wanted)} beside the pictures"
    )
  angles = {name: data.labels[name] for name in ANGLES}
  return probing.Known(data.labels[IDENTITY], angles)


def _probe(
  job: Job,
  trained: list[probing_runs.Trained],
  data: examples.Examples,
  known: probing.Known,
  folder: pathlib.Path,
) -> tuple[Table, Mapping[str, Mapping[int, probing_runs.Budget]]]:
  """Returns scores by method and seed, and those of few labels."""
  protocol, digest = probing.Protocol(), probing_runs.digest(data.images, known)
  table: dict[str, dict[int, Any]] = collections.defaultdict(dict)
  budgets: dict[str, dict[int, Any]] = collections.defaultdict(dict)
  todo = probing_runs.subjects(trained, data.floats())
  for place, subject in enumerate(todo, 1):
    print(
      f"probing {subject.method}, seed {subject.seed} ({place} of {len(todo)})",
      file=sys.stderr,
      flush=True,
    )
    scores, budget = probing_runs.probe(
      subject,
      known,
      protocol,
      folder,
      labels=job.labels,
      workers=job.workers,
      data=digest,
    )
    table[subject.method][subject.seed] = scores
    if budget:
      budgets[subject.method][subject.seed] = budget
  table[probing_runs.CHANCE][0] = probing.chance(known, protocol)
  return _ordered(table), _ordered(budgets)


def _ordered(table: Mapping[str, Any]) -> dict[str, Any]:
  """Returns losses in the order of the paper, then other losses and methods."""
  order = list(SNELL)
  names = {m: _name(m) for m in table}
  return dict(
    sorted(
      table.items(),
      key=lambda item: (
        order.index(names[item[0]]) if names[item[0]] in order else len(order)
      ),
    )
  )


def _name(method: str) -> str:
  """Returns the name of a loss without its options; others as they are."""
  try:
    (term,) = registry.parse_spec(method)
  except ValueError:
    return method
  return term.name


def _tables(table: Table, known: probing.Known) -> list[str]:
  asked = (IDENTITY, *ANGLES)
  theirs = {m: SNELL.get(_name(m), {}) for m in table}
  published = {
    question: {m: row[question] for m, row in theirs.items() if question in row}
    for question in asked
  }
  others = [q for q in known.questions if q not in asked]
  return [
    *probing_table.markdown(table, asked, published),
    "",
    *probing_table.markdown(table, others),
  ]


def _answers(table: Table, known: probing.Known) -> list[str]:
  """Returns whether a form of MS-SSIM wins, question by question, then in all.

  Args:
    table: Scores by method and seed.
    known: Targets of the probes, which give the questions.
  """
  baselines = [method for method in table if _name(method) in ("mse", "mae")]
  forms = [method for method in table if _name(method) == "ms_ssim"]
  if not forms or len(baselines) < len(SNELL) - 1:
    return [f"Not all of {', '.join(SNELL)} are here, so nobody wins."]
  lines, totals = [], []
  for form in forms:
    words = collections.defaultdict(set)
    for question in known.questions:
      for baseline in baselines:
        word, sentence = probing_table.answer(table, form, baseline, question)
        words[question].add(word)
        lines.append(f"- {sentence}")
    won = [q for q in (IDENTITY, *ANGLES) if words[q] == {"wins"}]
    totals.append(
      f"{form} wins against both on {len(won)} of 3 questions of the paper"
      + (f": {', '.join(won)}." if won else ".")
    )
  return [*lines, "", *totals]


def _bands(runs: Mapping[int, probing_runs.Budget]) -> np.ndarray:
  found = probing_table.budget_estimates(runs)
  return np.array([[n, e.value, e.low, e.high] for n, e in found.items()]).T


if __name__ == "__main__":
  program.start(main)

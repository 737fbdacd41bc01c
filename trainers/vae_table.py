"""Compares losses of variational autoencoders, as Czolbe et al. did.

    python -m trainers.vae_table --table=mnist --out=runs/vae_mnist

trains a VAE with each loss of the data set's benchmark by its preset, unless
that has been done. It measures all of them in the same
way, and checks which of the paper's claims hold. It prints the tables and
writes them to `table.json`, `table.md` and, with pictures, to `report.html`.

Source: Czolbe, Krause, Cox, Igel, "A loss function for generative neural
networks based on Watson's perceptual model", 2020.
"""

import dataclasses
import functools
import pathlib
import sys
from collections.abc import Callable, Mapping
from typing import Any

import keras
import numpy as np

from programs import derived_flags, program
from tfpercept import models, settings, training
from tfpercept.data import identity
from tfpercept.evaluation.core import runner
from tfpercept.evaluation.generative import claims, held_out, loss_cost
from tfpercept.evaluation.generative import markdown as generation_blocks
from tfpercept.evaluation.generative import metrics as generation_metrics
from tfpercept.evaluation.generative import page as generation_page
from tfpercept.evaluation.generative import table as generation_table
from tfpercept.io import files, folders
from trainers import example_settings, processes, vae_benchmark

Loaded = dict[tuple[str, int], tuple[keras.Model, dict[str, Any]]]
"""Networks with their manifests, by the name of the loss and the seed."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Job(settings.Settings):
  """The table to print.

  Attributes:
    table: Name of the data set, one of `vae_benchmark.BENCHMARKS`.
    preset: Path of the flag file of the trainings; None for that of the data
      set.
    out: Folder of the trainings and the page; None for one below `runs`.
    seeds: Seeds, each of a training of each loss.
    plane: Whether networks of two latents are trained and shown as well.
    steps: Number of steps of each training; None for those of the preset, and
      of the benchmark for losses that are slow.
    train: Whether missing networks are trained; otherwise they are left out.
    initial_steps: Number of steps, with MSE, of the network that all others
      start from, where they do not start at random.
    samples: Number of samples drawn of each network.
    costs: Whether time and memory of the losses are measured.
    compared: Largest number of pictures on which distances are measured.
  """

  table: str = settings.option(
    "mnist", "Name of the data set.", choices=tuple(vae_benchmark.BENCHMARKS)
  )
  preset: str | None = settings.option(
    None, "Flag file of trainers.vae; by default one of trainers/presets."
  )
  out: str | None = settings.option(
    None, "Folder of the trainings and the page."
  )
  seeds: tuple[int, ...] = settings.option(
    (0,), "Seeds; each loss is trained once with each."
  )
  plane: bool = settings.option(
    False, "Also train networks of two latents, and show their plane."
  )
  steps: int | None = settings.option(
    None,
    "Number of steps of each training; by default those of the preset, and "
    "fewer for losses that are slow.",
    least=1,
  )
  train: bool = settings.option(
    True, "Train missing networks; otherwise they are left out."
  )
  initial_steps: int = settings.option(
    600,
    "Number of steps, with MSE, of the network that all others start from, "
    "where they do not start at random.",
    least=1,
  )
  samples: int = settings.option(
    10_000, "Number of samples drawn from each network.", least=1
  )
  costs: bool = settings.option(
    True, "Measure time and memory of the losses as well."
  )
  compared: int = settings.option(
    500,
    "Largest number of pictures on which distances are measured.",
    least=1,
  )

  def check(self) -> None:
    if not self.seeds:
      raise ValueError("--seeds names at least one seed")
    least = generation_metrics.FEWEST
    if vae_benchmark.BENCHMARKS[self.table].classifier and self.samples < least:
      raise ValueError(
        f"--samples is at least {least} for {self.table}, whose samples are "
        f"compared by a Fréchet distance; got {self.samples}"
      )


_FLAGS = derived_flags.Flags(Job)


def main() -> None:
  job = _FLAGS.read()
  benchmark = vae_benchmark.BENCHMARKS[job.table]
  out = pathlib.Path(job.out or f"runs/vae_{job.table}").absolute()
  folders.require(out)
  places = {seed: out / f"seed_{seed}" for seed in job.seeds}
  needed: list[pathlib.Path] = []
  further: list[pathlib.Path] = []
  if not job.train:
    first_place, *further = places.values()
    needed = [first_place, *([out / "plane"] if job.plane else [])]
  losses, missing = vae_benchmark.at_hand(benchmark, needed, further)
  runs: dict[tuple[str, int], pathlib.Path] = {}
  for seed, place in places.items():
    is_first = seed == job.seeds[0]
    own = {
      n: s for n, s in losses.items() if is_first or n not in benchmark.once
    }
    found = _trained(job, benchmark, own, place, seed)
    runs |= {(name, seed): run for name, run in found.items()}
  planes: dict[str, pathlib.Path] = {}
  if job.plane:
    seed = job.seeds[0]
    planes = _trained(job, benchmark, losses, out / "plane", seed, "--latent=2")
  elif benchmark.betas:  # its networks have a plane
    planes = {name: runs[name, job.seeds[0]] for name in losses}
  loaded = {key: models.load(folder) for key, folder in runs.items()}
  shared = _settings(runs, loaded)
  table, unseen = _measure(job, benchmark, loaded, shared)
  table.missing.update(missing)
  shape = (shared.batch, shared.side, shared.side, shared.channels)
  manifests = {key: manifest for key, (_, manifest) in loaded.items()}
  shown = generation_blocks.blocks(
    table,
    benchmark.claims,
    shape,
    published=benchmark.sharpness,
    told_apart=vae_benchmark.told_apart(manifests),
  )
  _write(out, benchmark, table, shown)
  first = {name: runs[name, job.seeds[0]] for name in losses}
  exhibits = generation_page.Exhibits(
    {name: loaded[name, job.seeds[0]][0] for name in losses},
    unseen,
    {name: models.load(folder)[0] for name, folder in planes.items()},
  )
  generation_page.write(
    out / "report.html",
    benchmark.title,
    shown,
    exhibits,
    logs={name: run / "tensorboard" for name, run in first.items()},
    missing=table.missing,
    conditions=vae_benchmark.conditions(manifests),
  )
  for what, picture in generation_page.sheets(exhibits).items():
    files.write_image(out / f"{what}.png", picture)
  print(generation_blocks.markdown(shown), end="")


def _settings(
  runs: dict[tuple[str, int], pathlib.Path], loaded: Loaded
) -> example_settings.Pictures:
  """Returns the settings of the pictures, which all runs must share."""
  _, manifest = loaded[next(iter(runs))]
  own = example_settings.Pictures.read(manifest["training"]["settings"])
  now = functools.cache(lambda: identity.of(own.data))
  for folder in runs.values():
    training.check_data(folder, data=now)
  return own


def _trained(
  job: Job,
  benchmark: vae_benchmark.Benchmark,
  losses: dict[str, str],
  place: pathlib.Path,
  seed: int,
  *more: str,
) -> dict[str, pathlib.Path]:
  """Returns the run of each loss, once all have been trained."""
  preset = job.preset or (processes.PRESETS / f"vae_{job.table}.flags")
  if not job.train:
    return {
      name: vae_benchmark.folder_of(spec, place)
      for name, spec in losses.items()
    }
  start = None
  if not benchmark.betas:
    start = vae_benchmark.initial(
      place, *more, preset=preset, seed=seed, steps=job.initial_steps
    )
  runs = {}
  for name, spec in losses.items():
    own = [*more]
    if name in benchmark.betas:
      own.append(f"--beta={benchmark.betas[name]!r}")
    steps = job.steps or benchmark.steps.get(name)
    if steps:
      # Steps may be slow ones, and a run that is killed loses few of them.
      own += [f"--steps={steps}", f"--interval={max(steps // 10, 1)}"]
    runs[name] = vae_benchmark.train(
      spec, place, *own, preset=preset, seed=seed, start=start
    )
  return runs


def _write(
  out: pathlib.Path,
  benchmark: vae_benchmark.Benchmark,
  table: generation_table.Table,
  shown: list[generation_blocks.Block],
) -> None:
  answers = claims.answers(table, benchmark.claims)
  found = {**generation_table.to_json(table), "answers": answers}
  files.write_json(out / "table.json", found)
  files.write_text(out / "table.md", generation_blocks.markdown(shown))


def _evidence(
  job: Job,
  benchmark: vae_benchmark.Benchmark,
  own: example_settings.Pictures,
  metrics: Mapping[str, runner.Compiled],
  first: int,
) -> Callable[[int], generation_table.Evidence]:
  """Returns a function from a seed to the pictures of its measurement."""
  classifier = None
  if benchmark.classifier:
    classifier, _ = models.load(benchmark.classifier, dtype="float32")

  @functools.cache
  def of(seed: int) -> generation_table.Evidence:
    if benchmark.test_part and seed != first:  # it is the same for all
      return of(first)
    train, unseen = vae_benchmark.pictures(benchmark, own, seed)
    return generation_table.Evidence(
      unseen.floats(),
      train.floats(),
      metrics,
      compared=job.compared,
      samples=job.samples,
      classifier=classifier,
      labels=unseen.labels.get("label"),
    )

  return of


def _measure(
  job: Job,
  benchmark: vae_benchmark.Benchmark,
  loaded: Loaded,
  own: example_settings.Pictures,
) -> tuple[generation_table.Table, np.ndarray]:
  """Returns the table, and the held-out pictures of the first seed."""
  shape = (own.side, own.side, own.channels)
  metrics, missing = held_out.metrics(shape, instead=vae_benchmark.METRICS)
  _, first = next(iter(loaded))
  evidence = _evidence(job, benchmark, own, metrics, first)
  rows: dict[str, list[generation_table.Row]] = {}
  for (name, seed), (network, manifest) in loaded.items():
    row = generation_table.measure(
      network, manifest["objective"], evidence(seed)
    )
    rows.setdefault(name, []).append(row)
    print(f"{name}, seed {seed}: measured", file=sys.stderr, flush=True)
  costs: dict[str, loss_cost.Cost | None] = {}
  if job.costs:
    specs = vae_benchmark.ALSO_COSTS | benchmark.losses
    costs, unmeasured = loss_cost.measure_all(specs, (own.batch, *shape))
    missing |= unmeasured
  table = generation_table.Table(
    {name: generation_table.pooled(found) for name, found in rows.items()},
    generation_table.reference(evidence(first)),
    costs,
    missing,
    vae_benchmark.steps({key: m for key, (_, m) in loaded.items()}),
  )
  return table, evidence(first).unseen


if __name__ == "__main__":
  program.start(main)

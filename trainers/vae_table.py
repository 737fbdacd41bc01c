"""Compares losses of variational autoencoders, as Czolbe et al. did.

    python -m trainers.vae_table --table=mnist --out=runs/vae_mnist

trains a VAE with MSE, SSIM, Watson-DCT, Watson-DFT and LPIPS as the preset of
the data set says, where that has not been done, measures them alike, and
answers which of the paper's claims hold here. It prints the tables and writes
them to `table.json`, `table.md` and, with pictures, to `report.html`.

Source: Czolbe, Krause, Cox, Igel, "A loss function for generative neural
networks based on Watson's perceptual model", 2020.
"""

import functools
import pathlib
import sys

import keras
import numpy as np
from absl import flags

from programs import program
from tfpercept import models, training
from tfpercept.data import identity
from tfpercept.evaluation.generative import claims as generation_answers
from tfpercept.evaluation.generative import held_out, loss_cost
from tfpercept.evaluation.generative import markdown as generation_blocks
from tfpercept.evaluation.generative import page as generation_page
from tfpercept.evaluation.generative import table as generation_table
from tfpercept.io import files, folders
from trainers import processes, vae_benchmark

_TABLE = flags.DEFINE_enum(
  "table", "mnist", list(vae_benchmark.CONTESTS), "Data set."
)
_PRESET = flags.DEFINE_string(
  "preset", None, "Flag file of trainers.vae; trainers/presets has the default."
)
_OUT = flags.DEFINE_string(
  "out", None, "Folder of the trainings, and the page."
)
_SEEDS = flags.DEFINE_list("seeds", ["0"], "A training of each loss for each.")
_PLANE = flags.DEFINE_bool(
  "plane", False, "Also train networks of two latents, and show their plane."
)
_TRAIN = flags.DEFINE_bool(
  "train", True, "Train what has not been; else it is left out."
)
_INITIAL_STEPS = flags.DEFINE_integer(
  "initial_steps", 600, "On MSE, to make what all networks start from.", 1
)
_SAMPLES = flags.DEFINE_integer("samples", 10_000, "Drawn of each network.", 1)
_COSTS = flags.DEFINE_bool("costs", True, "Measure time and memory as well.")
_COMPARED = flags.DEFINE_integer(
  "compared", 500, "Pictures that distances are measured on, at most.", 1
)


def main() -> None:
  contest = vae_benchmark.CONTESTS[_TABLE.value]
  out = pathlib.Path(_OUT.value or f"runs/vae_{_TABLE.value}").absolute()
  folders.require(out)
  seeds = [int(seed) for seed in _SEEDS.value]
  places = {seed: out / f"seed_{seed}" for seed in seeds}
  plane = out / "plane"
  needed = [*places.values(), *([plane] if _PLANE.value else [])]
  losses, missing = vae_benchmark.at_hand(
    contest, () if _TRAIN.value else needed
  )
  runs = {}
  for seed, place in places.items():
    for name, run in _trained(losses, place, seed).items():
      runs[name, seed] = run
  planes = {}
  if _PLANE.value:
    planes = _trained(losses, plane, seeds[0], "--latent=2")
  loaded = {key: models.load(folder) for key, folder in runs.items()}
  manifests = {key: manifest for key, (_, manifest) in loaded.items()}
  settings = manifests[next(iter(runs))]["training"]["settings"]
  shape = (settings["batch"], *[settings["side"]] * 2, settings["channels"])
  now = functools.cache(lambda: identity.of(settings["data"]))
  for folder in runs.values():
    training.check_data(folder, data=now)
  table, unseen = _measure(contest, loaded, settings, shape)
  table.missing.update(missing)
  first = {name: (name, seeds[0]) for name in losses}
  exhibits = generation_page.Exhibits(
    {name: loaded[key][0] for name, key in first.items()},
    unseen,
    {name: models.load(folder)[0] for name, folder in planes.items()},
  )
  shown = generation_blocks.blocks(table, contest.claims, shape)
  _write(out, contest, table, shown)
  generation_page.write(
    out / "report.html",
    contest.title,
    shown,
    exhibits,
    logs={name: runs[key] / "tensorboard" for name, key in first.items()},
    missing=table.missing,
    conditions=vae_benchmark.conditions(manifests),
  )
  print(generation_blocks.markdown(shown), end="")


def _trained(
  losses: dict[str, str], place: pathlib.Path, seed: int, *more: str
) -> dict[str, pathlib.Path]:
  """Returns the run of each loss, once all have been trained."""
  preset = _PRESET.value or (processes.PRESETS / f"vae_{_TABLE.value}.flags")
  start = place / "initial"
  if _TRAIN.value:
    steps = _INITIAL_STEPS.value
    vae_benchmark.initial(place, *more, preset=preset, seed=seed, steps=steps)
  return {
    name: vae_benchmark.train(
      spec, place, *more, preset=preset, seed=seed, start=start
    )
    for name, spec in losses.items()
  }


def _write(
  out: pathlib.Path,
  contest: vae_benchmark.Contest,
  table: generation_table.Table,
  shown: list[generation_blocks.Block],
) -> None:
  answers = generation_answers.answers(table, contest.claims)
  found = {**generation_table.to_json(table), "answers": answers}
  files.write_json(out / "table.json", found)
  files.write_text(out / "table.md", generation_blocks.markdown(shown))


def _measure(
  contest: vae_benchmark.Contest,
  loaded: dict[tuple[str, int], tuple[keras.Model, dict]],
  settings: dict,
  shape: tuple[int, ...],
) -> tuple[generation_table.Table, np.ndarray]:
  """Returns the table, and what the trainings of the first seed did not see."""
  judges, missing = held_out.judges(shape[1:], instead=vae_benchmark.JUDGES)
  (_, first), classifier = next(iter(loaded)), None
  if contest.classifier:
    classifier, _ = models.load(contest.classifier, dtype="float32")

  @functools.cache
  def evidence(seed: int) -> generation_table.Evidence:
    if contest.test_part and seed != first:  # it is the same for all
      return evidence(first)
    train, unseen = vae_benchmark.pictures(contest, settings, seed)
    return generation_table.Evidence(
      unseen.floats(),
      train.floats(),
      judges,
      compared=_COMPARED.value,
      samples=_SAMPLES.value,
      classifier=classifier,
      labels=unseen.labels.get("label"),
    )

  rows = {}
  for (name, seed), (network, manifest) in loaded.items():
    row = generation_table.measure(
      network, manifest["objective"], evidence(seed)
    )
    rows.setdefault(name, []).append(row)
    print(f"{name}, seed {seed}: measured", file=sys.stderr, flush=True)
  costs = {}
  if _COSTS.value:
    specs = contest.losses | vae_benchmark.ALSO_COSTS
    costs, unmeasured = loss_cost.measure_all(specs, shape)
    missing |= unmeasured
  table = generation_table.Table(
    {name: generation_table.pooled(found) for name, found in rows.items()},
    generation_table.reference(evidence(first)),
    costs,
    missing,
  )
  return table, evidence(first).unseen


if __name__ == "__main__":
  program.start(main)

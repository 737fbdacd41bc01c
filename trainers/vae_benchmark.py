"""Benchmark of losses for VAEs: losses, trainings and pictures."""

import dataclasses
import math
import pathlib
from collections.abc import Iterable, Mapping
from typing import Any

from tfpercept import distances, registry, weights
from tfpercept.data import examples
from tfpercept.evaluation.generative import claims as generation_answers
from tfpercept.evaluation.generative import published
from tfpercept.io import files
from trainers import example_settings, processes


@dataclasses.dataclass(frozen=True)
class Benchmark:
  """The networks that are compared on a data set.

  Attributes:
    title: Heading of the page.
    losses: Specs of the losses, by name.
    claims: Names of the claims to check, see
      `evaluation.generative.claims`.
    test_part: Whether the data come with pictures to test on.
    classifier: Name of the model that classifies samples; empty if there is
      none.
    betas: Weights of the KL by the name of the loss, in units of the loss a
      nat; empty where they are calibrated, and all networks start from one that
      was trained with MSE. With given weights they start at random.
    steps: Numbers of steps by the name of the loss, where they are not those of
      the preset.
    once: Names of losses that are trained with the first seed alone, since they
      take too long.
    sharpness: Sharpness of published samples by the name of the loss.
  """

  title: str
  losses: dict[str, str]
  claims: tuple[str, ...]
  test_part: bool
  classifier: str = ""
  betas: Mapping[str, float] = dataclasses.field(default_factory=dict)
  steps: Mapping[str, int] = dataclasses.field(default_factory=dict)
  once: frozenset[str] = frozenset()
  sharpness: Mapping[str, float] = dataclasses.field(default_factory=dict)


# As the authors trained: their parameters, and blocks shifted at random.
_WATSON = 'watson_dft(channels=1, shift="random", weights="released")'
# The authors' form before training: each coefficient has shape 1 and scale 1.
# They fed grey as three equal channels, whose Y is 1.58 times as large.
_ADAPTIVE = (
  'robust(adaptive=True, size=({side}, {side}, 1), color="RGB", '
  'representation="dct", scale_init=0.6328)'
)
# Theirs pads with zeros: borders count.
_SSIM = 'ssim(border="mirror")'
METRICS = {
  name: f'{name}(channels=1, weights="released")'
  for name in ("watson_dct", "watson_dft")
}
"""Specs of the metrics of reconstructions, by the distance they stand for."""
_PIXELS = 32 * 32
BENCHMARKS = {
  # The authors' network, of half the width, on a plane of latents.
  "mnist": Benchmark(
    "VAEs of MNIST's digits with two latents",
    {
      "Watson-DFT": _WATSON,
      "SSIM": _SSIM,
      "Adaptive": _ADAPTIVE.format(side=32),
      # Grey linear layers; these weights are fed [0, 1], as the authors did.
      "LPIPS-VGG": 'lpips(net="vgg", weights="deeploss_vgg_gray")',
    },
    ("deep", "cheaper"),
    test_part=True,
    classifier="mnist_classifier",
    # Theirs weigh the loss and not the KL: by 1, by e^9 a batch of 128, by 1 a
    # coefficient, of which we take the mean, and by e^9.
    betas={
      "Watson-DFT": 1.0,
      "SSIM": 128 * math.exp(-9),
      "Adaptive": 1 / _PIXELS,
      "LPIPS-VGG": math.exp(-9),
    },
    # A step takes a hundred times that of the others.
    steps={"LPIPS-VGG": 938},
    once=frozenset({"LPIPS-VGG"}),
  ),
  "faces": Benchmark(
    "VAEs of faces",
    {
      "MSE": "mse",
      "SSIM": _SSIM,
      "Adaptive": _ADAPTIVE.format(side=48),
      "Watson-DFT": _WATSON,
    },
    ("sharper", "cheaper"),
    test_part=False,
    sharpness=published.CELEBA_SHARPNESS,
  ),
}
ALSO_COSTS = {generation_answers.VGG: 'lpips(net="vgg")'}


def folder_of(spec: str, place: pathlib.Path) -> pathlib.Path:
  """Returns the folder of a loss's run in another folder.

  Args:
    spec: Spec of the loss.
    place: Folder of the runs of all losses.
  """
  (name,) = registry.file_names([spec]).values()
  return place / name


def initial(
  folder: pathlib.Path,
  *more: str,
  preset: files.PathLike,
  seed: int,
  steps: int,
) -> pathlib.Path:
  """Trains the network that all runs of a folder start from, with MSE.

  So no loss has to find the way from random weights. A finished training is not
  repeated.

  Args:
    folder: Folder of the runs.
    *more: Flags that come after those of the preset.
    preset: Flag file of `trainers.vae`.
    seed: Seed of the training.
    steps: Number of steps.

  Returns:
    The folder of the run.

  Raises:
    subprocess.CalledProcessError: if the training fails.
  """
  out = folder / "initial"
  flags = ("--loss=mse", *more, f"--steps={steps}", f"--seed={seed}")
  processes.train("vae", out, *flags, preset=preset)
  return out


def at_hand(
  benchmark: Benchmark,
  trained_in: Iterable[pathlib.Path] = (),
  further: Iterable[pathlib.Path] = (),
) -> tuple[dict[str, str], dict[str, str]]:
  """Returns the losses that can be compared, and why others cannot.

  Args:
    benchmark: The benchmark, which has the losses.
    trained_in: Folders that have to hold a finished run of each loss.
    further: The same of further seeds, for losses that are trained with them.

  Returns:
    The specs by name, and the reasons by name.

  Raises:
    ValueError: if there is none.
  """
  found, missing = {}, {}
  first = list(trained_in)
  all_seeds = [*first, *further]
  for name, spec in benchmark.losses.items():
    try:
      distances.get(spec)
    except weights.MissingWeights as error:
      missing[name] = str(error)
      continue
    needed = first if name in benchmark.once else all_seeds
    if all((folder_of(spec, p) / "model").exists() for p in needed):
      found[name] = spec
    else:
      missing[name] = "not trained"
  if not found:
    reasons = "; ".join(f"{name}: {why}" for name, why in missing.items())
    raise ValueError(f"there is nothing to compare ({reasons})")
  return found, missing


def train(
  spec: str,
  folder: pathlib.Path,
  *more: str,
  preset: files.PathLike,
  seed: int,
  start: pathlib.Path | None = None,
) -> pathlib.Path:
  """Trains a VAE in a process of its own, unless that has been done.

  Args:
    spec: Spec of the loss.
    folder: Folder of the runs; this one gets a folder there that is named after
      the loss.
    *more: Flags that come after those of the preset.
    preset: Flag file of `trainers.vae`.
    seed: Seed of the training.
    start: Folder of the run whose weights it starts from; None for random
      weights.

  Returns:
    The folder of the run.

  Raises:
    subprocess.CalledProcessError: if the training fails.
  """
  out = folder_of(spec, folder)
  initial = () if start is None else (f"--initial={start}",)
  flags = (f"--loss={spec}", *more, *initial, f"--seed={seed}")
  processes.train("vae", out, *flags, preset=preset)
  return out


def pictures(
  benchmark: Benchmark, own: example_settings.Pictures, seed: int
) -> tuple[examples.Examples, examples.Examples]:
  """Returns the training pictures and the held-out pictures of a run.

  Args:
    benchmark: The benchmark, which says whether there is a part to test on.
    own: Settings of the run.
    seed: Seed of the run, which selects the held-out pictures.
  """
  if benchmark.test_part:
    return example_settings.read(own), example_settings.read(own, split="test")
  return example_settings.load(own, seed=seed)


def conditions(manifests: Mapping[tuple[str, int], Any]) -> dict[str, object]:
  """Returns the conditions of trainings, for the reader.

  Args:
    manifests: Manifests of the models, by the name of the loss and the seed.
  """
  run = next(iter(manifests.values()))["training"]
  told = run["settings"]
  own = example_settings.Pictures.read(told)
  collapsed = [
    f"{name}, seed {seed}"
    for (name, seed), manifest in manifests.items()
    if manifest.get("collapsed")
  ]
  return {
    "Data": ", ".join(pathlib.Path(d).name for d in own.data),
    "Pictures": f"{own.side}x{own.side}, {own.channels} channels",
    "Network": told["model"],
    "Steps": f"{_in_words(steps(manifests))} of {own.batch} pictures, Adam, "
    f"peak rate {run['learning_rate']:g}, {run['precision']}",
    "Seeds": ", ".join(map(str, dict.fromkeys(s for _, s in manifests))),
    "Nats per latent aimed at": told.get("nats_per_latent", "not set"),
    "Nats that tell the training pictures apart": told_apart(manifests)
    or "not known, since the trainings are of an older version",
    "Weight of the KL": ", ".join(
      f"{name}, seed {seed}: {manifest['beta']:.3g}"
      for (name, seed), manifest in manifests.items()
    ),
    "Collapsed": ", ".join(collapsed) or "none",
  }


def steps(manifests: Mapping[tuple[str, int], Any]) -> dict[str, int]:
  """Returns the number of steps by the name of the loss.

  Where seeds of a loss have different numbers, each has a name of its own.

  Args:
    manifests: Manifests of the models, by the name of the loss and the seed.
  """
  found: dict[str, dict[int, int]] = {}
  for (name, seed), manifest in manifests.items():
    found.setdefault(name, {})[seed] = manifest["training"]["steps"]
  named = {}
  for name, counts in found.items():
    if len(set(counts.values())) == 1:
      named[name] = next(iter(counts.values()))
    else:
      named |= {f"{name}, seed {seed}": n for seed, n in counts.items()}
  return named


def _in_words(counts: Mapping[str, int]) -> str:
  if len(set(counts.values())) == 1:
    return str(next(iter(counts.values())))
  return ", ".join(f"{name}: {count}" for name, count in counts.items())


def told_apart(manifests: Mapping[tuple[str, int], Any]) -> str:
  """Returns the nats that tell the training pictures apart, beside the KL.

  Args:
    manifests: Manifests of the models, by the name of the loss and the seed.

  Returns:
    Such as `"log 2092 = 7.65"`; empty for models of an older version.
  """
  counts = {manifest.get("pictures") for manifest in manifests.values()}
  known = sorted(counts - {None})
  return ", ".join(f"log {count} = {math.log(count):.2f}" for count in known)

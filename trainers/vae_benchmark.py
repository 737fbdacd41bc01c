"""The losses that the table of VAEs compares, their trainings and pictures."""

import dataclasses
import pathlib
from collections.abc import Iterable, Mapping
from typing import Any

from tfpercept import distances, registry, weights
from tfpercept.data import examples
from tfpercept.evaluation.generative import claims as generation_answers
from tfpercept.io import files
from trainers import processes


@dataclasses.dataclass(frozen=True)
class Contest:
  """What is compared on a data set."""

  title: str
  losses: dict[str, str]
  claims: tuple[str, ...]
  test_part: bool
  """Whether the data come with pictures to test on."""
  classifier: str = ""


_LOSSES = {
  "MSE": "mse",
  "SSIM": "ssim",
  # As the authors trained: their parameters, and blocks shifted at random.
  "Watson-DCT": 'watson_dct(channels=1, shift="random", weights="released")',
  "Watson-DFT": 'watson_dft(channels=1, shift="random", weights="released")',
  "LPIPS": "lpips",
}
JUDGES = {
  name: f'{name}(channels=1, weights="released")'
  for name in ("watson_dct", "watson_dft")
}
"""What judges reconstructions in place of a distance as it comes."""
CONTESTS = {
  "mnist": Contest(
    "VAEs of MNIST's digits",
    _LOSSES,
    ("deep", "cheaper"),
    test_part=True,
    classifier="mnist_classifier",
  ),
  "faces": Contest(
    "VAEs of faces", _LOSSES, ("sharper", "cheaper"), test_part=False
  ),
}
ALSO_COSTS = {generation_answers.VGG: 'lpips(net="vgg")'}


def folder_of(spec: str, place: pathlib.Path) -> pathlib.Path:
  """Returns the folder of a loss's run in another folder."""
  (name,) = registry.file_names([spec]).values()
  return place / name


def initial(
  folder: pathlib.Path,
  *more: str,
  preset: files.PathLike,
  seed: int,
  steps: int,
) -> pathlib.Path:
  """Trains on MSE what all runs of a folder start from, unless it is there.

  Of pictures that show nothing yet black has the lowest Watson distances, and
  from random weights training goes there and stays.
  """
  out = folder / "initial"
  flags = ("--loss=mse", *more, f"--steps={steps}", f"--seed={seed}")
  processes.train("vae", out, *flags, preset=preset)
  return out


def at_hand(
  contest: Contest, trained_in: Iterable[pathlib.Path] = ()
) -> tuple[dict[str, str], dict[str, str]]:
  """Returns the losses that can be compared, and why others can not.

  Args:
    contest: Has the losses.
    trained_in: Folders that have to hold a finished run of each loss.

  Raises:
    ValueError: if there is none.
  """
  found, missing = {}, {}
  places = list(trained_in)
  for name, spec in contest.losses.items():
    try:
      distances.get(spec)
    except weights.MissingWeights as error:
      missing[name] = str(error)
      continue
    if all((folder_of(spec, p) / "model").exists() for p in places):
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
  start: pathlib.Path,
) -> pathlib.Path:
  """Trains a VAE in a process of its own, unless that has been done.

  Args:
    spec: Of the loss.
    folder: The run gets a folder there that is named after the loss.
    *more: Flags that come after those of the preset.
    preset: Flag file of `trainers.vae`.
    seed: Of the training.
    start: The run whose weights it starts from.

  Returns:
    The folder of the run.

  Raises:
    subprocess.CalledProcessError: if the training fails.
  """
  out = folder_of(spec, folder)
  flags = (f"--loss={spec}", *more, f"--initial={start}", f"--seed={seed}")
  processes.train("vae", out, *flags, preset=preset)
  return out


def pictures(
  contest: Contest, settings: Mapping[str, Any], seed: int
) -> tuple[examples.Examples, examples.Examples]:
  """Returns what a run was trained on and what it has not seen.

  Args:
    contest: Says whether there is a part to test on.
    settings: Of the run.
    seed: Of the run, which what it held out follows from.
  """
  options = {key: settings[key] for key in ("side", "channels", "fit")}
  options["skip_damaged"] = "skip_damaged" in settings
  data = examples.load(settings["data"], **options)
  if contest.test_part:
    return data, examples.load(settings["data"], split="test", **options)
  return examples.hold_out(data, settings["held_out"], seed=seed)


def conditions(manifests: Mapping[tuple[str, int], Any]) -> dict[str, object]:
  """Returns what a reader should know of trainings.

  Args:
    manifests: Of the models, by the name of the loss and the seed.
  """
  run = next(iter(manifests.values()))["training"]
  settings = run["settings"]
  collapsed = [
    f"{name}, seed {seed}"
    for (name, seed), manifest in manifests.items()
    if manifest.get("collapsed")
  ]
  return {
    "Data": ", ".join(pathlib.Path(d).name for d in settings["data"]),
    "Pictures": f"{settings['side']}x{settings['side']}, "
    f"{settings['channels']} channels",
    "Network": settings["model"],
    "Steps": f"{run['steps']} of {settings['batch']} pictures, Adam, peak rate "
    f"{run['learning_rate']:g}, {run['precision']}",
    "Seeds": ", ".join(map(str, dict.fromkeys(s for _, s in manifests))),
    "Nats per latent aimed at": settings.get("nats_per_latent", "not set"),
    "Weight of the KL": ", ".join(
      f"{name}, seed {seed}: {manifest['beta']:.3g}"
      for (name, seed), manifest in manifests.items()
    ),
    "Collapsed": ", ".join(collapsed) or "none",
  }

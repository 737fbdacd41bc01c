"""Writes a page with the reconstructions of trained autoencoders.

    python -m trainers.reconstruction_page --models=runs/faces --out=faces.html

shows, for each loss, the reconstructions of the held-out pictures (of all
pictures, if none were held out) and their distances. Of several seeds the
lowest is shown.
"""

import dataclasses
import pathlib
import re

import numpy as np

from programs import derived_flags, program
from tfpercept import registry, settings, training
from tfpercept.data import examples, identity
from tfpercept.evaluation.generative import reconstruction_page
from tfpercept.evaluation.probing import runs as probing_runs
from tfpercept.io import files, folders
from trainers import example_settings


@dataclasses.dataclass(frozen=True, kw_only=True)
class Job(settings.Settings):
  """The page to write.

  Attributes:
    models: Folders of runs of autoencoders.
    data: Names of other pictures; None takes those of the training.
    out: Path of the page.
    pictures: Largest number of pictures that are measured.
    seed: Seed of the draw of the pictures.
    spread: Spec of the distance in which reconstructions differ most.
    distances: Names of the distances that are measured; None for all that are
      registered.
    folders: Folder for the pictures and the reconstructions; None for none.
  """

  models: tuple[str, ...] = settings.option(
    settings.REQUIRED,
    "Folder of runs of autoencoders; may be repeated.",
    repeated=True,
  )
  data: tuple[str, ...] | None = settings.option(
    None,
    "Pictures to use instead of those of the training; may be repeated.",
    repeated=True,
  )
  out: str = settings.option(settings.REQUIRED, "HTML file to write.")
  pictures: int = settings.option(
    200, "Largest number of pictures, drawn with --seed.", least=1
  )
  seed: int = settings.option(0, "Seed of the draw.", least=0)
  spread: str = settings.option(
    "mse", "Distance that ranks pictures by how far reconstructions differ."
  )
  distances: tuple[str, ...] | None = settings.option(
    None, "Names of the distances to measure; all registered by default."
  )
  folders: str | None = settings.option(
    None,
    "Folder for the pictures and the reconstructions of each loss, a folder of "
    "PNG files each, for `tfpercept ranking make`.",
  )


_FLAGS = derived_flags.Flags(Job)


def main() -> None:
  job = _FLAGS.read()
  files.require_writable(job.out)
  if job.folders:
    folders.require(pathlib.Path(job.folders))
  chosen = _of_lowest_seed(probing_runs.load(job.models))
  own = example_settings.Pictures.read(chosen[0].training["settings"])
  if not job.data:
    training.check_data(chosen[0].folder, data=lambda: identity.of(own.data))
  data, what = _pictures(job, own, chosen[0].seed)
  x = data.floats()
  made = {t.spec: probing_runs.reconstruct(t.network, x) for t in chosen}
  if job.folders:
    _write_folders(pathlib.Path(job.folders), {"originals": x, **made})
  means = reconstruction_page.write(
    job.out,
    "Reconstructions",
    data.images,
    made,
    reconstruction_page.Options(
      spread=job.spread, seed=job.seed, metrics=job.distances or None
    ),
    logs={t.spec: t.folder / "tensorboard" for t in chosen},
    conditions=_conditions(chosen[0], what),
  )
  for spec, row in means.items():
    cells = ", ".join(f"{name} {e.value:.4g}" for name, e in row.items())
    print(f"{spec}: {cells}")
  print(pathlib.Path(job.out))


def _of_lowest_seed(
  found: list[probing_runs.Trained],
) -> list[probing_runs.Trained]:
  seed = min(trained.seed for trained in found)
  return [trained for trained in found if trained.seed == seed]


def _conditions(one: probing_runs.Trained, what: str) -> dict[str, object]:
  """Returns the conditions of the trainings, for the reader."""
  return {
    "Pictures": what,
    "Steps": one.training["steps"],
    "Seed of the training": one.seed,
    **one.training["settings"]["model"],
  }


def _write_folders(folder: pathlib.Path, images: dict[str, np.ndarray]) -> None:
  """Writes float pictures as `NAME/0000.png`, ..., in place of older ones."""
  for name, part in registry.file_names(images).items():
    pictures = np.round(255 * images[name].clip(0, 1)).astype(np.uint8)
    _require_ours(folder / part)
    with files.atomic(folder / part) as place:
      for number, picture in enumerate(pictures):
        files.write_image(place / f"{number:04d}.png", picture)


def _require_ours(folder: pathlib.Path) -> None:
  """Raises ValueError for a folder with files of another program."""
  listed = folder.iterdir() if folder.is_dir() else ()
  others = [p.name for p in listed if not re.fullmatch(r"\d{4,}\.png", p.name)]
  if others:
    raise ValueError(
      f"{folder} holds {min(others)}, and would be replaced; name another "
      "--folders"
    )


def _pictures(
  job: Job, own: example_settings.Pictures, seed: int
) -> tuple[examples.Examples, str]:
  """Returns the pictures to show, and their description."""
  if job.data:
    data = example_settings.read(dataclasses.replace(own, data=job.data))
    what = "others than those of the training"
  else:
    rest, unseen = example_settings.load(own, seed=seed)
    data = unseen if own.held_out else rest
    what = "held out from training" if own.held_out else "those trained on"
  count = min(job.pictures, len(data))
  random = np.random.default_rng(job.seed)
  drawn = np.sort(random.choice(len(data), count, replace=False))
  return data.take(drawn), f"{count} of {len(data)} {what}"


if __name__ == "__main__":
  program.start(main)

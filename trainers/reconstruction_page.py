"""Writes a page of what trained autoencoders make of the same pictures.

    python -m trainers.reconstruction_page --models=runs/faces --out=faces.html

shows, for each loss that was trained, the reconstructions of the pictures that
were held out (of all pictures, where none were) and what every distance says of
them. Of several seeds the lowest is shown.
"""

import pathlib

import numpy as np
from absl import flags

from programs import program
from tfpercept import registry, training
from tfpercept.data import examples, identity
from tfpercept.evaluation.generative import reconstruction_page
from tfpercept.evaluation.probing import runs as probing_runs
from tfpercept.io import files, folders

_MODELS = flags.DEFINE_multi_string(
  "models", None, "Folder of runs of autoencoders.", required=True
)
_DATA = flags.DEFINE_multi_string(
  "data", None, "Other pictures than those of the training; may be repeated."
)
_OUT = flags.DEFINE_string("out", None, "The HTML file.", required=True)
_PICTURES = flags.DEFINE_integer(
  "pictures", 200, "At most so many are measured, drawn with --seed.", 1
)
_SEED = flags.DEFINE_integer("seed", 0, "Of what is drawn.", 0)
_SPREAD = flags.DEFINE_string(
  "spread", "mse", "Distance in which reconstructions differ most."
)
_DISTANCES = flags.DEFINE_list(
  "distances", None, "Names of those that judge; all registered by default."
)
_FOLDERS = flags.DEFINE_string(
  "folders",
  None,
  "Also write the pictures and each loss's reconstructions there, a folder of "
  "PNG files each, as `tfpercept ranking make` takes them.",
)


def main() -> None:
  files.require_writable(_OUT.value)
  if _FOLDERS.value:
    folders.require(pathlib.Path(_FOLDERS.value))
  found = probing_runs.load(_MODELS.value)
  seed = min(trained.seed for trained in found)
  chosen = [trained for trained in found if trained.seed == seed]
  settings = chosen[0].training["settings"]
  if not _DATA.value:
    names = settings["data"]
    training.check_data(chosen[0].folder, data=lambda: identity.of(names))
  data, what = _pictures(settings, seed)
  x = data.floats()
  made = {t.spec: probing_runs.reconstruct(t.network, x) for t in chosen}
  if _FOLDERS.value:
    _write_folders(pathlib.Path(_FOLDERS.value), {"originals": x, **made})
  means = reconstruction_page.write(
    _OUT.value,
    "Reconstructions",
    data.images,
    made,
    reconstruction_page.Options(
      spread=_SPREAD.value,
      seed=_SEED.value,
      judges=tuple(_DISTANCES.value) if _DISTANCES.value else None,
    ),
    logs={t.spec: t.folder / "tensorboard" for t in chosen},
    conditions={
      "Pictures": what,
      "Steps": chosen[0].training["steps"],
      "Seed of the training": seed,
      **settings["model"],
    },
  )
  for spec, row in means.items():
    cells = ", ".join(f"{name} {e.value:.4g}" for name, e in row.items())
    print(f"{spec}: {cells}")
  print(pathlib.Path(_OUT.value))


def _write_folders(folder: pathlib.Path, images: dict[str, np.ndarray]) -> None:
  """Writes float pictures as `NAME/0000.png`, ..."""
  for name, part in registry.file_names(images).items():
    pictures = np.round(255 * images[name].clip(0, 1)).astype(np.uint8)
    for number, picture in enumerate(pictures):
      files.write_image(folder / part / f"{number:04d}.png", picture)


def _pictures(settings: dict, seed: int) -> tuple[examples.Examples, str]:
  """Returns what is shown, and what that is."""
  data = examples.load(
    _DATA.value or settings["data"],
    side=settings["side"],
    channels=settings["channels"],
    fit=settings["fit"],
    skip_damaged="skip_damaged" in settings,
  )
  what = "others than those of the training"
  if not _DATA.value:
    share = settings["held_out"]
    rest, unseen = examples.hold_out(data, share, seed=seed)
    data = unseen if share else rest
    what = "held out from training" if share else "those trained on"
  count = min(_PICTURES.value, len(data))
  random = np.random.default_rng(_SEED.value)
  drawn = np.sort(random.choice(len(data), count, replace=False))
  return data.take(drawn), f"{count} of {len(data)} {what}"


if __name__ == "__main__":
  program.start(main)

"""Exports all there is, and prints a table of it.

    python -m export.everything --out=runs/exports

writes a SavedModel of each trained model of the package, of a small untrained
network of each other registered kind, and of each distance. With --tflite it
writes TFLite files of each distance instead. What a folder holds already is
kept, so that a run that was stopped goes on.
"""

import functools
import json
import pathlib
import sys
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import tensorflow as tf
from absl import flags, logging

from export import manifest, saved_model, signatures, tflite
from programs import program
from tfpercept import distances, models, offers
from tfpercept.codecs.learned import model_writer
from tfpercept.io import files
from tfpercept.models.compression import transform_codec

SUM = "0.84*ms_ssim + 0.16*mae"
FIXED = (256, 256)
"""Height and width of TFLite files that dynamic sizes are refused for."""
_CODEC = {
  "widths": (8, 8, 8), "latents": 24, "hyper_width": 12, "hyper_latents": 8,
  "base": 2,
}  # fmt: skip
_GENERATOR = {"side": 32, "channels": 3, "latent": 16}
UNTRAINED: dict[str, dict[str, Any]] = {
  **dict.fromkeys(transform_codec.names(), _CODEC),
  "autoencoder": {"side": 33, "code": 8, "widths": (8, 8)},
  "vae": {"side": 33, "latent": 8, "widths": (8, 8)},
  "dcgan": _GENERATOR | {"widths": (16, 8, 8)},
  "vae_gan": _GENERATOR | {"widths": (16, 8, 8), "encoder_widths": (8, 8)},
  "pca": _GENERATOR,
  "klt_generator": _GENERATOR | {"widths": (8, 8, 8)},
  "toy_transform_codec": {"dimensions": 2, "latents": 2},
  "toy_vector_quantizer": {"dimensions": 2, "entries": 16, "weight": 1.0},
}
"""Options of small networks of kinds of which the package may have none."""

Subject = Callable[[], signatures.Signatures]
"""Function that returns what is to be exported."""


def networks(work: pathlib.Path) -> Iterator[tuple[str, Subject]]:
  """Yields the name and the signatures of each kind of network.

  Args:
    work: Folder for the folders of untrained networks.
  """
  shipped = offers.shipped()
  for name in shipped:
    yield name, functools.partial(signatures.load, name)
  have = {kind_of(name) for name in shipped}
  for kind in sorted(set(UNTRAINED) - have):
    yield f"{kind}, untrained", functools.partial(_untrained, kind, work / kind)


def kind_of(name: str) -> str:
  """Returns the registered name of the network of a model of the package."""
  kind: str = models.read_manifest(name)["model"]
  return kind


def every_distance() -> Iterator[tuple[str, Subject]]:
  """Yields the spec and the signatures of each distance, and of a sum."""
  for spec in (*distances.names(), SUM):
    yield spec, functools.partial(signatures.load_distance, spec)


def _untrained(kind: str, folder: pathlib.Path) -> signatures.Signatures:
  """Writes a network as it is before training; returns its signatures."""
  known = models.MODELS.options(kind)
  options = {k: v for k, v in UNTRAINED[kind].items() if k in known}
  network = models.MODELS.create(kind, options)
  network.build()
  if kind in transform_codec.names():
    blocks = np.random.default_rng(0).random((500, 16, 16, 3), np.float32)
    network.start(blocks)
    model_writer.save(network, folder)
  else:
    models.save(network, folder)
  return signatures.load(folder)


def saved(name: str, subject: Subject, out: pathlib.Path) -> list[str]:
  """Exports a SavedModel and returns its row of the table."""
  place = out / files_name(name)
  if not (place / "1").exists():
    saved_model.export(subject(), place)
  found = manifest.verify(place / "1")
  size = sum(f.stat().st_size for f in place.rglob("*") if f.is_file())
  checks = found["checks"].values()
  shares = [
    check["max_difference"] / check["tolerance"]
    for check in checks
    if check["tolerance"]
  ]
  names = [key for key in found["checks"] if key != "serving_default"]
  beyond = found["ops"]["beyond_tensorflow"]
  return [
    name,
    ", ".join(names),
    f"{size / 1e6:.2f}",
    f"{max(shares, default=0.0):.2g}",
    ", ".join(beyond) or "none",
  ]


def on_device(name: str, subject: Subject, out: pathlib.Path) -> list[str]:
  """Exports TFLite files and returns the row of the table."""
  sizes, fixed = "any", out / f"{files_name(name)}_fixed"
  place = fixed if fixed.exists() else out / files_name(name)
  if not place.exists():
    try:
      tflite.export(subject(), place)
    except tflite.Refused as error:
      place = fixed
      logging.warning("%s: %s", name, error)
      exported = signatures.load_distance(name, size=FIXED)
      tflite.export(exported, place)
  if place == fixed:
    sizes = f"{FIXED[0]}x{FIXED[1]}"
  manifest.verify(place)
  rows = json.loads((place / "table.json").read_text())["rows"]
  return [
    name,
    sizes,
    " / ".join(f"{row['bytes'] / 1024:.0f}" for row in rows),
    " / ".join(f"{row['milliseconds']['tf']:.0f}" for row in rows),
    " / ".join(f"{row['max_difference']:.1e}" for row in rows),
  ]


def files_name(name: str) -> str:
  """Returns the name of the folder of a subject."""
  return "".join(c if c.isalnum() or c in "._" else "_" for c in name)


def main() -> None:
  """Exports what the flags ask for and prints the table as it grows."""
  logging.set_verbosity(logging.ERROR)
  tf.get_logger().setLevel("ERROR")
  given = flags.FLAGS
  out = pathlib.Path(given.out)
  files.require_writable_folder(out)
  (out / "untrained").mkdir(exist_ok=True)
  if given.tflite:
    head = ["distance", "pictures", "KiB", "ms", "max difference"]
    subjects, export = list(every_distance()), on_device
  else:
    head = ["subject", "signatures", "MB", "difference", "ops to link"]
    subjects = [*networks(out / "untrained"), *every_distance()]
    export = saved
  chosen = _chosen(subjects, given.only)
  failed = 0
  print("\n".join(map(_line, (head, ["---"] * len(head)))), flush=True)
  for name, subject in chosen:
    try:
      row = export(name, subject, out)
    except Exception as error:  # noqa: BLE001 - the other rows are wanted
      line = " ".join(f"{type(error).__name__}: {error}".split())
      row = [name, f"not exported: {line}", *[""] * (len(head) - 2)]
      failed += 1
    print(_line(row), flush=True)
  sys.exit(min(failed, 1))


def _chosen(
  subjects: list[tuple[str, Subject]], only: list[str]
) -> list[tuple[str, Subject]]:
  """Returns the subjects of some names, or all where none is named."""
  names = [name for name, _ in subjects]
  if unknown := sorted(set(only) - set(names)):
    raise ValueError(
      f"--only takes {'; '.join(names)}; got {'; '.join(unknown)}"
    )
  return [each for each in subjects if not only or each[0] in only]


def _line(cells: list[str]) -> str:
  cells = [cell.replace("|", r"\|") for cell in cells]
  return f"| {' | '.join(cells)} |"


if __name__ == "__main__":
  flags.DEFINE_string("out", None, "Folder of the exports.", required=True)
  flags.DEFINE_bool("tflite", False, "Write TFLite files of the distances.")
  flags.DEFINE_multi_string(
    "only",
    [],
    "Name of a subject to export, as the table has it; may be repeated. By "
    "default all are exported.",
  )
  program.start(main)

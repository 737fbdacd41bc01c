"""The manifest of an export: its contents, and the SHA-256 of its files.

This checks the files of an export against its `manifest.json`:

    python -m export.manifest exported/srcnn/1
"""

import json
import pathlib
import sys
from collections.abc import Mapping
from typing import Any

import tensorflow as tf
from absl import app

from export.signatures import Signature, Signatures
from export.signatures.base import CARD, Source
from programs import program
from tfpercept import __version__
from tfpercept.io import files

FORMAT = "tfpercept-export-1"
NAME = "manifest.json"
AUTHORS = "ATTRIBUTION.md"
"""Name of the list of authors that cards of several models share."""
CARDS = "assets.extra/cards"
"""Folder of the cards of an export; servers leave `assets.extra` alone."""


def write(
  folder: files.PathLike,
  exported: Signatures,
  signatures: dict[str, Signature],
  **details: Any,
) -> None:
  """Writes the manifest of a folder whose other files are complete.

  Args:
    folder: The folder of the export.
    exported: Signatures of the network, with its own manifest.
    signatures: Exported signatures by name.
    **details: Further JSON values, such as the kind of export and its checks.
  """
  folder = pathlib.Path(folder)
  own = dict(exported.manifest)
  for key in ("format", "weights"):  # how its folder stores the network
    own.pop(key, None)
  sources = exported.sources()
  manifest = {
    "format": FORMAT,
    **details,
    "signatures": {name: s.to_json() for name, s in signatures.items()},
    "licenses": {name: source.license for name, source in sources.items()},
    "cards": _copied_cards(folder, sources),
    "weights_sha256": own.pop("sha256", None),
    **own,  # model, config, objective, training, ...
    "written_by": {"tfpercept": __version__, "tensorflow": tf.__version__},
    "sha256": {name: files.sha256(folder / name) for name in _names(folder)},
  }
  files.write_json(folder / NAME, manifest)


def _copied_cards(
  folder: pathlib.Path, sources: Mapping[str, Source]
) -> list[str]:
  """Copies cards and texts of licenses; returns the names of the cards.

  A list of authors that a card links to goes beside the folder of the card, so
  that the link finds it.
  """
  cards = []
  for name, source in sources.items():
    if source.folder is None:
      continue
    for path in sorted(source.folder.iterdir()):
      if path.name == CARD or path.name.startswith("LICENSE"):
        copy = folder / CARDS / name / path.name
        copy.parent.mkdir(parents=True, exist_ok=True)
        files.write_bytes(copy, path.read_bytes())
        if path.name == CARD:
          cards.append(copy.relative_to(folder).as_posix())
          if f"(../{AUTHORS})".encode() in path.read_bytes():
            _add_authors(source.folder.parent, copy.parent.parent)
  return cards


def _add_authors(given: pathlib.Path, folder: pathlib.Path) -> None:
  """Adds the list of authors of a folder to that of another."""
  if (given / AUTHORS).is_file():
    own, place = (given / AUTHORS).read_bytes(), folder / AUTHORS
    listed = place.read_bytes() if place.exists() else b""
    if own not in listed:
      files.write_bytes(place, listed + own)


def verify(folder: files.PathLike) -> dict[str, Any]:
  """Returns the manifest of an export after comparing all files with it.

  Raises:
    ValueError: if it is missing or damaged, or if a file is missing, changed or
      not listed.
  """
  folder = pathlib.Path(folder)
  path = folder / NAME
  if not path.is_file():
    raise ValueError(f"no export in {folder}: there is no {NAME}")
  try:
    manifest = json.loads(path.read_text())
    if manifest["format"] != FORMAT:
      raise ValueError(f"its format is {manifest['format']!r}, not {FORMAT!r}")
    listed = dict(manifest["sha256"])
  except (ValueError, KeyError, TypeError) as error:
    raise ValueError(f"{path} is not an export manifest: {error}") from error
  present = set(_names(folder))
  wrong = {
    "missing": listed.keys() - present,
    "not listed": present - listed.keys(),
    "changed": {
      name
      for name in present & listed.keys()
      if files.sha256(folder / name) != listed[name]
    },
  }
  found = [f"{k}: {', '.join(sorted(v))}" for k, v in wrong.items() if v]
  if found:
    raise ValueError(
      f"{folder} is not as it was exported ({'; '.join(found)}); copy it again "
      "or export anew"
    )
  return manifest


def _names(folder: pathlib.Path) -> list[str]:
  return sorted(
    path.relative_to(folder).as_posix()
    for path in folder.rglob("*")
    if path.is_file()
    and path != folder / NAME
    and not any(map(files.is_system_file, path.relative_to(folder).parts))
  )


def main(argv: list[str]) -> None:
  """Checks the folders that are given."""
  if len(argv) < 2:
    raise app.UsageError("give the folders of exports to check")
  for folder in argv[1:]:
    try:
      manifest = verify(folder)
    except (ValueError, OSError) as error:
      sys.exit(f"error: {error}")
    print(f"{folder}: {len(manifest['sha256'])} files as they were exported")


if __name__ == "__main__":
  app.run(main, flags_parser=program.parsed)

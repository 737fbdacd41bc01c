"""The manifest of an export: its contents, and the SHA-256 of its files.

This checks the files of an export against its `manifest.json`:

    python -m export.manifest exported/srcnn/1
"""

import json
import pathlib
import sys
from typing import Any

import tensorflow as tf
from absl import app

from export.signatures import Signature, Signatures
from programs import program
from tfpercept import __version__
from tfpercept.io import files

FORMAT = "tfpercept-export-1"
NAME = "manifest.json"


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
    del own[key]
  manifest = {
    "format": FORMAT,
    **details,
    "signatures": {name: s.to_json() for name, s in signatures.items()},
    "weights_sha256": own.pop("sha256"),
    **own,  # model, config, objective, training, ...
    "written_by": {"tfpercept": __version__, "tensorflow": tf.__version__},
    "sha256": {name: files.sha256(folder / name) for name in _names(folder)},
  }
  files.write_json(folder / NAME, manifest)


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

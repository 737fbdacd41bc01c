"""A model repository of Triton, made of exports.

Each served signature is a model of its own, `EXPORT_SIGNATURE`, since a model
of Triton has one list of inputs. Reference: Triton Inference Server, "Model
Repository" and "Model Configuration".
"""

import dataclasses
import errno
import json
import pathlib
import py_compile
import re
import shutil
import tempfile
from collections.abc import Collection, Iterator, Mapping
from typing import Any

from export import manifest
from tfpercept.io import files

CONFIG = "config.pbtxt"
_HERE = pathlib.Path(__file__).parent
_PROGRAMS = {"triton_model.py": "model.py", "exported.py": "exported.py"}
_DEFAULT = "serving_default"
_OURS = 'parameters { key: "written_by" value { string_value: "tfpercept" } }'
_DAMAGED = "damaged-"
_TYPES = {
  "string": "TYPE_STRING",
  "bool": "TYPE_BOOL",
  "float16": "TYPE_FP16",
  "float32": "TYPE_FP32",
  "float64": "TYPE_FP64",
  "uint8": "TYPE_UINT8",
  "int32": "TYPE_INT32",
  "int64": "TYPE_INT64",
}


@dataclasses.dataclass(frozen=True)
class Batching:
  """How a server gathers requests.

  Attributes:
    largest: Most elements of a batch; 0 has each request answered alone.
    delay: Longest wait for further requests, in microseconds.
    processes: Processes of each model, each of which holds it.
  """

  largest: int = 16
  delay: int = 2000
  processes: int = 1


def versions(folder: pathlib.Path) -> dict[str, list[pathlib.Path]]:
  """Returns the version folders of each export, by its name.

  Args:
    folder: Folder of exports, or one export, with its version folders.

  Raises:
    ValueError: if there are none, or two would have one name.
  """
  exports: dict[str, list[pathlib.Path]] = {}
  for place in (folder, *sorted(p for p in folder.glob("*") if p.is_dir())):
    found = sorted(
      (p for p in place.glob("*") if (p / manifest.NAME).is_file()), key=_number
    )
    found = [path for path in found if _number(path)]
    if found:
      name = re.sub(r"[^A-Za-z0-9._-]", "_", place.resolve().name)
      if name in exports:
        raise ValueError(
          f"{place} and {exports[name][0].parent} both become {name};"
          " rename one"
        )
      exports[name] = found
  if not exports:
    raise ValueError(
      f"{folder} has no exports; `python -m export.saved_model` writes"
      " EXPORTS/NAME/1"
    )
  return exports


def _number(version: pathlib.Path) -> int:
  """Returns the number of a version folder; 0 if the name is none."""
  name = version.name
  # Triton reads names such as 01 as another version than 1.
  is_number = name.isascii() and name.isdecimal() and not name.startswith("0")
  return int(name) if is_number and len(name) < 19 else 0


def chosen(
  description: Mapping[str, Any], wanted: Collection[str]
) -> dict[str, str]:
  """Returns what is served of an export: signatures by the ends of names.

  Args:
    description: Descriptions of the signatures of the export.
    wanted: Names of signatures to serve. By default those that take files, and
      else the one that servers call by default.
  """
  if wanted:
    names = [name for name in description if name in wanted]
  else:
    names = [
      name
      for name, signature in description.items()
      if name != _DEFAULT
      and any(t["dtype"] == "string" for t in signature["inputs"].values())
    ] or [_DEFAULT]
  return {name: "" if name == _DEFAULT else f"_{name}" for name in names}


def add(
  exported: str,
  version: pathlib.Path,
  repository: pathlib.Path,
  *,
  wanted: Collection[str] = (),
  batching: Batching = Batching(),
) -> Iterator[str]:
  """Adds a version of an export to a repository, which may be in use.

  A version appears whole or not at all. One that is there stays, unless it is
  damaged.

  Args:
    exported: Name of the export.
    version: Version folder of the export.
    repository: Folder of the repository.
    wanted: Names of signatures to serve, as for `chosen`.
    batching: Settings of batches, which replace those that were there.

  Yields:
    The name of each model that got the version.

  Raises:
    ValueError: if the export is damaged, takes other inputs than an earlier
      version of it, or has no signature for files and none by default.
  """
  described = signatures(version)
  if not wanted and not chosen(described, wanted).keys() <= described.keys():
    raise ValueError(
      f"{version} has no signature that takes files, and none by default; name "
      f"those to serve, of {', '.join(described)}"
    )
  for signature, end in chosen(described, wanted).items():
    name = f"{exported}{end}"
    place = repository / name
    text = config(name, signature, described[signature], batching)
    old = (place / CONFIG).read_text() if (place / CONFIG).exists() else None
    if old is not None and _interface(old) != _interface(text):
      raise ValueError(
        f"{version} takes or gives something else than {place}; serve it under"
        " another name"
      )
    if old != text:
      place.mkdir(parents=True, exist_ok=True)
      files.write_text(place / CONFIG, text)
    target = place / version.name
    if target.exists() and _damage(target):
      target.rename(_free_name(place, f"{_DAMAGED}{target.name}"))
    if not target.exists():
      manifest.verify(version)
      _publish(version, target)
      yield name


def signatures(version: pathlib.Path) -> dict[str, Any]:
  """Returns the descriptions of the signatures of an export.

  Raises:
    ValueError: if it is no SavedModel of ours, or its manifest is damaged.
  """
  try:
    told = json.loads((version / manifest.NAME).read_text())
    if told["format"] != manifest.FORMAT or told["kind"] != "saved_model":
      raise ValueError("it is another export than a SavedModel")
    return dict(told["signatures"])
  except (ValueError, KeyError, TypeError) as error:
    raise ValueError(f"{version} cannot be served: {error}") from error


def _publish(version: pathlib.Path, target: pathlib.Path) -> None:
  """Makes a version of a model beside the repository, and moves it there.

  A server takes what grows within a folder of a model for a change of it.
  """
  repository = target.parents[1]
  with tempfile.TemporaryDirectory(
    prefix=".tfpercept.", dir=repository.absolute().parent
  ) as work:
    made = pathlib.Path(work) / target.name
    made.mkdir()
    for source, name in _PROGRAMS.items():
      shutil.copyfile(_HERE / source, made / name)
      # Compiled now, since what a server compiles there is a change, too.
      py_compile.compile(
        str(made / name),
        dfile=name,
        invalidation_mode=py_compile.PycInvalidationMode.UNCHECKED_HASH,
      )
    # Copies and not links: another link to a file looks like a change.
    shutil.copytree(version, made / "export")
    try:
      made.rename(target)
    except OSError as error:
      if error.errno != errno.EXDEV:
        raise
      # The repository is a disk of its own.
      with files.atomic(target) as copy:
        shutil.copytree(made, copy)


def set_aside_damaged(repository: pathlib.Path) -> Iterator[str]:
  """Renames latest versions that are damaged, so that a start finds good ones.

  A server at work goes on with the version before; one that starts would try
  the latest alone. Models of others are left alone.

  Args:
    repository: Folder of a repository that no server uses.

  Yields:
    One line for each version: its place and what is wrong with it.
  """
  for path in sorted(repository.glob(f"*/{CONFIG}")):
    place = path.parent
    if _OURS not in path.read_text(errors="replace"):
      continue
    while found := [version for version in place.iterdir() if _number(version)]:
      latest = max(found, key=_number)
      damage = _damage(latest)
      if not damage:
        break
      aside = _free_name(place, f"{_DAMAGED}{latest.name}")
      try:
        latest.rename(aside)
      except OSError as error:
        yield f"{latest} cannot be set aside ({error}): {damage}"
        break
      yield f"set {latest} aside as {aside.name}: {damage}"


def _damage(version: pathlib.Path) -> str:
  """Returns what is wrong with a version of a model; empty if nothing is."""
  try:
    manifest.verify(version / "export")
    for name in _PROGRAMS.values():
      (version / name).stat()
  except (ValueError, OSError) as error:
    return str(error)
  return ""


def _free_name(folder: pathlib.Path, name: str) -> pathlib.Path:
  """Returns a path in a folder that nothing has yet."""
  names = (name, *(f"{name}-{number}" for number in range(2, 1000)))
  return next(folder / n for n in names if not (folder / n).exists())


def config(
  name: str, signature: str, described: Mapping[str, Any], batching: Batching
) -> str:
  """Returns the configuration of a model.

  Args:
    name: Name of the model.
    signature: Name of the signature that it answers.
    described: Description of the signature, as in the manifest.
    batching: Settings of batches.
  """
  sides = {
    "input": described["inputs"], "output": described["outputs"]
  }  # fmt: skip
  shapes = [t["shape"] for tensors in sides.values() for t in tensors.values()]
  batched = all(shape and shape[0] is None for shape in shapes)
  lines = [f'name: "{name}"', 'backend: "python"']
  lines.append(f"max_batch_size: {max(batching.largest, 1) if batched else 0}")
  for side, tensors in sides.items():
    lines += [
      _tensor(side, key, tensor, skip=batched)
      for key, tensor in tensors.items()
    ]
  lines.append(_OURS)
  lines.append(
    f'parameters {{ key: "signature" value {{ string_value: "{signature}" }} }}'
  )
  lines.append(
    f"instance_group [ {{ kind: KIND_CPU count: {batching.processes} }} ]"
  )
  lines.append("version_policy { latest { num_versions: 1 } }")
  if batched and batching.largest:
    lines.append(
      f"dynamic_batching {{ max_queue_delay_microseconds: {batching.delay} }}"
    )
  return "\n".join(lines) + "\n"


def _tensor(
  side: str, name: str, tensor: Mapping[str, Any], *, skip: bool
) -> str:
  """Returns the line of an input or output; `skip` leaves out the batch."""
  shape = tensor["shape"][1:] if skip else tensor["shape"]
  sizes = ", ".join(str(-1 if size is None else size) for size in shape)
  # A tensor of Triton has at least one axis; that of a number is dropped by it
  # from a batch, and else by the model.
  end = " reshape { shape: [] }" if skip and not shape else ""
  return (
    f'{side} {{ name: "{name}" data_type: {_TYPES[tensor["dtype"]]}'
    f" dims: [{sizes or 1}]{end} }}"
  )


def _interface(text: str) -> list[str]:
  """Returns the lines that clients depend on."""
  kept = ("input", "output", "parameters", "name")
  return [line for line in text.splitlines() if line.startswith(kept)]

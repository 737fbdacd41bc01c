"""Exports a network or a distance for devices, in up to three precisions.

    python -m export.tflite --run=runs/a --out=exported/srcnn_tflite
    python -m export.tflite --distance=ms_ssim --out=exported/ms_ssim_tflite

writes the .tflite files, a table of their size, speed and error on photographs
and a manifest, after a fresh process has run each file and answered as the
Keras network does.
"""

import dataclasses
import json
import os
import pathlib
import re
import sys
import tempfile
from collections.abc import Mapping
from typing import Any

import numpy as np
import tensorflow as tf
from absl import flags, logging

from export import asked, fresh, manifest, saved_model, signatures
from programs import program
from tfpercept import distances
from tfpercept.io import files, folders

LITERT = "TFPERCEPT_LITERT_PYTHON"
"""Environment variable with the path of a Python that has ai-edge-litert."""

_TIMED = "timed"
_SIDE = 256  # side of the timed crop
_CALLS = 5


@dataclasses.dataclass(frozen=True)
class Precision:
  """Storage of the weights of a .tflite file.

  Attributes:
    optimizations: Value of `tf.lite.TFLiteConverter.optimizations`.
    types: Dtypes that weights may be stored in; empty leaves them to TFLite.
    tolerance: Largest difference of outputs to Keras on the example.
  """

  optimizations: tuple[tf.lite.Optimize, ...]
  types: tuple[tf.DType, ...]
  tolerance: float


_DEFAULT = (tf.lite.Optimize.DEFAULT,)
# On noise a trained 9-5-5 SRCNN differed by 3e-7, 3e-4 and 8e-3, and by 0.6
# from an identity. Tolerances leave room for other weights; what an export
# costs on photographs is in its table.
PRECISIONS = {
  "float32": Precision((), (), 1e-5),
  "float16": Precision(_DEFAULT, (tf.float16,), 2e-3),
  "int8": Precision(_DEFAULT, (), 5e-2),  # weights; activations as they come
}

# What the converter says of operations that it finds no kernel for.
_LACKING = re.compile(r"'tf\.(\w+)' op is neither")


class Refused(program.ProgramError):
  """TFLite has no operations for a signature."""


Arrays = dict[str, np.ndarray]
_Given = Mapping[str, np.ndarray | list[bytes]]


def export(
  exported: signatures.Signatures | files.PathLike,
  out: files.PathLike,
  litert_python: str | None = None,
) -> list[dict[str, Any]]:
  """Writes and checks a folder of .tflite files.

  There is a file for each entry of the network and precision. It takes any
  batch, and any size that the network does; one call of `resize_tensor_input`,
  or a signature runner, sets them.

  Args:
    exported: A finished run folder, or its model folder; or signatures, such as
      `signatures.load_distance` returns.
    out: A new folder: `<model>_<precision>.tflite`, or
      `<model>_<entry>_<precision>.tflite` where there are several entries,
      `table.md`, `table.json`, `manifest.json`, and what devices need beside
      them (`Signatures.beside`).
    litert_python: Path of a Python with ai-edge-litert, which checks the files
      with that runtime too; None takes `$TFPERCEPT_LITERT_PYTHON`, if set.

  Returns:
    The rows of the table.

  Raises:
    ValueError: if there is no such network, or `out` exists already.
    Refused: if TFLite has no operations for it.
    fresh.CheckError: if a reloaded file differs; then nothing is written.
  """
  out = pathlib.Path(out)
  if out.exists():
    raise ValueError(f"{out} exists already; name a new --out, or remove it")
  folders.require(out)
  pythons = {"tf": sys.executable}
  if litert_python := litert_python or os.environ.get(LITERT):
    pythons["litert"] = litert_python
  if not isinstance(exported, signatures.Signatures):
    exported = signatures.load(exported)
  entries = exported.on_device()
  with files.atomic(out) as made, folders.made_plain(made) as folder:
    paths = convert(exported, entries, folder)
    checks: dict[str, dict] = {}
    rows: list[dict[str, Any]] = []
    for name, signature in entries.items():
      trials = exported.trials(name)
      found, more = _measure(signature, trials, paths[name], pythons)
      checks |= found
      rows += more
    for name, contents in exported.beside().items():
      files.write_bytes(folder / name, contents)
    table = {"pictures": list(trials), "timed": _timed(), "rows": rows}
    files.write_json(folder / "table.json", table)
    files.write_text(folder / "table.md", markdown(table))
    manifest.write(folder, exported, entries, kind="tflite", checks=checks)
  return rows


def markdown(table: dict[str, Any]) -> str:
  """Returns `table.json` as a Markdown table with notes on its columns."""
  times = [f"ms, {runtime}" for runtime in table["rows"][0]["milliseconds"]]
  gaps = ["max difference", "mean difference", "PSNR", "change"]
  blank = {"psnr": "", "psnr_change": ""}
  cells = [
    ["file", "KiB", *times, *gaps],
    ["---", *["---:"] * (1 + len(times) + len(gaps))],
  ]
  for row in table["rows"]:
    scores = blank
    if row["psnr"] is not None:
      scores = {
        "psnr": f"{row['psnr']:.3f}",
        "psnr_change": f"{row['psnr_change']:+.4f}",
      }
    cells.append(
      [
        row["file"],
        f"{row['bytes'] / 1024:.1f}",
        *(f"{ms:.1f}" for ms in row["milliseconds"].values()),
        f"{row['max_difference']:.1e}",
        f"{row['mean_difference']:.1e}",
        *scores.values(),
      ]
    )
  lines = [f"| {' | '.join(line)} |" for line in cells]
  return "\n".join(lines) + (
    f"\n\nTime: {table['timed']}. Differences to the Keras network, and PSNR in"
    f" dB of outputs that are pictures: on {', '.join(table['pictures'])}.\n"
  )


def _timed() -> str:
  return (
    f"median of {_CALLS} calls with one thread on one input, of"
    f" {_SIDE}x{_SIDE} pixels where the network takes any size; tf is tf.lite"
    f" {tf.__version__}"
  )


def convert(
  exported: signatures.Signatures,
  entries: dict[str, signatures.Signature],
  folder: pathlib.Path,
) -> dict[str, dict[str, pathlib.Path]]:
  """Writes the files, unchecked; returns paths by entry and precision."""
  paths: dict[str, dict[str, pathlib.Path]] = {}
  with tempfile.TemporaryDirectory() as graph:
    # By way of a SavedModel, so that a file keeps the name of its signature.
    saved_model.write_graph(entries, pathlib.Path(graph))
    for name in entries:
      stem = exported.stem
      if len(entries) > 1:
        stem = f"{stem}_{name}"
      paths[name] = {}
      for key in entries[name].precisions:
        precision = PRECISIONS[key]
        converter = tf.lite.TFLiteConverter.from_saved_model(graph, [name])
        converter.optimizations = list(precision.optimizations)
        converter.target_spec.supported_types = list(precision.types)
        path = folder / f"{stem}_{key}.tflite"
        files.write_bytes(path, _converted(converter, name))
        paths[name][key] = path
  return paths


def _converted(converter: tf.lite.TFLiteConverter, name: str) -> bytes:
  try:
    contents: bytes = converter.convert()
  except Exception as error:  # of a class that is not public
    found = sorted(set(_LACKING.findall(str(error))))
    if not found:
      raise
    raise Refused(
      f"TFLite has no {', '.join(found)} as {name!r} uses them. Fixed sizes may"
      " help: give a distance a --size, such as --size=256x256"
    ) from error
  return contents


Trials = dict[str, tuple[Arrays, np.ndarray | None]]


def _measure(
  signature: signatures.Signature,
  trials: Trials,
  paths: dict[str, pathlib.Path],
  pythons: dict[str, str],
) -> tuple[dict[str, dict], list[dict[str, Any]]]:
  """Checks each file with each runtime and returns checks and table rows."""
  inputs: dict[str, _Given] = {}
  inputs |= {case: given for case, (given, _) in trials.items()}
  first, _ = next(iter(trials.values()))
  inputs[_TIMED] = {
    k: _cropped(x[:1], signature.inputs[k].shape) for k, x in first.items()
  }
  inputs["check"] = signature.example
  expected = signature.expected()
  tolerances = {
    key: PRECISIONS[key].tolerance * signature.scale + signature.summing
    for key in signature.precisions
  }
  checks = {paths[k].name: {"tolerance": t} for k, t in tolerances.items()}
  times: dict[str, dict[str, float]] = {}
  for runtime, python in pythons.items():
    answers, times[runtime] = _answers(runtime, python, inputs, paths)
    for key, path in paths.items():
      checks[path.name][runtime] = fresh.difference(
        dataclasses.replace(signature, tolerance=tolerances[key]),
        expected,
        answers[path.stem]["check"],
        name=f"{path.name} in {runtime}",
      )
    if runtime == "tf":
      rows = _rows(signature, trials, paths, answers)
  for row, path in zip(rows, paths.values(), strict=True):
    row["milliseconds"] = {by: ms[path.stem] for by, ms in times.items()}
  return checks, rows


def _cropped(given: np.ndarray, shape: tuple[int | None, ...]) -> np.ndarray:
  """Returns the first rows and columns of pictures whose sides are free."""
  if given.ndim != 4:
    return given
  rows, columns = (slice(_SIDE if n is None else n) for n in shape[1:3])
  return given[:, rows, columns]


def _answers(
  runtime: str,
  python: str,
  inputs: Mapping[str, _Given],
  paths: dict[str, pathlib.Path],
) -> tuple[dict[str, dict[str, Arrays]], dict[str, float]]:
  """Runs files in a fresh process; returns outputs[file][case] and times."""
  with tempfile.TemporaryDirectory() as work:
    np.savez(
      f"{work}/inputs.npz",
      **{
        f"{c}/{k}": x for c, given in inputs.items() for k, x in given.items()
      },
    )
    printed = fresh.run(
      [
        str(fresh.HERE / "run_tflite.py"),
        *(f"{work}/inputs.npz", work, *map(str, paths.values())),
        *(f"--runtime={runtime}", f"--timed={_TIMED}", f"--calls={_CALLS}"),
      ],
      python=python,
    )
    answers: dict[str, dict[str, Arrays]] = {}
    for path in paths.values():
      answers[path.stem] = {case: {} for case in inputs}
      with np.load(f"{work}/{path.stem}.npz", allow_pickle=False) as arrays:
        for key in arrays.files:
          case, name = key.rsplit("/", 1)
          answers[path.stem][case][name] = arrays[key]
  times = json.loads(printed.splitlines()[-1])
  return answers, {stem: case[_TIMED] for stem, case in times.items()}


def _rows(
  signature: signatures.Signature,
  trials: Trials,
  paths: dict[str, pathlib.Path],
  answers: dict[str, dict[str, Arrays]],
) -> list[dict[str, Any]]:
  keras = {
    case: {k: y.numpy() for k, y in signature.function(**given).items()}
    for case, (given, _) in trials.items()
  }
  before = _psnr(trials, keras)
  rows = []
  for path in paths.values():
    device = {case: answers[path.stem][case] for case in trials}
    gaps = [
      np.abs(keras[case][output] - device[case][output])
      for case in trials
      for output in signature.outputs
    ]
    after = _psnr(trials, device)
    rows.append(
      {
        "file": path.name,
        "bytes": path.stat().st_size,
        "max_difference": float(max(gap.max() for gap in gaps)),
        "mean_difference": float(np.mean([gap.mean() for gap in gaps])),
        "psnr": after,
        "psnr_change": None
        if after is None or before is None
        else after - before,
      }
    )
  return rows


def _psnr(trials: Trials, answers: dict[str, Arrays]) -> float | None:
  """Returns the mean over cases with an ideal output; None without any."""
  psnr = distances.get("psnr")
  values = []
  for case, (_, ideal) in trials.items():
    if ideal is not None:
      (image,) = answers[case].values()
      values.append(float(psnr.score(ideal, image)[0]))
  return float(np.mean(values)) if values else None


def main() -> None:
  """Exports the network that the flags name and prints the table."""
  logging.set_verbosity(logging.WARNING)
  tf.get_logger().setLevel("WARNING")
  given = flags.FLAGS
  export(asked.signatures_of(given), given.out, given.litert_python)
  for key, check in manifest.verify(given.out)["checks"].items():
    tolerance = check.pop("tolerance")
    found = ", ".join(f"{gap:.2g} in {by}" for by, gap in check.items())
    print(f"{key}: differs from Keras by {found}; {tolerance:g} is allowed")
  print((pathlib.Path(given.out) / "table.md").read_text())
  print(f"Exported {given.out}")


if __name__ == "__main__":
  # Defined here and not above, so that trainers which import this module keep
  # their own --out.
  asked.define()
  flags.DEFINE_string(
    "size",
    None,
    "Height and width of the pictures of a distance, such as 256x256, for the"
    " only pair that a call takes; by default any number of any size.",
  )
  flags.DEFINE_string("out", None, "New folder to write.", required=True)
  flags.DEFINE_string(
    "litert_python",
    None,
    f"Path of a Python with ai-edge-litert; by default ${LITERT}.",
  )
  program.start(main)

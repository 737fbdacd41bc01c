"""Reloads exports in processes that share no code with the exporter."""

import itertools
import os
import pathlib
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Mapping, Sequence

import numpy as np
import tensorflow as tf

from export.signatures import Signature
from programs.program import ProgramError

HERE = pathlib.Path(__file__).parent
# Seconds. Loading TensorFlow takes up to a minute when cold, and twenty times
# that on a busy machine; only what hangs takes this long.
_TIMEOUT = 2 * 60 * 60


class CheckError(ProgramError):
  """An export does not do what the network does."""


def run(command: Sequence[str], *, python: str = sys.executable) -> str:
  """Runs a Python program in a clean process, on the CPU.

  Args:
    command: Arguments of `python`, which runs isolated: no environment
      variables of Python, and no module of this tree on its path.
    python: Path of the interpreter.

  Returns:
    Standard output of the program.

  Raises:
    CheckError: if it fails; with the last lines that it wrote.
  """
  # GPUs may compute in TF32, too coarse to compare with.
  environment = {
    **os.environ,
    "CUDA_VISIBLE_DEVICES": "-1",
    "TF_CPP_MIN_LOG_LEVEL": "3",
  }
  try:
    done = subprocess.run(
      [python, "-I", *command],
      env=environment,
      capture_output=True,
      text=True,
      timeout=_TIMEOUT,
      check=False,
    )
  except (OSError, subprocess.TimeoutExpired) as error:
    raise CheckError(
      f"{python} could not reload the export: {error}"
    ) from error
  if done.returncode:
    lines = (done.stderr or done.stdout).strip().splitlines()
    raise CheckError(f"a fresh process failed: {' / '.join(lines[-3:])}")
  return done.stdout


PROGRAM = "run_signatures"
"""Name of the program that calls the signatures of a SavedModel."""

Answers = dict[str, np.ndarray | list[bytes]]
"""Outputs of a signature, by name."""


def call_saved_model(
  folder: pathlib.Path,
  served: Mapping[str, Signature],
  libraries: Sequence[pathlib.Path] = (),
) -> dict[str, Answers]:
  """Returns what signatures answer to their examples in one fresh process.

  Args:
    folder: Folder of the SavedModel.
    served: Signatures with their examples, by name.
    libraries: Paths of the libraries of ops that the SavedModel needs.

  Raises:
    CheckError: if the process fails, or does not answer a signature.
  """
  given: dict[str, np.ndarray] = {}
  for name, signature in served.items():
    for key, value in signature.example.items():
      if isinstance(value, list):
        for number, item in enumerate(value):
          given[f"{name}/{key}/{number}"] = np.frombuffer(item, np.uint8)
      else:
        given[f"{name}/{key}"] = np.asarray(value)
  with tempfile.TemporaryDirectory() as place:
    work = pathlib.Path(place)
    np.savez(work / "in.npz", **given)
    run(
      [
        *(str(HERE / f"{PROGRAM}.py"), str(folder)),
        *(str(work / "in.npz"), str(work / "out.npz")),
        *(f"--ops={path}" for path in libraries),
      ]
    )
    with np.load(work / "out.npz", allow_pickle=False) as arrays:
      found = {key: arrays[key] for key in arrays.files}
  return {
    name: {
      key: _answer(f"{name}/{key}", tensor.dtype, found)
      for key, tensor in signature.outputs.items()
    }
    for name, signature in served.items()
  }


def _answer(
  key: str, dtype: str, found: Mapping[str, np.ndarray]
) -> np.ndarray | list[bytes]:
  if dtype == "string":
    places = itertools.takewhile(
      found.__contains__, (f"{key}/{i}" for i in itertools.count())
    )
    return [found[place].tobytes() for place in places]
  if key not in found:
    raise CheckError(f"the reloaded export has no output {key}")
  return found[key]


def difference(
  signature: Signature, expected: dict, answered: dict, *, name: str
) -> float:
  """Returns the largest difference between expected and answered outputs.

  Args:
    signature: Signature, whose `tolerance` says how outputs are compared.
    expected: Outputs of the Keras network.
    answered: Outputs of the reloaded export.
    name: Name of the reloaded export, for messages.

  Raises:
    CheckError: if an output has another type, shape or too different values.
  """
  worst = 0.0
  for key, output in signature.outputs.items():
    ours, theirs = expected[key], answered[key]
    is_picture = key.endswith("_bytes") and signature.tolerance is not None
    if output.dtype == "string" and not is_picture:
      if list(ours) != list(theirs):
        raise CheckError(f"{name}: {key} are not the bytes that Keras gives")
      continue
    if len(ours) != len(theirs):
      raise CheckError(
        f"{name}: {key} should be {len(ours)} answers; the reloaded export gave"
        f" {len(theirs)}"
      )
    if is_picture:
      pairs = list(zip(_decode(ours), _decode(theirs), strict=True))
    else:
      pairs = [(np.asarray(ours), np.asarray(theirs))]
    for one, other in pairs:
      if one.shape != other.shape or one.dtype != other.dtype:
        raise CheckError(
          f"{name}: {key} should be {one.dtype} {one.shape}; the reloaded"
          f" export gave {other.dtype} {other.shape}"
        )
      gap = np.abs(one.astype(np.float64) - other).max(initial=0.0)
      if signature.is_relative:
        gap /= np.abs(one).max(initial=0.0) or 1.0
      worst = max(worst, float(gap)) if np.isfinite(gap) else np.inf
  if signature.tolerance is not None and not worst <= signature.tolerance:
    raise CheckError(
      f"{name}: the reloaded export differs from Keras by {worst:.3g}, more"
      f" than {signature.tolerance:.3g}"
    )
  return worst


def _decode(pictures: Iterable[bytes]) -> list[np.ndarray]:
  return [tf.io.decode_image(picture).numpy() for picture in pictures]

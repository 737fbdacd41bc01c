"""Reloads exports in processes that share no code with the exporter."""

import os
import pathlib
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Sequence

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


def program(signature: Signature) -> str:
  """Returns the name of the program that calls a served signature.

  Numbers go through `saved_model_cli`, bytes, and single numbers beside them,
  through `run_files`, which imports TensorFlow alone.

  Raises:
    ValueError: if numbers and bytes are mixed otherwise, which no program here
      takes.
  """
  if "string" not in signature.dtypes:
    return "saved_model_cli"
  outputs = [tensor.dtype for tensor in signature.outputs.values()]
  if len(_batches(signature)) != 1 or outputs != ["string"]:
    raise ValueError(
      "no program checks a signature on both numbers and bytes; make it one"
      " from files to files"
    )
  return "run_files"


def _batches(signature: Signature) -> list[str]:
  """Returns the inputs that are not single numbers."""
  return [
    name
    for name, tensor in signature.inputs.items()
    if tensor.shape or tensor.dtype == "string"
  ]


def call_saved_model(
  folder: pathlib.Path,
  name: str,
  signature: Signature,
  libraries: Sequence[pathlib.Path] = (),
) -> dict[str, np.ndarray | list[bytes]]:
  """Returns the outputs of a signature for its example, from a fresh process.

  Args:
    folder: Folder of the SavedModel.
    name: Name of the signature.
    signature: The signature, with its example.
    libraries: Paths of the libraries of ops that the SavedModel needs.

  Raises:
    CheckError: if the process fails.
  """
  call = _run_files if program(signature) == "run_files" else _saved_model_cli
  with tempfile.TemporaryDirectory() as work:
    return call(folder, name, signature, libraries, pathlib.Path(work))


def _saved_model_cli(
  folder: pathlib.Path,
  name: str,
  signature: Signature,
  libraries: Sequence[pathlib.Path],
  work: pathlib.Path,
) -> dict[str, np.ndarray | list[bytes]]:
  inputs = []
  for key, value in signature.example.items():
    np.save(work / f"{key}.npy", value, allow_pickle=False)
    inputs.append(f"{key}={work / key}.npy")
  module = "tensorflow.python.tools.saved_model_cli"
  start = ["-m", module]
  if libraries:  # it has no flag for them
    lines = [
      "import tensorflow as tf",
      *(f"tf.load_op_library({str(path)!r})" for path in libraries),
      f"from {module} import main",
      "main()",
    ]
    start = ["-c", "\n".join(lines)]
  run(
    [
      *start,
      "run",
      f"--dir={folder}",
      "--tag_set=serve",
      f"--signature_def={name}",
      f"--inputs={';'.join(inputs)}",
      f"--outdir={work / 'out'}",
    ]
  )
  return {
    key: np.load(work / "out" / f"{key}.npy", allow_pickle=False)
    for key in signature.outputs
  }


def _run_files(
  folder: pathlib.Path,
  name: str,
  signature: Signature,
  libraries: Sequence[pathlib.Path],
  work: pathlib.Path,
) -> dict[str, np.ndarray | list[bytes]]:
  (batch,), (answer,) = _batches(signature), signature.outputs
  pairs = []
  for index, contents in enumerate(signature.example[batch]):
    source, target = work / f"{index}", work / f"{index}.out"
    source.write_bytes(contents)
    pairs += [str(source), str(target)]
  numbers = {
    key: float(np.asarray(value))
    for key, value in signature.example.items()
    if key != batch
  }
  run(
    [
      *(str(HERE / "run_files.py"), str(folder), *pairs),
      f"--signature={name}",
      *(f"--set={key}={value!r}" for key, value in numbers.items()),
      *(f"--ops={path}" for path in libraries),
    ]
  )
  return {answer: [pathlib.Path(path).read_bytes() for path in pairs[1::2]]}


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
    if output.dtype == "string" and signature.tolerance is None:
      if list(ours) != list(theirs):
        raise CheckError(f"{name}: {key} are not the bytes that Keras gives")
      continue
    if len(ours) != len(theirs):
      raise CheckError(
        f"{name}: {key} should be {len(ours)} answers; the reloaded export gave"
        f" {len(theirs)}"
      )
    if output.dtype == "string":
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
      worst = max(worst, float(gap)) if np.isfinite(gap) else np.inf
  if signature.tolerance is not None and not worst <= signature.tolerance:
    raise CheckError(
      f"{name}: the reloaded export differs from Keras by {worst:.3g}, more"
      f" than {signature.tolerance:.3g}"
    )
  return worst


def _decode(pictures: Iterable[bytes]) -> list[np.ndarray]:
  return [tf.io.decode_image(picture).numpy() for picture in pictures]

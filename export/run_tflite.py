"""Runs .tflite files on arrays; needs only NumPy and one TFLite runtime.

    python export/run_tflite.py --runtime=litert in.npz answers/ a.tflite

Arrays are called `case/input`; the answers of `a.tflite` are written as
`case/output` to `answers/a.npz`. Prints `{file: {timed case: milliseconds}}`,
the median call on one thread, copies of inputs and outputs included.
"""

import argparse
import json
import pathlib
import statistics
import time
from collections.abc import Callable
from typing import Any

import numpy as np


def load(runtime: str, path: pathlib.Path) -> Callable[..., Any]:
  """Returns the only signature of a file, ready to be called."""
  if runtime == "litert":
    from ai_edge_litert.interpreter import Interpreter
  else:
    from tensorflow.lite.python.interpreter import Interpreter
  interpreter = Interpreter(model_path=str(path), num_threads=1)
  (name,) = interpreter.get_signature_list()
  return interpreter.get_signature_runner(name)


def main() -> None:
  """Parses the command line and runs every file on every case."""
  parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
  parser.add_argument("inputs", type=pathlib.Path)
  parser.add_argument("outputs", type=pathlib.Path)
  parser.add_argument("models", type=pathlib.Path, nargs="+")
  parser.add_argument("--runtime", choices=("tf", "litert"), default="tf")
  parser.add_argument("--timed", help="name of the case to time")
  parser.add_argument("--calls", type=int, default=5)
  arguments = parser.parse_args()

  cases: dict[str, dict[str, np.ndarray]] = {}
  with np.load(arguments.inputs, allow_pickle=False) as arrays:
    for key in arrays.files:
      case, name = key.rsplit("/", 1)
      cases.setdefault(case, {})[name] = arrays[key]
  milliseconds = {}
  for path in arguments.models:
    call = load(arguments.runtime, path)
    answers, times = {}, {}
    for case, inputs in cases.items():
      # The first call resizes the input tensors; it is never timed.
      for name, value in call(**inputs).items():
        answers[f"{case}/{name}"] = value
      if case == arguments.timed:
        times[case] = statistics.median(
          _milliseconds(call, inputs) for _ in range(arguments.calls)
        )
    np.savez(arguments.outputs / f"{path.stem}.npz", **answers)
    milliseconds[path.stem] = times
  print(json.dumps(milliseconds))


def _milliseconds(
  call: Callable[..., Any], inputs: dict[str, np.ndarray]
) -> float:
  start = time.perf_counter()
  call(**inputs)
  return 1e3 * (time.perf_counter() - start)


if __name__ == "__main__":
  main()

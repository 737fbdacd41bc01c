"""Calls the signatures of an exported model; needs NumPy and TensorFlow alone.

    python export/run_signatures.py exported/codec/1 in.npz out.npz
      --ops=libtensorflow_compression.so

Arrays of `in.npz` are called `signature/input`, those of `out.npz` are called
`signature/output`. A tensor of bytes is one array of uint8 for each element:
`signature/input/0`, `signature/input/1` and so on.
"""

import argparse
import pathlib
import tempfile
from typing import Any

import numpy as np
import tensorflow as tf


def main() -> None:
  """Parses the command line and calls every signature that has inputs."""
  parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
  parser.add_argument("model", help="version folder of the SavedModel")
  parser.add_argument("inputs", help="path of the .npz file of inputs")
  parser.add_argument("outputs", help="path of the .npz file to write")
  parser.add_argument(
    "--ops",
    action="append",
    default=[],
    help="path of a library of ops to load; may be repeated",
  )
  arguments = parser.parse_args()
  for path in arguments.ops:
    tf.load_op_library(path)
  model = _load(arguments.model)
  answers: dict[str, np.ndarray] = {}
  for name, inputs in _read(arguments.inputs).items():
    given = {key: tf.constant(value) for key, value in inputs.items()}
    for key, value in model.signatures[name](**given).items():
      answers |= _arrays(f"{name}/{key}", value)
  with open(arguments.outputs, "wb") as file:
    np.savez(file, **answers)


def _read(path: str) -> dict[str, dict[str, Any]]:
  """Returns the inputs of each signature: arrays, or lists of bytes."""
  found: dict[str, dict[str, Any]] = {}
  with np.load(path, allow_pickle=False) as arrays:
    for key in arrays.files:
      name, argument, *place = key.split("/")
      inputs = found.setdefault(name, {})
      if place:
        inputs.setdefault(argument, []).append(arrays[key].tobytes())
      else:
        inputs[argument] = arrays[key]
  return found


def _arrays(key: str, value: tf.Tensor) -> dict[str, np.ndarray]:
  """Returns a tensor as arrays of a file, by their names."""
  if value.dtype != tf.string:
    return {key: value.numpy()}
  return {
    f"{key}/{place}": np.frombuffer(item, np.uint8)
    for place, item in enumerate(value.numpy().tolist())
  }


def _load(folder: str) -> Any:
  """Loads a SavedModel by a name that holds nothing like a pattern."""
  with tempfile.TemporaryDirectory() as place:
    link = pathlib.Path(place) / "model"
    link.symlink_to(pathlib.Path(folder).absolute(), target_is_directory=True)
    return tf.saved_model.load(str(link))


if __name__ == "__main__":
  main()

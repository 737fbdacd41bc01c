"""Sends files through an exported model; needs TensorFlow and nothing else.

    python export/run_files.py exported/srcnn/1 photo.png photo_x4.png

All files of one call make one batch. A file that is refused spoils no other:
the program tells why, writes the others and ends with status 1. A codec needs
its library of ops, and numbers beside the files, one for all or one for each:

    python export/run_files.py exported/codec/1 photo.png photo.tfp
      --signature=compress --set quality=4 --ops=libtensorflow_compression.so
"""

import argparse
import pathlib
import re
import sys
import tempfile
from typing import Any

import tensorflow as tf


def main() -> None:
  """Parses the command line, runs the batch, writes the answers."""
  parser = _parser()
  arguments = parser.parse_args()
  sources, targets = arguments.files[::2], arguments.files[1::2]
  if len(sources) != len(targets):
    parser.error(f"files come in pairs; got {len(arguments.files)}")
  missing = [path for path in sources if not pathlib.Path(path).is_file()]
  if missing:
    parser.error(f"no such file: {', '.join(missing)}")
  if not (pathlib.Path(arguments.model) / "saved_model.pb").is_file():
    parser.error(f"{arguments.model} holds no saved_model.pb")

  if arguments.ops:
    tf.load_op_library(arguments.ops)
  model = _load(arguments.model)
  if arguments.signature not in model.signatures:
    known = ", ".join(sorted(model.signatures))
    parser.error(f"no signature {arguments.signature!r}; there are {known}")
  call = model.signatures[arguments.signature]
  types = dict(call.structured_input_signature[1])
  numbers = dict(item.partition("=")[::2] for item in arguments.set)
  given = types.keys() - numbers.keys()
  if len(given) != 1 or numbers.keys() - types.keys():
    parser.error(f"--set all inputs but one; there are {', '.join(types)}")
  (given,) = given
  if types[given].dtype != tf.string:
    parser.error(f"{arguments.signature!r} takes numbers, not files")
  contents = [pathlib.Path(path).read_bytes() for path in sources]
  try:
    inputs = {
      name: _numbers(name, text, types[name], len(sources))
      for name, text in numbers.items()
    }
  except ValueError as error:
    parser.error(f"--set: {error}")
  try:
    answers = call(**{given: tf.constant(contents)}, **inputs)
  except tf.errors.InvalidArgumentError as error:
    parser.error(f"{', '.join(sources)}: {plain(error.message)}")
  why = answers.pop("status", tf.fill([len(sources)], "")).numpy()
  (files,) = answers.values()
  status = 0
  for source, path, answer, line in zip(
    sources, targets, files.numpy(), why, strict=True
  ):
    if refused := line.decode() or _written(path, answer):
      print(f"error: {source}: {refused}", file=sys.stderr)
      status = 1
  if status:
    sys.exit(status)


def _parser() -> argparse.ArgumentParser:
  parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
  parser.add_argument("model", help="version folder of the SavedModel")
  parser.add_argument(
    "files", nargs="+", help="pairs: file to read, file to write"
  )
  parser.add_argument(
    "--signature",
    default="png",
    help="signature from bytes to bytes (default: png)",
  )
  parser.add_argument(
    "--set", metavar="NAME=NUMBER[,NUMBER...]", action="append", default=[],
    help="value of an input that is a number, for all files or for each; may "
    "be repeated",
  )  # fmt: skip
  parser.add_argument("--ops", help="path of the library of ops to load")
  return parser


def _written(path: str, data: bytes) -> str:
  """Writes a file; returns why it cannot be written, or nothing."""
  try:
    pathlib.Path(path).write_bytes(data)
  except OSError as error:
    return f"{path} cannot be written: {error.strerror}"
  return ""


def _numbers(
  name: str, text: str, kind: tf.TensorSpec, count: int
) -> tf.Tensor:
  """Returns an input that is a number, or one number for each file."""
  given = text.split(",")
  if len(given) not in (1, count):
    raise ValueError(f"{text} is neither one number nor {count}, one a file")
  if kind.shape.rank == 0 and len(given) > 1:
    raise ValueError(f"{name} is one number for all files; got {text}")
  found: list[int] | list[float]
  try:
    if kind.dtype.is_integer:
      found = [int(number) for number in given]
      if not kind.dtype.min <= min(found) <= max(found) <= kind.dtype.max:
        raise ValueError
    elif kind.dtype.is_floating:
      found = [float(number) for number in given]
    else:
      raise ValueError
  except ValueError:
    raise ValueError(f"{name} takes {kind.dtype.name}; got {text}") from None
  if kind.shape.rank == 0:
    return tf.constant(found[0], kind.dtype)
  return tf.constant(found * (count // len(found)), kind.dtype)


def plain(message: str) -> str:
  """Returns the line of an assertion without what the graph puts around it."""
  found = re.search(r"assertion failed: (.+)", message)
  if not found:
    return message.splitlines()[0]
  return " ".join(re.findall(r"\[(.*?)\](?= \[|\s*$)", found[1]))


def _load(folder: str) -> Any:
  """Loads a SavedModel by a name that holds nothing like a pattern."""
  with tempfile.TemporaryDirectory() as place:
    link = pathlib.Path(place) / "model"
    link.symlink_to(pathlib.Path(folder).absolute(), target_is_directory=True)
    return tf.saved_model.load(str(link))


if __name__ == "__main__":
  main()

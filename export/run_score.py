"""Scores pairs of picture files by an exported distance, by TensorFlow alone.

    python export/run_score.py exported/lpips/1 photo.png worse.jpg

prints one line for each pair: value, score and the name of the second file.
All pairs of one call make one batch. A pair that is refused spoils no other:
the program tells why and ends with status 1. Sizes may differ from pair to
pair.
"""

import argparse
import pathlib
import re
import sys
import tempfile
from typing import Any

import tensorflow as tf


def main() -> None:
  """Parses the command line, scores the batch, prints the numbers."""
  parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
  parser.add_argument("model", help="version folder of the SavedModel")
  parser.add_argument(
    "files", nargs="+", help="pairs: undistorted picture, picture to compare"
  )
  arguments = parser.parse_args()
  references, images = arguments.files[::2], arguments.files[1::2]
  if len(references) != len(images):
    parser.error(f"files come in pairs; got {len(arguments.files)}")
  missing = [p for p in arguments.files if not pathlib.Path(p).is_file()]
  if missing:
    parser.error(f"no such file: {', '.join(missing)}")
  if not (pathlib.Path(arguments.model) / "saved_model.pb").is_file():
    parser.error(f"{arguments.model} holds no saved_model.pb")
  model = _load(arguments.model)
  if "score_png" not in model.signatures:
    parser.error(f"{arguments.model} has no signature 'score_png'")
  given = {
    name: tf.constant([pathlib.Path(path).read_bytes() for path in paths])
    for name, paths in (
      ("reference_bytes", references), ("image_bytes", images)
    )
  }  # fmt: skip
  try:
    found = model.signatures["score_png"](**given)
  except tf.errors.InvalidArgumentError as error:
    parser.error(f"{', '.join(arguments.files)}: {plain(error.message)}")
  status = 0
  for i, path in enumerate(images):
    if line := found["status"][i].numpy().decode():
      print(f"error: {path}: {line}", file=sys.stderr)
      status = 1
    else:
      print(f"{found['value'][i]:.6g} {found['score'][i]:.6g} {path}")
  sys.exit(status)


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

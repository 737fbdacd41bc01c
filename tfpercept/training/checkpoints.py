"""Checkpoints of a run: the newest whole one is found, whatever others became.

They are found by listing the folder. The small file `checkpoint`, in which
TensorFlow notes the newest, is only what TensorFlow goes by; it is written anew
where it does not tell what is there.
"""

import pathlib
import re
import shutil

import tensorflow as tf
from absl import logging
from tensorflow.core.protobuf import trackable_object_graph_pb2

from tfpercept.io import files

FOLDER = "checkpoints"
KEPT = 2
_STATE = "checkpoint"
_FILE = re.compile(r"ckpt-([0-9]+)\.(index|data-[0-9]{5}-of-[0-9]{5})")
_COUNTER = "save_counter"  # is TensorFlow's own
_GRAPH = "_CHECKPOINTABLE_OBJECT_GRAPH"  # says what was saved, by its names
_UNFINISHED = re.compile(r"ckpt-[0-9]+_temp")
# What TensorFlow raises for files that are cut off or changed.
_DAMAGE = (
  tf.errors.OpError, LookupError, ValueError, RuntimeError, MemoryError,
  TypeError, OSError,
)  # fmt: skip


def steps(folder: pathlib.Path) -> list[int]:
  """Returns the steps of which there are files in a folder, falling."""
  if not folder.is_dir():
    return []
  found = (_FILE.fullmatch(path.name) for path in folder.iterdir())
  return sorted({int(match[1]) for match in found if match}, reverse=True)


def resumed(
  checkpoint: tf.train.Checkpoint,
  folder: pathlib.Path,
  *,
  first: int,
  said: pathlib.Path,
) -> tf.train.CheckpointManager:
  """Restores the newest whole checkpoint, if there is any.

  Those that are damaged are passed over, which is logged.

  Args:
    checkpoint: Objects to restore.
    folder: Folder of the checkpoints, by a path without special characters.
    first: The step of the first checkpoint that this run saves. Of a run that
      was killed as it saved that there may be half of one, and nothing else.
    said: Path of the folder in messages.

  Returns:
    Manager that saves further checkpoints and keeps the last ones.

  Raises:
    ValueError: if there are checkpoints and none can be resumed, or there were;
      `checkpoint` is not to be used then, since some of it may be restored.
  """
  _clear(folder)
  found = steps(folder)
  damaged = {}
  restored = None
  fits = True
  for step in found:
    why = _damage(folder / f"ckpt-{step}")
    if why is None:
      why = _misfit(checkpoint, folder, step)
      fits = fits and why is None
    if why is None:
      restored = step
      break
    damaged[step] = why
  # Only half of a first one is nothing yet. Of a whole one that does not fit
  # some values are restored already, and a start would be from a mixture.
  is_new = not (folder / _STATE).exists() and found in ([], [first])
  if restored is None and not (is_new and fits):
    raise ValueError(_refusal(said, damaged))
  for step, why in damaged.items():
    logging.warning(
      "%s: ckpt-%d is not whole (%s); going on from %s",
      said,
      step,
      why,
      "the start" if restored is None else f"ckpt-{restored}",
    )
  if restored is not None:
    older = (step for step in found if step <= restored)
    _note(folder, sorted(step for step in older if _is_complete(folder, step)))
  return tf.train.CheckpointManager(checkpoint, str(folder), max_to_keep=KEPT)


def _clear(folder: pathlib.Path) -> None:
  """Removes what a process that was killed as it saved left in between."""
  if folder.is_dir():
    for path in folder.iterdir():
      if _UNFINISHED.fullmatch(path.name):
        shutil.rmtree(path, ignore_errors=True)


def _refusal(said: pathlib.Path, damaged: dict[int, str]) -> str:
  reasons = "; ".join(
    f"ckpt-{step} cannot be resumed ({why})" for step, why in damaged.items()
  )
  return (
    f"no checkpoint in {said} is whole and of this task: "
    f"{reasons or 'they were there, and are gone'}. Put one back from a copy, "
    f"all its files, or start again in a new --out, or here after removing "
    f"{said}."
  )


def _damage(prefix: pathlib.Path) -> str | None:
  """Returns what is wrong with the files of a checkpoint, None if nothing.

  All is read, since only then its checksums are looked at, and before anything
  is restored from it.
  """
  if not prefix.with_name(f"{prefix.name}.index").exists():
    return f"{prefix.name}.index is missing"
  try:
    reader = tf.train.load_checkpoint(str(prefix))
    for name in reader.get_variable_to_shape_map():
      reader.get_tensor(name)
  except _DAMAGE as error:
    return _reason(error)
  return None


def _misfit(
  checkpoint: tf.train.Checkpoint, folder: pathlib.Path, step: int
) -> str | None:
  """Restores a checkpoint; returns why that is not possible, if so."""
  try:
    theirs, ours = _saved(folder / f"ckpt-{step}"), _names(checkpoint)
    if theirs != ours:
      return (
        f"it is of another kind of task: it holds {', '.join(sorted(theirs))}, "
        f"and this task has {', '.join(sorted(ours))}"
      )
    checkpoint.restore(str(folder / f"ckpt-{step}")).assert_consumed()
  except (AssertionError, *_DAMAGE) as error:
    return _reason(error)
  return None


def _saved(prefix: pathlib.Path) -> set[str]:
  """Returns the names of what a whole checkpoint holds."""
  reader = tf.train.load_checkpoint(str(prefix))
  graph = trackable_object_graph_pb2.TrackableObjectGraph()
  graph.ParseFromString(reader.get_tensor(_GRAPH))
  return {child.local_name for child in graph.nodes[0].children} - {_COUNTER}


def _names(checkpoint: tf.train.Checkpoint) -> set[str]:
  """Returns the names of what a checkpoint would hold."""
  return set(tf.train.TrackableView.children(checkpoint)) - {_COUNTER}


def _reason(error: Exception) -> str:
  text = str(getattr(error, "message", "") or error) or type(error).__name__
  return text.strip().splitlines()[0][:200]


def _is_complete(folder: pathlib.Path, step: int) -> bool:
  """Whether files of both kinds are there; what is in them is not looked at."""
  kinds = {
    match[2][:4]
    for match in (_FILE.fullmatch(path.name) for path in folder.iterdir())
    if match and int(match[1]) == step
  }
  return len(kinds) == 2


def _note(folder: pathlib.Path, whole: list[int]) -> None:
  """Writes down what there is for TensorFlow, unless that is noted already."""
  path = folder / _STATE
  try:
    noted = re.findall(
      r'^all_model_checkpoint_paths: "ckpt-([0-9]+)"$', path.read_text(), re.M
    )
  except (OSError, ValueError):
    noted = []
  if [int(step) for step in noted] == whole:
    return
  lines = [f'model_checkpoint_path: "ckpt-{whole[-1]}"']
  lines += [f'all_model_checkpoint_paths: "ckpt-{step}"' for step in whole]
  # Only what is younger than the time at the end is ever removed.
  lines += [
    f"all_model_checkpoint_timestamps: {place}.0"
    for place, _ in enumerate(whole, 1)
  ]
  lines.append("last_preserved_timestamp: 0.0")
  files.write_text(path, "\n".join(lines) + "\n")

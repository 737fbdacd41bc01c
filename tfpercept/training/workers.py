"""Trainings that several processes share, on one machine or on many.

Each process is told its place by the variable `TF_CONFIG`. All start the same
command with the same `--out`, a folder that all reach. The first one, the
chief, writes there. The others work in a folder of their own, which begins as a
copy of the chief's and is removed at the end: so they resume from what the
chief has saved, and nothing else has to ask who may write.

Source: TensorFlow, "Multi-worker training with Keras", the section on saving.
"""

import atexit
import dataclasses
import json
import os
import pathlib
import shutil
import tempfile
from typing import Any

import tensorflow as tf
from absl import logging

NAME = "multi_worker"
"""Name of the strategy."""
CONFIG = "TF_CONFIG"
_CHIEFS = ("chief", "worker")
# Logs are the chief's own, and what else is large is not read again.
_LEFT_OUT = ("tensorboard", "*_temp", "run.lock")
_LOST = (
  tf.errors.UnavailableError,
  tf.errors.AbortedError,
  tf.errors.CancelledError,
  tf.errors.DeadlineExceededError,
)
_EXAMPLE = (
  '{"cluster": {"worker": ["host1:2222", "host2:2222"]}, '
  '"task": {"type": "worker", "index": 0}}'
)


class LostWorkerError(OSError):
  """Another process of the training is gone."""


@dataclasses.dataclass(frozen=True)
class Place:
  """The place of a process among those that share a training.

  Attributes:
    kind: Type of its task, `"chief"` or `"worker"`.
    index: Number of the task among those of its type.
    count: Number of all processes.
    is_chief: Whether this process writes what the training leaves.
  """

  kind: str
  index: int
  count: int
  is_chief: bool

  def __str__(self) -> str:
    return f"{self.kind} {self.index}"


def place() -> Place:
  """Returns the place that `TF_CONFIG` gives this process.

  Raises:
    ValueError: if it is not set, or makes no cluster.
  """
  text = os.environ.get(CONFIG, "")
  try:
    found = json.loads(text)
    cluster = {kind: list(hosts) for kind, hosts in found["cluster"].items()}
    kind, index = found["task"]["type"], int(found["task"]["index"])
    known = 0 <= index < len(cluster[kind]) and kind in _CHIEFS
  except (ValueError, LookupError, TypeError, AttributeError):
    known = False
  if not known:
    raise ValueError(
      f"--strategy={NAME} needs {CONFIG} to name all processes and this one, "
      f"such as {_EXAMPLE}; got {text or 'nothing'}"
    )
  first = "chief" if cluster.get("chief") else "worker"
  return Place(
    kind,
    index,
    sum(len(cluster.get(kind, ())) for kind in _CHIEFS),
    is_chief=(kind, index) == (first, 0),
  )


class _Process:
  """The strategy, of which TensorFlow allows one in a process, and folders."""

  strategy: tf.distribute.Strategy | None = None
  own: tuple[pathlib.Path, pathlib.Path] | None = None  # and what it stands for


def connect() -> tf.distribute.Strategy:
  """Returns the strategy; the first call waits for the other processes.

  It comes before TensorFlow computes anything.

  Raises:
    ValueError: as `place`.
    RuntimeError: if TensorFlow has computed something already.
  """
  if _Process.strategy is None:
    logging.info("%s of %d processes; waiting for all", place(), place().count)
    _Process.strategy = tf.distribute.MultiWorkerMirroredStrategy()
  return _Process.strategy


def folder(out: pathlib.Path) -> pathlib.Path:
  """Returns the folder that this process works in instead of a run's.

  That of the chief is the run's. Another one gets a copy, without its logs,
  that lasts as long as the process.

  Args:
    out: Folder of the run, which all processes reach.
  """
  if place().is_chief:
    return out
  own = pathlib.Path(tempfile.mkdtemp(prefix="tfpercept-worker-"))
  atexit.register(shutil.rmtree, own, ignore_errors=True)
  _Process.own = own, out.parent
  if out.is_dir():
    _copy(out, own / out.name)
  return own / out.name


def _copy(out: pathlib.Path, own: pathlib.Path) -> None:
  """Copies a folder in which the chief may be clearing up meanwhile."""
  try:
    shutil.copytree(out, own, ignore=shutil.ignore_patterns(*_LEFT_OUT))
  except shutil.Error as error:
    left = [source for source, *_ in error.args[0]]
    logging.warning("%s went away while it was copied", ", ".join(left))


def require_equal_shares(strategy: tf.distribute.Strategy, batch: Any) -> None:
  """Raises ValueError where a batch cannot be divided among all devices.

  Args:
    strategy: The strategy, which may be of one device only.
    batch: A batch, a structure of tensors `[N, ...]`.
  """
  devices = strategy.num_replicas_in_sync
  for count in sorted({each.shape[0] for each in tf.nest.flatten(batch)}):
    if count % devices:
      raise ValueError(
        f"batches of {count} cannot be shared equally by {devices} devices; "
        f"choose a --batch that is a multiple of {devices}"
      )


def require_same_step(strategy: tf.distribute.Strategy, step: int) -> None:
  """Raises ValueError if processes would go on from different steps.

  Args:
    strategy: The strategy, which may be of one process only.
    step: Number of steps that this process has done.
  """

  def lowest_and_highest() -> tf.Tensor:
    here = tf.constant([step, -step], tf.int64)
    context = tf.distribute.get_replica_context()
    # All gathered, since means of different steps may be equal to one of them.
    return context.all_gather(here[None], axis=0)

  found = strategy.run(tf.function(lowest_and_highest))
  (mine, *_) = strategy.experimental_local_results(found)
  steps = sorted({int(each) for each in mine[:, 0].numpy()})
  if len(steps) > 1:
    raise ValueError(
      f"processes would go on from different steps, {steps[0]} and "
      f"{steps[-1]}; --out has to be one folder that all of them reach"
    )


def lost(error: Exception, out: pathlib.Path, step: int) -> Exception:
  """Returns the error to raise where a training of several processes failed.

  Args:
    error: Error that TensorFlow raised.
    out: Folder of the run.
    step: Step of the newest checkpoint, 0 for none.
  """
  if _Process.strategy is None or not isinstance(error, _LOST):
    return error
  if _Process.own is not None and out.is_relative_to(_Process.own[0]):
    out = _Process.own[1] / out.relative_to(_Process.own[0])
  kept = f"Step {step} is saved" if step else "Nothing is saved yet"
  return LostWorkerError(
    f"another process of this training is gone, or cannot be reached. {kept} "
    f"in {out}; start the same command again for each process"
    + (", and it goes on from there." if step else ".")
  )

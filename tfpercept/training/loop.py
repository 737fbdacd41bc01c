"""The training loop: Keras `fit`, made resumable and repeatable."""

import pathlib
import sys
from collections.abc import Sequence
from typing import Protocol

import keras
import tensorflow as tf
from absl import logging

from tfpercept.io import files, folders, lock
from tfpercept.tasks import base
from tfpercept.training import callbacks, checkpoints, workers
from tfpercept.training import run as run_lib


def _mirrored() -> tf.distribute.Strategy:
  """All GPUs, or all logical CPU devices where there is none."""
  gpus = tf.config.list_logical_devices("GPU")
  devices = gpus or tf.config.list_logical_devices("CPU")
  return tf.distribute.MirroredStrategy([device.name for device in devices])


STRATEGIES = {
  "none": tf.distribute.get_strategy,
  "mirrored": _mirrored,
  workers.NAME: workers.connect,
}


class Data(Protocol):
  """Batches as a function of the step."""

  def batches(self, start: int, stop: int) -> tf.data.Dataset:
    """Returns batches `start` to `stop - 1` in order."""


def prepare(run: run_lib.Run) -> tf.distribute.Strategy:
  """Makes all that follows repeatable; call before building a network.

  Returns:
    The strategy under whose `scope()` the network is to be built.

  Raises:
    ValueError: if the strategy is unknown, or one of several processes that
      `TF_CONFIG` does not name.
  """
  if run.strategy not in STRATEGIES:
    raise ValueError(
      f"strategy is one of {', '.join(STRATEGIES)}; got {run.strategy!r}"
    )
  strategy = STRATEGIES[run.strategy]()
  keras.utils.set_random_seed(run.seed)
  tf.config.experimental.enable_op_determinism()
  return strategy


def learning_rate(
  run: run_lib.Run, move: base.Move | None = None
) -> keras.optimizers.schedules.CosineDecay:
  """Returns the schedule: linear warm-up, then a cosine to a hundredth.

  Args:
    run: The run.
    move: The move of the optimizer, which may not be in every step; the fall
      then ends with its last one. None stands for a move of every step.
  """
  steps = run.steps if move is None else max(move.count(run.steps), 1)
  warmup = min(run.warmup, steps // 10)
  return keras.optimizers.schedules.CosineDecay(
    initial_learning_rate=run.learning_rate / 100
    if warmup
    else (run.learning_rate),
    decay_steps=max(steps - warmup, 1),
    alpha=0.01,
    warmup_target=run.learning_rate if warmup else None,
    warmup_steps=warmup,
  )


def fit(
  task: base.Task,
  data: Data,
  run: run_lib.Run,
  *,
  optimizer: base.Optimizers | None = None,
  pictures: callbacks.Pictures | None = None,
  guards: Sequence[keras.callbacks.Callback] = (),
  extra_callbacks: Sequence[keras.callbacks.Callback] = (),
  check_range: bool = True,
) -> list[float]:
  """Trains a task, resuming where an earlier call was interrupted.

  The state of the task (parts, optimizers, step) is saved in `out/checkpoints`
  at every interval; a process killed at any moment loses at most the steps
  since then, and the resumed run ends with the very weights of one that was
  never interrupted. It goes on from the newest checkpoint that is whole.
  Scalars and pictures for TensorBoard go to `out/tensorboard`. No other process
  may train in `out` meanwhile.

  Args:
    task: Task to train, built under the strategy of `prepare(run)`.
    data: Batches as a function of the step.
    run: The settings of the run.
    optimizer: The optimizer; for a task of several moves one for each by its
      name. Adam at `learning_rate(run)` if None, for a task of one move.
    pictures: Images and scalars for TensorBoard at each interval.
    guards: Keras callbacks that raise for a step that is not to be kept. They
      are called before anything of it is logged or saved, so that the same
      command does not go on from there.
    extra_callbacks: Keras callbacks to call after the loop's own.
    check_range: Whether to refuse images far outside [0, 1], of which the first
      batch of each interval is looked at.

  Returns:
    The loss of each step taken in this call, also of steps that were skipped.

  Raises:
    ValueError: if images are out of range; if the optimizers are not those of
      the task's moves; if the run's folder holds another run or another kind of
      task, or damaged checkpoints only; if another process trains in it.
    OSError: if there is no room for checkpoints, or one cannot be written; the
      one before is kept.
    workers.LostWorkerError: if another process of the training is gone.
    callbacks.NonFiniteError: if a term or the gradient is NaN or infinite, more
      often than `run.skip_nonfinite` allows; the batch is saved, the last
      checkpoint is kept.
  """
  if check_range:
    extra_callbacks = (*extra_callbacks, callbacks.CheckBatches(data))
  with lock.held(run.out):
    run.claim()
    with folders.plain(run.out) as out:
      try:
        return _fit(
          task, data, run, out, optimizer, pictures, guards, extra_callbacks
        )
      except tf.errors.OpError as error:
        kept = checkpoints.steps(out / checkpoints.FOLDER)
        found = workers.lost(error, run.out, max(kept, default=0))
        if found is error:
          raise
        raise found from error


def _fit(
  task: base.Task,
  data: Data,
  run: run_lib.Run,
  out: pathlib.Path,
  optimizer: base.Optimizers | None,
  pictures: callbacks.Pictures | None,
  guards: Sequence[keras.callbacks.Callback],
  extra_callbacks: Sequence[keras.callbacks.Callback],
) -> list[float]:
  """Trains as `fit` says in a folder that is this process's own."""
  with task.distribute_strategy.scope():
    if optimizer is None:
      optimizer = keras.optimizers.Adam(learning_rate(run))
    task.compile(optimizer, skip=run.skip_nonfinite)
  checkpoint = tf.train.Checkpoint(**task.state())
  _require_room(checkpoint, run)
  manager = checkpoints.resumed(
    checkpoint,
    out / checkpoints.FOLDER,
    first=min(run.interval, run.steps),
    said=run.out / checkpoints.FOLDER,
  )
  losses = callbacks.Losses()
  done = int(task.step.numpy())
  if done > run.steps:
    raise ValueError(
      f"{run.out} holds a checkpoint of step {done}, and a run of {run.steps} "
      "steps; it is another run's. Choose another --out."
    )
  strategy = task.distribute_strategy
  if strategy.num_replicas_in_sync > 1:
    workers.require_same_step(strategy, done)
    batch = next(iter(data.batches(done, done + 1)), None)
    workers.require_equal_shares(strategy, batch)
  if done:
    logging.info("resuming %s at step %d of %d", run.out, done, run.steps)
  for start, epochs, length in _legs(done, run):
    task.fit(
      data.batches(start, start + epochs * length),
      initial_epoch=start // run.interval,
      epochs=start // run.interval + epochs,
      steps_per_epoch=length,
      # A log file gets a line an interval, a terminal gets the progress bar.
      verbose=1 if sys.stdout.isatty() else 2,
      callbacks=[
        # Guards come first: nothing bad is logged or saved.
        callbacks.NonFiniteGuard(data, start, run.out),
        *guards,
        losses,
        callbacks.Checkpoints(manager, run.out),
        callbacks.TensorBoard(out / "tensorboard", start, pictures),
        *extra_callbacks,
      ],
    )
  return losses.values


def _require_room(checkpoint: tf.train.Checkpoint, run: run_lib.Run) -> None:
  """Raises OSError where what a run writes has no place, or no room.

  That is one more checkpoint than is kept, since the oldest goes last.
  """
  for name in (checkpoints.FOLDER, "tensorboard", "model"):
    if (run.out / name).exists() and not (run.out / name).is_dir():
      raise OSError(
        f"{run.out / name} has to be a folder, and is a file; move it away"
      )
  saved = tf.train.TrackableView(checkpoint).descendants()
  variables = (each for each in saved if isinstance(each, tf.Variable))
  size = sum(v.dtype.size * v.shape.num_elements() for v in variables)
  there = len(checkpoints.steps(run.out / checkpoints.FOLDER))
  needed = size * max(checkpoints.KEPT + 1 - there, 1)
  left = files.free_space(run.out)
  if left < needed:
    raise OSError(
      f"the checkpoints of {run.out} need {needed / 1e6:.0f} MB, and "
      f"{left / 1e6:.0f} MB are left on its disk; make room or choose another "
      "--out"
    )


def _legs(step: int, run: run_lib.Run) -> list[tuple[int, int, int]]:
  """Calls of `fit` that are left, as (first step, epochs, steps an epoch).

  An epoch is an interval; what the steps leave over is a shorter last epoch,
  which Keras only knows as a call of its own.
  """
  whole = (run.steps - step) // run.interval
  legs = [(step, whole, run.interval)] if whole else []
  rest = (run.steps - step) % run.interval
  if rest:
    legs.append((run.steps - rest, 1, rest))
  return legs

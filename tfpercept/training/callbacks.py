"""Callbacks of the training loop: guard, checkpoints, TensorBoard."""

import dataclasses
import math
import pathlib
from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from absl import logging

from tfpercept.io import files


class NonFiniteError(ArithmeticError):
  """A loss term or the gradient became NaN or infinite."""


@dataclasses.dataclass(frozen=True)
class Pictures:
  """Images and scalars for TensorBoard at each interval.

  Attributes:
    show: Function without arguments that returns images `[N, H, W, C]` in
      [0, 1] and scalars, both by name.
  """

  show: Callable[[], tuple[dict[str, tf.Tensor], dict[str, float]]]


class NonFiniteGuard(keras.callbacks.Callback):
  """Names a bad number, keeps the batch that made it, and stops the run.

  The task did not act on it. Where its `skip` allows, the run goes on instead.
  Batches are functions of the step, so the batch is drawn again, not carried.

  Args:
    data: The batches.
    start: Step of the first batch of this call of `fit`.
    folder: Folder for `nonfinite_step_N.npz`.
  """

  def __init__(self, data: Any, start: int, folder: pathlib.Path):
    super().__init__()
    self._data, self._step, self._folder = data, start, folder

  def on_train_batch_end(self, batch: int, logs: dict[str, float]) -> None:
    # The cause comes before its consequences: terms, their sum, its gradient.
    names = sorted(
      logs, key=lambda n: (n.startswith("gradient_norm"), n == "loss")
    )
    bad = next((n for n in names if not math.isfinite(logs[n])), None)
    if bad is not None:
      self._meet(f"{bad} is {logs[bad]} at step {self._step}")
    self._step += 1

  def _meet(self, what: str) -> None:
    """Logs a step that was skipped, or raises where it may not be."""
    path, limit = self._save(), self.model.skip
    skipped = int(self.model.skipped.numpy())
    if skipped <= limit:
      logging.warning(
        "%s, which is skipped (%d of %d). The batch is in %s.",
        what,
        skipped,
        limit,
        path,
      )
      return
    before = f" after {limit} steps that were skipped" if limit else ""
    raise NonFiniteError(
      f"{what}{before}. The batch is in {path}; "
      "the last checkpoint is untouched. Look for bad pictures, or train "
      "with a lower --learning_rate in a new --out."
    )

  def _save(self) -> pathlib.Path:
    path = self._folder / f"nonfinite_step_{self._step}.npz"
    batch = next(iter(self._data.batches(self._step, self._step + 1)))
    arrays = [np.asarray(a) for a in tf.nest.flatten(batch)]
    with files.atomic(path) as temporary:
      np.savez_compressed(temporary, *arrays)
    return path


class CheckBatches(keras.callbacks.Callback):
  """Refuses images far outside [0, 1] in the first batch of each interval.

  What was scaled down without clipping may overshoot by half.
  """

  def __init__(self, data: Any):
    super().__init__()
    self._data = data

  def on_epoch_begin(self, epoch: int, logs: dict[str, float]) -> None:
    step = int(self.model.step.numpy())
    batch = next(iter(self._data.batches(step, step + 1)))
    for images in tf.nest.flatten(batch):
      if images.shape.rank != 4 or not images.dtype.is_floating:
        continue
      low, high = float(tf.reduce_min(images)), float(tf.reduce_max(images))
      if low < -0.5 or high > 1.5:  # NaN is another's business
        raise ValueError(
          f"training needs images in [0, 1]; the batch of step {step} has "
          f"values from {low:g} to {high:g}. Divide those of 8 bits by 255. If "
          "they are right, make the objective by distances.get(..., "
          "value_range=...) and call training.fit with check_range=False."
        )


class Losses(keras.callbacks.Callback):
  """Collects the loss of each step in `values`."""

  def __init__(self) -> None:
    super().__init__()
    self.values: list[float] = []

  def on_train_batch_end(self, batch: int, logs: dict[str, float]) -> None:
    self.values.append(float(logs["loss"]))


class Checkpoints(keras.callbacks.Callback):
  """Saves the state of the task at the end of every interval.

  The manager writes the data first and then renames the small file that names
  the newest checkpoint, so a kill in between leaves the one before.
  """

  def __init__(
    self,
    manager: tf.train.CheckpointManager,
    out: pathlib.Path,
  ):
    super().__init__()
    self._manager, self._out = manager, out

  def on_epoch_end(self, epoch: int, logs: dict[str, float]) -> None:
    step = int(self.model.step.numpy())
    try:
      self._manager.save(checkpoint_number=step)
    except tf.errors.OpError as error:
      raise OSError(
        f"step {step} could not be saved in {self._out}: "
        f"{error.message}. The checkpoint before is kept; make room and start "
        "the same command again."
      ) from error


class TensorBoard(keras.callbacks.Callback):
  """Writes interval means of all logs, learning rates, and pictures.

  Means are over the steps that were not skipped.
  """

  def __init__(
    self, folder: pathlib.Path, start: int, pictures: Pictures | None
  ):
    super().__init__()
    self._writer = tf.summary.create_file_writer(str(folder))
    self._step, self._pictures = start, pictures
    self._sums: dict[str, float] = {}
    self._count = 0

  def on_train_batch_end(self, batch: int, logs: dict[str, float]) -> None:
    self._step += 1
    if not all(math.isfinite(value) for value in logs.values()):
      return
    self._count += 1
    for name, value in logs.items():
      self._sums[name] = self._sums.get(name, 0.0) + float(value)

  def on_epoch_end(self, epoch: int, logs: dict[str, float]) -> None:
    with self._writer.as_default(step=self._step):
      for name, total in self._sums.items():
        tf.summary.scalar(f"train/{name}", total / self._count)
      optimizers = self.model.optimizers
      for name, optimizer in optimizers.items():
        suffix = f"_{name}" if len(optimizers) > 1 else ""
        tf.summary.scalar(f"train/learning_rate{suffix}", optimizer.lr)
      if self._pictures is not None:
        images, scalars = self._pictures.show()
        for name, image in images.items():
          tf.summary.image(name, tf.clip_by_value(image, 0, 1), max_outputs=4)
        for name, value in scalars.items():
          tf.summary.scalar(name, value)
    self._writer.flush()
    self._sums, self._count = {}, 0

  def on_train_end(self, logs: dict[str, float] | None = None) -> None:
    self._writer.close()

"""The agreement of a distance with people during its training."""

import dataclasses
import json
import pathlib
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from tfpercept import distances, training
from tfpercept.data import judgements
from tfpercept.evaluation.agreement import scores as agreement
from tfpercept.evaluation.core import runner
from tfpercept.io import files
from tfpercept.tasks import objectives
from trainers import preference_parts

CURVE = "curve.json"
_SHOWN = 200  # most judgements that the curve of a run uses


class Measure:
  """Values of a distance, with its current weights, on pairs of judgements.

  Args:
    distance: The distance.
    cache: Cache of the pictures.
    parts: The terms that the distance weighs, by pair, if they were measured
      before.
  """

  def __init__(
    self,
    distance: distances.Distance,
    cache: judgements.Cache,
    parts: preference_parts.Parts | None = None,
  ):
    self._distance, self._cache, self._parts = distance, cache, parts
    self._compiled = runner.Compiled(distance)

  def __call__(
    self, data: judgements.Judgements
  ) -> dict[judgements.PairKey, float]:
    """Returns the values of all pairs by their keys.

    Raises:
      ValueError: if the distance has no value for one of the pairs.
    """
    if self._parts is not None:
      pairs = [(r.key, p.key) for r, p in data.pairs]
      parts = np.stack([self._parts[pair] for pair in pairs])
      found = self._distance.weigh(tf.constant(parts)).numpy()
      return dict(zip(pairs, found.tolist(), strict=True))
    # Frozen, Watson's distances take their fast path, which gives parameters
    # no gradient. It is chosen when the graph is traced.
    is_trained, self._distance.trainable = self._distance.trainable, False
    try:
      with objectives.draws_kept(self._distance):
        measured = runner.measure(
          self._distance, data, cache=self._cache, compiled=self._compiled
        )
    finally:
      self._distance.trainable = is_trained
    if measured.failures:
      reasons = "; ".join(f"{k}: {why}" for k, why in measured.failures.items())
      raise ValueError(f"{self._distance.spec} has no value for {reasons}")
    return measured.values


def read(path: pathlib.Path) -> dict[int, float]:
  """Reads a curve: a number by step.

  Args:
    path: Path of a JSON file that `Curve` wrote.

  Raises:
    ValueError: if the file is damaged.
  """
  try:
    found = dict(json.loads(path.read_bytes()))
    return {int(step): float(value) for step, value in found.items()}
  except (ValueError, TypeError) as error:
    raise ValueError(
      f"{path} is damaged ({error}); remove it to go on, without the points of "
      "the curve that were in it"
    ) from error


class Curve(keras.callbacks.Callback):
  """Measures agreement on held-out judgements at every interval.

  The values are kept in the run's folder, so that a resumed run has them all.

  Args:
    measure: Values of the distance that is trained.
    data: Judgements that are not trained on.
    run: The run.

  Raises:
    ValueError: if the file of the curve is damaged.
  """

  def __init__(
    self,
    measure: Measure,
    data: judgements.Judgements,
    run: training.Run[Any],
  ):
    super().__init__()
    step = -(-len(data.items) // _SHOWN)
    self._data = dataclasses.replace(data, items=data.items[::step])
    self._values = measure
    self._path = run.out / CURVE
    self.curve: dict[int, float] = {}
    if self._path.exists():
      self.curve = read(self._path)

  def on_train_begin(self, logs: dict[str, float] | None = None) -> None:
    # Step 0, or that of a checkpoint whose run was killed right after it.
    self.measure(int(self.model.step.numpy()))

  def on_epoch_end(self, epoch: int, logs: dict[str, float]) -> None:
    self.measure(int(self.model.step.numpy()))

  def measure(self, step: int) -> None:
    """Adds the agreement at a step, if the curve does not have it."""
    if step in self.curve:
      return
    found = self._values(self._data)
    score = agreement.agreement(self._data, found, resamples=1)["2afc"]
    self.curve[step] = score.value
    files.write_json(self._path, self.curve)

"""The agreement of a distance with people during its training."""

import dataclasses
import json
import pathlib
from typing import Any

import keras

from tfpercept import distances, training
from tfpercept.data import judgements
from tfpercept.evaluation.agreement import scores as agreement
from tfpercept.evaluation.core import runner
from tfpercept.io import files

_SHOWN = 200  # most judgements that the curve of a run uses


def values(
  distance: distances.Distance,
  data: judgements.Judgements,
  cache: judgements.Cache,
  compiled: runner.Compiled | None = None,
) -> dict[judgements.PairKey, float]:
  """Returns the values of a distance on the pairs of judgements.

  Args:
    distance: The distance, with its current weights.
    data: Judgements, whose pairs are measured.
    cache: Cache of the pictures.
    compiled: The same distance, compiled before; None compiles it.

  Raises:
    ValueError: if it has no value for one of the pairs.
  """
  measured = runner.measure(distance, data, cache=cache, compiled=compiled)
  if measured.failures:
    reasons = "; ".join(f"{k}: {why}" for k, why in measured.failures.items())
    raise ValueError(f"{distance.spec} has no value for {reasons}")
  return measured.values


def _read_curve(path: pathlib.Path) -> dict[int, float]:
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
    distance: The distance that is trained.
    data: Judgements that are not trained on.
    cache: Cache of the pictures.
    run: The run.

  Raises:
    ValueError: if the file of the curve is damaged.
  """

  def __init__(
    self,
    distance: distances.Distance,
    data: judgements.Judgements,
    cache: judgements.Cache,
    run: training.Run[Any],
  ):
    super().__init__()
    step = -(-len(data.items) // _SHOWN)
    self._data = dataclasses.replace(data, items=data.items[::step])
    self._distance, self._cache = distance, cache
    self._compiled = runner.Compiled(distance)
    self._path = run.out / "curve.json"
    self.values: dict[int, float] = {}
    if self._path.exists():
      self.values = _read_curve(self._path)

  def on_train_begin(self, logs: dict[str, float] | None = None) -> None:
    # Step 0, or that of a checkpoint whose run was killed right after it.
    self.measure(int(self.model.step.numpy()))

  def on_epoch_end(self, epoch: int, logs: dict[str, float]) -> None:
    self.measure(int(self.model.step.numpy()))

  def measure(self, step: int) -> None:
    """Adds the agreement at a step, if the curve does not have it."""
    if step in self.values:
      return
    found = values(self._distance, self._data, self._cache, self._compiled)
    score = agreement.agreement(self._data, found, resamples=1)["2afc"]
    self.values[step] = score.value
    files.write_json(self._path, self.values)

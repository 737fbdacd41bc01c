"""Early stopping of a training on choices, by contents of its own."""

import io
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from tfpercept import training
from tfpercept.data import judgements
from tfpercept.evaluation.agreement import scores as agreement
from tfpercept.io import files, npz_reader
from tfpercept.tasks import agreement as agreement_task
from trainers import preference_curve

LOSSES, BEST = "stopping.json", "best.npz"


class Best(keras.callbacks.Callback):
  """Keeps the weights with which people are predicted best.

  At every interval the cross-entropy of choices that are not learned from is
  measured on whole pictures, by the distance and the head as they then are. It
  is smoother than the share of choices that agree, so fewer answers tell one
  step from another. It also falls while the head alone improves, which does not
  outlast the training, so the step that is kept is not always that of the best
  distance. The weights before training are the first that are kept.
  The share of choices that agree becomes the run's curve.

  Args:
    network: The distance and the head that are trained.
    measure: Values of the distance.
    data: Judgements that choose the step.
    run: The run, whose folder keeps the curves and the weights.

  Raises:
    ValueError: if one of the files in the folder is damaged.
  """

  def __init__(
    self,
    network: agreement_task.Judge,
    measure: preference_curve.Measure,
    data: judgements.Judgements,
    run: training.Run[Any],
  ):
    super().__init__()
    self._network, self._values, self._data = network, measure, data
    self._out = run.out
    self.losses: dict[int, float] = {}
    self.curve: dict[int, float] = {}
    if (run.out / LOSSES).exists():
      self.losses = preference_curve.read(run.out / LOSSES)
      self.curve = preference_curve.read(run.out / preference_curve.CURVE)

  @property
  def step(self) -> int:
    """The step at which people were predicted best, the first of them."""
    return min(self.losses, key=lambda step: (self.losses[step], step))

  def on_train_begin(self, logs: dict[str, float] | None = None) -> None:
    self.measure(int(self.model.step.numpy()))

  def on_epoch_end(self, epoch: int, logs: dict[str, float]) -> None:
    self.measure(int(self.model.step.numpy()))

  def measure(self, step: int) -> None:
    """Adds a step to the curve, and keeps its weights if they are the best."""
    if step in self.losses:
      return
    loss, self.curve[step] = self._loss_and_agreement()
    if all(loss < other for other in self.losses.values()):
      data = io.BytesIO()
      np.savez(data, **_named(self._network.distance.get_weights()))
      files.write_bytes(self._out / BEST, data.getvalue())
    self.losses[step] = loss
    # The losses come last: a kill in between measures this step again.
    files.write_json(self._out / preference_curve.CURVE, self.curve)
    files.write_json(self._out / LOSSES, self.losses)

  def restore(self) -> None:
    """Gives the distance the weights of the best step.

    Raises:
      ValueError: if their file is damaged or missing.
    """
    path = self._out / BEST
    if not path.is_file():
      raise ValueError(f"{path} is missing; train into another --out")
    found = npz_reader.read(path)
    distance = self._network.distance
    if found.keys() != _named(distance.get_weights()).keys():
      raise ValueError(f"{path} does not hold the weights of {distance.spec}")
    distance.set_weights([found[name] for name in sorted(found)])

  def _loss_and_agreement(self) -> tuple[float, float]:
    found = self._values(self._data)
    first, second = (
      tf.constant(
        [found[i.reference.key, i.images[side].key] for i in self._data.items],
        tf.float32,
      )
      for side in (0, 1)
    )
    share = tf.constant([i.answer for i in self._data.items], tf.float32)
    loss = tf.nn.sigmoid_cross_entropy_with_logits(
      labels=share, logits=self._network.head(first, second)
    )
    score = agreement.agreement(self._data, found, resamples=1)["2afc"]
    return float(tf.reduce_mean(loss)), score.value


def _named(arrays: list[np.ndarray]) -> dict[str, np.ndarray]:
  return {f"weight_{i:03}": array for i, array in enumerate(arrays)}

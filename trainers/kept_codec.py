"""The codec that a training keeps, and the picture of it in TensorBoard."""

from collections.abc import Callable
from typing import Protocol

import keras
import numpy as np
import tensorflow as tf

from tfpercept import distances, training
from tfpercept.codecs.learned import model_writer
from tfpercept.models.compression import hyperprior
from tfpercept.tasks import averaging, quantizers
from tfpercept.training import callbacks

_SHOWN = (256, 384)  # height and width of the crop in TensorBoard
_QUALITIES = (1.0, 3.0, 5.0, 7.0)


class CodecTask(Protocol):
  """A task that trains a codec network, and may average its weights."""

  network: keras.Model
  averages: averaging.Averages | None


class Kept:
  """The network as it is kept: of averaged weights, if the task averages.

  Args:
    task: Task that trains the network.
  """

  def __init__(self, task: CodecTask):
    self._task, self._network = task, task.network
    if task.averages is not None:
      self._network = type(task.network).from_config(task.network.get_config())
      self._network.build()

  def __call__(self) -> keras.Model:
    averages = self._task.averages
    if averages is not None:
      # What is not trained is the same in both.
      self._network.set_weights(self._task.network.get_weights())
      averages.assign_to(self._network.trainable_variables)
    return self._network


class Saved(keras.callbacks.Callback):
  """Keeps the codec as of the last interval, for use while it trains.

  Args:
    kept: Function that returns the network to keep.
    run: The run, in whose folder the codec is `model/`.
  """

  def __init__(self, kept: Callable[[], keras.Model], run: training.Run):
    super().__init__()
    self._kept, self._run = kept, run

  def on_epoch_end(self, epoch: int, logs: dict[str, float]) -> None:
    save(self._kept(), self._run)


def save(network: keras.Model, run: training.Run) -> None:
  """Writes a network as the codec of a run.

  Args:
    network: The network.
    run: The run, in whose folder the codec is `model/`.
  """
  model_writer.save(
    network,
    run.out / "model",
    objective=run.loss,
    training=run.to_json(),
  )


def pictures(
  kept: Callable[[], keras.Model],
  levels: int,
  picture: np.ndarray,
  more: Callable[[], dict[str, float]] = dict,
) -> callbacks.Pictures | None:
  """Shows a crop and its reconstructions, with estimated bpp and PSNR.

  Args:
    kept: Function that returns the network to show.
    levels: Largest quality of the network.
    picture: Picture to take the crop of, uint8 `[H, W, 1 or 3]`.
    more: Function that returns further scalars by name.

  Returns:
    The callback; None if the picture is smaller than the network takes.
  """
  height, width = (
    min(side, shown) // hyperprior.STRIDE * hyperprior.STRIDE
    for side, shown in zip(picture.shape[:2], _SHOWN, strict=True)
  )
  if not height * width:
    return None
  x = np.broadcast_to(picture[:height, :width], (height, width, 3))
  x = tf.constant(x[None] / np.float32(255))
  psnr = distances.get("psnr")

  def show() -> tuple[dict[str, tf.Tensor], dict[str, float]]:
    scalars, panel, network = dict(more()), [x], kept()
    for quality in (q for q in _QUALITIES if q <= levels):
      coded = network(x, tf.constant([quality]), quantizers.Rounding())
      x_hat = tf.clip_by_value(coded.x_hat, 0.0, 1.0)
      panel.append(x_hat)
      bits = float(sum(coded.bits.values())[0])
      name = f"held_out/quality_{quality:g}"
      scalars[f"{name}/bpp"] = bits / (height * width)
      scalars[f"{name}/psnr"] = float(psnr.score(x, x_hat)[0])
    return {"original_and_qualities": tf.concat(panel, axis=2)}, scalars

  return callbacks.Pictures(show)

"""Training of codecs: its settings, and what follows from them."""

import pathlib
from collections.abc import Callable, Sequence

import keras
import numpy as np
import tensorflow as tf

from tfpercept import distances, models, training
from tfpercept.codecs.learned import model_writer
from tfpercept.data import crops, identity, reduced, sources
from tfpercept.models.compression import (
  hyperprior,
  transforms,
  warm_start,
)
from tfpercept.tasks import compression, quantizers
from tfpercept.training import callbacks, precision, schedules
from trainers import compression_settings, compression_validation

_BLOCKS = 16_000  # number of blocks from which the KLT is computed
_SHOWN = (256, 384)  # height and width of the crop in TensorBoard
_QUALITIES = (1.0, 3.0, 5.0, 7.0)
_UNMEASURED = compression_validation.Settings()


def train(
  run: training.Run[compression_settings.Settings],
  *,
  initial: keras.Model | None = None,
  download: bool = False,
  validation: compression_validation.Settings = _UNMEASURED,
) -> None:
  """Trains a codec, or resumes it; `run.out / "model"` is renewed as it goes.

  Args:
    run: The run.
    initial: A network that has the weights to start from; None for the
      Karhunen-Loève transform.
    download: Whether tfds may download.
    validation: The pictures that the codec is measured on as it trains; none by
      default.

  Raises:
    ValueError: if a setting is wrong, before anything is read or written, or
      the folder holds another run.
  """
  own, objective = run.settings, distances.get(run.loss)
  objective.validate(own.patch, own.patch)
  run = run.on(data=lambda: identity.of(own.data, download=download))
  unseen = validation.load(stride=hyperprior.STRIDE)
  pictures, held_out = _pictures_of(own, download=download)
  data = crops.Crops(pictures, patch=own.patch, batch=own.batch, seed=run.seed)
  with training.prepare(run).scope():
    network = _started(run, pictures, initial)
    task = compression.Compression(
      network,
      objective,
      lmbda=own.lmbda,
      quantizer=own.quantizer,
      decay=own.ema,
      seed=run.seed,
    )
    optimizer = keras.optimizers.Adam(_learning_rate(run))
  kept = _Kept(task)
  curves = _curves(task, kept, unseen, run.out, validation)
  training.fit(
    task,
    data,
    run,
    optimizer=optimizer,
    pictures=_pictures(kept, network.levels, held_out),
    extra_callbacks=[_Saved(kept, run), *curves],
  )
  for curve in curves:
    curve.make_up(run.steps)  # if the run was killed after its last checkpoint
  _save(kept(), run)


def _pictures_of(
  own: compression_settings.Settings, *, download: bool
) -> tuple[list[np.ndarray], np.ndarray]:
  """Returns the pictures to train on, and the one that is looked at only."""
  pictures = sources.load(
    own.data, download=download, skip_damaged=own.skip_damaged
  )
  # Where there is one picture, it is trained on as well.
  parts = (pictures[-1:], pictures[:-1] or pictures)
  (held_out, *_), rest = (
    reduced.reduced(part, sides=own.sides, largest=own.largest)
    for part in parts
  )
  return rest, held_out


def _curves(
  task: compression.Compression,
  kept: Callable[[], keras.Model],
  unseen: Sequence[np.ndarray],
  out: pathlib.Path,
  validation: compression_validation.Settings,
) -> list[compression_validation.Validation]:
  """Returns the callback that measures the codec, if there are pictures."""
  if not unseen:
    return []
  curve = compression_validation.Validation(
    task,
    kept,
    unseen,
    folder=out,
    every=validation.validation_interval,
    what=identity.of(validation.validation),
  )
  return [curve]


def _started(
  run: training.Run[compression_settings.Settings],
  pictures: Sequence[np.ndarray],
  initial: keras.Model | None,
) -> keras.Model:
  """Returns the network to train, with the weights that training starts at."""
  network = models.MODELS.create(
    run.settings.architecture,
    dict(run.settings.model),
    dtype=precision.policy(run.precision),
  )
  network.build()
  if initial is not None:
    initial = _with_latents(initial, network, pictures, run)
    warm_start.take_over(network, initial)
    return network
  blocks = crops.Crops(
    pictures, patch=transforms.STRIDE, batch=_BLOCKS, seed=run.seed
  )
  network.start(blocks.at(0)[0])
  return network


def _learning_rate(
  run: training.Run[compression_settings.Settings],
) -> schedules.SteadyThenCosine:
  return schedules.SteadyThenCosine(
    run.learning_rate,
    steps=run.steps,
    warmup=min(run.warmup, run.steps // 10),
    share=run.settings.fall,
  )


def _with_latents(
  initial: keras.Model,
  network: keras.Model,
  pictures: Sequence[np.ndarray],
  run: training.Run[compression_settings.Settings],
) -> keras.Model:
  """Gives the network to start from as many latents as the one to train has."""
  latents = network.entropy_model.latents
  if initial.entropy_model.latents == latents:
    return initial
  patch = run.settings.patch
  count = -(-_BLOCKS * transforms.STRIDE**2 // patch**2)
  taken = crops.Crops(pictures, patch=patch, batch=count, seed=run.seed)
  return warm_start.with_latents(
    initial, latents, taken.at(0)[0], quantizers.Rounding()
  )


class _Kept:
  """The network as it is kept: of averaged weights, if the task averages."""

  def __init__(self, task: compression.Compression):
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


class _Saved(keras.callbacks.Callback):
  """Keeps the codec as of the last interval, for use while it trains."""

  def __init__(self, kept: Callable[[], keras.Model], run: training.Run):
    super().__init__()
    self._kept, self._run = kept, run

  def on_epoch_end(self, epoch: int, logs: dict[str, float]) -> None:
    _save(self._kept(), self._run)


def _save(network: keras.Model, run: training.Run) -> None:
  model_writer.save(
    network,
    run.out / "model",
    objective=run.loss,
    training=run.to_json(),
  )


def _pictures(
  kept: Callable[[], keras.Model], levels: int, picture: np.ndarray
) -> callbacks.Pictures | None:
  """Shows a crop and its reconstructions, with estimated bpp and PSNR."""
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
    scalars, panel, network = {}, [x], kept()
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

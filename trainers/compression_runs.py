"""Training of codecs: its settings, and what follows from them."""

import pathlib
from collections.abc import Callable, Sequence

import keras
import numpy as np

from tfpercept import models, training
from tfpercept.data import crops, identity, reduced, sources
from tfpercept.models.compression import (
  hyperprior,
  transforms,
  warm_start,
)
from tfpercept.tasks import compression, quantizers
from tfpercept.training import precision, schedules
from trainers import (
  compression_settings,
  compression_validation,
  kept_codec,
  objectives,
)

_BLOCKS = 16_000  # number of blocks from which the KLT is computed
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
  own = run.settings
  objective = objectives.of(run.loss, side=own.patch)
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
  kept = kept_codec.Kept(task)
  curves = _curves(task, kept, unseen, run.out, validation)
  training.fit(
    task,
    data,
    run,
    optimizer=optimizer,
    pictures=kept_codec.pictures(kept, network.levels, held_out),
    extra_callbacks=[kept_codec.Saved(kept, run), *curves],
  )
  for curve in curves:
    curve.make_up(run.steps)  # if the run was killed after its last checkpoint
  kept_codec.save(kept(), run)


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

"""What every training of codecs does once its settings are known."""

from collections.abc import Callable, Sequence

import keras
import numpy as np
import tensorflow as tf

from tfpercept import distances, models, training
from tfpercept.codecs.learned import learned_codec as codec
from tfpercept.data import crops, identity, reduced, sources
from tfpercept.models.compression import hyperprior, transforms, warm_start
from tfpercept.tasks import compression, quantizers
from tfpercept.training import callbacks, precision, schedules
from trainers import compression_validation

ARCHITECTURES = (
  "factorized_prior",
  "scale_hyperprior",
  "mean_scale_hyperprior",
  "channel_wise_hyperprior",
)
_BLOCKS = 16_000  # that transforms are computed from before training
_SHOWN = (256, 384)  # height and width of what TensorBoard shows
_QUALITIES = (1.0, 3.0, 5.0, 7.0)


def train(
  run: training.Run,
  *,
  initial: keras.Model | None = None,
  download: bool = False,
  validation: tuple[Sequence[str], int] = ((), 1),
) -> None:
  """Trains a codec, or resumes it; `run.out / "model"` is renewed as it goes.

  Args:
    run: Its `settings` hold `data`, `sides`, `largest`, `patch`, `batch`,
      `architecture`, `model` (the arguments of the network), `lmbda` (None for
      the network's), `quantiser`, `fall` and `ema` (None for the weights of the
      last step).
    initial: Has the weights to start from; the Karhunen-Loève transform by
      default.
    download: Whether tfds may download.
    validation: Folders of pictures to measure the codec on as it trains, and
      how many steps apart.

  Raises:
    ValueError: if a setting is wrong, before anything is read or written, or
      the folder holds another run.
  """
  settings = run.settings
  patch = settings["patch"]
  if patch % hyperprior.STRIDE:
    raise ValueError(
      f"--patch is a multiple of {hyperprior.STRIDE}; got {patch}"
    )
  objective = distances.get(run.loss)
  objective.validate(patch, patch)
  names = settings["data"]
  run = run.on(data=lambda: identity.of(names, download=download))
  folders, every = validation
  unseen = folders and compression_validation.load(
    folders, stride=hyperprior.STRIDE
  )
  pictures = sources.load(
    names, download=download, skip_damaged="skip_damaged" in settings
  )
  # Where there is one picture, it is trained on as well.
  parts = (pictures[-1:], pictures[:-1] or pictures)
  sizes = {"sides": settings["sides"], "largest": settings["largest"]}
  (held_out, *_), pictures = (reduced.reduced(p, **sizes) for p in parts)
  options = {"batch": settings["batch"], "seed": run.seed}
  data = crops.Crops(pictures, patch=patch, **options)
  with training.prepare(run).scope():
    network = _started(run, pictures, initial)
    task = compression.Compression(
      network,
      objective,
      lmbda=settings["lmbda"],
      quantiser=settings["quantiser"],
      decay=settings["ema"],
      seed=run.seed,
    )
    optimizer = keras.optimizers.Adam(_learning_rate(run))
  kept = _Kept(task)
  curves = []
  if unseen:
    curves.append(
      compression_validation.Validation(
        task,
        kept,
        unseen,
        folder=run.out,
        every=every,
        what=identity.of(folders),
      )
    )
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


def _started(
  run: training.Run,
  pictures: Sequence[np.ndarray],
  initial: keras.Model | None,
) -> keras.Model:
  """Returns the network to train, with the weights that training starts at."""
  network = models.MODELS.create(
    run.settings["architecture"],
    run.settings["model"],
    dtype=precision.policy(run.precision),
  )
  network.build()
  if initial is not None:
    initial = _with_latents(initial, network, pictures, run)
    network.set_weights(initial.get_weights())
    return network
  blocks = crops.Crops(
    pictures, patch=transforms.STRIDE, batch=_BLOCKS, seed=run.seed
  )
  network.start(blocks.at(0)[0])
  return network


def _learning_rate(run: training.Run) -> schedules.SteadyThenCosine:
  return schedules.SteadyThenCosine(
    run.learning_rate,
    steps=run.steps,
    warmup=min(run.warmup, run.steps // 10),
    share=run.settings["fall"],
  )


def _with_latents(
  initial: keras.Model,
  network: keras.Model,
  pictures: Sequence[np.ndarray],
  run: training.Run,
) -> keras.Model:
  """Gives the network to start from as many latents as the one to train has."""
  latents = network.get_config()["latents"]
  if initial.get_config()["latents"] == latents:
    return initial
  patch = run.settings["patch"]
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
    if self._network is not self._task.network:
      # What is not trained is the same in both.
      self._network.set_weights(self._task.network.get_weights())
      self._task.averages.assign_to(self._network.trainable_variables)
    return self._network


class _Saved(keras.callbacks.Callback):
  """Keeps the codec as of the last interval, for use while it trains."""

  def __init__(self, kept: Callable[[], keras.Model], run: training.Run):
    super().__init__()
    self._kept, self._run = kept, run

  def on_epoch_end(self, epoch: int, logs: dict[str, float]) -> None:
    _save(self._kept(), self._run)


def _save(network: keras.Model, run: training.Run) -> None:
  details = {"objective": run.loss, "training": run.to_json()}
  codec.save(network, run.out / "model", **details)


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

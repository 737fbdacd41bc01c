"""Training for super-resolution: its settings, and what follows from them."""

import dataclasses

import keras
import numpy as np
import tensorflow as tf

from tfpercept import distances, models, settings, training
from tfpercept.data import crops, identity, sources, super_resolution
from tfpercept.tasks import regression
from tfpercept.training import callbacks, precision
from trainers import initial_weights, objectives, shared_settings

# Side of the crop that TensorBoard shows.
_SHOWN = 192


@dataclasses.dataclass(frozen=True, kw_only=True)
class Layers(settings.Settings):
  """Arguments of SRCNN.

  Attributes:
    kernels: Sizes of the kernels, odd, in pixels.
    filters: Channels of the hidden layers.
  """

  kernels: tuple[int, ...] = settings.option(
    (9, 5, 5), "Sizes of the kernels in pixels, odd numbers."
  )
  filters: tuple[int, ...] = settings.option(
    (64, 32), "Channels of the hidden layers."
  )


@dataclasses.dataclass(frozen=True, kw_only=True)
class Settings(shared_settings.Network):
  """Settings of a training for super-resolution.

  Attributes:
    data: Names of the sources, see `data.sources.load`.
    rescale: Factors by which pictures are also reduced beforehand; 1 for their
      own size.
    scale: Factor of super-resolution.
    patch: Side of the crops, in pixels.
    batch: Number of crops in a batch.
    model: Arguments of the network.
  """

  data: tuple[str, ...] = settings.option(
    ("packaged",),
    "Photographs: 'packaged', a folder, or a tfds name; may be repeated.",
    repeated=True,
  )
  rescale: tuple[float, ...] = settings.option(
    (1.0,),
    "Factors by which pictures are scaled beforehand, up to 1; each is used.",
  )
  scale: int = settings.option(4, "Factor of super-resolution.", least=2)
  patch: int = settings.option(48, "Side of the crops, in pixels.", least=8)
  batch: int = settings.option(16, "Number of crops in a batch.", least=1)
  model: Layers = dataclasses.field(default_factory=Layers)


def train(
  run: training.Run[Settings],
  *,
  initial: keras.Model | None = None,
  download: bool = False,
) -> None:
  """Trains SRCNN, or resumes it, and writes it to `run.out / "model"`.

  Args:
    run: The run.
    initial: A network that has the weights to start from; None for random ones.
    download: Whether tfds may download.

  Raises:
    ValueError: if the objective does not fit the patch, before anything is
      read or written; if a setting is wrong; if the folder holds another run.
  """
  own = run.settings
  objective = objectives.of(run.loss, side=own.patch)
  run = run.on(data=lambda: identity.of(own.data, download=download))
  pictures = sources.load(
    own.data, download=download, skip_damaged=own.skip_damaged
  )
  train_on, held_out = _hold_out(pictures, own.scale)
  pairs = super_resolution.luma_pairs(
    train_on, scale=own.scale, rescale=own.rescale
  )
  data = crops.PairedCrops(
    pairs, patch=own.patch, batch=own.batch, seed=run.seed
  )
  with training.prepare(run).scope():
    network = models.SRCNN(
      **own.model.to_json(), dtype=precision.policy(run.precision)
    )
    network.build()
    initial_weights.start(network, initial)
    task = regression.Regression(network, objective)
  training.fit(task, data, run, pictures=_pictures(network, *held_out))
  models.save(
    network,
    run.out / "model",
    scale=own.scale,
    objective=objective.spec,
    training=run.to_json(),
  )


def _hold_out(
  pictures: list[np.ndarray], scale: int
) -> tuple[list[np.ndarray], tuple[tf.Tensor, tf.Tensor]]:
  """Holds out the last picture that is large enough.

  If there is only one picture, it is trained on as well.
  """
  for i in reversed(range(len(pictures))):
    pairs = super_resolution.luma_pairs([pictures[i]], scale=scale)
    if pairs:
      rest = pictures[:i] + pictures[i + 1 :]
      return rest or pictures, pairs[0]
  raise ValueError(
    f"none of {len(pictures)} pictures is large enough for --scale={scale}"
  )


def _pictures(
  network: keras.Model, enlarged: tf.Tensor, target: tf.Tensor
) -> callbacks.Pictures:
  """Shows bicubic, output and target side by side, with the output's PSNR."""
  psnr = distances.get("psnr")
  height, width = (min(side, _SHOWN) for side in target.shape[:2])
  top, left = (
    (side - shown) // 2
    for side, shown in zip(target.shape, (height, width), strict=False)
  )
  part = (slice(top, top + height), slice(left, left + width))
  x, y = enlarged[part][None], target[part][None]

  def show() -> tuple[dict[str, tf.Tensor], dict[str, float]]:
    x_hat = network(x)
    panel = tf.concat([x, x_hat, y], axis=2)
    scores = {
      "held_out/psnr": float(psnr.score(y, x_hat)[0]),
      "held_out/psnr_bicubic": float(psnr.score(y, x)[0]),
    }
    return {"bicubic_output_target": panel}, scores

  return callbacks.Pictures(show)

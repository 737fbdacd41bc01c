"""What every trainer of super-resolution does once its settings are known."""

import keras
import numpy as np
import tensorflow as tf

from tfpercept import distances, models, training
from tfpercept.data import crops, identity, sources, super_resolution
from tfpercept.tasks import regression
from tfpercept.training import callbacks, precision
from trainers import initial_weights

# Side of the crop that TensorBoard shows.
_SHOWN = 192


def train(
  run: training.Run,
  *,
  initial: keras.Model | None = None,
  download: bool = False,
) -> None:
  """Trains SRCNN, or resumes it, and writes it to `run.out / "model"`.

  Args:
    run: Its `settings` hold `data`, `rescale`, `scale`, `patch`, `batch` and
      `model` (the arguments of SRCNN).
    initial: Has the weights to start from; random ones by default.
    download: Whether tfds may download.

  Raises:
    ValueError: if the objective does not fit the patch, before anything is
      read or written; if a setting is wrong; if the folder holds another run.
  """
  settings = run.settings
  objective = distances.get(run.loss)
  objective.validate(settings["patch"], settings["patch"])
  names = settings["data"]
  run = run.on(data=lambda: identity.of(names, download=download))
  pictures = sources.load(
    names, download=download, skip_damaged="skip_damaged" in settings
  )
  train_on, held_out = _hold_out(pictures, settings["scale"])
  pairs = super_resolution.luma_pairs(
    train_on, scale=settings["scale"], rescale=settings["rescale"]
  )
  data = crops.PairedCrops(
    pairs, patch=settings["patch"], batch=settings["batch"], seed=run.seed
  )
  with training.prepare(run).scope():
    network = models.SRCNN(
      **settings["model"], dtype=precision.policy(run.precision)
    )
    network.build()
    initial_weights.start(network, initial)
    task = regression.Regression(network, objective)
  training.fit(task, data, run, pictures=_pictures(network, *held_out))
  models.save(
    network,
    run.out / "model",
    scale=settings["scale"],
    objective=objective.spec,
    training=run.to_json(),
  )


def _hold_out(
  pictures: list[np.ndarray], scale: int
) -> tuple[list[np.ndarray], tuple[tf.Tensor, tf.Tensor]]:
  """Keeps the last picture that is large enough to be looked at only.

  Where there is one picture, it is trained on as well.
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

"""Training of realism heads: its settings, and what follows from them."""

import dataclasses
from collections.abc import Callable, Mapping

import keras
import numpy as np
import tensorflow as tf

from tfpercept import distances, manifests, models, settings, training
from tfpercept.codecs.learned import model_ids
from tfpercept.data import crops, identity, reduced, sources
from tfpercept.models.compression import hyperprior, realism
from tfpercept.ops import adversarial as games
from tfpercept.tasks import base
from tfpercept.tasks import objectives as kept_objectives
from tfpercept.tasks import realism as realism_task
from tfpercept.training import callbacks, precision, schedules
from trainers import crop_settings, initial_weights, objectives, training_chart

CRITIC = (48, 96, 192, 192)
_SHOWN = (256, 384)  # height and width of the crop in TensorBoard
_SHARES = (0.1, 1.0)  # of the range of qualities, that are shown


@dataclasses.dataclass(frozen=True, kw_only=True)
class Settings(crop_settings.Crops):
  """Settings of a training of a realism head.

  Attributes:
    codec: Name or folder of the codec.
    codec_identity: Name of the codec in its files, in hexadecimal.
    qualities: Lowest and highest quality; None for the low half.
    distortion: Weight of the squared error of 8-bit values.
    perceptual: Weight of the distance that is the loss of the run.
    adversarial: Weight of the critic's judgement; 0 trains without a critic.
    game: Losses of critic and head, one of `adversarial.ADVERSARIAL`.
    warm_up: Steps in which the critic alone moves.
    ramp: Steps after those in which the critic's weight rises.
    critic_widths: Channels of the critic.
    widths: Channels of the head at its four scales.
    blocks: Residual blocks of the head at its four scales.
    conditioned: Whether the head is told the strength.
    fall: Share of the steps, at the end, over which the learning rate falls.
    ema: Share of the moving average of the weights that a step keeps.
  """

  patch: int = settings.again(crop_settings.Crops, "patch", 128)
  codec: str = settings.option(
    "photo_mse", "Codec that the head is for: a run folder or a model's name."
  )
  codec_identity: str
  qualities: tuple[float, ...] | None = settings.option(
    None,
    "Lowest and highest quality to train at; by default the low half of those "
    "of the codec.",
  )
  distortion: float = settings.option(
    realism_task.DISTORTION,
    "Weight of the squared error of 8-bit values.",
    least=0.0,
  )
  perceptual: float = settings.option(
    1.0, "Weight of the distance --loss.", least=0.0
  )
  adversarial: float = settings.option(
    0.4,
    "Weight of the critic's judgement; 0 trains without a critic.",
    least=0.0,
  )
  game: str = settings.option(
    "non_saturating",
    "Losses of critic and head.",
    choices=tuple(games.ADVERSARIAL),
  )
  warm_up: int = settings.option(
    200, "Number of steps at first in which the critic alone moves.", least=0
  )
  ramp: int = settings.option(
    500,
    "Number of steps after those in which the critic's weight rises from 0.",
    least=0,
  )
  critic_widths: tuple[int, ...] = settings.option(
    CRITIC, "Channels of the critic."
  )
  widths: tuple[int, ...] = settings.option(
    realism.WIDTHS, "Channels of the head at its four scales."
  )
  blocks: tuple[int, ...] = settings.option(
    realism.BLOCKS, "Residual blocks of the head at its four scales."
  )
  conditioned: bool = settings.option(
    False,
    "Train at all strengths and tell them the head, instead of at full "
    "strength only.",
  )
  fall: float = settings.option(
    0.3,
    "Share of the steps, at the end, over which the learning rate falls.",
    least=0,
    most=1,
  )
  ema: float = settings.option(
    0.999,
    "Decay of an exponential moving average of the weights, which the head "
    "then has.",
    least=0.0,
    most=0.9999,
  )

  def check(self) -> None:
    super().check()
    if self.qualities is None:
      return
    ends = self.qualities
    if len(ends) != 2 or not 1 <= ends[0] <= ends[1] < float("inf"):
      raise ValueError(
        "--qualities are two numbers of 1 or more, the smaller one first; got "
        f"{', '.join(f'{end:g}' for end in ends) or 'none'}"
      )


def codec_identity(codec: str) -> str:
  """Returns the name of a codec in its files, in hexadecimal.

  Raises:
    ValueError: if it is no model that codes pictures.
  """
  manifest = manifests.read(codec)
  if not model_ids.codes(manifest):
    raise ValueError(
      f"{codec} holds a {manifest['model']} that codes no pictures; give a "
      "codec, such as photo_mse, or a folder that trainers.compression wrote"
    )
  return model_ids.identity(manifest).hex()


def train(
  run: training.Run[Settings],
  *,
  initial: keras.Model | None = None,
  download: bool = False,
) -> None:
  """Trains a head, or resumes it; `run.out / "model"` is renewed as it goes.

  Args:
    run: The run.
    initial: A head that has the weights to start from, or None.
    download: Whether tfds may download.

  Raises:
    ValueError: if a setting is wrong, before anything is read or written, or
      the folder holds another run.
  """
  own = run.settings
  objective = (
    objectives.of(run.loss, side=own.patch - 7) if own.perceptual else None
  )
  run = run.on(data=lambda: identity.of(own.data, download=download))
  pictures = sources.load(
    own.data, download=download, skip_damaged=own.skip_damaged
  )
  # Where there is one picture, it is trained on as well.
  (held_out, *_), rest = (
    reduced.reduced(part, sides=own.sides, largest=own.largest)
    for part in (pictures[-1:], pictures[:-1] or pictures)
  )
  data = crops.Crops(rest, patch=own.patch, batch=own.batch, seed=run.seed)
  with training.prepare(run).scope():
    task = _task(run, objective, initial)
    optimizers = _optimizers(run, task.moves())
  kept = _Kept(task)
  training.fit(
    task,
    data,
    run,
    optimizer=optimizers,
    pictures=_pictures(task, kept, held_out),
    extra_callbacks=[_Saved(task, kept, run)],
  )
  _save(task, kept(), run)
  training_chart.keep(run.out)


def _task(
  run: training.Run[Settings],
  objective: distances.Distance | None,
  initial: keras.Model | None,
) -> realism_task.Realism:
  """Returns the task, with the weights that training starts at."""
  own, policy = run.settings, precision.policy(run.precision)
  codec, _ = models.load(own.codec, dtype="float32")
  low, high = own.qualities or (1.0, (1.0 + codec.levels) / 2)
  latents = codec.entropy_model.latents
  head = realism.RealismHead(
    latents=latents,
    levels=int(-(-high // 1)),
    widths=own.widths,
    blocks=own.blocks,
    conditioned=own.conditioned,
    dtype=policy,
  )
  head.build()
  initial_weights.start(head, initial)
  head.start(codec.deviation)
  critic = None
  if own.adversarial:
    critic = models.PatchCritic(
      own.critic_widths,
      latents=latents,
      channels=realism_task.CHANNELS,
      dtype=policy,
    )
  return realism_task.Realism(
    codec,
    head,
    objective,
    critic,
    distortion=own.distortion,
    perceptual=own.perceptual,
    qualities=(low, high),
    decay=own.ema,
    game=own.game,
    weight=own.adversarial,
    warm_up=own.warm_up,
    ramp=own.ramp,
    seed=run.seed,
  )


def _optimizers(
  run: training.Run[Settings], moves: Mapping[str, base.Move]
) -> dict[str, keras.optimizers.Optimizer]:
  return {
    name: keras.optimizers.Adam(
      schedules.of_move(
        move,
        run.learning_rate,
        steps=run.steps,
        warmup=run.warmup,
        share=run.settings.fall,
      )
    )
    for name, move in moves.items()
  }


class _Kept:
  """The head as it is kept: of averaged weights."""

  def __init__(self, task: realism_task.Realism):
    self._task = task
    self._head = type(task.head).from_config(task.head.get_config())
    self._head.build()

  def __call__(self) -> keras.Model:
    averages = self._task.averages
    assert averages is not None  # the trainer always averages
    self._head.start(self._task.head.deviation)
    averages.assign_to(self._head.trainable_variables)
    return self._head


class _Saved(keras.callbacks.Callback):
  """Keeps the head as of the last interval, for use while it trains."""

  def __init__(
    self,
    task: realism_task.Realism,
    kept: Callable[[], keras.Model],
    run: training.Run,
  ):
    super().__init__()
    self._task, self._kept, self._run = task, kept, run

  def on_epoch_end(self, epoch: int, logs: dict[str, float]) -> None:
    _save(self._task, self._kept(), self._run)


def _save(
  task: realism_task.Realism, head: keras.Model, run: training.Run[Settings]
) -> None:
  """Writes a head in half precision to the folder of a run, for decoders."""
  own = run.settings
  models.save(
    head,
    run.out / "model",
    dtype="float16",
    codec={"name": own.codec, "identity": own.codec_identity},
    highest=task.qualities[1],
    objective=run.loss,
    step=int(task.step.numpy()),
    training=run.to_json(),
  )


def _pictures(
  task: realism_task.Realism,
  kept: Callable[[], keras.Model],
  picture: np.ndarray,
) -> callbacks.Pictures | None:
  """Shows a crop, its faithful and its realistic pictures, with scores."""
  height, width = (
    min(side, shown) // hyperprior.STRIDE * hyperprior.STRIDE
    for side, shown in zip(picture.shape[:2], _SHOWN, strict=True)
  )
  if not height * width:
    return None
  x = np.broadcast_to(picture[:height, :width], (height, width, 3))
  x = tf.constant(x[None] / np.float32(255))
  low, high = task.qualities
  distance = None
  if task.objective is not None:  # its draws, if any, are its own
    distance = distances.get(task.objective.spec)

  def show() -> tuple[dict[str, tf.Tensor], dict[str, float]]:
    panel, head = [x], kept()
    scalars: dict[str, float] = {}
    for share in _SHARES:
      quality = tf.constant([low + share * (high - low)])
      decoded = task.decoded(x, quality)
      one = tf.ones([1])
      added = head(decoded.y_hat, decoded.faithful, quality, one)
      realistic = tf.clip_by_value(decoded.faithful + added, 0.0, 1.0)
      panel += [decoded.faithful, realistic]
      named = {"faithful": decoded.faithful, "realistic": realistic}
      for name, image in named.items():
        scalars |= _scores(
          distance, x, image, f"held_out/quality_{float(quality[0]):g}/{name}"
        )
    if task.critic is not None:
      seed, step = tf.constant([0, 8]), tf.cast(task.step, tf.int32)
      with kept_objectives.draws_kept(task.objective):
        judged = task.estimate((x, x), seed=seed, step=step)
      scalars |= {f"held_out/{k}": float(v) for k, v in judged.items()}
    return {"original_faithful_realistic": tf.concat(panel, axis=2)}, scalars

  return callbacks.Pictures(show)


def _scores(
  distance: distances.Distance | None,
  x: tf.Tensor,
  image: tf.Tensor,
  name: str,
) -> dict[str, float]:
  found = {f"{name}/psnr": float(distances.get("psnr").score(x, image)[0])}
  if distance is not None:
    found[f"{name}/distance"] = float(distance(x, image)[0])
  return found

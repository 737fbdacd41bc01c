"""Training of HiFiC in two stages, without a critic and against one."""

from collections.abc import Callable, Mapping, Sequence

import keras
import numpy as np
import tensorflow as tf

from tfpercept import models, training
from tfpercept.data import crops, identity, reduced, sources
from tfpercept.models import patch_critic
from tfpercept.models.compression import hific, transforms, warm_start
from tfpercept.tasks import base, critic_spaces, generative_compression
from tfpercept.tasks import objectives as kept_objectives
from tfpercept.training import precision, schedules
from trainers import hific_settings, kept_codec, objectives, training_chart

_BLOCKS = 16_000  # number of blocks from which the KLT is computed
_ESTIMATED = 4  # batches of held-out crops
_Run = training.Run[hific_settings.Settings]


def train(
  run: _Run,
  *,
  initial: keras.Model | None = None,
  download: bool = False,
) -> None:
  """Trains a codec, or resumes it; `run.out / "model"` is renewed as it goes.

  Args:
    run: The run. Its loss is the perceptual distance.
    initial: A HiFiC that has the weights to start from; None for a new one.
    download: Whether tfds may download.

  Raises:
    ValueError: if a setting is wrong, before anything is read or written, or
      the folder holds another run.
  """
  own = run.settings
  objective = objectives.of(run.loss, side=own.patch)
  control = own.control()
  if own.is_adversarial and initial is None:
    raise ValueError(
      "--stage=adversarial starts from the run of a first stage; give "
      "--initial=RUN"
    )
  run = run.on(data=lambda: identity.of(own.data, download=download))
  pictures, held_out = _pictures_of(own, download=download)
  data = _crops(pictures, run, seed=run.seed)
  with training.prepare(run).scope():
    network = _started(run, pictures, initial)
    critic, space = _critic(own, network, run.precision)
    task = generative_compression.GenerativeCompression(
      network,
      objective,
      control,
      critic,
      space=space,
      weights=own.weights,
      game=own.game,
      warm_up=own.critic_warmup,
      in_turns=own.in_turns,
      quantizer=own.quantizer,
      decay=own.ema,
      seed=run.seed,
    )
    optimizers = _optimizers(run, task.moves())
  kept = kept_codec.Kept(task)
  estimate = _estimate(task, _crops(held_out, run, seed=run.seed + 1))
  training.fit(
    task,
    data,
    run,
    optimizer=optimizers,
    pictures=kept_codec.pictures(kept, network.levels, held_out[0], estimate),
    extra_callbacks=[kept_codec.Saved(kept, run)],
  )
  kept_codec.save(kept(), run)
  training_chart.keep(run.out)


def _pictures_of(
  own: hific_settings.Settings, *, download: bool
) -> tuple[list[np.ndarray], list[np.ndarray]]:
  """Returns the pictures to train on, and those that are not trained on."""
  pictures = sources.load(
    own.data, download=download, skip_damaged=own.skip_damaged
  )
  count = min(own.held_out, max(len(pictures) - 1, 1))
  # Where there is one picture, it is trained on as well.
  parts = (pictures[:-count] or pictures, pictures[-count:])
  found = [
    reduced.reduced(part, sides=own.sides, largest=own.largest)
    for part in parts
  ]
  return found[0], found[1]


def _crops(
  pictures: Sequence[np.ndarray], run: _Run, *, seed: int
) -> crops.Crops:
  own = run.settings
  return crops.Crops(pictures, patch=own.patch, batch=own.batch, seed=seed)


def _started(
  run: _Run, pictures: Sequence[np.ndarray], initial: keras.Model | None
) -> hific.HiFiC:
  """Returns the network to train, with the weights that training starts at."""
  network = models.HiFiC(
    **run.settings.model, dtype=precision.policy(run.precision)
  )
  network.build()
  if initial is not None:
    warm_start.take_over(network, initial)
    return network
  blocks = crops.Crops(
    pictures, patch=transforms.STRIDE, batch=_BLOCKS, seed=run.seed
  )
  network.start(blocks.at(0)[0])
  return network


def _critic(
  own: hific_settings.Settings, network: hific.HiFiC, arithmetic: str
) -> tuple[keras.Model | None, Callable[[tf.Tensor], tf.Tensor] | None]:
  """Returns a new critic and what it sees; nothing in the first stage."""
  if not own.is_adversarial:
    return None, None
  space = critic_spaces.SPACES[own.critic_space]()
  critic = patch_critic.PatchCritic(
    own.critic_widths,
    latents=network.entropy_model.latents,
    channels=space.channels,
    dtype=precision.policy(arithmetic),
  )
  return critic, space.of


def _optimizers(
  run: _Run, moves: Mapping[str, base.Move]
) -> dict[str, keras.optimizers.Optimizer]:
  own = run.settings
  paces = {"generator": 1.0, "critic": own.critic_rate}
  return {
    name: keras.optimizers.Adam(
      schedules.of_move(
        move,
        paces[name] * run.learning_rate,
        steps=run.steps,
        warmup=run.warmup,
        share=own.fall,
      )
    )
    for name, move in moves.items()
  }


def _estimate(
  task: generative_compression.GenerativeCompression, unseen: crops.Crops
) -> Callable[[], dict[str, float]]:
  """Returns a function that lets the critic judge held-out crops.

  It returns scalars by name; none where there is no critic.
  """
  batches = [unseen.at(step) for step in range(_ESTIMATED)]

  @tf.function
  def judged(x: tf.Tensor, number: tf.Tensor) -> dict[str, tf.Tensor]:
    seed = tf.stack([0, 8 * number])
    return task.estimate((x, x), seed=seed, step=number)

  def estimate() -> dict[str, float]:
    if task.critic is None:
      return {}
    with kept_objectives.draws_kept(task.objective):
      found = [
        judged(tf.constant(x), tf.constant(number))
        for number, (x, _) in enumerate(batches)
      ]
    return {
      f"held_out/{name}": float(np.mean([each[name] for each in found]))
      for name in found[0]
    }

  return estimate

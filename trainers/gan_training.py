"""Training of generators of small pictures: settings and what follows."""

import dataclasses
from collections.abc import Mapping
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from absl import logging

from tfpercept import distances, models, settings, training
from tfpercept.codecs.inversion import model_writer
from tfpercept.data import examples
from tfpercept.evaluation.core import batches
from tfpercept.evaluation.generative import samples
from tfpercept.evaluation.realism import generated
from tfpercept.io import files, lock
from tfpercept.models import picture_critic
from tfpercept.models.generators import base as generators
from tfpercept.ops import adversarial
from tfpercept.tasks import base
from tfpercept.tasks import generator as tasks
from tfpercept.training import callbacks, precision
from trainers import example_settings, initial_weights, training_chart

NETWORKS = ("dcgan", "klt_generator", "pca", "vae_gan")
_SHOWN = 8  # pictures a row
_GROUP = 4  # pictures that the critic's deviation is over
_JUDGED = 500  # most pictures of each set that the figure of a dcgan is of


@dataclasses.dataclass(frozen=True, kw_only=True)
class Settings(example_settings.Pictures):
  """Settings of a training of a generator.

  Attributes:
    network: Name of the network, one of `NETWORKS`.
    latent: Length of the latent vector.
    widths: Channels of the generator, of vae_gan those of its encoder; empty
      for the network's default.
    critic_widths: Channels of the critic.
    game: Losses of generator and critic, one of `adversarial.ADVERSARIAL`.
    adversarial_weight: Weight of the generator's loss in the game.
    critic_warm_up: Number of steps in which the critic alone moves.
    critic_rate: Learning rate of the critic, as a multiple of the other's.
    decay: Share of the averaged weights that a step keeps.
    beta: Weight of the KL of an encoder's latents.
  """

  network: str = settings.option(
    "dcgan",
    "Generator: dcgan makes pictures from noise, klt_generator refines those "
    "of principal components, pca has these alone and needs no steps, vae_gan "
    "adds an encoder to the dcgan of --initial.",
    choices=NETWORKS,
  )
  latent: int = settings.option(
    100, "Length of the latent vector.", least=1, most=4096
  )
  widths: tuple[int, ...] = settings.option(
    (),
    "Channels of the generator, of vae_gan those of its encoder; the network's "
    "own by default.",
  )
  critic_widths: tuple[int, ...] = settings.option(
    (32, 64, 128, 256), "Channels of the critic, from the picture on."
  )
  game: str = settings.option(
    "non_saturating",
    "Losses of generator and critic.",
    choices=tuple(adversarial.ADVERSARIAL),
  )
  adversarial_weight: float = settings.option(
    1.0, "Weight of the generator's loss in the game.", least=0.0
  )
  critic_warm_up: int = settings.option(
    0, "Number of steps in which the critic alone moves.", least=0
  )
  critic_rate: float = settings.option(
    1.0, "Learning rate of the critic over that of the generator.", above=0.0
  )
  decay: float = settings.option(
    tasks.DECAY,
    "Share of the averaged weights, which are saved, that a step keeps.",
    least=0.0,
    most=0.9999,
  )
  beta: float = settings.option(
    1e-3,
    "Weight of the KL of vae_gan, in nats a latent.",
    least=0.0,
    absent=1e-3,
  )

  def check(self) -> None:
    if self.network == "dcgan" and not self.adversarial_weight:
      raise ValueError("dcgan learns from the critic alone; give it a weight")
    if self.batch % _GROUP:
      raise ValueError(
        f"--batch is a multiple of {_GROUP} here; got {self.batch}"
      )


def train(
  run: training.Run[Settings],
  data: examples.Examples,
  unseen: examples.Examples,
  *,
  initial: generators.LatentGenerator | None = None,
) -> None:
  """Trains a generator, or resumes it, and writes it to `run.out / "model"`.

  The weights are kept in half precision, as a codec's are. How near the samples
  of a `dcgan` are to the pictures held out is printed, and written to
  `samples.json` in the run's folder.

  Args:
    run: The run. Its loss counts for `klt_generator` alone.
    data: Pictures to train on.
    unseen: Pictures that are reconstructed at each interval; may be empty.
    initial: A network that has the weights to start from; None for random ones.

  Raises:
    ValueError: if a setting is wrong, the initial network is another, or the
      folder holds another run.
  """
  with lock.held(run.out):
    run.claim()
    strategy = training.prepare(run)
    shared = _GROUP * strategy.num_replicas_in_sync
    if run.settings.batch % shared:
      raise ValueError(
        f"--batch is a multiple of {shared} on {strategy.num_replicas_in_sync} "
        f"devices; got {run.settings.batch}"
      )
    with strategy.scope():
      network = _network(run, data, initial)
      if run.settings.network != "pca":
        task = _task(run, network)
    if run.settings.network != "pca":
      _fit(run, task, data, unseen)
      if not isinstance(task, tasks.Encoding):
        task.averages.assign_to(network.trainable_variables)
        network.calibrate()
    model_writer.save(
      network,
      run.out / "model",
      images=data.images,
      dtype="float16",
      objective="" if run.settings.network in ("dcgan", "pca") else run.loss,
      pictures=len(data),
      training=run.to_json(),
    )
    if run.settings.network == "dcgan":
      _judge(run, network, data, unseen)
    if run.settings.network != "pca":
      training_chart.keep(run.out)


def _network(
  run: training.Run[Settings],
  data: examples.Examples,
  initial: generators.LatentGenerator | None,
) -> generators.LatentGenerator:
  own = run.settings
  shape: dict[str, Any] = {
    "side": own.side,
    "channels": own.channels,
    "latent": own.latent,
  }
  widths: dict[str, Any] = {"widths": own.widths} if own.widths else {}
  dtype = precision.policy(run.precision)
  network: generators.LatentGenerator
  if own.network == "vae_gan":
    return _inverted(run, initial)
  if own.network == "dcgan":
    network = models.DCGAN(**shape, **widths, seed=run.seed, dtype=dtype)
  elif own.network == "klt_generator":
    network = models.KLTGenerator(**shape, **widths, seed=run.seed, dtype=dtype)
    network.basis.fit(data.images, seed=run.seed)
  else:
    network = models.PCA(**shape)
    network.basis.fit(data.images, seed=run.seed)
  initial_weights.start(network, initial)
  return network


def _inverted(
  run: training.Run[Settings], initial: generators.LatentGenerator | None
) -> models.VAEGAN:
  """Returns a trained DCGAN with an encoder that is not."""
  if not isinstance(initial, models.DCGAN):
    raise ValueError(
      "vae_gan needs a trained dcgan; give its run by --initial=RUN"
    )
  given = initial.get_config()
  own = run.settings
  asked = (own.side, own.side, own.channels)
  if initial.image_shape != asked or initial.latent != own.latent:
    raise ValueError(
      f"--initial makes pictures {initial.image_shape} of {initial.latent} "
      f"latents; the run has {asked} of {own.latent}"
    )
  shape = {k: given[k] for k in ("side", "channels", "latent", "widths",
                                 "steps")}  # fmt: skip
  if own.widths:
    shape["encoder_widths"] = own.widths
  network = models.VAEGAN(
    **shape,
    seed=run.seed,
    dtype=precision.policy(run.precision),
  )
  network.decoder.set_weights(initial.get_weights())
  return network


_Task = tasks.GAN | tasks.Refinement | tasks.Encoding


def _task(
  run: training.Run[Settings], network: generators.LatentGenerator
) -> _Task:
  own = run.settings
  if isinstance(network, models.VAEGAN):
    return tasks.Encoding(
      network, distances.get(run.loss), beta=own.beta, seed=run.seed
    )
  is_refinement = own.network == "klt_generator"
  critic = None
  if own.adversarial_weight:
    critic = picture_critic.PictureCritic(
      side=own.side,
      channels=own.channels,
      condition=own.channels if is_refinement else 0,
      widths=own.critic_widths,
      group=_GROUP,
      seed=run.seed + 1000,
      dtype=precision.policy(run.precision),
    )
  options: dict[str, Any] = {
    "game": own.game,
    "weight": own.adversarial_weight,
    "warm_up": own.critic_warm_up,
    "decay": own.decay,
    "seed": run.seed,
  }
  if is_refinement:
    return tasks.Refinement(network, distances.get(run.loss), critic, **options)
  assert critic is not None  # `Settings.check` sees to it
  return tasks.GAN(network, critic, **options)


def _fit(
  run: training.Run[Settings],
  task: _Task,
  data: examples.Examples,
  unseen: examples.Examples,
) -> None:
  training.fit(
    task,
    examples.Batches(data.images, batch=run.settings.batch, seed=run.seed),
    run,
    optimizer=_optimizers(run, task.moves()),
    pictures=_shown(run, task, unseen),
  )


def _optimizers(
  run: training.Run[Settings], moves: Mapping[str, base.Move]
) -> dict[str, keras.optimizers.Optimizer]:
  critic_rate = run.settings.critic_rate
  rates = {"generator": 1.0, "critic": critic_rate, "optimizer": 1.0}
  return {
    name: keras.optimizers.Adam(
      training.learning_rate(
        dataclasses.replace(run, learning_rate=rates[name] * run.learning_rate),
        move,
      ),
      beta_1=0.5,
      beta_2=0.99,
    )
    for name, move in moves.items()
  }


def _shown(
  run: training.Run[Settings],
  task: _Task,
  unseen: examples.Examples,
) -> callbacks.Pictures:
  """Draws a sheet at each interval, for TensorBoard and as `samples/*.png`."""
  network = task.network
  z = network.draw(_SHOWN**2, tf.constant([run.seed, 1]))
  x = unseen.floats()[: _SHOWN * _SHOWN // 2]
  middle = network.quantizer_steps[len(network.quantizer_steps) // 2]

  def show() -> tuple[dict[str, tf.Tensor], dict[str, float]]:
    with task.averaged():
      pictures = network.decode(z, 0.0).numpy()
      if not isinstance(task, tasks.GAN) and len(x):
        z_hat = network.encode(x)
        assert z_hat is not None  # a network to refine has an encoder
        coded = tf.round(z_hat / middle) * middle
        pictures = _rows(x, network.decode(coded, middle).numpy())
    sheet: np.ndarray = samples.sheet(pictures, _SHOWN)
    path = run.out / "samples" / f"step_{int(task.step.numpy()):06d}.png"
    path.parent.mkdir(exist_ok=True)
    files.write_image(path, sheet, replace=True)
    shown = np.divide(sheet[None], 255, dtype=np.float32)
    return {"samples": shown}, {}

  return callbacks.Pictures(show)


def _judge(
  run: training.Run[Settings],
  network: generators.LatentGenerator,
  data: examples.Examples,
  unseen: examples.Examples,
) -> None:
  """Prints and writes how near samples are to pictures that are held out."""
  random = np.random.default_rng(run.seed)
  trained, held_out = (
    part.images[random.permutation(len(part.images))[:_JUDGED]]
    for part in (data, unseen)
  )
  if len(held_out) < generated.FEWEST:
    logging.warning(
      "%d pictures are held out, too few for a figure of the samples; choose a "
      "larger --held_out", len(held_out),
    )  # fmt: skip
    return
  z = network.draw(len(trained), tf.constant([run.seed, 3]))
  pictures = batches.apply(lambda z: network.decode(z, 0.0), z, _SHOWN**2)
  drawn = np.round(255 * pictures).astype(np.uint8)
  figures = generated.figures(drawn, held_out, trained)
  files.write_json(
    run.out / "samples.json", [dataclasses.asdict(each) for each in figures]
  )
  for figure in figures:
    print(figure)


def _rows(x: np.ndarray, x_hat: np.ndarray) -> np.ndarray:
  """Returns rows of pictures, each above the row of their reconstructions."""
  pairs = [
    part[start : start + _SHOWN]
    for start in range(0, len(x), _SHOWN)
    for part in (x, x_hat)
    if len(x) >= start + _SHOWN
  ]
  return np.concatenate(pairs) if pairs else x_hat

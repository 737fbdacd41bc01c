"""Training of VAEs: its settings, and what follows from them."""

import dataclasses
import json
import math
from typing import Any, Literal

import keras
import tensorflow as tf
from absl import logging

from tfpercept import distances, models, settings, training
from tfpercept.data import examples
from tfpercept.evaluation.generative import samples as generation_pictures
from tfpercept.io import files, lock
from tfpercept.tasks import posterior, variational
from tfpercept.training import precision
from trainers import example_settings, initial_weights, reconstructions

_SHOWN = 8  # samples a row
_SPARE_NATS = 2.0  # of the KL above what tells the pictures apart


def _beta(text: str) -> float | str:
  """Returns the beta that a text says."""
  if text == "auto":
    return "auto"
  try:
    return float(text)
  except ValueError as error:
    raise ValueError(f"--beta is a number or 'auto'; got {text!r}") from error


@dataclasses.dataclass(frozen=True, kw_only=True)
class Layers(example_settings.Layers):
  """Arguments of a VAE.

  Attributes:
    latent: Length of the latent vector.
  """

  latent: int = settings.option(16, "Number of latents.", least=1)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Settings(example_settings.Pictures):
  """Settings of a training of a VAE.

  Attributes:
    model: Arguments of the network.
    beta: Weight of the KL, in units of the loss per nat; `"auto"` finds the one
      that gives `nats_per_latent`.
    kl_warmup: Number of steps over which the KL reaches its full weight.
    free_nats: Least KL of a latent that is counted, in nats.
    calibration_steps: Number of steps that `"auto"` takes; None with a given
      beta.
    nats_per_latent: Target of `"auto"`, in nats; None with a given beta.
    final_rate: Share of the learning rate that an exponential fall leaves at
      the end; None for a warm-up and a fall by a cosine.
  """

  model: Layers = dataclasses.field(default_factory=Layers)
  beta: float | Literal["auto"] = settings.option(
    "auto",
    "Weight of the KL, in units of the loss per nat; 'auto' finds the one that "
    "gives --nats_per_latent.",
    parse=_beta,
  )
  kl_warmup: int = settings.option(
    0, "Number of steps over which the KL reaches its full weight.", least=0
  )
  free_nats: float = settings.option(
    0.0,
    "Least KL of a latent that is counted, in nats; what is below it is not "
    "penalized.",
    least=0.0,
  )
  calibration_steps: int | None = settings.option(
    1000, "Number of steps of --beta=auto.", least=1, absent=None
  )
  nats_per_latent: float | None = settings.option(
    1.5, "Target of --beta=auto, in nats a latent.", above=0.0, absent=None
  )

  final_rate: float | None = settings.option(
    None,
    "Share of the learning rate, above 0, that an exponential fall leaves at "
    "the end; by default the rate warms up and falls by a cosine.",
    above=0.0,
    most=1.0,
    absent=None,
  )

  def __post_init__(self) -> None:
    super().__post_init__()
    if self.beta != "auto":  # they have no say, and no run is another by them
      object.__setattr__(self, "nats_per_latent", None)
      object.__setattr__(self, "calibration_steps", None)
    target = self.nats_per_latent
    if target is not None and self.free_nats >= target:
      raise ValueError(
        f"--beta=auto leads to {target:g} nats a latent, of which --free_nats "
        f"is a part; got {self.free_nats:g}"
      )


def train(
  run: training.Run[Settings],
  data: examples.Examples,
  unseen: examples.Examples,
  *,
  initial: models.VAE | None = None,
) -> None:
  """Trains a VAE, or resumes it, and writes it to `run.out / "model"`.

  Args:
    run: The run.
    data: Pictures to train on.
    unseen: Pictures that TensorBoard shows; may be empty.
    initial: A network that has the weights to start from; None for random ones.

  Raises:
    ValueError: if a setting is wrong, the initial network is another, or the
      folder holds another run.
  """
  with lock.held(run.out):
    _train(run, data, unseen, initial)


def _train(
  run: training.Run[Settings],
  data: examples.Examples,
  unseen: examples.Examples,
  initial: models.VAE | None,
) -> None:
  own = run.settings
  batches = examples.Batches(data.images, batch=own.batch, seed=run.seed)
  run.claim()
  _tell_of_nats(own, len(data))
  beta = own.beta
  if beta == "auto":
    beta = _calibrated(run, data, batches, initial)
  objective = distances.get(run.loss)
  with training.prepare(run).scope():
    network = _network(run, data, initial)
    task = variational.Variational(
      network,
      objective,
      beta=beta,
      warmup=own.kl_warmup,
      free_nats=own.free_nats,
      seed=run.seed,
    )
  pictures = reconstructions.show(
    network, unseen, objective, lambda: _drawn(network, unseen, run.seed)
  )
  guard = posterior.Guard(network.latent, warmup=own.kl_warmup)
  training.fit(
    task,
    batches,
    run,
    optimizer=_optimizer(run),
    pictures=pictures,
    guards=[guard],
  )
  models.save(
    network,
    run.out / "model",
    objective=objective.spec,
    beta=beta,
    collapsed=posterior.is_collapsed(network, batches.at(run.steps)[0]),
    pictures=len(data),
    training=run.to_json(),
  )


def _optimizer(
  run: training.Run[Settings],
) -> keras.optimizers.Optimizer | None:
  """Returns Adam with the fall that the settings ask for, or None."""
  left = run.settings.final_rate
  if left is None:
    return None
  schedule = keras.optimizers.schedules.ExponentialDecay(
    run.learning_rate, decay_steps=run.steps, decay_rate=left
  )
  return keras.optimizers.Adam(schedule)


def _tell_of_nats(own: Settings, count: int) -> None:
  """Logs a warning if more nats are asked for than tell the pictures apart.

  The mean KL is the mutual information of pictures and latents plus the KL of
  the aggregate posterior to the prior. The first is at most the logarithm of
  the number of pictures. The rest makes the prior draw latents that no picture
  has, and samples of them are ghosts.

  Source: Hoffman, Johnson, "ELBO surgery: yet another way to carve up the
  variational evidence lower bound", 2016, section 2.

  Args:
    own: Settings of the training.
    count: Number of pictures that it is trained on.
  """
  if own.nats_per_latent is None:
    return
  asked, most = own.nats_per_latent * own.model.latent, math.log(count)
  if asked > most + _SPARE_NATS:
    logging.warning(
      "--nats_per_latent=%g asks for %.3g nats a picture in %d latents, but "
      "%.3g nats tell %d pictures apart; samples will be ghosts. Ask for %.2g "
      "or less a latent, or take fewer latents",
      own.nats_per_latent, asked, own.model.latent, most, count,
      most / own.model.latent,
    )  # fmt: skip


def _calibrated(
  run: training.Run[Settings],
  data: examples.Examples,
  batches: examples.Batches,
  initial: models.VAE | None,
) -> float:
  """Returns the beta that a short training of its own found; keeps it."""
  path = run.out / "beta.json"
  if path.exists():
    try:
      return float(json.loads(path.read_bytes())["beta"])
    except (ValueError, LookupError, TypeError) as error:
      raise ValueError(
        f"{path} is damaged ({error!r}); remove it, and the calibration beside "
        "it tells it again"
      ) from error
  found = _calibrate(run, data, batches, initial)
  target = found["nats_per_latent"]
  if not 0.8 * target < found["reached"] < 1.25 * target:
    logging.warning(
      "the calibration came to %.3g nats per latent and not to %.3g; give it "
      "more --calibration_steps, in a new --out",
      found["reached"],
      target,
    )
  files.write_json(path, found)
  return found["beta"]


def _calibrate(
  run: training.Run[Settings],
  data: examples.Examples,
  batches: examples.Batches,
  initial: models.VAE | None,
) -> dict[str, Any]:
  """Trains briefly, and adjusts beta until the latents have the wanted nats."""
  target, steps = run.settings.nats_per_latent, run.settings.calibration_steps
  assert target is not None and steps is not None  # since beta is "auto"
  short = dataclasses.replace(run, out=run.out / "calibration", steps=steps)
  with training.prepare(short).scope():
    balance = variational.Balance(nats_per_latent=target, steps=steps)
    objective = distances.get(run.loss)
    network = _network(run, data, initial)
    x, _ = batches.at(0)
    first = distances.get(run.loss)(x, network(x)).numpy().mean()
    balance.start(float(first), network.latent)
    task = variational.Variational(
      network,
      objective,
      beta=balance,
      free_nats=run.settings.free_nats,
      seed=run.seed,
    )
  training.fit(task, batches, short)
  beta, reached = balance.outcome
  return {
    "beta": beta,
    "nats_per_latent": target,
    "reached": reached,
    "steps": steps,
  }


def _drawn(
  network: models.VAE, unseen: examples.Examples, seed: int
) -> dict[str, tf.Tensor]:
  """Returns the pictures for TensorBoard beside reconstructions."""
  z = generation_pictures.latents(_SHOWN**2, network.latent, seed=seed)
  sheets = {"samples": generation_pictures.samples(network, z, columns=_SHOWN)}
  ends = unseen.floats()[: 2 * (min(_SHOWN, len(unseen)) // 2)]
  if len(ends):
    sheets["interpolations"] = generation_pictures.interpolations(
      network, ends[::2], ends[1::2], steps=_SHOWN
    )
  if network.latent == 2:
    sheets["manifold"] = generation_pictures.manifold(network, side=2 * _SHOWN)
  return {name: sheet[None] / 255 for name, sheet in sheets.items()}


def _network(
  run: training.Run[Settings],
  data: examples.Examples,
  initial: models.VAE | None,
) -> models.VAE:
  own = run.settings
  network = models.VAE(
    **own.model.to_json(),
    side=own.side,
    channels=own.channels,
    brightness=data.brightness,
    seed=run.seed,
    dtype=precision.policy(run.precision),
  )
  network.build()
  initial_weights.start(network, initial)
  return network

"""What every training of VAEs does once its settings are known."""

import dataclasses
import json

import tensorflow as tf
from absl import logging

from tfpercept import distances, models, training
from tfpercept.data import examples
from tfpercept.evaluation.generative import samples as generation_pictures
from tfpercept.io import files
from tfpercept.tasks import variational
from tfpercept.training import lock, posterior, precision
from trainers import initial_weights, reconstructions

_SHOWN = 8  # samples a row


def train(
  run: training.Run,
  data: examples.Examples,
  unseen: examples.Examples,
  *,
  initial: models.VAE | None = None,
) -> None:
  """Trains a VAE, or resumes it, and writes it to `run.out / "model"`.

  Args:
    run: Its `settings` hold `side`, `channels`, `batch`, `model` (the other
      arguments of the network), `beta`, `kl_warmup`, `free_nats` and, where
      `beta` is `"auto"`, `nats_per_latent` and `calibration_steps`.
    data: What to train on.
    unseen: What TensorBoard shows; may be empty.
    initial: Has the weights to start from; random ones by default.

  Raises:
    ValueError: if a setting is wrong, the initial network is another, or the
      folder holds another run.
  """
  with lock.held(run.out):
    _train(run, data, unseen, initial)


def _train(
  run: training.Run,
  data: examples.Examples,
  unseen: examples.Examples,
  initial: models.VAE | None,
) -> None:
  settings = run.settings
  batches = examples.Batches(
    data.images, batch=settings["batch"], seed=run.seed
  )
  run.claim()
  beta = settings["beta"]
  if beta == "auto":
    beta = _calibrated(run, data, batches, initial)
  objective = distances.get(run.loss)
  with training.prepare(run).scope():
    network = _network(run, data, initial)
    task = variational.Variational(
      network,
      objective,
      beta=beta,
      warmup=settings["kl_warmup"],
      free_nats=settings["free_nats"],
      seed=run.seed,
    )
  guard = posterior.Guard(network.latent, warmup=settings["kl_warmup"])
  training.fit(
    task,
    batches,
    run,
    pictures=reconstructions.show(
      network, unseen, objective, lambda: _drawn(network, unseen, run.seed)
    ),
    extra_callbacks=[guard],
  )
  models.save(
    network,
    run.out / "model",
    objective=objective.spec,
    beta=beta,
    collapsed=posterior.is_collapsed(network, batches.at(run.steps)[0]),
    training=run.to_json(),
  )


def _calibrated(
  run: training.Run,
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
  settings = run.settings
  steps = settings["calibration_steps"]
  short = dataclasses.replace(run, out=run.out / "calibration", steps=steps)
  with training.prepare(short).scope():
    balance = variational.Balance(
      nats_per_latent=settings["nats_per_latent"], steps=steps
    )
    objective = distances.get(run.loss)
    network = _network(run, data, initial)
    x, _ = batches.at(0)
    first = distances.get(run.loss)(x, network(x)).numpy().mean()
    balance.start(float(first), network.latent)
    task = variational.Variational(
      network, objective, beta=balance, seed=run.seed
    )
  training.fit(task, batches, short)
  beta, reached = balance.outcome
  target = settings["nats_per_latent"]
  if not 0.8 * target < reached < 1.25 * target:
    logging.warning(
      "the calibration came to %.3g nats per latent and not to %.3g; give it "
      "more --calibration_steps, in a new --out",
      reached,
      target,
    )
  found = {
    "beta": beta,
    "nats_per_latent": target,
    "reached": reached,
    "steps": steps,
  }
  files.write_json(path, found)
  return beta


def _drawn(
  network: models.VAE, unseen: examples.Examples, seed: int
) -> dict[str, tf.Tensor]:
  """Returns what TensorBoard shows beside reconstructions."""
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
  run: training.Run, data: examples.Examples, initial: models.VAE | None
) -> models.VAE:
  settings = run.settings
  network = models.VAE(
    **settings["model"],
    side=settings["side"],
    channels=settings["channels"],
    brightness=data.brightness,
    seed=run.seed,
    dtype=precision.policy(run.precision),
  )
  network.build()
  initial_weights.start(network, initial)
  return network

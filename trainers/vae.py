"""Trains a variational autoencoder under any distance, or one under each.

    python -m trainers.vae --loss=watson_dft --loss=mse --data=mnist.npz \
        --side=32 --fit=pad --beta=auto --nats_per_latent=1.5 --out=runs/digits

Several losses get the same pictures, initial weights, noise and steps, and a
folder each below `--out`. Killed at any moment, the same command resumes it.
"""

import dataclasses
import json

import keras
from absl import flags, logging

from export import program
from tfpercept import distances, files, models, training
from tfpercept.data import examples
from tfpercept.models import coders
from tfpercept.tasks import variational
from tfpercept.training import posterior, precision
from trainers import example_flags, reconstructions, run_flags

flags.adopt_module_key_flags(run_flags)  # so that --help lists them
flags.adopt_module_key_flags(example_flags)
_KIND = flags.DEFINE_enum(
  "kind", "convolutional", coders.KINDS, "Of the hidden layers."
)
_WIDTHS = flags.DEFINE_list(
  "widths", ["32", "64", "128"], "Of the hidden layers, down to the latents."
)
_LATENT = flags.DEFINE_integer("latent", 16, "Length of the latent vector.", 1)
_BETA = flags.DEFINE_string(
  "beta",
  "auto",
  "What a nat costs in units of the loss; 'auto' looks for the one that gives "
  "--nats_per_latent.",
)
_NATS = flags.DEFINE_float(
  "nats_per_latent", 1.5, "What --beta=auto aims at.", 0.0
)
_CALIBRATION = flags.DEFINE_integer(
  "calibration_steps", 1000, "Steps that --beta=auto takes.", 1
)
_WARMUP = flags.DEFINE_integer(
  "kl_warmup", 0, "Steps over which the KL comes to its full weight.", 0
)
_FREE = flags.DEFINE_float(
  "free_nats", 0.0, "Nats of each latent that cost nothing.", 0.0
)


def main() -> None:
  beta = _beta()
  settings = {
    **example_flags.settings(),
    "model": {
      "kind": _KIND.value,
      "widths": [int(width) for width in _WIDTHS.value],
      "latent": _LATENT.value,
    },
    "beta": beta,
    "kl_warmup": _WARMUP.value,
    "free_nats": _FREE.value,
  }
  if beta == "auto":
    settings["nats_per_latent"] = _NATS.value
    settings["calibration_steps"] = _CALIBRATION.value
  runs = run_flags.runs(settings)
  for run in runs:  # a mistake in one is found before another is trained
    distances.get(run.loss).validate(run.settings["side"], run.settings["side"])
  data, unseen = example_flags.load(runs[0])
  for run in runs:
    train(run, data, unseen)
    logging.info("Trained model in %s", run.out / "model")


def _beta() -> float | str:
  if _BETA.value == "auto":
    return "auto"
  try:
    return float(_BETA.value)
  except ValueError as error:
    raise ValueError(
      f"--beta is a number or 'auto'; got {_BETA.value!r}"
    ) from error


def train(
  run: training.Run, data: examples.Examples, unseen: examples.Examples
) -> None:
  """Trains a VAE, or resumes it, and writes it to `run.out / "model"`.

  Args:
    run: Its `settings` are those of `main`.
    data: What to train on.
    unseen: What TensorBoard shows; may be empty.
  """
  settings = run.settings
  batches = examples.Batches(
    data.images, batch=settings["batch"], seed=run.seed
  )
  run.claim()
  beta = settings["beta"]
  if beta == "auto":
    beta = _calibrated(run, data, batches)
  objective = distances.get(run.loss)
  with training.prepare(run).scope():
    network = _network(run, data)
    task = variational.Variational(
      network,
      objective,
      beta=beta,
      warmup=settings["kl_warmup"],
      free_nats=settings["free_nats"],
      seed=run.seed,
    )
  guard = posterior.PosteriorGuard(network.latent, warmup=settings["kl_warmup"])
  training.fit(
    task,
    batches,
    run,
    pictures=reconstructions.show(network, unseen, objective),
    extra_callbacks=[guard],
  )
  models.save(
    network,
    run.out / "model",
    objective=objective.spec,
    beta=beta,
    collapsed=guard.collapsed,
    training=run.to_json(),
  )


def _calibrated(
  run: training.Run, data: examples.Examples, batches: examples.Batches
) -> float:
  """Returns the beta that a short training of its own found; keeps it."""
  path = run.out / "beta.json"
  if path.exists():
    return float(json.loads(path.read_text())["beta"])
  settings = run.settings
  steps = settings["calibration_steps"]
  short = dataclasses.replace(run, out=run.out / "calibration", steps=steps)
  with training.prepare(short).scope():
    balance = variational.Balance(
      nats_per_latent=settings["nats_per_latent"], steps=steps
    )
    objective = distances.get(run.loss)
    network = _network(run, data)
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


def _network(run: training.Run, data: examples.Examples) -> keras.Model:
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
  return network


if __name__ == "__main__":
  program.start(main, also=(training.NonFiniteError, posterior.PosteriorError))

"""Trains a variational autoencoder under any distance, or one under each.

    python -m trainers.vae --loss=watson_dft --loss=mse --data=mnist.npz \
        --side=32 --fit=pad --beta=auto --nats_per_latent=1.5 --out=runs/digits

Several losses get the same pictures, initial weights, noise and steps, and a
folder each below `--out`. Killed at any moment, the same command resumes it.
"""

from absl import flags, logging

from programs import program
from tfpercept import training
from tfpercept.training import posterior
from trainers import example_flags, initial_weights, run_flags, variational

flags.adopt_module_key_flags(run_flags)  # so that --help lists them
flags.adopt_module_key_flags(example_flags)
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
_INITIAL = flags.DEFINE_string(
  "initial",
  None,
  "A finished run of a like network, to start from its weights.",
)


def main() -> None:
  beta = _beta()
  settings = {
    "model": {**example_flags.layers(), "latent": _LATENT.value},
    "beta": beta,
    "kl_warmup": _WARMUP.value,
    "free_nats": _FREE.value,
  }
  if beta == "auto":
    settings["nats_per_latent"] = _NATS.value
    settings["calibration_steps"] = _CALIBRATION.value
  initial, told = initial_weights.load(_INITIAL.value)
  runs = example_flags.runs({**settings, **told})
  data, unseen = example_flags.load(runs[0])
  for run in runs:
    variational.train(run, data, unseen, initial=initial)
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


if __name__ == "__main__":
  program.start(main, also=(training.NonFiniteError, posterior.PosteriorError))

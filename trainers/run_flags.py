"""Flags that all trainers share, and the `Run` they make."""

from typing import Any

from absl import flags

from tfpercept import training

_LOSS = flags.DEFINE_string(
  "loss", "mse", "Spec of the objective, such as 0.84*ms_ssim + 0.16*mae."
)
_STEPS = flags.DEFINE_integer("steps", 20_000, "Optimiser steps.", 1)
_LEARNING_RATE = flags.DEFINE_float("learning_rate", 1e-3, "Peak rate.", 0.0)
_SEED = flags.DEFINE_integer("seed", 0, "Seed of weights and batches.", 0)
_OUT = flags.DEFINE_string("out", None, "Folder of the run.", required=True)
_INTERVAL = flags.DEFINE_integer(
  "interval", 500, "Steps between checkpoints and log entries.", 1
)
_PRECISION = flags.DEFINE_enum(
  "precision", "auto", training.PRECISIONS, "Arithmetic of the network."
)
_STRATEGY = flags.DEFINE_enum(
  "strategy", "none", tuple(training.STRATEGIES), "tf.distribute strategy."
)


def run(settings: dict[str, Any]) -> training.Run:
  """Returns the run of the parsed flags and a trainer's own settings."""
  return training.Run(
    out=_OUT.value,
    steps=_STEPS.value,
    seed=_SEED.value,
    loss=_LOSS.value,
    learning_rate=_LEARNING_RATE.value,
    interval=_INTERVAL.value,
    precision=_PRECISION.value,
    strategy=_STRATEGY.value,
    settings=settings,
  )

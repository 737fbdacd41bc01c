"""Flags that all trainers share, and the `Run` they make."""

import dataclasses
import pathlib
from typing import TypeVar

from absl import flags

from programs import program
from tfpercept import registry, settings, training
from tfpercept.io import folders
from tfpercept.training import workers

_LOSS = flags.DEFINE_multi_string(
  "loss",
  ["mse"],
  "Spec of the loss, such as 0.84*ms_ssim + 0.16*mae. If it is repeated, "
  "trainers that compare losses train each, and others take the last.",
)
_STEPS = flags.DEFINE_integer("steps", 20_000, "Number of optimizer steps.", 1)
_LEARNING_RATE = flags.DEFINE_float(
  "learning_rate", 1e-3, "Peak learning rate.", 0.0
)
_SEED = flags.DEFINE_integer(
  "seed", 0, "Seed of weights, batches and noise.", 0
)
_OUT = flags.DEFINE_string("out", None, "Folder of the run.", required=True)
_INTERVAL = flags.DEFINE_integer(
  "interval", 500, "Number of steps between checkpoints and log entries.", 1
)
_PRECISION = flags.DEFINE_enum(
  "precision",
  "auto",
  training.PRECISIONS,
  "Arithmetic of the network; auto takes bfloat16 if the processor has it.",
)
_STRATEGY = flags.DEFINE_enum(
  "strategy",
  "none",
  tuple(training.STRATEGIES),
  "Strategy of tf.distribute: mirrored splits batches over all devices, "
  "multi_worker over the processes of TF_CONFIG.",
)
_SKIP_NONFINITE = flags.DEFINE_integer(
  "skip_nonfinite",
  0,
  "Number of steps in all that are skipped because of a NaN or an infinite "
  "number, before the run stops.",
  0,
)
_Own = TypeVar("_Own", bound=settings.Settings)


def _meet() -> None:
  """Finds the other processes, which has to come before all computation."""
  if _STRATEGY.value == workers.NAME:
    workers.connect()


program.first(_meet)


def losses() -> list[str]:
  """Returns the specs of `--loss`, in order."""
  return list(_LOSS.value)


def run(own: _Own, *, longer: str = "") -> training.Run[_Own]:
  """Returns the run of the parsed flags and a trainer's own settings.

  Args:
    own: Settings of the trainer.
    longer: The way to train a finished run further, see `training.Run`; by
      default with `--initial`.

  Raises:
    OSError: if `--out` cannot be written.
  """
  out = pathlib.Path(_OUT.value)
  folders.require(out)
  if _STRATEGY.value == workers.NAME:
    out = workers.folder(out)
  return training.Run(
    out=out,
    steps=_STEPS.value,
    seed=_SEED.value,
    loss=_LOSS.value[-1],
    learning_rate=_LEARNING_RATE.value,
    interval=_INTERVAL.value,
    precision=_PRECISION.value,
    strategy=_STRATEGY.value,
    skip_nonfinite=_SKIP_NONFINITE.value,
    settings=own,
    longer=longer or f"give --initial={_OUT.value} and a new --out",
  )


def runs(own: _Own) -> list[training.Run[_Own]]:
  """Returns a run for each `--loss`, equal in everything else.

  One loss trains into the folder of `--out`, several into a folder each below
  it, named after their specs.

  Args:
    own: Settings of the trainer.

  Raises:
    OSError: if `--out` cannot be written.
  """
  one = run(own)
  names = registry.file_names(_LOSS.value)  # a spec given twice counts once
  if len(names) == 1:
    return [one]
  return [
    dataclasses.replace(
      one,
      loss=spec,
      out=one.out / folder,
      longer=f"give --initial={one.out / folder} and a new --out",
    )
    for spec, folder in names.items()
  ]

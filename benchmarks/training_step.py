"""Prints the cost of a step of the training of a codec, by what is trained.

    python -m benchmarks.training_step

Steps take turns in one process: the forward and the backward pass, Adam and the
averages of the weights, on photographs. The first is that of the preset
photo_mse. The next two differ from it in one thing each: bits of latents are
counted by TensorFlow Compression's `NoisyNormal`; gradients of the outer layers
are in float32. The others train for another loss, or with slices of channels.
Time is that of the processor on all threads, so that other work on the machine
changes it little; --clock=wall says otherwise.
"""

import contextlib
import functools
import os
import platform
from collections.abc import Callable, Iterator
from unittest import mock

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import tensorflow as tf
from absl import app, flags

from benchmarks import timing
from benchmarks.pictures import photographs
from tfpercept import distances, models
from tfpercept.models.compression import (
  densities,
  entropy_coding,
  transforms,
)
from tfpercept.tasks import compression
from tfpercept.training import precision

PLAIN, SLICED = "mean_scale_hyperprior", "channel_wise_hyperprior"
PERCEPTUAL = "152*mse + lpips + 4*ms_ssim"
NORMAL, FULL = "bits by NoisyNormal", "outer gradients in float32"
STEPS = {
  "photo_mse": (PLAIN, "mse"),
  NORMAL: (PLAIN, "mse"),
  FULL: (PLAIN, "mse"),
  "photo_ms_ssim": (PLAIN, "ms_ssim"),
  "photo_perceptual": (PLAIN, PERCEPTUAL),
  "photo_slices": (SLICED, "mse"),
}
_ENDS = (0.0002, 0.4)
_DECAY = 0.9995

_ONLY = flags.DEFINE_list("only", list(STEPS), "Steps to time, by name.")
_BATCH = flags.DEFINE_integer("batch", 4, "Crops in a batch.", 1)
_PATCH = flags.DEFINE_integer("patch", 192, "Side of the crops.", 64)
_LATENTS = flags.DEFINE_integer("latents", 320, "Channels of latents.", 4)
_WIDTHS = flags.DEFINE_list(
  "widths", ["48", "64", "96"], "Hidden channels of the transforms."
)
_PRECISION = flags.DEFINE_enum(
  "precision", "bfloat16", precision.PRECISIONS, "Arithmetic of the network."
)
_ROUNDS = flags.DEFINE_integer("rounds", 20, "Timed steps of each.", 1)
_CLOCK = flags.DEFINE_enum(
  "clock", "processor", list(timing.CLOCKS), "Clock that counts the time."
)


def main(argv: list[str]) -> None:
  """Prints a table in Markdown."""
  if len(argv) > 1:
    raise app.UsageError(f"no arguments are taken; got {' '.join(argv[1:])}")
  unknown = [name for name in _ONLY.value if name not in STEPS]
  if unknown:
    raise app.UsageError(
      f"--only takes {', '.join(STEPS)}; got {', '.join(unknown)}"
    )
  tf.config.experimental.enable_op_determinism()  # as in training
  side = _PATCH.value
  x, _ = photographs((_BATCH.value, side, side, 3))
  steps = {name: _step(name, tf.constant(x)) for name in _ONLY.value}
  seconds = timing.medians(
    steps, rounds=_ROUNDS.value, clock=timing.CLOCKS[_CLOCK.value]
  )
  print(
    f"A step of {_BATCH.value} crops of {side}x{side}, {_LATENTS.value} latents"
    f", widths {'/'.join(_WIDTHS.value)}, "
    f"{precision.resolve(_PRECISION.value)}: TensorFlow {tf.__version__}, "
    f"Python {platform.python_version()}, {os.cpu_count()} processors, medians "
    f"of {_ROUNDS.value} steps, {_CLOCK.value} time\n"
  )
  print("| step | network | loss | ms | times the first |")
  print("| --- | --- | --- | ---: | ---: |")
  first = seconds[_ONLY.value[0]]
  for name, duration in seconds.items():
    network, loss = STEPS[name]
    cost = f"{1e3 * duration:,.0f} | {duration / first:.2f}"
    print(f"| {name} | `{network}` | `{loss}` | {cost} |")


def _step(name: str, x: tf.Tensor) -> Callable[[], float]:
  """Returns a function that takes a step and waits for its loss."""
  architecture, loss = STEPS[name]
  options = {
    "widths": [int(width) for width in _WIDTHS.value],
    "latents": _LATENTS.value,
    "lmbda": _ENDS,
  }
  with _replaced(name):
    network = models.MODELS.create(
      architecture, options, dtype=precision.policy(_PRECISION.value)
    )
    network.build()
    task = compression.Compression(
      network, distances.get(loss), lmbda=_ENDS, decay=_DECAY
    )
    task.compile(keras.optimizers.Adam(1e-6))
    take = tf.function(functools.partial(task.train_step, (x, x)))
    take.get_concrete_function()  # the trace keeps what is replaced
  return lambda: float(take()["loss"])


@contextlib.contextmanager
def _replaced(name: str) -> Iterator[None]:
  """Puts what a step is compared with into the place of ours."""
  peers = {
    NORMAL: mock.patch.object(densities, "noisy_normal_bits", _normal_bits),
    FULL: mock.patch.object(
      transforms, "gradient_dtype", return_value="float32"
    ),
  }
  with peers.get(name, contextlib.nullcontext()):
    yield


def _normal_bits(noisy: tf.Tensor, log_scale: tf.Tensor) -> tf.Tensor:
  least = entropy_coding.log_scale(tf.constant(0.0))
  index = (log_scale - least) / entropy_coding.LOG_STEP
  return entropy_coding.normal_bits(noisy, index)


if __name__ == "__main__":
  app.run(main)

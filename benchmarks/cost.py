"""Prints the cost of each distance as a loss, beside mean squared error.

    python -m benchmarks.cost

One step is the value of a batch and its gradient with respect to the image, in
a TensorFlow graph, without a network. All losses take turns in one process, on
photographs with noise. Time is that which the processor spent on one thread, so
that other work on the machine changes it little; --clock=wall and --threads say
otherwise. Memory is what a step allocates at most, by the count of TensorFlow's
allocator, and the parameters, which are there all the time. The value is what
that noise makes the loss, by which the weights of a sum can be chosen.
"""

import os
import platform

# Read when TensorFlow starts. The default allocator misses small blocks.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("TF_CPU_ALLOCATOR_USE_BFC", "1")

import tensorflow as tf
from absl import app, flags

from benchmarks import timing
from benchmarks.pictures import NOISE, photographs
from benchmarks.programs import TensorFlowProgram
from tfpercept import distances
from tfpercept.evaluation.generative import loss_cost

BASE = "mse"
SPECS = (
  "mae",
  "robust",
  "delta_e",
  "ssim",
  "ms_ssim(scales=3)",
  "0.84*ms_ssim(scales=3) + 0.16*mae",
  "nlpd(levels=5)",
  "watson_dct",
  "watson_dft",
  "lpips",
  "pim",
  "lpips(net='vgg')",
  "watson_vgg",
)
MIB = 2**20

_SPECS = flags.DEFINE_multi_string("loss", SPECS, "Loss; may be repeated.")
_SHAPE = flags.DEFINE_string("shape", "8x64x64x3", "Shape of a batch, NxHxWx3.")
_ROUNDS = flags.DEFINE_integer("rounds", 20, "Timed steps of each.", 1)
_BUDGET = flags.DEFINE_float("budget", 60.0, "Seconds after which to stop.")
_THREADS = flags.DEFINE_integer("threads", 1, "Number of threads.", 1)
_CLOCK = flags.DEFINE_enum(
  "clock", "processor", list(timing.CLOCKS), "Clock that counts the time."
)


def main(argv: list[str]) -> None:
  """Prints a table in Markdown."""
  if len(argv) > 1:
    raise app.UsageError(f"no arguments are taken; got {' '.join(argv[1:])}")
  tf.config.threading.set_intra_op_parallelism_threads(_THREADS.value)
  tf.config.threading.set_inter_op_parallelism_threads(_THREADS.value)
  found, missing = _made([BASE, *_SPECS.value])
  pair = photographs(tuple(int(side) for side in _SHAPE.value.split("x")))
  steps = {
    spec: TensorFlowProgram(distance).bind(*pair, gradient=True)
    for spec, distance in found.items()
  }
  seconds = timing.medians(
    steps,
    rounds=_ROUNDS.value,
    budget=_BUDGET.value,
    clock=timing.CLOCKS[_CLOCK.value],
  )
  print(
    f"Value and gradient of {_SHAPE.value}: TensorFlow {tf.__version__}, Python"
    f" {platform.python_version()}, threads: {_THREADS.value}, medians of up to"
    f" {_ROUNDS.value} steps, {_CLOCK.value} time, noise of {NOISE}\n"
  )
  print(
    "| loss | smallest side | ms | times MSE | peak, MiB | weights, MiB | value"
    " |\n"
    "| --- | --- | ---: | ---: | ---: | ---: | ---: |"
  )
  for spec, distance in found.items():
    peak = loss_cost.peak_bytes(steps[spec])
    row = _row(distance, seconds[spec], seconds[BASE], peak)
    value = float(steps[spec]().mean())
    print(f"| `{spec}` | {row} | {_value(value)} |", flush=True)
  print("\n".join(["", *missing]) if missing else "", end="")


def _made(
  specs: list[str],
) -> tuple[dict[str, distances.Distance], list[str]]:
  """Returns distances by spec, and the reasons why others are left out."""
  found, missing = {}, []
  for spec in specs:
    try:
      found[spec] = distances.get(spec)
    except FileNotFoundError as error:
      missing.append(f"- {spec} is left out: {error}")
  return found, missing


def _row(
  distance: distances.Distance, seconds: float, base: float, peak: float
) -> str:
  side = str(distance.min_size)
  if distance.size_multiple > 1:
    side += f", multiples of {distance.size_multiple}"
  weights = sum(w.numpy().nbytes for w in distance.weights)
  figures = (1e3 * seconds, seconds / base, peak / MIB, weights / MIB)
  return " | ".join([side, *map(_figure, figures)])


def _figure(value: float) -> str:
  """Formats a number with two digits, or as a whole number if it is large."""
  if 0 < value < 0.01:
    return "< 0.01"
  return f"{value:.2g}" if value < 9.95 else f"{value:,.0f}"


def _value(value: float) -> str:
  return f"{value:.2g}" if value < 99.5 else f"{value:,.0f}"


if __name__ == "__main__":
  app.run(main)

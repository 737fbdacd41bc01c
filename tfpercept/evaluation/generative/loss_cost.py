"""Cost of a loss on its own: time of a step, and memory."""

import dataclasses
import json
import math
import os
import pathlib
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Mapping

import numpy as np
import tensorflow as tf

from tfpercept import distances

_ROOT = pathlib.Path(__file__).parents[3]
_DEVICE = "CPU:0"
_LEAST = 5  # timed calls
_BUDGET = 20.0  # seconds, after which slow losses get fewer
_PROGRAM = """
import json, sys
from tfpercept.evaluation.generative import loss_cost
shape, rounds = json.loads(sys.argv[2]), int(sys.argv[3])
print(json.dumps(loss_cost.measure_here(sys.argv[1], shape, rounds=rounds)))
"""


@dataclasses.dataclass(frozen=True)
class Cost:
  """Cost of a value and its gradient.

  Attributes:
    seconds: Median time of a step in seconds.
    fastest: Shortest time of a step in seconds, the one least disturbed by
      other work on the machine.
    peak_bytes: Largest number of bytes allocated during a step beyond those
      before it, as TensorFlow's allocator counts them; NaN where it does not.
    weight_bytes: Bytes of the parameters, which are always in memory.
  """

  seconds: float
  fastest: float
  peak_bytes: float
  weight_bytes: float

  @property
  def bytes(self) -> float:
    """Bytes of the parameters and of the peak together."""
    return self.peak_bytes + self.weight_bytes


def measure(spec: str, shape: tuple[int, ...], *, rounds: int = 20) -> Cost:
  """Measures a loss alone, without a network, in a process of its own.

  A step is the mean over a batch of the distance and its gradient with respect
  to the image, as a TensorFlow graph (as `training.fit` runs it, without XLA),
  after two steps that trace and fill caches. Time is a figure of this machine
  and of what else it does. The resident set would not do for memory: freed
  blocks stay with the allocator. Buffers that kernels keep beside it, such as
  those of oneDNN, are not counted.

  Args:
    spec: Spec of the distance.
    shape: Shape of a batch, `(N, H, W, C)`.
    rounds: Number of timed steps; fewer, but at least 5, if they take long.

  Raises:
    ValueError: if the loss cannot be made or does not suit the shape; with
      what the process said.
  """
  paths = os.pathsep.join(
    filter(None, [str(_ROOT), os.environ.get("PYTHONPATH")])
  )
  environment = {
    **os.environ,
    "PYTHONPATH": paths,
    "TF_CPP_MIN_LOG_LEVEL": "3",
    "CUDA_VISIBLE_DEVICES": "-1",
    "TF_CPU_ALLOCATOR_USE_BFC": "1",  # the default one misses small blocks
  }
  command = [spec, json.dumps(list(shape)), str(rounds)]
  done = subprocess.run(
    [sys.executable, "-c", _PROGRAM, *command],
    env=environment,
    capture_output=True,
    text=True,
    check=False,
  )
  if done.returncode:
    last = (done.stderr.strip() or "no message").splitlines()[-1]
    raise ValueError(f"{spec} could not be measured at {shape}: {last}")
  return Cost(**json.loads(done.stdout.splitlines()[-1]))


def measure_all(
  specs: Mapping[str, str], shape: tuple[int, ...]
) -> tuple[dict[str, Cost | None], dict[str, str]]:
  """Measures losses one after the other.

  Args:
    specs: Specs of distances, by name of the row.
    shape: Shape of a batch, `(N, H, W, C)`.

  Returns:
    Costs by name, None where one could not be measured; and the reasons.
  """
  costs: dict[str, Cost | None] = {}
  missing = {}
  for name, spec in specs.items():
    try:
      costs[name] = measure(spec, shape)
    except ValueError as error:
      costs[name], missing[name] = None, str(error)
  return costs, missing


def measure_here(
  spec: str, shape: tuple[int, ...], *, rounds: int
) -> dict[str, float]:
  """Returns the fields of `Cost`, measured in this process."""
  distance = distances.get(spec)
  random = np.random.default_rng(0)
  reference, image = (
    tf.constant(random.uniform(size=shape), tf.float32) for _ in range(2)
  )

  @tf.function
  def step(reference: tf.Tensor, image: tf.Tensor) -> tf.Tensor:
    with tf.GradientTape() as tape:
      tape.watch(image)
      loss = tf.reduce_mean(distance(reference, image))
    return tape.gradient(loss, image)

  def run() -> None:
    step(reference, image).numpy()

  for _ in range(2):
    run()
  peak = peak_bytes(run)
  seconds: list[float] = []
  begin = time.perf_counter()
  while len(seconds) < _LEAST or (
    len(seconds) < rounds and time.perf_counter() - begin < _BUDGET
  ):
    start = time.perf_counter()
    run()
    seconds.append(time.perf_counter() - start)
  return dataclasses.asdict(
    Cost(
      statistics.median(seconds),
      min(seconds),
      peak,
      sum(w.numpy().nbytes for w in distance.weights),
    )
  )


def peak_bytes(function: Callable[[], None]) -> float:
  """Returns by how much what is allocated grows at most during a call."""
  try:
    tf.config.experimental.reset_memory_stats(_DEVICE)
    before = tf.config.experimental.get_memory_info(_DEVICE)["current"]
    function()
    return float(
      tf.config.experimental.get_memory_info(_DEVICE)["peak"] - before
    )
  except ValueError:  # some builds count on accelerators only
    return math.nan

"""Prints how long commands take by the codec's engines, start included.

    python -m benchmarks.engines --shape=512x768 --rounds=5

`tfpercept compress` and `decompress` run as processes of their own, by NumPy
and by TensorFlow in turns, so that other work on the machine affects both. Of
each the table has the wall seconds, the seconds that processors spent, and the
most memory, as medians. A ratio above 1 says how many times longer TensorFlow
takes. The calls of a process that is started already are timed, too, on the
threads that `--threads` says.
"""

import dataclasses
import os
import pathlib
import platform
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Sequence

import numpy as np
from absl import app, flags

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

from benchmarks import pictures
from tfpercept.io import files

_SHAPE = flags.DEFINE_string("shape", "512x768", "Size of the picture, HxW.")
_MODEL = flags.DEFINE_string("model", "photo_mse", "Our model, name or folder.")
_ROUNDS = flags.DEFINE_integer("rounds", 5, "Timed runs of each.", 1)
_THREADS = flags.DEFINE_integer("threads", 1, "Threads of warm calls.", 1)
_CALLS = flags.DEFINE_integer("calls", 5, "Warm calls of each, 0 for none.", 0)

ENGINES = ("numpy", "tensorflow")
# Seconds of a warm call, of analysis, synthesis and all, as medians.
_WARM = """
import statistics, sys, time
sys.argv[0] = "tfpercept"
import numpy as np
from tfpercept.codecs.learned import learned_codec
from tfpercept.io import files
model, engine, threads, calls, path = sys.argv[1:]
if engine == "tensorflow":
  import tensorflow as tf
  tf.config.threading.set_intra_op_parallelism_threads(int(threads))
  tf.config.threading.set_inter_op_parallelism_threads(int(threads))
codec = learned_codec.Hyperprior(model=model, engine=engine)
picture, spent = files.read_image(path), []
for _ in range(int(calls) + 2):
  start = time.process_time()
  data = codec.compress(picture)
  middle = time.process_time()
  codec.decompress(data)
  spent.append((middle - start, time.process_time() - middle))
print(*(statistics.median(part) for part in zip(*spent[2:])))
"""


# A process counts the memory of the one that started it until it runs, so a
# small one does so.
_LAUNCHER = """
import os, resource, sys, time
start = time.perf_counter()
status = os.spawnv(os.P_WAIT, sys.argv[1], sys.argv[1:])
wall = time.perf_counter() - start
spent = resource.getrusage(resource.RUSAGE_CHILDREN)
print(wall, spent.ru_utime + spent.ru_stime, spent.ru_maxrss)
sys.exit(status)
"""


@dataclasses.dataclass(frozen=True)
class Spent:
  """What a process took.

  Attributes:
    wall: Seconds that went by.
    processor: Seconds that processors spent.
    memory: Most memory in bytes.
  """

  wall: float
  processor: float
  memory: float


def main(argv: list[str]) -> None:
  """Prints two tables in Markdown."""
  if len(argv) > 1:
    raise app.UsageError(f"no arguments are taken; got {' '.join(argv[1:])}")
  load = os.getloadavg()[0]
  print(
    f"Python {platform.python_version()}, {os.cpu_count()} processors, load "
    f"{load:.1f} before the first run, {_SHAPE.value} pixels, medians of "
    f"{_ROUNDS.value} runs\n"
  )
  with tempfile.TemporaryDirectory() as folder:
    _print_cold(pathlib.Path(folder))
    if _CALLS.value:
      _print_warm(pathlib.Path(folder))


def _print_cold(folder: pathlib.Path) -> None:
  source, coded = folder / "a.png", folder / "a.tfp"
  height, width = map(int, _SHAPE.value.split("x"))
  photo, _ = pictures.photographs((1, height, width, 3))
  files.write_image(source, np.round(255 * photo[0]).astype(np.uint8))
  commands = {
    "compress": ["compress", source, f"--model={_MODEL.value}"],
    "decompress": ["decompress", coded, f"--out={folder / 'b.png'}"],
  }
  print("| command | engine | wall s | processor s | MB | wall, ratio |")
  print("| --- | --- | --- | --- | --- | --- |")
  for name, command in commands.items():
    found: dict[str, list[Spent]] = {engine: [] for engine in ENGINES}
    for _ in range(_ROUNDS.value + 1):  # the first is no part of the medians
      for engine in ENGINES:
        options = [f"--engine={engine}", "--overwrite"]
        found[engine].append(run([*command, *options]))
    medians = {engine: _median(runs[1:]) for engine, runs in found.items()}
    for engine, spent in medians.items():
      ratio = spent.wall / medians[ENGINES[0]].wall
      print(
        f"| `{name}` | {engine} | {spent.wall:.2f} | {spent.processor:.2f} | "
        f"{spent.memory / 1e6:.0f} | {ratio:.2f} |",
        flush=True,
      )


def _print_warm(folder: pathlib.Path) -> None:
  print("\n| engine | processor s of a warm compress | decompress |")
  print("| --- | --- | --- |")
  threads = str(_THREADS.value)
  for engine in ENGINES:
    done = subprocess.run(
      [
        *(sys.executable, "-c", _WARM, _MODEL.value, engine, threads),
        *(str(_CALLS.value), str(folder / "a.png")),
      ],
      env={**os.environ, "OPENBLAS_NUM_THREADS": threads},
      check=True,
      capture_output=True,
      text=True,
    )
    one, other = map(float, done.stdout.split())
    print(f"| {engine} | {one:.3f} | {other:.3f} |", flush=True)


def run(command: Sequence[object]) -> Spent:
  """Runs a `tfpercept` command; returns what its process took.

  Raises:
    RuntimeError: if it fails.
  """
  done = subprocess.run(
    [
      *(sys.executable, "-S", "-c", _LAUNCHER, sys.executable),
      *("-m", "tfpercept.cli", *map(str, command)),
    ],
    stdout=subprocess.PIPE,
    text=True,
    check=False,
  )
  if done.returncode:
    raise RuntimeError(f"{command} ended with {done.returncode}")
  wall, processor, memory = map(float, done.stdout.split())
  unit = 1 if sys.platform == "darwin" else 1024
  return Spent(wall, processor, unit * memory)


def _median(runs: Sequence[Spent]) -> Spent:
  return Spent(
    *(
      statistics.median(getattr(spent, field.name) for spent in runs)
      for field in dataclasses.fields(Spent)
    )
  )


if __name__ == "__main__":
  app.run(main)

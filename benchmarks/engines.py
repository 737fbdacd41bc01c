"""Prints how long commands take by the codec's engines, start included.

    python -m benchmarks.engines --shape=512x768 --rounds=5

`tfpercept compress` and `decompress` run as processes of their own, by the
engines in turns, so that other work on the machine affects all. Of each the
table has the wall seconds, the seconds that processors spent, and the most
memory, as medians. The ratio says how many times longer than the first engine
another takes. The calls of a process that is started already are timed, too, on
the threads that `--threads` says.

With `--litert_python` the two large transforms alone are timed beside LiteRT,
which might be an engine as well: on one thread, in processor seconds.
"""

import dataclasses
import functools
import os
import pathlib
import platform
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from typing import Any

import numpy as np
from absl import app, flags

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

from benchmarks import commands, pictures
from tfpercept.io import files

_SHAPE = flags.DEFINE_string("shape", "512x768", "Size of the picture, HxW.")
_MODEL = flags.DEFINE_string("model", "photo_mse", "Our model, name or folder.")
_ROUNDS = flags.DEFINE_integer("rounds", 5, "Timed runs of each.", 1)
_THREADS = flags.DEFINE_integer("threads", 1, "Threads of warm calls.", 1)
_CALLS = flags.DEFINE_integer("calls", 5, "Warm calls of each, 0 for none.", 0)
_ENGINES = flags.DEFINE_list(
  "engines", ["numpy", "tensorflow"], "Engines that take turns."
)
_LITERT = flags.DEFINE_string(
  "litert_python", "", "Path of a Python with ai-edge-litert, to compare with."
)

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


# Seconds of imports and of loading, of analysis and of synthesis, as medians.
_NUMPY = """
import os, statistics, sys, time
os.environ |= {"OPENBLAS_NUM_THREADS": "1", "TFPERCEPT_THREADS": "1"}
sys.argv[0] = "tfpercept"
import numpy as np
from tfpercept.codecs.learned import learned_codec
model, folder, calls = sys.argv[1:]
engine = learned_codec.Hyperprior(model=model, check=False)._engine
runs = {"analysis": engine.analysis, "synthesis": engine.synthesis}
given = {name: np.load(f"{folder}/{name}.npy") for name in runs}
engine._analysis, engine._synthesis
loaded, found = time.process_time(), []
for name, run in runs.items():
  spent = []
  for _ in range(int(calls)):
    start = time.process_time()
    run(given[name], 4.5)
    spent.append(time.process_time() - start)
  found.append(statistics.median(spent))
print(loaded, *found)
"""
_OF_LITERT = """
import statistics, sys, time
import numpy as np
from ai_edge_litert.interpreter import Interpreter
_, folder, calls = sys.argv[1:]
made = {
  name: Interpreter(model_path=f"{folder}/{name}.tflite", num_threads=1)
  for name in ("analysis", "synthesis")
}
for interpreter in made.values():
  interpreter.allocate_tensors()
loaded, found = time.process_time(), []
for name, interpreter in made.items():
  place = interpreter.get_input_details()[0]["index"]
  spent, given = [], np.load(f"{folder}/{name}.npy")
  for _ in range(int(calls)):
    start = time.process_time()
    interpreter.set_tensor(place, given)
    interpreter.invoke()
    interpreter.get_tensor(interpreter.get_output_details()[0]["index"])
    spent.append(time.process_time() - start)
  found.append(statistics.median(spent))
print(loaded, *found)
"""


def main(argv: list[str]) -> None:
  """Prints tables in Markdown."""
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
    if _LITERT.value:
      _print_transforms(pathlib.Path(folder))


def _print_cold(folder: pathlib.Path) -> None:
  source, coded = folder / "a.png", folder / "a.tfp"
  height, width = map(int, _SHAPE.value.split("x"))
  photo, _ = pictures.photographs((1, height, width, 3))
  files.write_image(source, np.round(255 * photo[0]).astype(np.uint8))
  ours = [sys.executable, "-m", "tfpercept.cli"]
  words = {
    "compress": [str(source), f"--model={_MODEL.value}"],
    "decompress": [str(coded), f"--out={folder / 'b.png'}"],
  }
  print("| command | engine | wall s | processor s | MB | wall, ratio |")
  print("| --- | --- | --- | --- | --- | --- |")
  for name, more in words.items():
    found: dict[str, list[commands.Cost]] = {
      engine: [] for engine in _ENGINES.value
    }
    for _ in range(_ROUNDS.value + 1):  # the first is no part of the medians
      for engine in _ENGINES.value:
        options = [f"--engine={engine}", "--overwrite"]
        found[engine].append(commands.run([*ours, name, *more, *options]))
    medians = {engine: _median(runs[1:]) for engine, runs in found.items()}
    for engine, spent in medians.items():
      ratio = spent.wall / medians[_ENGINES.value[0]].wall
      print(
        f"| `{name}` | {engine} | {spent.wall:.2f} | {spent.processor:.2f} | "
        f"{spent.peak / 1e6:.0f} | {ratio:.2f} |",
        flush=True,
      )


def _print_warm(folder: pathlib.Path) -> None:
  print("\n| engine | processor s of a warm compress | decompress |")
  print("| --- | --- | --- |")
  threads = str(_THREADS.value)
  for engine in _ENGINES.value:
    done = subprocess.run(
      [
        *(sys.executable, "-c", _WARM, _MODEL.value, engine, threads),
        *(str(_CALLS.value), str(folder / "a.png")),
      ],
      env={
        **os.environ,
        "OPENBLAS_NUM_THREADS": threads,
        "TFPERCEPT_THREADS": threads,
      },
      check=True,
      capture_output=True,
      text=True,
    )
    one, other = map(float, done.stdout.split())
    print(f"| {engine} | {one:.3f} | {other:.3f} |", flush=True)


def _print_transforms(folder: pathlib.Path) -> None:
  """Prints the seconds of the transforms alone, by NumPy and by LiteRT."""
  _write_transforms(folder)
  print("\n| runtime | start | analysis | synthesis |")
  print("| --- | --- | --- | --- |")
  programs = {
    "NumPy": (sys.executable, _NUMPY), "LiteRT": (_LITERT.value, _OF_LITERT)
  }  # fmt: skip
  for name, (python, program) in programs.items():
    done = subprocess.run(
      [python, "-c", program, _MODEL.value, str(folder), str(_CALLS.value)],
      check=True,
      stdout=subprocess.PIPE,
      stderr=subprocess.DEVNULL,
      text=True,
    )
    cells = (f"{float(value):.3f}" for value in done.stdout.split())
    print(f"| {name} | {' | '.join(cells)} |", flush=True)


def _write_transforms(folder: pathlib.Path) -> None:
  """Writes the transforms as `.tflite`, and their inputs."""
  import tensorflow as tf

  from tfpercept import models

  network, _ = models.load(_MODEL.value, dtype="float32")
  picture = files.read_image(folder / "a.png")[None] / np.float32(255)
  quality = tf.constant([4.5])
  y = network.analysis(tf.constant(picture), quality).numpy()
  functions = {
    "analysis": (picture, network.analysis),
    "synthesis": (y, network.reconstruct),
  }
  for name, (given, function) in functions.items():
    np.save(folder / f"{name}.npy", given)
    graph = tf.function(
      functools.partial(_at_quality, function, quality), autograph=False
    ).get_concrete_function(tf.TensorSpec(given.shape, tf.float32))
    converter = tf.lite.TFLiteConverter.from_concrete_functions(
      [graph], network
    )
    (folder / f"{name}.tflite").write_bytes(converter.convert())


def _at_quality(function: Any, quality: Any, x: Any) -> Any:
  return function(x, quality)


def _median(runs: Sequence[commands.Cost]) -> commands.Cost:
  fields = dataclasses.fields(commands.Cost)
  return commands.Cost(
    *(statistics.median(getattr(r, f.name) for r in runs) for f in fields)
  )


if __name__ == "__main__":
  app.run(main)

"""Prints the speed of the distances beside their peers.

    python -m benchmarks.losses --torch_python=PATH --watson_dir=CHECKOUT ...

Ours and the peer take turns, on photographs with noise; a ratio above 1 means
that ours is faster. The last column is the largest relative error of our
float32 value, and of the peer's, against our float64 value. A second table has
the times of all distances in units of that of ms_ssim.

The output lists the peers that are not installed. requirements.txt says what
they need; those in PyTorch run in the interpreter that --torch_python names.
"""

import os
import pathlib
import platform
import tempfile
from collections.abc import Iterator

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
import tensorflow as tf
from absl import app, flags

from benchmarks import peers, timing
from benchmarks.pictures import NOISE, photographs
from benchmarks.programs import (
  COMPILED,
  EAGER,
  TRACED,
  Program,
  TensorFlowProgram,
)
from tfpercept import distances

_SHAPES = flags.DEFINE_list(
  "shapes", "8x256x256x3,1x512x768x3", "Shapes of batches, NxHxWx3."
)
_UNIT_SHAPE = flags.DEFINE_string(
  "unit_shape", "1x256x256x3", "Shape of the batch of the second table."
)
_ROUNDS = flags.DEFINE_integer("rounds", 20, "Timed calls of each program.")
_BUDGET = flags.DEFINE_float(
  "budget", 10.0, "Seconds after which slow programs get fewer calls."
)
_THREADS = flags.DEFINE_integer("threads", 1, "Threads of every program.")
_ONLY = flags.DEFINE_list(
  "only", [], "Names of the distances to time; all by default."
)
_TABLES = flags.DEFINE_list("tables", "peers,all", "Tables to print.")
_TORCH = flags.DEFINE_string(
  "torch_python",
  os.environ.get("PEER_TORCH_PYTHON", ""),
  "Interpreter with PyTorch, for the peers written in it.",
)
_WATSON = flags.DEFINE_string(
  "watson_dir",
  os.environ.get("PEER_WATSON_DIR", ""),
  "Checkout of SteffenCzolbe/PerceptualSimilarity.",
)
_PQ = flags.DEFINE_string(
  "pq_dir",
  os.environ.get("PEER_PQ_DIR", ""),
  "Checkout of google-research/perceptual-quality.",
)
_LPIPS = flags.DEFINE_string(
  "lpips_dir",
  os.environ.get("PEER_LPIPS_DIR", ""),
  "Checkout of richzhang/PerceptualSimilarity, if lpips is not installed.",
)

# Columns: how the function is called, and whether for the gradient too.
COLUMNS = tuple(
  (m, g) for m in (TRACED, COMPILED, EAGER) for g in (False, True)
)
UNIT = "ms_ssim"
UNIT_COLUMNS = COLUMNS[:4]


def main(argv: list[str]) -> None:
  """Prints tables in Markdown."""
  if len(argv) > 1:
    raise app.UsageError(f"no arguments are taken; got {' '.join(argv[1:])}")
  tf.config.threading.set_intra_op_parallelism_threads(_THREADS.value)
  tf.config.threading.set_inter_op_parallelism_threads(_THREADS.value)
  print(
    f"TensorFlow {tf.__version__}, Python {platform.python_version()}, threads"
    f" of each program: {_THREADS.value}, medians of up to {_ROUNDS.value}"
    f" calls, noise of {NOISE}\n"
  )
  if "peers" in _TABLES.value:
    with tempfile.TemporaryDirectory() as scratch:
      _print_table(
        ["distance", "peer", "pictures"],
        [*_titles(COLUMNS), "error, peer's"],
        _beside_peers(pathlib.Path(scratch)),
      )
  if "all" in _TABLES.value:
    print(f"\nTimes in units of those of {UNIT} at {_UNIT_SHAPE.value}\n")
    _print_table(["distance"], _titles(UNIT_COLUMNS), _in_units())


def _print_table(
  names: list[str], numbers: list[str], rows: Iterator[list[str]]
) -> None:
  """Prints rows as they come; one of a single cell follows the table."""
  print(f"| {' | '.join([*names, *numbers])} |")
  print(f"|{' --- |' * len(names)}{' ---: |' * len(numbers)}", flush=True)
  notes = []
  for row in rows:
    if len(row) == 1:
      notes += row
    else:
      print(f"| {' | '.join(row)} |", flush=True)
  print("\n".join(["", *notes]) if notes else "", flush=True)


def _titles(columns: tuple[tuple[str, bool], ...]) -> list[str]:
  return ["and gradient" if gradient else mode for mode, gradient in columns]


def _beside_peers(scratch: pathlib.Path) -> Iterator[list[str]]:
  """Yields the rows of the first table."""
  places = peers.Places(
    _WATSON.value,
    _PQ.value,
    _LPIPS.value,
    _TORCH.value,
    _THREADS.value,
    scratch,
  )
  with places.in_use():
    for contest in peers.CONTESTS:
      if not _is_chosen(contest.distance):
        continue
      try:
        match = contest.match(places)
      except peers.Absent as absence:
        yield [f"- {contest.peer} is left out: {absence}"]
        continue
      for shape in contest.shapes or _SHAPES.value:
        ratios = _ratios(match, shape)
        yield [contest.distance, f"`{contest.peer}`", shape, *ratios]


def _is_chosen(spec: str) -> bool:
  return not _ONLY.value or spec.split("(")[0] in _ONLY.value


def _ratios(match: peers.Match, shape: str) -> list[str]:
  """Returns speed ratios with our milliseconds, and the errors."""
  pair = photographs(_sizes(shape))
  ours = TensorFlowProgram(distances.get(match.spec), compiles=True)
  cells = []
  for mode, gradient in COLUMNS:
    seconds = _seconds(
      {"ours": ours, "peer": match.theirs}, pair, mode, gradient
    )
    ratio = seconds["peer"] / seconds["ours"]
    cells.append(f"{ratio:.1f} ({seconds['ours'] * 1e3:.0f} ms)")
  return [*cells, _errors(match, pair)]


def _errors(match: peers.Match, pair: tuple[np.ndarray, np.ndarray]) -> str:
  if match.same is None:
    return "-"
  exact = distances.get(match.same, dtype="float64")(*pair).numpy()
  ours = TensorFlowProgram(distances.get(match.same))
  return ", ".join(
    f"{np.abs(program.bind(*pair)() / exact - 1).max():.0e}"
    for program in (ours, match.theirs)
  )


def _in_units() -> Iterator[list[str]]:
  """Yields the rows of the second table, one for each registered distance."""
  pair = photographs(_sizes(_UNIT_SHAPE.value))
  unit = TensorFlowProgram(distances.get(UNIT), compiles=True)
  for name in filter(_is_chosen, distances.names()):
    try:
      program = TensorFlowProgram(distances.get(name), compiles=True)
    except FileNotFoundError as error:
      yield [f"- {name} is left out: {error}"]
      continue
    cells = []
    for mode, gradient in UNIT_COLUMNS:
      seconds = _seconds({"it": program, "unit": unit}, pair, mode, gradient)
      ratio = seconds["it"] / seconds["unit"]
      cells.append(f"{ratio:#.2g}" if ratio < 9.95 else f"{ratio:.0f}")
    yield [name, *cells]


def _seconds(
  programs: dict[str, Program],
  pair: tuple[np.ndarray, np.ndarray],
  mode: str,
  gradient: bool,
) -> dict[str, float]:
  """Returns the median seconds of each program, which take turns."""
  calls = {
    name: program.bind(*pair, mode=mode, gradient=gradient)
    for name, program in programs.items()
  }
  return timing.medians(calls, rounds=_ROUNDS.value, budget=_BUDGET.value)


def _sizes(shape: str) -> tuple[int, ...]:
  return tuple(int(size) for size in shape.split("x"))


if __name__ == "__main__":
  app.run(main)

"""Prints the speed of our codec beside CompressAI's, part by part.

    python -m benchmarks.codec --torch_python=PATH

Ours is the shipped model, and two that start at the Karhunen-Loève transform
and have no residual blocks, as the peers have none: of its widths, and of those
that CompressAI publishes. The peers have random weights; their latents are
scaled channel by channel to the deviations that our symbols have, until their
files have as many bits as ours. All code the same picture in turns, each in its
own process and on the same number of threads, from uint8 to bytes and back. A
ratio above 1 means that ours is faster.

On a machine that does other work meanwhile, --clock=processor counts the
seconds that processors spent instead of those that went by; of one thread they
are the same where nothing else runs.

Without CompressAI our parts are printed alone; requirements-codec.txt says what
it needs.
"""

import os
import pathlib
import platform
import statistics
import tempfile
from collections.abc import Iterator, Sequence

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import tensorflow as tf
from absl import app, flags

from benchmarks import coders, pictures, timing, torch_program
from benchmarks.coders import Coder

_SHAPE = flags.DEFINE_string("shape", "512x768", "Size of the picture, HxW.")
_MODEL = flags.DEFINE_string("model", "photo_mse", "Our model, name or folder.")
_QUALITY = flags.DEFINE_float("quality", 4.5, "Quality of our codec.")
_ROUNDS = flags.DEFINE_integer("rounds", 20, "Timed calls of each.", 1)
_THREADS = flags.DEFINE_integer("threads", 1, "Threads of every program.", 1)
_CLOCK = flags.DEFINE_enum(
  "clock", "wall", list(timing.CLOCKS), "Clock that counts the seconds."
)
_WIDE = flags.DEFINE_bool(
  "wide", True, "Also time codecs without residual blocks, of two widths."
)
_TORCH = flags.DEFINE_string(
  "torch_python",
  os.environ.get("PEER_COMPRESSAI_PYTHON", ""),
  "Path of a Python with CompressAI.",
)

WARM_UP = 2
PEERS = ("mbt2018-mean", "bmshj2018-hyperprior")


def main(argv: list[str]) -> None:
  """Prints two tables in Markdown."""
  if len(argv) > 1:
    raise app.UsageError(f"no arguments are taken; got {' '.join(argv[1:])}")
  tf.config.threading.set_intra_op_parallelism_threads(_THREADS.value)
  tf.config.threading.set_inter_op_parallelism_threads(_THREADS.value)
  print(
    f"TensorFlow {tf.__version__}, Python {platform.python_version()}, "
    f"{_SHAPE.value} pixels, threads of each program: {_THREADS.value}, "
    f"medians of {_ROUNDS.value} calls, {_CLOCK.value} seconds\n",
    flush=True,
  )
  with tempfile.TemporaryDirectory() as scratch:
    groups = list(_groups(pathlib.Path(scratch)))
  _print_times(groups)
  print()
  _print_parts(groups)


def _groups(scratch: pathlib.Path) -> Iterator[list[tuple[Coder, dict]]]:
  """Yields codecs of the same widths with their measured times, ours first."""
  height, width = map(int, _SHAPE.value.split("x"))
  reference, _ = pictures.photographs((1, height, width, 3))
  picture = (255 * reference[0]).round().astype("uint8")
  names = [_MODEL.value]
  for size in ("tiny", coders.WIDE) if _WIDE.value else ():
    names.append(coders.save_untrained(scratch / size, picture, size))
  process = _process()
  try:
    for name in names:
      ours = coders.Ours(name, picture, _QUALITY.value, _CLOCK.value)
      group = [ours]
      for peer in PEERS if process else ():
        group.append(coders.Theirs(process, peer, ours, _CLOCK.value))
      yield _measured(group)
  finally:
    if process:
      process.close()


def _process() -> torch_program.TorchProcess | None:
  """Starts CompressAI's interpreter, or prints why it is left out."""
  if not _TORCH.value:
    why = "needs --torch_python or PEER_COMPRESSAI_PYTHON"
  else:
    try:
      process = torch_program.TorchProcess(_TORCH.value, _THREADS.value)
    except (OSError, RuntimeError) as error:
      why = str(error)
    else:
      print(f"PyTorch {process.version}\n", flush=True)
      return process
  print(f"CompressAI is left out: {why}\n", flush=True)
  return None


def _measured(group: Sequence[Coder]) -> list[tuple[Coder, dict]]:
  """Returns codecs with median seconds by direction and part."""
  runs = {coder: {"encode": [], "decode": []} for coder in group}
  for turn in range(WARM_UP + _ROUNDS.value):
    for coder in group:
      for what, seconds in runs[coder].items():
        run = getattr(coder, what)()
        if turn >= WARM_UP:
          seconds.append(run)
  return [
    (
      coder,
      {
        what: {
          part: statistics.median(run.get(part, 0.0) for run in found)
          for part in coders.PARTS
        }
        for what, found in directions.items()
      },
    )
    for coder, directions in runs.items()
  ]


def _print_times(groups: Sequence[Sequence[tuple[Coder, dict]]]) -> None:
  heads = ["codec", "widths", "bpp", "encode", "decode", "ours encodes"]
  print(f"| {' | '.join([*heads, 'ours decodes'])} |")
  print("| --- | --- |" + " ---: |" * 5)
  for group in groups:
    _, ours = group[0]
    for coder, found in group:
      seconds = {what: found[what][coders.ALL] for what in found}
      ratios = [
        f"{seconds[what] / ours[what][coders.ALL]:.2f} times as fast"
        if found is not ours
        else "-"
        for what in found
      ]
      times = [f"{1000 * s:.0f} ms" for s in seconds.values()]
      cells = [coder.name, coder.widths, f"{coder.bpp:.3f}", *times, *ratios]
      print(f"| {' | '.join(cells)} |")


def _print_parts(groups: Sequence[Sequence[tuple[Coder, dict]]]) -> None:
  """Prints the time of each part, and its share of the whole."""
  shown = [
    (what, part) for what, parts in coders.SHOWN.items() for part in parts
  ]
  heads = ["codec", "widths", *(f"{what}: {part}" for what, part in shown)]
  print(f"| {' | '.join(heads)} |")
  print("| --- | --- |" + " ---: |" * len(shown))
  for coder, found in (pair for group in groups for pair in group):
    cells = []
    for what, part in shown:
      parts = {p: found[what][p] for p in coders.SHOWN[what]}
      share = parts[part] / sum(parts.values())
      cells.append(f"{1000 * parts[part]:.1f} ms, {share:.0%}")
    print(f"| {' | '.join([coder.name, coder.widths, *cells])} |")


if __name__ == "__main__":
  app.run(main)

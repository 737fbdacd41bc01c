"""Prints what one command for one picture costs: ours beside other codecs.

    python -m benchmarks.one_shot --torch_python=PATH

Each row is a program that starts, reads a PNG file, writes a compressed one and
ends, and another that turns it back. Ours is there once for each engine that it
offers. The others are asked for the quality whose PSNR is nearest to that of
our first row; CompressAI has random weights and our rate, see `torch_one_shot`.
All take turns on the same processors. A ratio is the time of a row over that of
our first row: above 1, ours is faster.

`further MP` is the time of a picture of four times the size less that of the
picture, divided by the difference in megapixels: the speed once a program runs.
Peaks are those of the process with the larger picture.

On a machine that does other work meanwhile, --clock=processor counts the
seconds that processors spent; of one processor they are the same where nothing
else runs. Programs that are not here are named and left out.
"""

import dataclasses
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Sequence

import numpy as np
from absl import app, flags

from benchmarks import commands
from benchmarks.commands import Cost, Program
from tfpercept import offers
from tfpercept.io import files

_PICTURE = flags.DEFINE_string(
  "picture", "", "Picture to compress; a photograph of the package by default."
)
_MODEL = flags.DEFINE_string("model", offers.MODEL, "Our model.")
_QUALITY = flags.DEFINE_float("quality", 4.5, "Quality of our codec.")
_ROUNDS = flags.DEFINE_integer("rounds", 5, "Timed runs of each command.", 1)
_CPUS = flags.DEFINE_integer("cpus", 1, "Processors of each program.", 1)
_CLOCK = flags.DEFINE_enum(
  "clock", "wall", ["wall", "processor"], "Clock that counts the seconds."
)
_TORCH = flags.DEFINE_string(
  "torch_python",
  os.environ.get("PEER_COMPRESSAI_PYTHON", ""),
  "Path of a Python with CompressAI.",
)

DIRECTIONS = ("encode", "decode")
SIZES = ("once", "four times")


@dataclasses.dataclass(frozen=True)
class Row:
  """A program with what it took.

  Attributes:
    program: The program.
    quality: Quality that it was given.
    bpp: Rate of its file, in bits per pixel.
    psnr: PSNR of the decoded picture in dB; NaN where weights are random.
    costs: Costs by direction and size.
  """

  program: Program
  quality: float
  bpp: float
  psnr: float
  costs: dict[tuple[str, str], list[Cost]] = dataclasses.field(
    default_factory=dict
  )

  def seconds(self, what: str, size: str, clock: str) -> float:
    """Returns the median seconds of a direction."""
    return statistics.median(getattr(c, clock) for c in self.costs[what, size])

  def peak(self, what: str) -> float:
    """Returns the largest memory with the larger picture, in megabytes."""
    return max(c.peak for c in self.costs[what, SIZES[1]]) / 1e6


class Contest:
  """Pictures on disk, and programs that compress them in turns.

  Args:
    folder: Folder for all files.
    picture: Picture, uint8 `[H, W, 3]`.
    cpus: Number of processors of each program.
  """

  def __init__(self, folder: pathlib.Path, picture: np.ndarray, cpus: int):
    self._folder, self._cpus = folder, cpus
    self._sizes = {
      SIZES[0]: picture,
      SIZES[1]: np.tile(picture, (2, 2, 1)),
    }
    for size, pixels in self._sizes.items():
      files.write_image(self._source(size), pixels)
    self.pixels = picture.shape[0] * picture.shape[1]

  def row(self, program: Program, quality: float) -> Row:
    """Runs a program once at a quality, untimed, to know rate and PSNR."""
    file = self._file(program, SIZES[0])
    source = self._source(SIZES[0])
    out = self._folder / "out.png"
    for path in (file, out):
      path.unlink(missing_ok=True)  # ours replaces nothing
    self._run(program.encode(str(source), str(file), quality))
    self._run(program.decode(str(file), str(out)))
    pair = [files.read_image(path).astype(float) for path in (source, out)]
    error = float(np.mean((pair[0] - pair[1]) ** 2))
    psnr = float("inf") if not error else 10 * np.log10(255**2 / error)
    return Row(program, quality, 8 * file.stat().st_size / self.pixels, psnr)

  def matched(self, program: Program, psnr: float) -> Row:
    """Returns the quality whose PSNR is nearest to a wanted one."""
    assert program.qualities is not None  # or there is nothing to search
    low, high = program.qualities
    tried: list[Row] = []
    while low <= high:
      middle = (low + high) // 2
      tried.append(self.row(program, middle))
      if tried[-1].psnr < psnr:
        low = middle + 1
      else:
        high = middle - 1
    return min(tried, key=lambda row: abs(row.psnr - psnr))

  def time(self, rows: Sequence[Row], rounds: int) -> None:
    """Runs all programs in turns, and keeps their costs."""
    for _ in range(rounds):
      for size in SIZES:
        for row in rows:
          file = str(self._file(row.program, size))
          source, out = str(self._source(size)), str(self._folder / "out.png")
          for what, words in (
            ("encode", row.program.encode(source, file, row.quality)),
            ("decode", row.program.decode(file, out)),
          ):
            pathlib.Path(file if what == "encode" else out).unlink(
              missing_ok=True
            )
            found = self._run(words)
            row.costs.setdefault((what, size), []).append(found)

  def source(self) -> pathlib.Path:
    """Path of the picture."""
    return self._source(SIZES[0])

  def _run(self, words: Sequence[str]) -> Cost:
    return commands.run(words, cpus=self._cpus)

  def _source(self, size: str) -> pathlib.Path:
    return self._folder / f"{size.replace(' ', '_')}.png"

  def _file(self, program: Program, size: str) -> pathlib.Path:
    words = "".join(c if c.isalnum() else "_" for c in program.name)
    return self._folder / f"{words}_{size.replace(' ', '_')}{program.suffix}"


def main(argv: list[str]) -> None:
  """Prints a table in Markdown, and what is left out."""
  if len(argv) > 1:
    raise app.UsageError(f"no arguments are taken; got {' '.join(argv[1:])}")
  picture = _picture(_PICTURE.value)
  with tempfile.TemporaryDirectory() as scratch:
    contest = Contest(pathlib.Path(scratch), picture, _CPUS.value)
    rows, missing = _rows(contest, pathlib.Path(scratch))
    before = os.getloadavg()[0]
    contest.time(rows, _ROUNDS.value)
  height, width = picture.shape[:2]
  print(
    f"{width}x{height} pixels, medians of {_ROUNDS.value}, {_CLOCK.value} "
    f"seconds, {_CPUS.value} processor for each program, load "
    f"{before:.1f} to {os.getloadavg()[0]:.1f}\n"
  )
  print("\n".join(table(rows, contest.pixels, _CLOCK.value)))
  print("\n".join(["", *missing]) if missing else "", end="\n" * bool(missing))


def table(rows: Sequence[Row], pixels: int, clock: str) -> list[str]:
  """Returns the lines of a table in Markdown.

  Args:
    rows: Rows with their costs; the others are compared with the first.
    pixels: Number of pixels of the smaller picture.
    clock: Name of an attribute of `Cost`.
  """
  heads = ["program", "quality", "bpp", "PSNR"]
  for what in DIRECTIONS:
    heads += [f"{what}, s", "ratio", "further MP, s", "peak, MB"]
  lines = [
    f"| {' | '.join(heads)} |",
    "| --- |" + " ---: |" * (len(heads) - 1),
  ]
  for row in rows:
    psnr = "-" if np.isnan(row.psnr) else f"{row.psnr:.2f} dB"
    cells = [row.program.name, f"{row.quality:g}", f"{row.bpp:.3f}", psnr]
    for what in DIRECTIONS:
      once, more = (row.seconds(what, size, clock) for size in SIZES)
      first = rows[0].seconds(what, SIZES[0], clock)
      further = max(0.0, more - once) / (3 * pixels / 1e6)
      cells += [f"{once:.2f}", f"{once / first:.2f}", f"{further:.2f}"]
      cells.append(f"{row.peak(what):.0f}")
    lines.append(f"| {' | '.join(cells)} |")
  return lines


def _rows(
  contest: Contest, scratch: pathlib.Path
) -> tuple[list[Row], list[str]]:
  """Returns the programs that are here, each once run, and what is missing."""
  rows, missing = [], []
  for engine in commands.engines(_help()):
    program = commands.ours(engine, _MODEL.value)
    try:
      rows.append(contest.row(program, _QUALITY.value))
    except commands.Failed as error:
      missing.append(f"{program.name} is left out: {error}")
  if not rows:
    raise RuntimeError(f"no engine of ours works here: {'; '.join(missing)}")
  found, absent = commands.classical()
  rows += [contest.matched(program, rows[0].psnr) for program in found]
  missing += absent
  if not _TORCH.value:
    missing.append(
      "CompressAI is left out: needs --torch_python or PEER_COMPRESSAI_PYTHON"
    )
    return rows, missing
  program = commands.compressai(_TORCH.value, scratch)
  try:
    commands.run(
      [
        *program.encode("", "", 0)[:3],
        *("prepare", str(scratch), str(contest.source()), f"{rows[0].bpp}"),
      ]
    )
    row = contest.row(program, 0)
    rows.append(dataclasses.replace(row, psnr=float("nan")))
  except (commands.Failed, OSError) as error:
    missing.append(f"CompressAI is left out: {error}")
  return rows, missing


def _help() -> str:
  words = [sys.executable, "-m", "tfpercept.cli", "compress", "--help"]
  return subprocess.run(
    words, capture_output=True, text=True, check=True
  ).stdout


def _picture(path: str) -> np.ndarray:
  """Returns a picture in color with sides of multiples of 64, from the top."""
  if path:
    found = files.read_image(path)
  else:
    from benchmarks import pictures

    reference, _ = pictures.photographs((1, 512, 768, 3))
    found = (255 * reference[0]).round().astype(np.uint8)
  height, width = (side // 64 * 64 for side in found.shape[:2])
  if not height * width:
    raise ValueError(f"{path} is smaller than 64x64")
  cut = found[:height, :width]
  return np.ascontiguousarray(np.broadcast_to(cut, (height, width, 3)))


if __name__ == "__main__":
  app.run(main)

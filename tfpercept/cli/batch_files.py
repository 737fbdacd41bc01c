"""Batches of files, one made of each: shared by compress and decompress."""

from __future__ import annotations

import argparse
import collections
import contextlib
import dataclasses
import os
import pathlib
import sys
from collections.abc import Callable, Iterator, Sequence
from typing import IO, TYPE_CHECKING

from tfpercept.cli import deferred, output, progress
from tfpercept.io import messages

if TYPE_CHECKING:
  import tensorflow as tf

  from tfpercept.io import files
else:
  tf = deferred.module("tensorflow")
  files = deferred.module("tfpercept.io.files")

STREAM = "-"
INTERRUPTED = 130
"""Exit status after Ctrl-C, as shells give it."""


@dataclasses.dataclass(frozen=True)
class Job:
  """One file to make from another.

  Attributes:
    name: Name of the source in messages.
    source: Path to read; None is standard input.
    target: Path to write; None is standard output.
  """

  name: str
  source: pathlib.Path | None
  target: pathlib.Path | None


@dataclasses.dataclass(frozen=True)
class Plan:
  """The jobs of a command.

  Attributes:
    jobs: Jobs in the order given.
    failures: Reasons why other files can not be processed, by name.
    notes: Notes to print at the end.
  """

  jobs: list[Job] = dataclasses.field(default_factory=list)
  failures: dict[str, str] = dataclasses.field(default_factory=dict)
  notes: list[str] = dataclasses.field(default_factory=list)

  @property
  def is_streamed(self) -> bool:
    """Whether the result goes to standard output."""
    return any(job.target is None for job in self.jobs)


def add(parser: argparse.ArgumentParser, what: str, made: str) -> None:
  """Adds the files of a command, `--out` and `--overwrite`."""
  parser.add_argument(
    "sources",
    nargs="+",
    metavar="FILE",
    help=f"{what}, folder of such files, or - for standard input",
  )
  parser.add_argument(
    "--out",
    metavar="PATH",
    help=f"place of the {made}: a file, - for standard output, or a folder. "
    "Several files need a folder (default: beside each file; for standard "
    "input, standard output)",
  )
  parser.add_argument(
    "--overwrite", action="store_true", help="replace existing files"
  )


def plan(
  arguments: argparse.Namespace,
  suffix: str,
  find: Callable[[pathlib.Path], Sequence[pathlib.Path]],
) -> Plan:
  """Returns the jobs for the files of a command.

  Args:
    arguments: Parsed arguments, with those of `add`.
    suffix: Suffix of the files to write, if `--out` names no file.
    find: Function that returns the usable files of a folder, and raises
      ValueError if there are none.

  Raises:
    ValueError: if `--out` does not fit the files.
  """
  if STREAM in arguments.sources or arguments.out == STREAM:
    return Plan([_streamed(arguments)])
  given = [pathlib.Path(source) for source in arguments.sources]
  folders = [path for path in given if os.path.isdir(path)]
  if folders and not arguments.out:
    raise ValueError(
      f"{folders[0]} is a folder; name a folder for the results with --out "
      "FOLDER"
    )
  made = Plan()
  found: dict[pathlib.Path, None] = {}  # each once, in order
  for path in given:
    try:
      found |= dict.fromkeys(find(path) if path in folders else [path])
    except (ValueError, OSError) as error:
      made.failures[str(path)] = str(error)
  place = _place(arguments.out, is_folder=bool(folders) or len(given) > 1)
  jobs = [Job(str(path), path, place(path, suffix)) for path in found]
  _sort(jobs, made, arguments.overwrite)
  return made


def _sort(jobs: Sequence[Job], made: Plan, overwrite: bool) -> None:
  """Puts each job among those of a plan, or among its failures."""
  takers = collections.defaultdict(list)
  for job in jobs:
    takers[_real(job.target)].append(job.name)
  sources = {_real(job.source) for job in jobs}
  for job in jobs:
    twins = [n for n in takers[_real(job.target)] if n != job.name]
    why = _obstacle(job, twins, sources, overwrite)
    if why:
      made.failures[job.name] = why
    else:
      made.jobs.append(job)


def _real(path: pathlib.Path | None) -> str:
  """Returns a path without links; one whose links form a loop as it is.

  A standard stream has none.
  """
  return "" if path is None else os.path.realpath(path)


def _place(
  out: str | None, is_folder: bool
) -> Callable[[pathlib.Path, str], pathlib.Path]:
  """Returns a function from a file and a suffix to the path to write."""
  if out is None:
    return lambda path, suffix: path.with_suffix(suffix)
  if is_folder or os.path.isdir(out) or out.endswith(os.sep):
    return lambda path, suffix: (
      pathlib.Path(out) / path.with_suffix(suffix).name
    )
  return lambda path, suffix: pathlib.Path(out)


def _streamed(arguments: argparse.Namespace) -> Job:
  """Returns the one job of a command on standard input or output."""
  if len(arguments.sources) > 1:
    raise ValueError(
      f"{STREAM} stands for one file; got {len(arguments.sources)} files"
    )
  (source,) = arguments.sources
  if source == STREAM:
    job = Job("standard input", None, None)
  else:
    job = Job(source, pathlib.Path(source), None)
  if arguments.out not in (None, STREAM):
    job = dataclasses.replace(job, target=pathlib.Path(arguments.out))
  why = _obstacle(job, [], set(), arguments.overwrite)
  if why:
    raise ValueError(f"{job.name}: {why}")
  return job


def _obstacle(
  job: Job,
  twins: Sequence[str],
  sources: set[str],
  overwrite: bool,
) -> str:
  """Returns why a job can not be done; an empty string if it can."""
  try:
    if job.source and not job.source.exists():
      is_link = job.source.is_symlink()
      return "its link leads nowhere" if is_link else "there is no such file"
    return _conflict(job, twins, sources, overwrite)
  except OSError as error:
    return str(error)


def _conflict(
  job: Job, twins: Sequence[str], sources: set[str], overwrite: bool
) -> str:
  """Returns the file that a job would conflict with; raises OSError."""
  if job.source and job.source.is_dir():
    return "it is a folder"
  if not job.target:
    return (
      "standard output is a terminal; give --out FILE"
      if sys.stdout.isatty()
      else ""
    )
  if twins:
    return (
      f"{job.target} would also be made of {', '.join(twins)}; rename one, or "
      "give them folders of their own"
    )
  if _real(job.target) in sources:
    return f"{job.target} is itself among the files to read"
  if job.target.is_file() and not overwrite:
    return f"{job.target} exists; --overwrite replaces it"
  files.require_writable(job.target)
  return ""


def carry_out(made: Plan, work: Callable[[Job], None], verb: str) -> int:
  """Does all jobs, also after failures; returns the exit status.

  Args:
    made: Jobs to do.
    work: Function that does one job.
    verb: Past participle of the work for messages, such as "compressed".
  """
  failures, done, is_interrupted = dict(made.failures), 0, False
  with progress.Bar(len(made.jobs)) as bar:
    try:
      for place, job in enumerate(made.jobs):
        bar.show(place, job.name)
        try:
          work(job)
          done += 1
        except _failures() as error:
          failures[job.name] = messages.first_line(error)
    except KeyboardInterrupt:
      is_interrupted = True
  for note in made.notes:
    print(note, file=sys.stderr)
  for name, why in failures.items():
    print(f"{name}: not {verb}: {why}", file=sys.stderr)
  if is_interrupted:
    print(f"interrupted: {done} of {len(made.jobs)} {verb}", file=sys.stderr)
    return INTERRUPTED
  return output.status(failures=failures, results=done)


def _failures() -> tuple[type[Exception], ...]:
  """Returns the errors that concern one file."""
  return ValueError, OSError, MemoryError, RuntimeError, tf.errors.OpError


def source(job: Job) -> pathlib.Path | IO[bytes]:
  """Returns the path that a job reads, or standard input."""
  return job.source or sys.stdin.buffer


@contextlib.contextmanager
def target(job: Job) -> Iterator[pathlib.Path | IO[bytes]]:
  """Yields the path that a job writes, or standard output."""
  if job.target:
    yield job.target
    return
  try:
    yield sys.stdout.buffer
  except BrokenPipeError:
    # Python would try once more when it exits.
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    raise

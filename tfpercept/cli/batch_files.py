"""Batches of files, one made of each: shared by compress and decompress."""

from __future__ import annotations

import argparse
import collections
import contextlib
import dataclasses
import os
import pathlib
import sys
from collections.abc import Callable, Collection, Iterator, Sequence
from typing import IO, TYPE_CHECKING

from tfpercept.cli import deferred, folders, output, progress
from tfpercept.io import messages, notes, picture_files

if TYPE_CHECKING:
  from tfpercept.io import files
else:
  files = deferred.module("tfpercept.io.files")

STREAM = "-"
INTERRUPTED = 130
"""Exit status after Ctrl-C, as shells give it."""
_RESULTS = "passed over, since in the folder of the results"


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
    failures: Reasons why other files cannot be processed, by name.
    notes: Notes to print at the end.
    skipped: Names of the files whose result exists; None if that is a failure.
  """

  jobs: list[Job] = dataclasses.field(default_factory=list)
  failures: dict[str, str] = dataclasses.field(default_factory=dict)
  notes: list[str] = dataclasses.field(default_factory=list)
  skipped: list[str] | None = None

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
  add_recursive(parser)
  existing = parser.add_mutually_exclusive_group()
  existing.add_argument(
    "--overwrite", action="store_true", help="replace existing files"
  )
  existing.add_argument(
    "--skip-existing",
    action="store_true",
    help="leave out files whose result exists, which is no failure",
  )


def add_recursive(parser: argparse.ArgumentParser) -> None:
  """Adds the option `--recursive`."""
  parser.add_argument(
    "--recursive",
    action="store_true",
    help="take the files in folders below a folder, too, and keep these "
    "folders in names",
  )


def plan(
  arguments: argparse.Namespace,
  suffix: str,
  kinds: Collection[str],
) -> Plan:
  """Returns the jobs for the files of a command.

  Args:
    arguments: Parsed arguments, with those of `add`.
    suffix: Suffix of the files to write, if `--out` names no file.
    kinds: Suffixes of the files that are taken from folders.

  Raises:
    ValueError: if `--out` does not fit the files.
  """
  if STREAM in arguments.sources or arguments.out == STREAM:
    return _streamed(arguments)
  given = [pathlib.Path(source) for source in arguments.sources]
  listed = [path for path in given if os.path.isdir(path)]
  if listed and not arguments.out:
    raise ValueError(
      f"{listed[0]} is a folder; name a folder for the results with --out "
      "FOLDER"
    )
  made = Plan(skipped=[] if arguments.skip_existing else None)
  place = _place(arguments.out, is_folder=bool(listed) or len(given) > 1)
  jobs: dict[pathlib.Path, Job] = {}  # each file once, in order
  for path in given:
    try:
      found = (
        _within(path, arguments, suffix, kinds)
        if path in listed
        else {path: pathlib.Path(path.name)}
      )
    except (ValueError, OSError) as error:
      made.failures[str(path)] = str(error)
      continue
    for file, inner in found.items():
      target = place(file, inner, suffix)
      jobs.setdefault(file, Job(str(file), file, target))
  _sort(list(jobs.values()), made, arguments.overwrite)
  return made


def _within(
  folder: pathlib.Path,
  arguments: argparse.Namespace,
  suffix: str,
  kinds: Collection[str],
) -> dict[pathlib.Path, pathlib.Path]:
  """Returns the files of a folder, each with its path inside of it.

  What is in a folder `--out` below it are results of an earlier call, and no
  files to read.
  """
  found = picture_files.list_files(
    folder, kinds, is_recursive=arguments.recursive
  )
  out = pathlib.Path(os.path.realpath(arguments.out))
  if pathlib.Path(os.path.realpath(folder)) in out.parents:
    results = {path for path in found if out in _parents(path)}
    for path in sorted(results):
      notes.add(path, _RESULTS)
    found = [path for path in found if path not in results]
  folders.tell_passed_over(
    folder, kinds, suffix, is_recursive=arguments.recursive
  )
  if not found:
    named = ", ".join(kinds)
    raise ValueError(
      f"no file in {folder} ends in {named}"
      if len(kinds) == 1
      else f"no picture in {folder}; expected files ending in {named}"
    )
  return {path: path.relative_to(folder) for path in found}


def _parents(path: pathlib.Path) -> Sequence[pathlib.Path]:
  return (pathlib.Path(os.path.realpath(path.parent)) / path.name).parents


def _sort(jobs: Sequence[Job], made: Plan, overwrite: bool) -> None:
  """Puts each job among those of a plan, or among its failures."""
  takers = collections.defaultdict(list)
  for job in jobs:
    takers[_real(job.target)].append(job.name)
  sources = {_real(job.source) for job in jobs}
  for job in jobs:
    twins = [n for n in takers[_real(job.target)] if n != job.name]
    is_kept = not overwrite and made.skipped is None
    why = _obstacle(job, twins, sources, is_kept)
    if not why and made.skipped is not None and _is_made(job):
      made.skipped.append(job.name)
    elif why:
      made.failures[job.name] = why
    else:
      made.jobs.append(job)


def _is_made(job: Job) -> bool:
  return job.target is not None and job.target.is_file()


def _real(path: pathlib.Path | None) -> str:
  """Returns a path without links; one whose links form a loop as it is.

  A standard stream has none.
  """
  return "" if path is None else os.path.realpath(path)


def _place(
  out: str | None, is_folder: bool
) -> Callable[[pathlib.Path, pathlib.Path, str], pathlib.Path]:
  """Returns a function to the path to write.

  It takes a file, its path inside the folder that was given, and a suffix.
  """
  if out is None:
    return lambda path, inner, suffix: path.with_suffix(suffix)
  if is_folder or os.path.isdir(out) or out.endswith(os.sep):
    return lambda path, inner, suffix: (
      pathlib.Path(out) / inner.with_suffix(suffix)
    )
  return lambda path, inner, suffix: pathlib.Path(out)


def _streamed(arguments: argparse.Namespace) -> Plan:
  """Returns the plan of a command on standard input or output."""
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
    if arguments.out.endswith(os.sep):
      raise ValueError(
        f"{arguments.out} is a folder; standard input has no name that a file "
        "in it could have. Name the file"
      )
    job = dataclasses.replace(job, target=pathlib.Path(arguments.out))
  skips = arguments.skip_existing
  why = _obstacle(job, [], set(), not (arguments.overwrite or skips))
  if why:
    raise ValueError(f"{job.name}: {why}")
  if skips and _is_made(job):
    return Plan(skipped=[job.name])
  return Plan([job], skipped=[] if skips else None)


def _obstacle(
  job: Job,
  twins: Sequence[str],
  sources: set[str],
  is_kept: bool,
) -> str:
  """Returns why a job cannot be done; an empty string if it can."""
  try:
    if job.source and not job.source.exists():
      is_link = job.source.is_symlink()
      return "its link leads nowhere" if is_link else "there is no such file"
    return _conflict(job, twins, sources, is_kept)
  except OSError as error:
    return str(error)


def _conflict(
  job: Job, twins: Sequence[str], sources: set[str], is_kept: bool
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
  if job.target.is_file() and is_kept:
    return f"{job.target} exists; --overwrite replaces it"
  files.require_writable(job.target)
  return ""


def carry_out(
  made: Plan,
  work: Callable[[Job], None],
  verb: str,
  *,
  watch: Callable[[progress.Show], None] | None = None,
) -> int:
  """Does all jobs, also after failures; returns the exit status.

  Args:
    made: Jobs to do.
    work: Function that does one job.
    verb: Past participle of the work for messages, such as "compressed".
    watch: Function that gets, before each job, what shows the steps of the job;
      None where jobs have no steps to show.
  """
  failures, done, is_interrupted = dict(made.failures), 0, False
  with progress.Bar(len(made.jobs)) as bar:
    try:
      for place, job in enumerate(made.jobs):
        bar.show(place, job.name)
        if watch:
          watch(bar.steps_of(place, job.name))
        try:
          work(job)
          done += 1
        except FileExistsError as error:
          # Another process has made it meanwhile.
          if made.skipped is None:
            failures[job.name] = messages.first_line(error)
          else:
            made.skipped.append(job.name)
        except messages.of_one_file() as error:
          if made.is_streamed and isinstance(error, BrokenPipeError):
            raise  # who reads the result has enough
          failures[job.name] = messages.first_line(error)
    except KeyboardInterrupt:
      is_interrupted = True
  if made.skipped:
    count = len(made.skipped)
    print(
      f"{count} skipped, since their results exist: "
      f"{notes.listed(made.skipped)}",
      file=sys.stderr,
    )
  for note in made.notes:
    print(note, file=sys.stderr)
  for name, why in failures.items():
    print(f"{name}: not {verb}: {why}", file=sys.stderr)
  if is_interrupted:
    print(f"interrupted: {done} of {len(made.jobs)} {verb}", file=sys.stderr)
    return INTERRUPTED
  return output.status(failures=failures, results=done)


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

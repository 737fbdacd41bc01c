"""Flags that all programs of bulk work share, and the way through a job."""

import contextlib
import dataclasses
import json
import os
import pathlib
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from pipelines import engines, inputs, jobs, sources
from tfpercept import settings
from tfpercept.cli import progress
from tfpercept.io import folders, lock

ENGINES = ("local", "spark", "dask")
_SHOWN = 5  # failures that are printed; all are in the list
_EVERY = 10.0  # seconds between lines of progress off a terminal


@dataclasses.dataclass(frozen=True, kw_only=True)
class Bulk(settings.Settings):
  """Bulk work: what it reads, where to, and by which processes.

  Attributes:
    input: Folders, pictures, globs and lists of files.
    output: Folder of the results.
    engine: One of `ENGINES`.
    workers: Number of processes of the engine `local`; 0 for one a core.
    master: Address of the cluster.
    chunk: Number of pictures that a process takes at once.
  """

  input: tuple[str, ...] = settings.option(
    settings.REQUIRED,
    "Folder, picture, glob such as 'a/**/*.png', or list of files that ends in "
    ".txt; may be repeated.",
    repeated=True,
  )
  output: str = settings.option(
    settings.REQUIRED, "Folder of the results, which all processes reach."
  )
  engine: str = settings.option(
    "local",
    "Engine: local takes processes of this machine, spark and dask a cluster.",
    choices=ENGINES,
  )
  workers: int = settings.option(
    0, "Number of processes of --engine=local; 0 for one a core.", least=0
  )
  master: str = settings.option(
    "", "Address of the cluster, such as spark://host:7077 or tcp://host:8786."
  )
  chunk: int = settings.option(
    20, "Number of pictures that a process takes at once.", least=1
  )


def found(bulk: Bulk) -> list[inputs.Item]:
  """Returns the pictures to work on; results in the output are none.

  Raises:
    ValueError: as `inputs.find`, or if all pictures are in the output.
  """
  output = pathlib.Path(os.path.realpath(bulk.output))
  items = [
    item
    for item in inputs.find(bulk.input)
    if output not in pathlib.Path(os.path.realpath(item.path)).parents
  ]
  if not items:
    raise ValueError(
      f"all pictures of --input are below --output={bulk.output}, where "
      "pictures are results and no input; choose another --output"
    )
  return items


@contextlib.contextmanager
def carried_out(
  bulk: Bulk,
  items: Sequence[inputs.Item],
  maker: Callable[[str], jobs.Work],
  told: Mapping[str, Any],
  *,
  target: sources.Target | None = None,
) -> Iterator[tuple[jobs.Job, dict[str, Any]]]:
  """Does a job with the engine asked for, and prints what failed.

  Until the context ends, no other call can work on the output.

  Args:
    bulk: Settings of the input, the output and the processes.
    items: The pictures.
    maker: Function from the settings to the work, as in `jobs.Job`.
    told: JSON values that decide the results.
    target: Function from a picture to its result, as `jobs.make` takes it.

  Yields:
    The job, which is done, and its summary.

  Raises:
    ValueError: if a setting is wrong, before a process starts, or another call
      works on the output.
    OSError: if the output cannot be written.
    ProgramError: if the engine gave up.
  """
  if bulk.engine != "local" and not bulk.master:
    raise ValueError(
      f"--engine={bulk.engine} needs --master, the address of the cluster"
    )
  if bulk.engine == "local" and bulk.master:
    raise ValueError("--master is of a cluster; name it, as in --engine=spark")
  if bulk.engine != "local" and bulk.workers:
    raise ValueError(
      f"--workers is of --engine=local; drop it, since --engine={bulk.engine} "
      "has those of its cluster"
    )
  maker(json.dumps(told))  # which may be wrong, as every process would find
  folders.require(pathlib.Path(bulk.output))
  with lock.held(pathlib.Path(bulk.output) / jobs.FOLDER):
    job = jobs.make(
      bulk.output, items, maker, told, chunk=bulk.chunk, target=target
    )
    _do(bulk, job)
    summary = jobs.finish(job)
    _tell(job, summary)
    yield job, summary


def _do(bulk: Bulk, job: jobs.Job) -> None:
  """Does the chunks of a job that are left, and shows how far it is."""
  with progress.Bar(job.count, every=_EVERY) as bar:

    def show(count: int) -> None:
      bar.show(count, "pictures")

    if bulk.engine == "local":
      engines.local(job, workers=bulk.workers, progress=show)
    else:
      engine = getattr(engines, bulk.engine)
      engine(job, master=bulk.master, progress=show)


def _tell(job: jobs.Job, summary: Mapping[str, Any]) -> None:
  """Prints the first failures, and where all are."""
  count = summary["failed"]
  failed = (line for line in jobs.outcomes(job) if "failed" in line)
  for line, _ in zip(failed, range(_SHOWN), strict=False):
    print(f"{line['path']}: {line['failed']}", file=sys.stderr)
  if count:
    place = os.path.join(job.folder, jobs.FAILED)
    print(f"{count} of {job.count} failed; all are in {place}", file=sys.stderr)

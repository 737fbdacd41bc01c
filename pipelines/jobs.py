"""Bulk work in chunks, each done once, and what became of every picture.

A job has a folder, `_job` below its output. Each chunk leaves a file of lines
there, one a picture, which is written under a temporary name and renamed. So a
chunk whose process was killed is done again, one that is done is not, and the
same command goes on where the last one stopped.
"""

import contextlib
import dataclasses
import hashlib
import json
import os
import pathlib
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from pipelines import inputs, sources
from tfpercept.io import files, messages

FOLDER = "_job"
FAILED, SUMMARY = "failed.jsonl", "summary.json"
_SETTINGS = "job.json"

Work = Callable[[inputs.Item], Mapping[str, Any]]
"""A function that does the work on a picture and returns JSON values of it. It
raises one of `messages.of_one_file()` for a picture that it cannot take."""


@dataclasses.dataclass(frozen=True)
class Chunk:
  """Pictures that a process works on one after the other.

  Attributes:
    number: Number of the chunk in the job.
    items: The pictures.
    digest: Digest of the pictures and of their files as they were.
  """

  number: int
  items: tuple[inputs.Item, ...]
  digest: str


@dataclasses.dataclass(frozen=True)
class Job:
  """The work on all pictures.

  Attributes:
    folder: Path of the folder of the job, which all processes reach.
    key: Digest of the list of pictures.
    maker: Function of a module, which any process can import, from `settings`
      to the work. A process calls it for every chunk, so it remembers.
    settings: Settings that decide the results, as JSON text.
    chunks: The pictures; a process that does one chunk needs no others.
  """

  folder: str
  key: str
  maker: Callable[[str], Work]
  settings: str
  chunks: tuple[Chunk, ...]

  @property
  def parts(self) -> pathlib.Path:
    """Folder of the files of chunks."""
    return pathlib.Path(self.folder) / f"parts-{self.key}"

  @property
  def left(self) -> list[Chunk]:
    """The chunks that are not done."""
    there = set(os.listdir(self.parts)) if self.parts.is_dir() else set()
    return [chunk for chunk in self.chunks if _part(chunk) not in there]

  @property
  def count(self) -> int:
    """Number of pictures."""
    return sum(len(chunk.items) for chunk in self.chunks)


def make(
  output: files.PathLike,
  items: Sequence[inputs.Item],
  maker: Callable[[str], Work],
  settings: Mapping[str, Any],
  *,
  chunk: int,
  target: sources.Target | None = None,
) -> Job:
  """Returns a job, new or begun earlier, and writes its settings.

  What an earlier call found of a chunk is kept if its pictures are the files
  that they were, by path, size and time of change. Results that were made from
  other files are removed, to be made anew. If all chunks are done, those with
  failures are to be done again: the pictures may be within reach by now.

  Args:
    output: Folder of the output.
    items: The pictures. They may be others than those of an earlier call, whose
      results are then kept.
    maker: Function from `settings` to the work, as in `Job`.
    settings: JSON values that decide the results.
    chunk: Number of pictures in a chunk.
    target: Function from a picture to the file that the work makes of it; None
      if the work makes none.

  Raises:
    ValueError: if the folder holds a job with other settings, or a file in the
      place of a result that no earlier call has made.
    OSError: if it cannot be written.
  """
  folder = pathlib.Path(os.path.abspath(output)) / FOLDER
  path = folder / _SETTINGS
  if path.exists():
    _require_same(path, settings, output)
  now = [sources.of(item.path) for item in items]
  job = Job(
    str(folder),
    _key(items, chunk),
    maker,
    json.dumps(settings),
    _chunks(items, now, chunk),
  )
  claim = _claim(job, now, target) if target else None
  job.parts.mkdir(parents=True, exist_ok=True)
  files.write_json(path, settings)
  known = {_part(each) for each in job.chunks}
  for part in job.parts.glob("*.jsonl"):
    if part.name not in known:
      part.unlink(missing_ok=True)
  if claim:
    claim()
  if not job.left:
    for each in job.chunks:
      if any("failed" in line for line in _lines(job, each)):
        (job.parts / _part(each)).unlink(missing_ok=True)
  return job


def _require_same(
  path: pathlib.Path, settings: Mapping[str, Any], output: files.PathLike
) -> None:
  """Raises ValueError if the settings in a file are others than these."""
  before = json.loads(path.read_bytes())
  now = json.loads(json.dumps(settings))
  # An older version noted fewer settings.
  changed = sorted(k for k in before if before[k] != now.get(k))
  if changed:
    told = "; ".join(
      f"{k}: {before.get(k)!r} there, {now.get(k)!r} now" for k in changed
    )
    raise ValueError(
      f"{output} holds results of other settings ({told}); choose another "
      "--output, or repeat them"
    )


def _chunks(
  items: Sequence[inputs.Item], now: Sequence[sources.Source], size: int
) -> tuple[Chunk, ...]:
  """Returns the chunks of pictures, whose files are as `now` tells."""
  found = []
  for number, start in enumerate(range(0, len(items), size)):
    part = tuple(items[start : start + size])
    references = [sources.of(i.reference) for i in part if i.reference]
    listed = json.dumps([part, now[start : start + size], references])
    found.append(Chunk(number, part, _digest(listed)))
  return tuple(found)


def _claim(
  job: Job, now: Sequence[sources.Source], target: sources.Target
) -> Callable[[], None]:
  """Returns a function that notes what the results are to be made from.

  It removes those of other files first. Processes then take any result that is
  there, also if the one that made it was killed before it could tell. What the
  function does is in the order in which it may be killed: what tells that a
  result is done goes before the result, and the notes change last.

  Raises:
    ValueError: if a file in the place of a result is of no earlier call.
  """
  folder = pathlib.Path(job.folder)
  items = [item for chunk in job.chunks for item in chunk.items]
  stems = (inputs.stem(item.name) for item in items)
  found = dict(zip(stems, now, strict=True))
  before = sources.read(folder)
  if (folder / _SETTINGS).exists() and not (folder / sources.FILE).exists():
    before = found  # an older version did not note what its results are of
  stale = sources.others(before, found, items, target)
  reached = {stem: each for stem, each in found.items() if each.is_there}
  changed = {stem for stem in reached if before.get(stem) != reached[stem]}

  def claim() -> None:
    if changed & before.keys():
      _remove_other_parts(job)
    for path in stale:
      path.unlink(missing_ok=True)
    if changed or not (folder / sources.FILE).exists():
      sources.write(folder, before | reached)

  return claim


def _key(items: Sequence[inputs.Item], chunk: int) -> str:
  """Returns the digest of a list of pictures in chunks of a size."""
  return _digest("\n".join([str(chunk), *("\t".join(item) for item in items)]))


def _digest(text: str) -> str:
  data = text.encode("utf-8", "surrogateescape")
  return hashlib.sha256(data).hexdigest()[:12]


def do(job: Job, chunk: Chunk) -> int:
  """Does a chunk, unless that has been done; returns its number of pictures.

  A picture that cannot be worked on is noted, and ends nothing.

  Raises:
    OSError: if the file of the chunk cannot be written.
  """
  path = job.parts / _part(chunk)
  if not path.exists():
    work = job.maker(job.settings)
    lines = [json.dumps(_outcome(work, item)) for item in chunk.items]
    files.write_text(path, "\n".join(lines) + "\n")
  return len(chunk.items)


def finish(job: Job) -> dict[str, Any]:
  """Writes the list of failures and the summary; returns the summary.

  Files of chunks of earlier lists of pictures are removed, so one output is for
  one job at a time.

  Raises:
    ValueError: if a chunk is not done.
  """
  if job.left:
    raise ValueError(f"{len(job.left)} chunks are not done")
  failed = [line for line in outcomes(job) if "failed" in line]
  numbers: dict[str, float] = {}
  for line in outcomes(job):
    for name, value in line.items():
      if isinstance(value, bool | int):
        numbers[name] = numbers.get(name, 0) + value
  summary = {
    "pictures": job.count,
    "done": job.count - len(failed),
    "failed": len(failed),
    **numbers,
  }
  folder = pathlib.Path(job.folder)
  text = "".join(json.dumps(line) + "\n" for line in failed)
  files.write_text(folder / FAILED, text)
  files.write_json(folder / SUMMARY, summary)
  _remove_other_parts(job)
  return summary


def outcomes(job: Job) -> Iterator[dict[str, Any]]:
  """Yields what became of each picture, in order, from the files of chunks.

  A picture that failed has `failed`, a line that says why; others have what the
  work returned. All have `path` and `name`.
  """
  for chunk in job.chunks:
    yield from _lines(job, chunk)


def _remove_other_parts(job: Job) -> None:
  """Removes the files of chunks of other lists of pictures."""
  for other in pathlib.Path(job.folder).glob("parts-*"):
    if other != job.parts:
      with contextlib.suppress(OSError):
        shutil.rmtree(other)


def _lines(job: Job, chunk: Chunk) -> Iterator[dict[str, Any]]:
  with open(job.parts / _part(chunk), encoding="utf-8") as lines:
    yield from map(json.loads, lines)


def _part(chunk: Chunk) -> str:
  return f"{chunk.number:08d}-{chunk.digest}.jsonl"


def _outcome(work: Work, item: inputs.Item) -> dict[str, Any]:
  told: dict[str, Any] = {"path": item.path, "name": item.name}
  try:
    return told | dict(work(item))
  except messages.of_one_file() as error:
    return told | {"failed": messages.first_line(error)}

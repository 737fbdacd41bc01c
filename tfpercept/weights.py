"""Trained weights by name or path, downloaded if needed.

    arrays = weights.load("watson_dft_rgb")
    arrays = weights.load("mine/tuned.npz")

A name of the manifest is looked up in the folder TFPERCEPT_WEIGHTS, in the
package and in the user's cache. If it is in none of them, it is downloaded from
its authors' address and its checksum is verified. TFPERCEPT_OFFLINE=1, or any
value except an empty one, 0 and false, forbids downloads.
"""

import contextlib
import contextvars
import dataclasses
import difflib
import functools
import hashlib
import json
import os
import pathlib
import shutil
import sys
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import numpy as np

from tfpercept.io import downloads, files, npz_reader, packing, torch_reader
from tfpercept.offers import PRETRAINED, RETIRED, retired, shipped

_READERS = {
  ".npz": npz_reader.read,
  **dict.fromkeys((".pth", ".pt", ".ckpt", ".pkl"), torch_reader.read),
}
packed = packing.packed
unpacked = packing.unpacked
_RECORD: contextvars.ContextVar[list[str] | None] = contextvars.ContextVar(
  "record", default=None
)


class MissingWeights(FileNotFoundError):  # noqa: N818 - what it is about
  """Weights that are not on this machine and cannot be downloaded."""


@dataclasses.dataclass(frozen=True)
class Source:
  """An entry of the manifest."""

  name: str
  file: str
  """Path within a folder of weights; for shipped ones, the path of a folder."""
  bytes: int
  sha256: str
  licence: str
  url: str = ""
  archive: downloads.Archive | None = None
  shipped: bool = False

  @property
  def origin(self) -> str:
    """Name or address of the published file, for messages."""
    if self.archive:
      _, member = self.archive.member.split("/", 1)
      return f"{member} of {self.archive.file}"
    return self.url or "tfpercept"


@functools.cache
def manifest() -> Mapping[str, Source]:
  """Returns the entries of the manifest by name."""
  entries = json.loads((PRETRAINED / "sources.json").read_text())
  for name, entry in entries.items():
    if "archive" in entry:
      entry["archive"] = downloads.Archive(**entry["archive"])
    entries[name] = Source(name, **entry)
  return entries


def load(source: str | os.PathLike) -> dict[str, np.ndarray]:
  """Returns weights by name, half-precision ones as float32.

  Args:
    source: Name of the manifest, or path of an `.npz`, of a file of PyTorch
      (`.pth`, `.pt`) or of pickled NumPy arrays (`.ckpt`, `.pkl`). No code in a
      file is run. Names of nested dictionaries are joined by `|`.

  Raises:
    MissingWeights: if the file is not on this machine and cannot be downloaded;
      the message says what to do.
    ValueError: if there is no such name, or the file has a wrong checksum, is
      damaged, or holds anything but arrays.
  """
  arrays = {}
  for path in locate(source):
    arrays.update(_READERS[path.suffix](path))
  return unpacked(arrays)


def locate(source: str | os.PathLike) -> list[pathlib.Path]:
  """Returns the files of `source`, downloaded if needed.

  It raises the errors of `load`.
  """
  record = _RECORD.get()
  if record is not None and os.fspath(source) not in record:
    record.append(os.fspath(source))
  known = manifest().get(os.fspath(source))
  if known:
    return present(known) or [fetch(known.name)]
  path = pathlib.Path(source)
  if path.suffix not in _READERS:
    raise ValueError(
      f"expected a file ending in {', '.join(_READERS)} or a name; got "
      f"{os.fspath(source)!r}.{_nearest(os.fspath(source), manifest())}"
    )
  if not path.is_file():
    raise MissingWeights(
      f"there is no file {path}. Put it there, or name another. A saved model "
      "whose loss needs it loads without its loss by compile=False."
    )
  return [path]


@contextlib.contextmanager
def recorded() -> Iterator[list[str]]:
  """Records which weights are asked for within the context.

  Yields:
    A list that gets each name or path once, as `locate` was given it.
  """
  record: list[str] = []
  token = _RECORD.set(record)
  try:
    yield record
  finally:
    _RECORD.reset(token)


def present(source: Source) -> list[pathlib.Path]:
  """Returns the files of a manifest entry on this machine, or none.

  Raises:
    ValueError: if a file has another checksum than the manifest. Files that
      come with the package are not checked here, to save the time.
  """
  for place in _places(source):
    smaller = place / _packed_name(source)
    if smaller.is_file():
      return [smaller]  # made by `tfpercept weights pack`; no known checksum
    path = place / source.file
    if path.is_dir():
      parts = sorted(path.glob("weights*.npz"))
      if parts:
        return parts
    if path.is_file():
      _check_present([path], source)
      return [path]
  return []


def _places(source: Source) -> Iterator[pathlib.Path]:
  """Yields the folders in which weights are looked up."""
  folder = os.environ.get("TFPERCEPT_WEIGHTS")
  if folder:
    yield pathlib.Path(folder)
  yield PRETRAINED if source.shipped else cache()


def _packed_name(source: Source) -> str:
  return f"{source.name}.npz"


def verify(source: Source) -> tuple[list[pathlib.Path], bool]:
  """Looks for files as `present` does, and checks shipped ones as well.

  Returns:
    The files, and True if they are as published. For weights that a user packed
    it is False, since there is no checksum.

  Raises:
    ValueError: if a file has another checksum than the manifest.
  """
  found = present(source)
  if not found or found[0].name == _packed_name(source):
    return found, False
  if source.shipped:
    _check_present(found, source)
  return found, True


def cache() -> pathlib.Path:
  """Returns the folder of downloads, which need not exist.

  Raises:
    MissingWeights: if the user has no home.
  """
  try:
    base = os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache"
  except RuntimeError as error:
    raise MissingWeights(
      "weights are kept in the user's cache, and the user has no home folder; "
      "set XDG_CACHE_HOME to a folder"
    ) from error
  return pathlib.Path(base) / "tfpercept"


def fetch(
  name: str,
  *,
  folder: str | os.PathLike | None = None,
  source: str | os.PathLike | None = None,
) -> pathlib.Path:
  """Puts weights into a folder and returns the path of the file.

  A download is announced on stderr.

  Args:
    name: Name in the manifest of weights that do not come with the package.
    folder: Path of the folder; by default the user's cache.
    source: Path of a copy on this machine, of the file or of the archive that
      it is published in. By default the file is downloaded, unless it is in the
      folder.

  Raises:
    MissingWeights: if the file cannot be downloaded, is not as published, or
      cannot be stored, which is checked before the download.
    ValueError: if there is no such name, or the checksum of `source` is wrong.
      After any error the folder is unchanged.
  """
  wanted = _named(name)
  if wanted.shipped:
    raise MissingWeights(
      f"{name} comes with tfpercept but is missing; install the package again"
    )
  path = pathlib.Path(folder or cache()) / wanted.file
  here = path.is_file() and not _difference([path], wanted.bytes, wanted.sha256)
  if source is None and here:
    return path
  with tempfile.TemporaryDirectory() as scratch:
    published = pathlib.Path(scratch) / "published"
    if source is None:
      _download(wanted, published, path, is_cache=not folder)
    else:
      shutil.copyfile(source, published)
    try:
      with files.atomic(path) as temporary:
        origin = source or wanted.origin
        _unwrap(wanted, published, temporary, origin)
        _check_fetched(temporary, wanted, origin)
    except ValueError as error:
      if source is not None:
        raise
      raise MissingWeights(_advice(wanted, path, error)) from error
  return path


def _check_place(wanted: Source, path: pathlib.Path, *, is_cache: bool) -> None:
  """Raises MissingWeights if weights could not be stored after a download."""
  try:
    files.require_writable(path)
    left = files.free_space(path.parent)
    if left < wanted.bytes:
      raise OSError(f"{left} bytes are free there, {wanted.bytes} are needed")
  except OSError as error:
    ways = (
      " Set XDG_CACHE_HOME to a folder that can be written, or run "
      f"`tfpercept weights fetch {wanted.name} --into=FOLDER` and set "
      "TFPERCEPT_WEIGHTS to that folder."
    ) * is_cache
    raise MissingWeights(
      f"{wanted.name} is not here and cannot be kept at {path}: {error}.{ways}"
    ) from error


def _download(
  wanted: Source, published: pathlib.Path, path: pathlib.Path, *, is_cache: bool
) -> None:
  offline = os.environ.get("TFPERCEPT_OFFLINE", "")
  if offline.lower() not in ("", "0", "false"):
    why = f"TFPERCEPT_OFFLINE={offline} is set"
    raise MissingWeights(_advice(wanted, path, why))
  _check_place(wanted, path, is_cache=is_cache)
  kept = wanted.archive or wanted
  print(
    f"tfpercept: downloading {wanted.origin} to {path}; license: "
    f"{wanted.licence}",
    file=sys.stderr,
  )
  try:
    url = wanted.url
    if wanted.archive and not url:
      url = downloads.source_archive(wanted.archive)
    downloads.download(url, published, size=kept.bytes)
  except (OSError, ValueError) as error:
    raise MissingWeights(_advice(wanted, path, error)) from error


def _unwrap(
  wanted: Source, published: pathlib.Path, out: pathlib.Path, origin: Any
) -> None:
  """Extracts the member of an archive, or copies the file itself."""
  archive = wanted.archive
  if not archive or published.stat().st_size == wanted.bytes:
    shutil.copyfile(published, out)
    return
  _check_fetched(published, archive, origin)
  downloads.extract(published, archive.member, out, size=wanted.bytes)


def _difference(paths: list[pathlib.Path], size: int, sha256: str) -> str:
  """Returns the difference of files, concatenated, in words, or "" if none."""
  digest, count = hashlib.sha256(), 0
  for path in paths:
    with open(path, "rb") as file:
      while chunk := file.read(1 << 20):
        digest.update(chunk)
        count += len(chunk)
  if digest.hexdigest() == sha256:
    return ""
  return (
    f"SHA-256 {sha256} and {size} bytes wanted, {digest.hexdigest()} and "
    f"{count} bytes found"
  )


def _check_present(paths: list[pathlib.Path], source: Source) -> None:
  difference = _difference(paths, source.bytes, source.sha256)
  if difference:
    raise ValueError(
      f"{paths[0]} is not {source.name} as published: {difference}. Give its "
      "path to use it anyway, or remove it to have it downloaded again."
    )


def _check_fetched(path: pathlib.Path, wanted: Any, origin: Any) -> None:
  difference = _difference([path], wanted.bytes, wanted.sha256)
  if difference:
    raise ValueError(f"{origin} is not what was published: {difference}")


def _advice(wanted: Source, path: pathlib.Path, why: Any) -> str:
  return (
    f"{wanted.name} is not here and was not downloaded: {why}. With a network, "
    f"run `tfpercept weights fetch {wanted.name}`; without one, bring "
    f"{wanted.origin} and add `--from=FILE`, or put it at {path}. License: "
    f"{wanted.licence}."
  )


def find(model: str | os.PathLike) -> pathlib.Path:
  """Returns the folder of a trained model.

  Args:
    model: Path of an existing folder, or a name from `shipped()` or
      `retired()`.

  Raises:
    ValueError: if it is neither; the message suggests the nearest name.
  """
  folder = pathlib.Path(model)
  if folder.is_dir():
    return folder
  names = shipped()
  if str(model) in names:
    return PRETRAINED / str(model)
  if str(model) in retired():
    return RETIRED / str(model)
  raise ValueError(
    "expected the folder of a trained model or the name of one that comes "
    f"with tfpercept; got {str(model)!r}.{_nearest(str(model), names)} Names: "
    f"{', '.join(names) or 'none'}."
  )


def _named(name: str) -> Source:
  if name not in manifest():
    raise ValueError(
      f"there are no weights {name!r}.{_nearest(name, manifest())} Names: "
      f"{', '.join(manifest())}."
    )
  return manifest()[name]


def _nearest(name: str, names: Iterable[str]) -> str:
  near = difflib.get_close_matches(name, names, n=1, cutoff=0.5)
  return f" Did you mean {near[0]!r}?" if near else ""

"""Trained weights: where they come from, and how they get here.

    arrays = weights.load("watson_dft_rgb")
    arrays = weights.load("mine/tuned.npz")

A name of the manifest is looked up in the folder TFPERCEPT_WEIGHTS, in the
package, in the user's cache, and is then downloaded from where its authors
publish it, its checksum verified. TFPERCEPT_OFFLINE=1, or anything but nothing,
0 and false, forbids downloads.
"""

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
from tfpercept.offers import PRETRAINED, shipped

_READERS = {
  ".npz": npz_reader.read,
  **dict.fromkeys((".pth", ".pt", ".ckpt", ".pkl"), torch_reader.read),
}
packed = packing.packed
unpacked = packing.unpacked


class MissingWeights(FileNotFoundError):  # noqa: N818 - what it is about
  """Weights that are not here and cannot be fetched."""


@dataclasses.dataclass(frozen=True)
class Source:
  """An entry of the manifest."""

  name: str
  file: str
  """Path in a folder of weights; of shipped ones, their folder."""
  bytes: int
  sha256: str
  licence: str
  url: str = ""
  archive: downloads.Archive | None = None
  shipped: bool = False

  @property
  def origin(self) -> str:
    """Where it is published."""
    if self.archive:
      _, member = self.archive.member.split("/", 1)
      return f"{member} of {self.archive.file}"
    return self.url or "tfpercept"


@functools.cache
def manifest() -> Mapping[str, Source]:
  """Returns the weights that have a name, by name."""
  entries = json.loads((PRETRAINED / "sources.json").read_text())
  for name, entry in entries.items():
    if "archive" in entry:
      entry["archive"] = downloads.Archive(**entry["archive"])
    entries[name] = Source(name, **entry)
  return entries


def load(source: str | os.PathLike) -> dict[str, np.ndarray]:
  """Returns weights by name. Half-precision ones come as float32.

  Args:
    source: A name of the manifest, or the path of an `.npz`, of a file of
      PyTorch (`.pth`, `.pt`) or of pickled NumPy arrays (`.ckpt`, `.pkl`). No
      code in a file is run. Names of nested dictionaries are joined by `|`.

  Raises:
    MissingWeights: if the file is not here and cannot be fetched; the message
      says what to do.
    ValueError: if there is no such name, the checksum of a file that is here is
      wrong, or it is damaged or holds anything but arrays.
  """
  arrays = {}
  for path in locate(source):
    arrays.update(_READERS[path.suffix](path))
  return unpacked(arrays)


def locate(source: str | os.PathLike) -> list[pathlib.Path]:
  """Returns the files of `source`, fetched if need be; raises as `load`."""
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
      f"there is no file {path}. Put it there; a saved model whose loss names "
      "it loads without it by compile=False."
    )
  return [path]


def present(source: Source) -> list[pathlib.Path]:
  """Returns the files of a manifest entry where they are here, or nothing.

  Raises:
    ValueError: if a file has another checksum than the manifest's; those that
      come with the package are not read for that here.
  """
  for place in _places(source):
    smaller = place / _packed_name(source)
    if smaller.is_file():
      return [smaller]  # by `tfpercept weights pack`, so of no known checksum
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
  """Yields the folders to look in."""
  folder = os.environ.get("TFPERCEPT_WEIGHTS")
  if folder:
    yield pathlib.Path(folder)
  yield PRETRAINED if source.shipped else cache()


def _packed_name(source: Source) -> str:
  return f"{source.name}.npz"


def verify(source: Source) -> tuple[list[pathlib.Path], bool]:
  """Looks for files as `present` does, and checks shipped ones as well.

  Returns:
    The files, and whether they are as published: of weights that somebody
    packed there is nothing to check them by.

  Raises:
    ValueError: if a file has another checksum than the manifest's.
  """
  found = present(source)
  if not found or found[0].name == _packed_name(source):
    return found, False
  if source.shipped:
    _check_present(found, source)
  return found, True


def cache() -> pathlib.Path:
  """Folder that downloads are kept in; it need not exist.

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
  """Puts weights into a folder and returns the file; says so on stderr.

  Args:
    name: A name of the manifest, of weights that do not come with the package.
    folder: The user's cache by default.
    source: A copy that is here already: of the file, or of the archive that it
      is published in. By default it is downloaded, unless it is in the folder.

  Raises:
    MissingWeights: if it cannot be had or kept, which is said before it is
      downloaded, or what came is not what was published.
    ValueError: if there is no such name, or the checksum of `source` is wrong.
      Either way nothing is left behind and nothing that was there is changed.
  """
  wanted = _named(name)
  if wanted.shipped:
    raise MissingWeights(f"{name} comes with tfpercept, and is not there")
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
  """Raises MissingWeights if weights could not be kept once they are here."""
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
    f"tfpercept: downloading {wanted.origin} to {path}; licence: "
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
  """Takes the member out of an archive; the file itself is copied."""
  archive = wanted.archive
  if not archive or published.stat().st_size == wanted.bytes:
    shutil.copyfile(published, out)
    return
  _check_fetched(published, archive, origin)
  downloads.extract(published, archive.member, out, size=wanted.bytes)


def _difference(paths: list[pathlib.Path], size: int, sha256: str) -> str:
  """Says how files, one behind the other, differ from those wanted."""
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
      "path to use it all the same, or take it away to have it fetched."
    )


def _check_fetched(path: pathlib.Path, wanted: Any, origin: Any) -> None:
  difference = _difference([path], wanted.bytes, wanted.sha256)
  if difference:
    raise ValueError(f"{origin} is not what was published: {difference}")


def _advice(wanted: Source, path: pathlib.Path, why: Any) -> str:
  return (
    f"{wanted.name} is not here and was not downloaded: {why}. With a network, "
    f"run `tfpercept weights fetch {wanted.name}`; without one, bring "
    f"{wanted.origin} and add `--from=FILE`, or put it at {path}. Licence: "
    f"{wanted.licence}."
  )


def find(model: str | os.PathLike) -> pathlib.Path:
  """Returns the folder of a trained model.

  Args:
    model: The path of an existing folder, or a name from `shipped()`.

  Raises:
    ValueError: if it is neither; the message has the nearest name.
  """
  folder = pathlib.Path(model)
  if folder.is_dir():
    return folder
  names = shipped()
  if str(model) in names:
    return PRETRAINED / str(model)
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

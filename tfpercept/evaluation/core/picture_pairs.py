"""Which picture file is compared with which."""

import collections
import dataclasses
import pathlib
from collections.abc import Sequence

from tfpercept.io import files


@dataclasses.dataclass(frozen=True)
class Pair:
  """A picture to measure and the picture it should be.

  Attributes:
    name: Name of the pair in tables.
    reference: Path of the undistorted picture.
    image: Path of the picture to measure.
  """

  name: str
  reference: pathlib.Path
  image: pathlib.Path


@dataclasses.dataclass(frozen=True)
class Found:
  """Result of `find` for one folder, or for the files given.

  Attributes:
    folder: Name of the folder; empty if there is only one.
    pairs: Pairs to compare.
    failures: Reasons, by the path of a picture without counterpart.
  """

  folder: str
  pairs: list[Pair]
  failures: dict[str, str]


def find(
  reference: files.PathLike,
  images: Sequence[files.PathLike],
  *,
  is_recursive: bool = False,
) -> list[Found]:
  """Returns the pairs to compare with one reference, a file or a folder.

  Args:
    reference: A picture file or a folder of pictures.
    images: Files to compare with a reference file; or folders, whose pictures
      are matched with the reference by name without suffix. Folders of the same
      name are told apart by their paths.
    is_recursive: Whether the folders below are searched, too. Pictures then
      match by their paths in the reference and in each of the folders.

  Raises:
    ValueError: as `find_pairs`; if files and folders are mixed, or something is
      given twice.
  """
  reference, paths = pathlib.Path(reference), [pathlib.Path(i) for i in images]
  if len({files.resolved(path) for path in paths}) < len(paths):
    raise ValueError(f"given twice: {', '.join(map(str, paths))}")
  are_folders = {path.is_dir() for path in paths}
  if len(paths) > 1 and len(are_folders) > 1:
    raise ValueError("give pictures or folders to compare, not both")
  if True not in are_folders:
    pairs = [find_pairs(reference, path)[0][0] for path in paths]
    names = collections.Counter(pair.name for pair in pairs)
    return [
      Found(
        "",
        [
          dataclasses.replace(p, name=str(p.image)) if names[p.name] > 1 else p
          for p in pairs
        ],
        {},
      )
    ]
  names = collections.Counter(files.resolved(path).name for path in paths)
  found = []
  for path in paths:
    name = files.resolved(path).name
    name = "" if len(paths) == 1 else name if names[name] == 1 else str(path)
    in_folder = _named_as if reference.is_file() else find_pairs
    pairs_and_failures = in_folder(reference, path, is_recursive=is_recursive)
    found.append(Found(name, *pairs_and_failures))
  return found


def find_pairs(
  reference: files.PathLike,
  image: files.PathLike,
  *,
  is_recursive: bool = False,
) -> tuple[list[Pair], dict[str, str]]:
  """Returns the pairs to compare, and the pictures without counterpart.

  Args:
    reference: A picture file or a folder of pictures.
    image: A file if `reference` is a file, else a folder. Pictures directly in
      the two folders are matched by name without suffix.
    is_recursive: Whether those in folders below are matched, too, by their
      paths in the two folders.

  Raises:
    ValueError: if one is a file and one a folder, one is missing, or a folder
      holds no picture.
  """
  paths = pathlib.Path(reference), pathlib.Path(image)
  for path in paths:
    if not path.exists():
      raise ValueError(f"expected a picture or a folder; {path} is neither")
  are_folders = [path.is_dir() for path in paths]
  if not any(are_folders):
    return [Pair(paths[1].name, *paths)], {}
  if not all(are_folders):
    raise ValueError(
      f"give two pictures or two folders; {paths[are_folders.index(False)]} is "
      f"no folder and {paths[are_folders.index(True)]} is one"
    )
  references, images = (_by_stem(path, is_recursive) for path in paths)
  pairs, failures = [], {}
  for stem in sorted({**references, **images}):
    found = references[stem], images[stem]
    counts = tuple(map(len, found))
    if counts == (1, 1):
      pairs.append(Pair(_inner(found[1][0], paths[1]), *(f[0] for f in found)))
    elif 0 in counts:
      alone, missing = paths if counts[1] == 0 else paths[::-1]
      name = _inner((found[0] or found[1])[0], alone)
      failures[f"{alone}/{name}"] = f"no picture of that name in {missing}"
    else:
      names = ", ".join(p.name for twins in found for p in twins)
      failures[stem] = f"the name is ambiguous: {names}"
  return pairs, failures


def _named_as(
  reference: pathlib.Path, folder: pathlib.Path, *, is_recursive: bool
) -> tuple[list[Pair], dict[str, str]]:
  """Returns the picture of a folder that is called as the reference.

  With the folders below, it may stand in any of them.
  """
  by_stem = _by_stem(folder, is_recursive)
  stems = [s for s in by_stem if pathlib.Path(s).name == reference.stem]
  found = [path for stem in stems for path in by_stem[stem]]
  if len(found) > 1:
    names = ", ".join(path.name for path in found)
    return [], {f"{folder}/{reference.stem}": f"the name is ambiguous: {names}"}
  if not found:
    why = f"no picture of the name of {reference}"
    return [], {str(folder): why}
  return [Pair(found[0].name, reference, found[0])], {}


def _inner(path: pathlib.Path, folder: pathlib.Path) -> str:
  """Returns the path of a picture inside a folder."""
  return path.relative_to(folder).as_posix()


def _by_stem(
  folder: pathlib.Path, is_recursive: bool
) -> dict[str, list[pathlib.Path]]:
  """Returns the pictures of a folder by their paths in it without suffix."""
  found = collections.defaultdict(list)
  for path in files.list_images(folder, is_recursive=is_recursive):
    found[_inner(path.with_name(path.stem), folder)].append(path)
  return found

"""Settings and pictures of studies in which people rank results.

methods = {"mse": "runs/mse/out", "ms_ssim": "runs/ms_ssim/out"}
groups = study_config.find(methods, originals="photos")
made = study.make(groups, study_config.Settings(pictures=50, shared=10))
page.write("page.html", made, page.Look())
"""

import collections
import dataclasses
import pathlib
from collections.abc import Mapping

from tfpercept.evaluation.core import settings
from tfpercept.io import files

MODES = settings.MODES
Settings = settings.Study
PAGE_FORMAT = "tfpercept-ranking-page/1"
KEY_FORMAT = "tfpercept-ranking-key/1"
RESULTS_FORMAT = "tfpercept-ranking-results/1"
MAX_METHODS = 9  # each picture of a trial has a digit as its key
_NAMED = 5  # pictures, in a message


@dataclasses.dataclass(frozen=True)
class Group:
  """One picture and the results of all methods for it.

  Attributes:
    name: File name without suffix.
    results: Result files by method.
    original: The undistorted picture; None if there is none.
  """

  name: str
  results: dict[str, pathlib.Path]
  original: pathlib.Path | None = None


def find(
  methods: Mapping[str, files.PathLike],
  originals: files.PathLike | None = None,
) -> list[Group]:
  """Pairs the pictures of folders by file name without suffix.

  Args:
    methods: Folders of results by name of the method.
    originals: Folder of undistorted pictures, which may hold more than the
      other folders; None if there are none.

  Raises:
    ValueError: if there are fewer than two methods or more than nine, a folder
      holds no picture, a name is ambiguous, or a picture is missing somewhere.
  """
  if not 2 <= len(methods) <= MAX_METHODS:
    raise ValueError(
      f"a study has 2 to {MAX_METHODS} folders of results; got {len(methods)}"
    )
  found = {name: _by_stem(folder) for name, folder in methods.items()}
  stems = sorted(set().union(*found.values()))
  sources = _by_stem(originals) if originals is not None else {}
  wanted = dict(found)
  if originals is not None:
    wanted["the originals"] = sources
  for name, pictures in wanted.items():
    missing = [stem for stem in stems if stem not in pictures]
    if missing:
      more = f" and {len(missing) - _NAMED} more" * (len(missing) > _NAMED)
      raise ValueError(
        f"every folder needs the same pictures; {name} lacks "
        f"{', '.join(missing[:_NAMED])}{more}"
      )
  return [
    Group(
      stem, {name: found[name][stem] for name in methods}, sources.get(stem)
    )
    for stem in stems
  ]


def _by_stem(folder: files.PathLike) -> dict[str, pathlib.Path]:
  found = collections.defaultdict(list)
  for path in files.list_images(folder):
    found[path.stem].append(path)
  for stem, paths in found.items():
    if len(paths) > 1:
      names = ", ".join(path.name for path in paths)
      raise ValueError(f"the name {stem} is ambiguous in {folder}: {names}")
  return {stem: paths[0] for stem, paths in found.items()}

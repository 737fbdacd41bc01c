"""Layouts of human data by name, and the detection of a folder's layout."""

import collections
import dataclasses
import pathlib
from collections.abc import Iterable, Iterator, Sequence

from tfpercept.data import judgement_tables as tables
from tfpercept.data import judgements, mucped23, tid2013
from tfpercept.io import files

CHOICES = "choices.csv"
OPINIONS = "opinions.csv"


def _choices(path: pathlib.Path) -> judgements.Judgements:
  return tables.choices(path / CHOICES if path.is_dir() else path)


def _mos(path: pathlib.Path) -> judgements.Judgements:
  return tables.opinions(path / OPINIONS if path.is_dir() else path)


def _dmos(path: pathlib.Path) -> judgements.Judgements:
  path = path / OPINIONS if path.is_dir() else path
  return tables.opinions(path, lower_is_better=True)


LAYOUTS = {
  "bapps2afc": judgements.bapps_2afc,
  "bappsjnd": judgements.bapps_jnd,
  "gan2afc": tables.gan_2afc,
  "mucped23": mucped23.read,
  "choices": _choices,
  "mos": _mos,
  "dmos": _dmos,
  "tid2013_genuine": tid2013.genuine,
  "tid2013_resynth": tid2013.resynthesized,
}
"""Readers by name of the layout. Each takes a folder; those of `choices`, `mos`
and `dmos` also take a table."""

# Names that identify a layout if a folder has all of them.
_MARKS = {
  "bapps2afc": ("ref", "p0", "p1", "judge"),
  "bappsjnd": ("p0", "p1", "same"),
  "gan2afc": ("judgements.csv", "images"),
  "mucped23": (mucped23.ANSWERS, mucped23.ORIGINALS),
  "choices": (CHOICES,),
  "mos": (OPINIONS,),
  "tid2013_genuine": ("ref", "dist", "results_official.csv"),
  "tid2013_resynth": ("recipe.csv",),
}
_WITH_SUBSETS = ("bapps2afc", "bappsjnd")
_DEPTH = 2  # levels of subfolders in which data are looked for


def load(
  path: files.PathLike, layout: str = "auto"
) -> list[judgements.Judgements]:
  """Reads the human data in a folder, or in the folders below it.

  Args:
    path: Path of the folder of a data set, of a folder of such folders, or of a
      table.
    layout: Name of the layout, one of `LAYOUTS`, or `"auto"` to detect it.

  Returns:
    One set; with `"auto"` all sets that are found, at least one.

  Raises:
    ValueError: if there is no set, or one is damaged as a whole.
  """
  path = pathlib.Path(path)
  if layout != "auto":
    if layout not in LAYOUTS:
      raise ValueError(
        f"layout is auto or one of {', '.join(LAYOUTS)}; got {layout!r}"
      )
    return [LAYOUTS[layout](path)]
  if not path.is_dir():
    raise ValueError(
      f"expected a folder of human judgements; {path} is not a folder. A table "
      "needs --layout=choices, mos or dmos."
    )
  found = list(_found(path, _DEPTH))
  if not found:
    raise ValueError(
      f"no human judgements in {path} or {_DEPTH} folders below it; the "
      f"layouts are {', '.join(LAYOUTS)}"
    )
  return _told_apart(
    [(folder, LAYOUTS[name](folder)) for name, folder in found]
  )


def load_all(
  paths: Iterable[files.PathLike], layout: str = "auto"
) -> list[judgements.Judgements]:
  """Reads human data in several places.

  Sets with the same name get their paths added to it.

  Raises:
    ValueError: for the reasons of `load`, or if a place is given twice.
  """
  places = [pathlib.Path(path) for path in paths]
  if len({files.resolved(place) for place in places}) < len(places):
    raise ValueError(
      f"data are given twice in {', '.join(map(str, places))}; give each once"
    )
  return _told_apart([(p, data) for p in places for data in load(p, layout)])


def _told_apart(
  found: Sequence[tuple[pathlib.Path, judgements.Judgements]],
) -> list[judgements.Judgements]:
  counts = collections.Counter(data.name for _, data in found)
  return [
    dataclasses.replace(data, name=f"{data.name} of {place}")
    if counts[data.name] > 1
    else data
    for place, data in found
  ]


def layout_of(folder: pathlib.Path) -> str | None:
  """Returns the layout of a folder by its content, or None.

  Raises:
    ValueError: if the content fits two layouts.
  """
  fitting = [
    name
    for name, marks in _MARKS.items()
    if all((folder / mark).exists() for mark in marks)
  ]
  if len(fitting) > 1:
    raise ValueError(
      f"{folder} holds {' and '.join(fitting)}; say which with --layout"
    )
  if fitting:
    return fitting[0]
  for name in _WITH_SUBSETS:
    if any(
      all((part / mark).is_dir() for mark in _MARKS[name])
      for part in judgements.subfolders(folder, _MARKS[name][-1])
    ):
      return name
  return None


def _found(
  folder: pathlib.Path, depth: int
) -> Iterator[tuple[str, pathlib.Path]]:
  layout = layout_of(folder)
  if layout is not None:
    yield layout, folder
  elif depth:
    for below in sorted(p for p in folder.iterdir() if p.is_dir()):
      if files.is_system_file(below):
        continue
      yield from _found(below, depth - 1)

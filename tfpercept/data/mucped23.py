"""The reader of mucped23: single answers of people on pairs of JPEG files."""

import functools
import math
import pathlib
from collections.abc import Callable

from tfpercept.data import csv_tables
from tfpercept.data.judgements import (
  Judgement,
  Judgements,
  Picture,
  checked,
  picture,
)
from tfpercept.io import files

ANSWERS = "answers.csv"
ORIGINALS = "originals"
_ELO = "elo.csv"
_SUFFIXES = (".png", ".jpg", ".jpeg", ".webp")


def read(folder: files.PathLike) -> Judgements:
  """Reads a folder in the layout of mucped23.

  `originals` holds `NAME.png`, and a folder for each method holds `NAME.png` or
  `NAME.jpg`. A line of `answers.csv` is one answer of one person and becomes
  one judgement. Its `answerValue`, A or B, names the picture that looked
  farther from the original. The published table does not say so; read the other
  way round, people contradict the published ranking of the methods. If the
  folder holds the published `elo.csv` as well, that ranking is one of
  `published`.

  Args:
    folder: Path of the folder, as published or with other suffixes of pictures.

  Returns:
    Forced choices, whose contents are the originals. Answers about a method
    without any picture are counted in the note; other faults are `failures`.

  Raises:
    ValueError: if a table is missing or damaged, or there is no usable answer.

  Source: Versari, Szabadka, Bruse, Alakuijala, "Multi-bitrate JPEG compression
  perceptual evaluation dataset 2023".
  """
  folder = pathlib.Path(folder)
  # A picture is looked for once, and not for each of its 500 answers.
  find = functools.cache(functools.partial(_picture, folder))
  items, failures, absent = [], {}, 0
  for row in csv_tables.read(
    folder / ANSWERS, ("methodA", "methodB", "originalName", "answerValue")
  ):
    name = f"line {row.line}"
    try:
      methods = row["methodA"], row["methodB"]
      if not all((folder / _plain(method)).is_dir() for method in methods):
        absent += 1
        continue
      items.append(_answer(name, methods, row, find))
    except ValueError as error:
      failures[name] = str(error)
  note = "each judgement is the answer of one person"
  if absent:
    note += f"; {absent} answers are left out, whose methods have no pictures"
  return checked(
    Judgements(
      files.resolved(folder).name, "2afc", tuple(items), failures,
      _published(folder, items), note, is_single=True,
    ),
    folder,
  )  # fmt: skip


def _answer(
  name: str,
  methods: tuple[str, str],
  row: csv_tables.Row,
  find: Callable[[str, str], Picture],
) -> Judgement:
  """Returns the judgement of a line, named `name`."""
  content, farther = row["originalName"], row["answerValue"]
  if farther not in ("A", "B"):
    raise ValueError(f"answerValue is {farther!r}, neither A nor B")
  if methods[0] == methods[1]:
    raise ValueError(f"{methods[0]} is compared with itself")
  reference, *images = (find(m, content) for m in (ORIGINALS, *methods))
  # The second picture is nearer if the first one looked farther.
  return Judgement(
    name, content, reference, tuple(images), float(farther == "A")
  )


def _picture(folder: pathlib.Path, method: str, content: str) -> Picture:
  paths = [
    folder / _plain(method) / (_plain(content) + suffix) for suffix in _SUFFIXES
  ]
  found = [path for path in paths if path.is_file()]
  if len(found) > 1:
    names = " and ".join(path.name for path in found)
    raise ValueError(f"{method} has {content} twice: {names}")
  if not found:
    raise ValueError(f"{method} has no picture {content}")
  return picture(found[0])


def _plain(name: str) -> str:
  """Returns `name`, which has to be that of an entry of a folder."""
  if not name.replace("-", "").replace("_", "").replace(".", "").isalnum():
    raise ValueError(f"{name!r} is not the name of a method or of a picture")
  return name


def _published(
  folder: pathlib.Path, items: list[Judgement]
) -> dict[str, dict[str, float]]:
  """Returns the published Elo of each picture's method as a distance."""
  path = folder / _ELO
  if not path.is_file():
    return {}
  elo = {}
  for row in csv_tables.read(path, ("method", "elo")):
    try:
      elo[row["method"]] = row.number("elo")
    except ValueError as error:
      raise ValueError(f"{path}, line {row.line}: {error}") from error
  values = {}
  for item in items:
    values[item.reference.key] = -math.inf
    for image in item.images:
      method = pathlib.Path(image.key).parent.name
      if method in elo:
        values[image.key] = -elo[method]
  return {"Elo of the method": values}

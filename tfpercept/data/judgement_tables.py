"""Human answers in tables: forced choices and mean opinion scores."""

import csv
import math
import pathlib
from collections.abc import Callable, Iterable, Iterator

from tfpercept import files
from tfpercept.data.judgements import (
  Judgement,
  Judgements,
  Picture,
  checked,
  in_unit,
  picture,
)

_MAX_TABLE_BYTES = 64 << 20
_SUFFIXES = (".webp", ".png", ".jpg")  # of the pictures of gan_2afc


def gan_2afc(folder: files.PathLike) -> Judgements:
  """Reads the Generative Image Database (HiFiC, ESRGAN and ArNet images).

  `judgements.csv` names pairs of images; `images/` holds them with the
  originals, which are the references and in some pairs one of the images.
  Pairs of two contents are no question about a distance to one reference, and
  HEVC images are no part of the data base: both are counted in the note. Other
  images that are missing make `failures`. `metrics_published.csv`, if there,
  becomes `published`.

  Raises:
    ValueError: if the table is missing, damaged or has no usable pair.
  """
  folder = pathlib.Path(folder)
  items, failures, mixed, absent = [], {}, 0, 0
  for row in table(
    folder / "judgements.csv",
    ("pair", "image_a", "model_a", "quality_a", "image_b", "model_b",
     "quality_b", "n_subjects", "n_ones"),
  ):  # fmt: skip
    name = f"pair {row['pair']}"
    try:
      content = _whole(row, "image_a")
      if content != _whole(row, "image_b"):
        mixed += 1
        continue
      if "hevc" in (row["model_a"], row["model_b"]):
        absent += 1
        continue
      people, ones = _whole(row, "n_subjects"), _whole(row, "n_ones")
      if not 0 <= ones <= people or not people:
        raise ValueError(f"{ones} of {people} people chose B")
      reference, *images = (
        _gan_picture(folder, content, model, quality)
        for model, quality in (
          ("original", ""),
          (row["model_a"], row["quality_a"]),
          (row["model_b"], row["quality_b"]),
        )
      )
    except ValueError as error:
      failures[name] = str(error)
      continue
    items.append(
      Judgement(name, str(content), reference, tuple(images), ones / people)
    )
  trivial = sum(item.reference in item.images for item in items)
  note = (
    f"{trivial} of the pairs hold the original itself, which every distance "
    f"finds; left out are {mixed} pairs of two contents and {absent} with HEVC "
    "images, which the data base lacks"
  )
  return checked(
    Judgements(
      folder.resolve().name, "2afc", tuple(items), failures,
      _gan_published(folder), note,
    ),
    folder,
  )  # fmt: skip


def choices(path: files.PathLike) -> Judgements:
  """Reads a table of two-alternative forced choices.

  Columns: `reference`, `first`, `second` (pictures beside the table or in a
  subfolder), `share` of people who found the second nearer, and, if wanted,
  `content` (else the reference is it) and `subset`.

  Raises:
    ValueError: if the table is damaged or has no usable row.
  """
  path = pathlib.Path(path)
  columns = ("reference", "first", "second", "share")
  return _from_table(path, "2afc", columns, ("first", "second"), _share)


def opinions(
  path: files.PathLike, *, lower_is_better: bool = False
) -> Judgements:
  """Reads a table of mean opinion scores.

  Columns: `image`, `reference` (pictures beside the table or in a subfolder),
  `score`, and, if wanted, `content` (else the reference is it) and `subset`.

  Args:
    path: The table, CSV with a header.
    lower_is_better: Whether scores are differences to the original's (DMOS).

  Raises:
    ValueError: if the table is damaged or has no usable row.
  """
  sign = -1.0 if lower_is_better else 1.0
  return _from_table(
    pathlib.Path(path),
    "mos",
    ("image", "reference", "score"),
    ("image",),
    lambda row: sign * number(row, "score"),
  )


def table(
  path: pathlib.Path, columns: Iterable[str]
) -> Iterator[dict[str, str]]:
  """Yields the rows of a CSV file that has at least these columns.

  Raises:
    ValueError: if the file is missing, too large, no text or lacks a column.
  """
  if not path.is_file():
    raise ValueError(f"expected a table; {path} does not exist")
  if path.stat().st_size > _MAX_TABLE_BYTES:
    raise ValueError(
      f"{path} is larger than the {_MAX_TABLE_BYTES >> 20} MiB of a table"
    )
  try:
    with open(path, encoding="utf-8-sig", newline="") as file:
      reader = csv.DictReader(file)
      missing = set(columns) - set(reader.fieldnames or ())
      if missing:
        raise ValueError(
          f"{path} lacks the columns {', '.join(sorted(missing))}; it has "
          f"{', '.join(reader.fieldnames or ()) or 'none'}"
        )
      for row in reader:
        yield {k: v or "" for k, v in row.items() if k is not None}
  except (csv.Error, UnicodeDecodeError) as error:
    raise ValueError(f"{path} is no table: {error}") from error


def number(row: dict[str, str], column: str) -> float:
  """Returns a finite number of a row; ValueError says what stands there."""
  try:
    value = float(row[column])
  except ValueError:
    value = math.nan
  if not math.isfinite(value):
    raise ValueError(f"{column} is {row[column]!r}, no finite number")
  return value


def _from_table(
  path: pathlib.Path,
  kind: str,
  columns: tuple[str, ...],
  images: tuple[str, ...],
  answer: Callable[[dict[str, str]], float],
) -> Judgements:
  find = _Pictures(path.parent)
  items, failures = [], {}
  for line, row in enumerate(table(path, columns), start=2):
    name = f"line {line}"
    try:
      reference, *judged = (
        picture(find(row[role])) for role in ("reference", *images)
      )
      value = answer(row)
    except ValueError as error:
      failures[name] = str(error)
      continue
    content = row.get("content") or row["reference"]
    items.append(
      Judgement(
        name, content, reference, tuple(judged), value, row.get("subset", "")
      )
    )
  return checked(Judgements(path.stem, kind, tuple(items), failures), path)


class _Pictures:
  """Finds the pictures that a table names, whatever the case of letters.

  They lie beside the table or in a subfolder, which the name may leave out.
  """

  def __init__(self, folder: pathlib.Path):
    self._folder = folder
    self._found: dict[str, pathlib.Path] = {}
    for path in sorted([*folder.glob("*/*.*"), *folder.glob("*.*")]):
      for name in (path.name, path.relative_to(folder).as_posix()):
        self._found[name.lower()] = path

  def __call__(self, name: str) -> pathlib.Path:
    """Returns the path; ValueError if there is no such picture."""
    if name.lower() not in self._found:
      raise ValueError(
        f"there is no {name!r} in {self._folder} or its subfolders"
      )
    return self._found[name.lower()]


def _share(row: dict[str, str]) -> float:
  return in_unit(number(row, "share"), "share")


def _whole(row: dict[str, str], column: str) -> int:
  try:
    return int(row[column])
  except ValueError:
    raise ValueError(f"{column} is {row[column]!r}, no whole number") from None


def _gan_picture(
  folder: pathlib.Path, content: int, model: str, quality: str
) -> Picture:
  stem = "_".join(filter(None, (f"{content:05}", model, quality)))
  if not stem.replace("_", "").isalnum():
    raise ValueError(f"{stem!r} is no name of a picture")
  for suffix in _SUFFIXES:
    path = folder / "images" / (stem + suffix)
    if path.is_file():
      return picture(path)
  raise ValueError(f"there is no image {stem}")


# The full-reference measures of the table, with the sign that makes them
# distances and the value of an identical pair.
_GAN_MEASURES = {
  "MSE": (1, 0.0),
  "PSNR": (-1, math.inf),
  "SSIM": (-1, 1.0),
  "MS-SSIM": (-1, 1.0),
  "VIF": (-1, 1.0),
  "FSIM": (-1, 1.0),
}


def _gan_published(folder: pathlib.Path) -> dict[str, dict[str, float]]:
  path = folder / "metrics_published.csv"
  if not path.is_file():
    return {}
  values: dict[str, dict[str, float]] = {name: {} for name in _GAN_MEASURES}
  for row in table(path, ("ID", "Model", "Quality", *_GAN_MEASURES)):
    content = _whole(row, "ID")
    try:
      image = _gan_picture(folder, content, row["Model"], row["Quality"])
      original = _gan_picture(folder, content, "original", "")
    except ValueError:
      continue  # it is about images that are not here
    for name, (sign, identical) in _GAN_MEASURES.items():
      values[name][image.key] = sign * number(row, name)
      values[name][original.key] = sign * identical
  return values

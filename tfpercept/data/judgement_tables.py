"""Human answers in tables: forced choices and mean opinion scores."""

import collections
import math
import pathlib
from collections.abc import Callable

from tfpercept.data import csv_tables, named_files
from tfpercept.data.judgements import (
  Judgement,
  Judgements,
  Picture,
  checked,
  in_unit,
  picture,
)
from tfpercept.io import files

_SUFFIXES = (".webp", ".png", ".jpg")  # suffixes of the pictures of gan_2afc


def gan_2afc(folder: files.PathLike) -> Judgements:
  """Reads the Generative Image Database (HiFiC, ESRGAN and ArNet images).

  `judgements.csv` names pairs of images. `images/` holds them and the
  originals, which are the references and in some pairs one of the images. Pairs
  of two contents have no common reference, and HEVC images are not in the data
  base: both are counted in the note. Other missing images become `failures`.
  `metrics_published.csv`, if it exists, becomes `published`.

  Raises:
    ValueError: if the table is missing, damaged or has no usable pair.
  """
  folder = pathlib.Path(folder)
  items, failures, mixed, absent = [], {}, 0, 0
  for row in csv_tables.read(
    folder / "judgements.csv",
    ("pair", "image_a", "model_a", "quality_a", "image_b", "model_b",
     "quality_b", "n_subjects", "n_ones"),
  ):  # fmt: skip
    name = f"line {row.line}" if row.fault else f"pair {row['pair']}"
    if name in failures:
      name += f" in line {row.line}"
    try:
      content = row.whole("image_a")
      if content != row.whole("image_b"):
        mixed += 1
        continue
      if "hevc" in (row["model_a"], row["model_b"]):
        absent += 1
        continue
      items.append(_gan_judgement(folder, row, name, content))
    except ValueError as error:
      failures[name] = str(error)
  trivial = sum(item.reference in item.images for item in items)
  note = (
    f"{trivial} of the pairs hold the original itself, which every distance "
    f"finds; left out are {mixed} pairs of two contents and {absent} with HEVC "
    "images, which the data base lacks"
  )
  return checked(
    Judgements(
      files.resolved(folder).name, "2afc", tuple(items), failures,
      _gan_published(folder), note,
    ),
    folder,
  )  # fmt: skip


def _gan_judgement(
  folder: pathlib.Path, row: csv_tables.Row, name: str, content: int
) -> Judgement:
  """Returns the judgement of a pair of images of one content."""
  people, ones = row.whole("n_subjects"), row.whole("n_ones")
  if ones > people or not people:
    raise ValueError(f"{ones} of {people} people chose B, which is impossible")
  reference, *images = (
    _gan_picture(folder, content, model, quality)
    for model, quality in (
      ("original", ""),
      (row["model_a"], row["quality_a"]),
      (row["model_b"], row["quality_b"]),
    )
  )
  return Judgement(name, str(content), reference, tuple(images), ones / people)


def choices(path: files.PathLike) -> Judgements:
  """Reads a table of two-alternative forced choices.

  Columns: `reference`, `first`, `second` (pictures beside the table or in a
  subfolder), `share` of people who found the second nearer, and optionally
  `content` (by default the reference) and `subset`.

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
  `score`, and optionally `content` (by default the reference) and `subset`.

  Args:
    path: Path of the table, CSV with a header.
    lower_is_better: If True, scores are differences from the score of the
      original (DMOS).

  Raises:
    ValueError: if the table is damaged or has no usable row.
  """
  sign = -1.0 if lower_is_better else 1.0
  return _from_table(
    pathlib.Path(path),
    "mos",
    ("image", "reference", "score"),
    ("image",),
    lambda row: sign * row.number("score"),
  )


def _from_table(
  path: pathlib.Path,
  kind: str,
  columns: tuple[str, ...],
  images: tuple[str, ...],
  answer: Callable[[csv_tables.Row], float],
) -> Judgements:
  find = named_files.NamedFiles(path.parent)
  items, failures = [], {}
  for row in csv_tables.read(path, columns):
    name = f"line {row.line}"
    try:
      paths = [find(row[role]) for role in ("reference", *images)]
      reference, *judged = map(picture, paths)
      value = answer(row)
    except ValueError as error:
      failures[name] = str(error)
      continue
    # The path that was found, since a table may spell one name in several ways.
    own = paths[0].relative_to(path.parent).as_posix()
    content = row.get("content") or own
    items.append(
      Judgement(
        name, content, reference, tuple(judged), value, row.get("subset")
      )
    )
  if kind == "mos":
    items = _judged_once(items, failures)
  return checked(Judgements(path.stem, kind, tuple(items), failures), path)


def _judged_once(
  items: list[Judgement], failures: dict[str, str]
) -> list[Judgement]:
  """Returns items whose picture has one score; others go to `failures`."""
  lines = collections.defaultdict(list)
  for item in items:
    lines[item.reference, item.images].append(item.name)
  kept = []
  for item in items:
    twins = lines[item.reference, item.images]
    if len(twins) == 1:
      kept.append(item)
    else:
      failures[item.name] = (
        f"{pathlib.Path(item.images[0].key).name} has a score in "
        f"{' and in '.join(twins)}; give one line a picture, with its mean"
      )
  return kept


def _share(row: csv_tables.Row) -> float:
  return in_unit(row.number("share"), "share")


def _gan_picture(
  folder: pathlib.Path, content: int, model: str, quality: str
) -> Picture:
  stem = "_".join(filter(None, (f"{content:05}", model, quality)))
  if not stem.replace("_", "").isalnum():
    raise ValueError(f"{stem!r} is not the name of a picture")
  paths = [folder / "images" / (stem + suffix) for suffix in _SUFFIXES]
  found = [path for path in paths if path.is_file()]
  if len(found) > 1:
    names = " and ".join(path.name for path in found)
    raise ValueError(f"the image {stem} is ambiguous: {names}")
  if not found:
    raise ValueError(f"there is no image {stem}")
  return picture(found[0])


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
  for row in csv_tables.read(path, ("ID", "Model", "Quality", *_GAN_MEASURES)):
    try:
      pair = _gan_published_pair(folder, row)
      if pair is None:
        continue
      image, original = pair
      if image.key in values["MSE"]:
        raise ValueError("the image is listed twice")
      for name, (sign, identical) in _GAN_MEASURES.items():
        values[name][image.key] = sign * row.number(name)
        values[name][original.key] = sign * identical
    except ValueError as error:
      raise ValueError(f"{path}, line {row.line}: {error}") from error
  return values


def _gan_published_pair(
  folder: pathlib.Path, row: csv_tables.Row
) -> tuple[Picture, Picture] | None:
  """Returns an image and its original if both files exist, else None."""
  content, names = row.whole("ID"), (row["Model"], row["Quality"])
  try:
    image = _gan_picture(folder, content, *names)
    original = _gan_picture(folder, content, "original", "")
  except ValueError:
    return None
  return None if image == original else (image, original)

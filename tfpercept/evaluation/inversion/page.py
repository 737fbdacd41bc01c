"""The page of the table of small pictures."""

from collections.abc import Mapping, Sequence

import numpy as np

from tfpercept.evaluation.inversion import measure, methods, table
from tfpercept.reports import gallery, page

_SHOWN = 6  # pictures of a part
_SCALE = 2  # a pixel of a small picture is shown as so many


def write(
  path: str,
  title: str,
  parts: Mapping[str, Mapping[str, measure.Row]],
  pictures: Mapping[str, tuple[np.ndarray, Mapping[str, methods.Coded]]],
  notes: Sequence[str],
  trajectory: Mapping[str, Sequence[gallery.Card]] | None = None,
) -> None:
  """Writes the page with tables and pictures.

  Args:
    path: Path of the page.
    title: Heading.
    parts: Figures of the methods, by the name of the part.
    pictures: Originals and what the methods left of them, by the same names.
    notes: Paragraphs before the tables.
    trajectory: Rows of pictures of a search, by name; None for none.
  """
  sections = [page.section("What is compared", *map(page.paragraph, notes))]
  for name, rows in parts.items():
    originals, coded = pictures[name]
    sections.append(
      page.section(
        name, page.grid(table.lines(rows)), _strip(name, originals, coded)
      )
    )
  if trajectory:
    heads = [f"{i + 1}" for i in range(len(next(iter(trajectory.values()))))]
    shown = gallery.strip("The search on its way", heads, trajectory)
    sections.append(page.section("Search", shown))
  summary = "Small pictures as files: bytes, errors, and what is seen."
  page.Page(title, summary, sections).write(path)


def enlarged(image: np.ndarray) -> np.ndarray:
  """Returns a small picture with larger pixels."""
  return image.repeat(_SCALE, axis=0).repeat(_SCALE, axis=1)


def _strip(
  name: str, originals: np.ndarray, coded: Mapping[str, methods.Coded]
) -> str:
  """Returns some pictures of a part, a row for each method."""
  places = np.linspace(0, len(originals) - 1, _SHOWN).astype(int)
  places = np.unique(places)
  rows = {
    "original": [gallery.Card("", enlarged(originals[i])) for i in places]
  }
  for method, found in coded.items():
    rows[method] = [
      gallery.Card(f"{found.sizes[i]} bytes", enlarged(found.images[i]))
      for i in places
    ]
  return gallery.strip(f"{name}: pictures", [f"{i}" for i in places], rows)

"""The page of blind spots of one reference."""

import dataclasses

import numpy as np

from tfpercept.evaluation.core import machine
from tfpercept.evaluation.stress import blindspots
from tfpercept.io import files
from tfpercept.reports import charts, gallery, page

_SUMMARY = (
  "Each picture minimises one distance over its pixels. If the distance is as "
  "small as it got, the errors that remain are its blind spot. If it was still "
  "falling, more steps may remove them."
)
_VALUES = (
  "Below each picture are its values in every distance, also as percentages "
  "of the values at the start. The line of the minimised distance is marked."
)
_HEADS = {"noise": "From noise", "held": "From the reference, {held} held"}
_HOW = {
  "noise": "The start is uniform noise, the same for all.",
  "held": "The start is the reference with noise. {held} stays near {radius:g} "
  "while the distance falls, so these pictures are equally far in {held}.",
}
_MATRIX = (
  "Fall of a distance (column) while another (row) is minimised: log10 of its "
  "value over its value at the start. -1 is a tenth, 0 is no change, and above "
  "0 the distance grew; {low:g} stands for that and less."
)
_LOW = -6.0


def write(
  path: files.PathLike,
  name: str,
  found: blindspots.Gallery,
  settings: blindspots.Settings,
) -> None:
  """Writes the page.

  Args:
    path: Path of the HTML file.
    name: Name of the reference.
    found: Pictures and values to show.
    settings: Settings of the descents.
  """
  conditions = {**dataclasses.asdict(settings), **machine.facts()}
  names = {"held": settings.held, "radius": settings.radius}
  sections = [_reference(found)]
  for start in found.starts:
    spots = [spot for spot in found.spots if spot.start == start]
    sections.append(
      page.section(
        _HEADS[start].format(**names),
        page.paragraph(f"{_HOW[start].format(**names)} {_VALUES}"),
        gallery.cards([_card(found, spot) for spot in spots]),
        *_matrix(found, start),
      )
    )
  if found.missing:
    sections.append(page.section("Left out", page.facts(found.missing)))
  height, width = found.reference.shape[:2]
  conditions = {"Size": f"{width}x{height}", **conditions}
  sections.append(page.section("Settings", page.facts(conditions)))
  page.Page(f"Blind spots: {name}", _SUMMARY, sections).write(path)


def matrix(
  found: blindspots.Gallery, start: str
) -> tuple[np.ndarray, list[str], list[str]]:
  """Returns log10 of values over those of the start, and its two sides.

  Rows are the distances that were minimised, columns those that were measured.
  A value of 0 gives minus infinity.
  """
  rows = [spot.spec for spot in found.spots if spot.start == start]
  at_start = found.values[start, None]
  columns = list(at_start)
  with np.errstate(divide="ignore", invalid="ignore"):
    ratios = np.log10(
      [
        [np.divide(found.values[start, r][c], at_start[c]) for c in columns]
        for r in rows
      ]
    )
  return ratios, rows, columns


def _reference(found: blindspots.Gallery) -> str:
  shown = [gallery.Card("reference", found.reference)]
  for name, picture in found.starts.items():
    values = found.values[name, None]
    rows = {spec: [_number(value)] for spec, value in values.items()}
    shown.append(gallery.Card(f"start: {name}", picture, rows))
  return page.section("Reference and starts", gallery.cards(shown))


def _card(found: blindspots.Gallery, spot: blindspots.Spot) -> gallery.Card:
  at_start = found.values[spot.start, None]
  rows = {
    spec: [_number(value), _share(value, at_start[spec])]
    for spec, value in found.values[spot.start, spot.spec].items()
  }
  return gallery.Card(
    spot.spec, spot.picture, rows, marked=spot.spec, note=_note(spot)
  )


def _note(spot: blindspots.Spot) -> str:
  if spot.is_at_rest:
    return "as small as it got"
  if spot.late is None:
    return "how far it could fall is not known"
  return (
    f"still falling: {100 * spot.late:.2g} % of its way down came in the "
    "second half of the steps"
  )


def _matrix(found: blindspots.Gallery, start: str) -> list[str]:
  ratios, rows, columns = matrix(found, start)
  if not rows:
    return []
  drawn = charts.heat_map(
    np.maximum(ratios, _LOW),
    rows,
    columns,
    span=(-3.0, 0.0),
    title="minimised (row), measured (column)",
  )
  return [
    page.paragraph(_MATRIX.format(low=_LOW)),
    page.image_tag(drawn, "Minimised distances against measured distances"),
  ]


def _number(value: float) -> str:
  return f"{value:.3g}"


def _share(value: float, start: float) -> str:
  return f"{100 * value / start:.3g} %" if start else "from 0"

"""The page of error maps over a ladder, and of rank correlations."""

import pathlib
from collections.abc import Mapping, Sequence

import numpy as np

from tfpercept.evaluation.core import machine, tiled
from tfpercept.evaluation.stress import ladder
from tfpercept.io import files
from tfpercept.reports import charts, gallery, page

PAGE, MATRIX, VALUES = "ladder.html", "rank_correlation.png", "values.csv"

_MAP_QUANTILE = 0.995  # where a colour scale ends
_SUMMARY = (
  "Noise, blur, JPEG, a shift and loss of contrast, at five levels each: error "
  "maps of distances, and the correlation of their ranks."
)
_MAPS = (
  "Each distance has one color scale on the whole page: from 0, black, to the "
  "number at its head, yellow, which is the 99.5th percentile of all its maps. "
  "The value is below each map. Maps are shown at half their size."
)
_REDUCED = 2  # or the page would have tens of megabytes
_RANKS = (
  "Spearman's rank correlation between two distances over {count} distorted "
  "pictures: {rungs} rungs for each of {pictures} pictures. 1 means the same "
  "order."
)


def write(
  folder: files.PathLike,
  rungs: Mapping[str, Sequence[ladder.Rung]],
  references: Mapping[str, np.ndarray],
  *,
  missing: Mapping[str, str],
  conditions: Mapping[str, object],
) -> pathlib.Path:
  """Writes the page, the matrix as PNG and the values as CSV.

  Args:
    folder: Folder to write to.
    rungs: Rungs by name of the picture. Those of the first picture, which is
      shown, have error maps.
    references: Originals by name, uint8 `[H, W, C]`.
    missing: Reasons why distances are left out, by name.
    conditions: Further facts for the reader, by name.

  Returns:
    The path of the page.
  """
  folder = pathlib.Path(folder)
  everything = [rung for found in rungs.values() for rung in found]
  matrix, specs = ladder.rank_correlation(everything)
  drawn = charts.heat_map(
    matrix, specs, specs, span=(0.0, 1.0), title="Spearman's rank correlation"
  )
  files.write_image(folder / MATRIX, drawn)
  files.write_text(folder / VALUES, ladder.to_csv(rungs))
  shown = next(iter(rungs))
  ranks = _RANKS.format(
    count=len(everything), pictures=len(rungs), rungs=ladder.count()
  )
  sections = [
    page.section(
      "Rank correlation",
      page.paragraph(ranks),
      page.image_tag(drawn, "Matrix of rank correlations"),
    ),
    page.section(
      "Error maps",
      page.paragraph(_MAPS),
      gallery.cards([gallery.Card(shown, references[shown])]),
      *_strips(rungs[shown]),
    ),
  ]
  if missing:
    sections.append(page.section("Left out", page.facts(missing)))
  facts = {"Pictures": ", ".join(rungs), **conditions, **machine.facts()}
  sections.append(page.section("Settings", page.facts(facts)))
  page.Page(f"Ladder: {shown}", _SUMMARY, sections).write(folder / PAGE)
  return folder / PAGE


def _strips(rungs: Sequence[ladder.Rung]) -> list[str]:
  """One figure a distortion: pictures, and the maps of each distance."""
  limits = {
    spec: float(
      np.quantile([rung.maps[spec] for rung in rungs], _MAP_QUANTILE)
    ) or 1.0
    for spec in rungs[0].maps
  }  # fmt: skip
  strips = []
  for distortion in dict.fromkeys(rung.distortion for rung in rungs):
    steps = [rung for rung in rungs if rung.distortion == distortion]
    rows = {"picture": [gallery.Card("", rung.picture) for rung in steps]}
    for spec, limit in limits.items():
      rows[f"{spec}, to {limit:.3g}"] = [
        gallery.Card(
          f"{rung.values[spec]:.3g}", _colored(rung.maps[spec], limit)
        )
        for rung in steps
      ]
    heads = [f"{rung.level:g}" for rung in steps]
    strips.append(gallery.strip(distortion, heads, rows))
  return strips


def _colored(values: np.ndarray, limit: float) -> np.ndarray:
  return charts.colored(tiled.means_of_squares(values, _REDUCED) / limit)

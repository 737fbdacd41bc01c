"""The report page of toy sources and of transforms."""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from tfpercept.data import toy
from tfpercept.evaluation.toy_sources import (
  cells,
  charts,
  theory,
  transform_gains,
)
from tfpercept.io import files
from tfpercept.reports import markup, page

SIZE, RHO = 16, 0.9
"""Block and correlation of the autoregressive source."""
LIMIT = "rate-distortion function"
_TRANSFORMS = (
  f"Transforms of {SIZE} samples of an AR(1) source, correlation {RHO:g}"
)
GAIN_HEADS = ("transform", "coding gain in dB")
_MOST = 6  # functions shown of a process
_SHOWN = (-6.0, 6.0)  # values of transfer curves
_CELLS = (
  "Lines are borders of cells. Dots are reproductions; a larger dot is used "
  "more often. The density of the source is blue."
)
_FUNCTIONS = "The {most} reproductions that are used most."
_GAINS = (
  "Solid: the least rate of normal coefficients, each coded on its own "
  "(reverse water-filling). Dashed: uniform quantization and entropy coding. "
  "The coding gain is the saving of a transform in distortion at high rates."
)
_NOTES = {
  "banana": (
    "Linear codecs of the KLT cost 7.13. The published 6.87 is that of an "
    "oblique basis: each latent is nearly constant along one arm of the "
    "banana. Trainings from the KLT find it late or not at all.",
  ),
  "circle": (
    "A continuous map to the latents cannot cut the circle open (Bhadane, "
    "Wagner, Balle, 2022), so that codebooks stay ahead.",
  ),
}
_SUMMARY = (
  "Rate-constrained vector quantisation, nonlinear and linear transform coding "
  "of sources whose best codecs are known or can be drawn, and the coding "
  "gains of orthogonal transforms on a correlated source."
)
_HOW = (
  "The loss is the rate in bits a vector plus λ times the distortion, a sum of "
  "squared errors (for functions of t their mean), ± its standard error. It is "
  "measured with hard rounding on vectors that no training saw. Rates are "
  "cross entropies under the learned probabilities. The entropy of the "
  "symbols, each latent on its own, is the rate of probabilities fitted to the "
  "test set."
)


def write(
  path: files.PathLike,
  results: Sequence[theory.Result],
  *,
  conditions: Mapping[str, object],
) -> None:
  """Writes the page: tables, cells, curves and functions.

  Args:
    path: Path of the HTML file.
    results: Results of the sources, one for each.
    conditions: Conditions of the trainings, for the reader.
  """
  sections = [page.paragraph(_HOW)]
  for result in results:
    sections.append(
      page.section(
        result.title,
        _table(theory.HEADS, theory.rows(result)),
        *_drawings(toy.get(result.spec), result.codecs),
        *map(page.paragraph, _NOTES.get(result.spec, ())),
      )
    )
  sections.append(_transforms())
  sections.append(page.section("Conditions", page.facts(conditions)))
  page.Page("Toy sources", _SUMMARY, sections).write(path)


def markdown(results: Sequence[theory.Result]) -> str:
  """Returns the tables of sources and of transforms as Markdown."""
  tables: dict[str, tuple[Any, Any]] = {
    result.title: (theory.HEADS, theory.rows(result)) for result in results
  }
  tables[_TRANSFORMS] = (GAIN_HEADS, gain_rows())
  return "\n".join(
    f"## {title}\n\n{theory.markdown(*table)}\n"
    for title, table in tables.items()
  )


def to_json(results: Sequence[theory.Result]) -> dict[str, object]:
  """Returns scores by source and method, with what is published, and gains."""
  sources = {
    result.spec: {
      "lmbda": result.lmbda,
      "theory": theory.theory(toy.get(result.spec), result.lmbda),
      "methods": {
        method: {
          **dataclasses.asdict(score),
          "published": theory.published(result.spec, result.lmbda, method),
        }
        for method, score in result.scores.items()
      },
    }
    for result in results
  }
  gains = {
    name: transform_gains.coding_gain(values)
    for name, values in _variances().items()
  }
  return {"sources": sources, "coding_gains_db": gains}


def gain_rows() -> list[list[str]]:
  """Returns the cells of the table of transforms, under `GAIN_HEADS`."""
  return [
    [name, f"{transform_gains.coding_gain(values):.2f}"]
    for name, values in _variances().items()
  ]


def _variances() -> dict[str, np.ndarray]:
  """Variances of coefficients by transform, and those of endless blocks."""
  matrix = transform_gains.covariance(SIZE, RHO)
  found = {
    name: transform_gains.variances(name, matrix)
    for name in transform_gains.TRANSFORMS
  }
  return {**found, LIMIT: transform_gains.spectrum(RHO)}


def _transforms() -> str:
  curves = {
    name: transform_gains.ideal(values, levels=np.geomspace(1e-3, 20, 200))
    for name, values in _variances().items()
  }
  rounded = {
    name: transform_gains.quantized(values, steps=np.geomspace(0.1, 8, 40))
    for name, values in _variances().items()
    if name in ("identity", "KLT")
  }
  drawn = charts.rate_distortion(curves, dashed=rounded)
  return page.section(
    _TRANSFORMS,
    page.paragraph(_GAINS),
    page.image_tag(drawn, "Signal to noise ratio over rate by transform"),
    _table(GAIN_HEADS, gain_rows()),
  )


def _drawings(
  source: toy.Source, codecs: Mapping[str, theory.Codec]
) -> list[str]:
  """Cells, transfer curves or reproductions, whichever suits the source."""
  if source.dimensions == 1:
    x = np.linspace(*_SHOWN, 2001)
    curves = {
      method: cells.transfer(codec, x) for method, codec in codecs.items()
    }
    drawn = charts.transfer(curves, x)
    return [page.image_tag(drawn, f"Transfer curves of {source.spec}")]
  if cells.has_cells(source):
    note = _CELLS
    pictures = {
      method: charts.cells(cells.cells(codec, source))
      for method, codec in codecs.items()
    }
  else:
    note = _FUNCTIONS.format(most=_MOST)
    pictures = {
      method: charts.functions(cells.functions(codec, source, most=_MOST))
      for method, codec in codecs.items()
    }
  return [page.paragraph(note), _side_by_side(pictures)]


def _side_by_side(pictures: Mapping[str, np.ndarray]) -> str:
  """Two in a row where there is room."""
  figures = "".join(
    f"<figure><figcaption>{markup.escape(title)}</figcaption>"
    f"{page.image_tag(picture, title)}</figure>"
    for title, picture in pictures.items()
  )
  columns = (
    "grid-template-columns:repeat(auto-fill,minmax(min(100%,24rem),1fr))"
  )
  return f'<div class="cards" style="{columns}">{figures}</div>'


def _table(heads: Sequence[str], lines: Sequence[Sequence[str]]) -> str:
  head = "".join(f'<th scope="col">{markup.escape(h)}</th>' for h in heads[1:])
  body = "\n".join(
    f'<tr><th scope="row">{markup.escape(first)}</th>'
    + "".join(f"<td>{markup.escape(cell)}</td>" for cell in rest)
    + "</tr>"
    for first, *rest in lines
  )
  return (
    f'<div class="scroll"><table>\n<thead><tr><td></td>{head}</tr></thead>\n'
    f"<tbody>\n{body}\n</tbody>\n</table></div>"
  )

"""The page of decoders: perception-distortion planes, a table, pictures."""

from collections.abc import Mapping, Sequence

import numpy as np

from tfpercept.evaluation.core import machine
from tfpercept.evaluation.realism import decoders, measure, patches, table
from tfpercept.io import files
from tfpercept.reports import charts, page, wipe

_SUMMARY = (
  "Decoders of the same files: how near their pictures are to the originals, "
  "and how real they look."
)
_PLANES = (
  "Each point is a decoder. To the left, its pictures are nearer to their "
  "originals; below, their patches are distributed more like those of "
  "originals. No decoder of the same files can be moved to the left and down "
  "without end: the bound between the two is Blau's and Michaeli's tradeoff. A "
  "linear critic that tells nothing apart is right in half of the cases."
)
_CROPS = (
  "The square of {side} pixels with the most contrast of each picture. Move "
  "the slider with the mouse or its arrow keys."
)
_SIDE = 320  # of the squares, in pixels
_DISTORTIONS = ("mse", "lpips", "watson_dft")
_PERCEPTIONS = (
  "patch_frechet_alex",
  "patch_frechet_pim",
  "linear_critic_pim",
)


def write(
  path: files.PathLike,
  found: decoders.Judged,
  *,
  title: str,
  side: int = patches.SIDE,
  conditions: Mapping[str, object],
) -> None:
  """Writes the page.

  Args:
    path: Path of the page.
    found: Decoders, judged.
    title: Heading of the page.
    side: Side of the patches in pixels.
    conditions: Facts for the reader by name: the model, the data.
  """
  facts: dict[str, object] = dict(conditions)
  if found.bpp is not None:
    facts["Rate, bits per pixel"] = (
      f"{found.bpp.value:.3f} [{found.bpp.low:.3f}, {found.bpp.high:.3f}]"
    )
  planes = _planes(found.rows)
  sections = [
    *(
      [
        page.section(
          "Perception and distortion",
          page.paragraph(_PLANES),
          charts.planes(planes, title="Perception-distortion planes"),
        )
      ]
      if planes
      else []
    ),
    page.section("Pictures", *_pictures(found)),
    page.section(
      "Measures",
      page.grid(table.lines(found.rows)),
      page.paragraph(table.foot(found.rows, side=side)),
      page.facts({row.decoder: row.grid for row in found.rows}),
    ),
    page.section("Settings", page.facts({**facts, **machine.facts()})),
  ]
  page.Page(title, _SUMMARY, sections).write(path)


def _planes(rows: Sequence[measure.Row]) -> list[charts.Plane]:
  """Returns a plane for each distortion and perception that was measured."""
  names = table.names(rows)
  return [
    charts.Plane(x, y, _series(rows, x, y))
    for y in _PERCEPTIONS
    for x in _DISTORTIONS
    if x in names and y in names
  ]


def _series(
  rows: Sequence[measure.Row], x: str, y: str
) -> dict[str, list[tuple[str, float, float]]]:
  """Returns points by head; each starts at the faithful decoder."""
  faithful = [row for row in rows if row.decoder == decoders.FAITHFUL]
  series: dict[str, list[tuple[str, float, float]]] = {}
  for row in rows:
    head, _, strength = row.decoder.rpartition("t=")
    name = head.strip() if strength else row.decoder
    if row in faithful and len(rows) > 1:
      continue
    starts = [(f.decoder, f.value(x), f.value(y)) for f in faithful]
    points = series.setdefault(name, starts if strength else [])
    points.append((row.decoder, row.value(x), row.value(y)))
  return series


def _pictures(found: decoders.Judged) -> list[str]:
  side = min(
    [_SIDE, *(min(s.original.shape[:2]) for s in found.shown)], default=_SIDE
  )
  blocks = [wipe.ASSETS, page.paragraph(_CROPS.format(side=side))]
  for shown in found.shown:
    crop = page.busiest_square(shown.original, side)
    cards = [wipe.Shown("original", "", shown.original[crop])]
    for name, picture in shown.decoded.items():
      square = np.square(shown.original.astype(np.float64) - picture).mean()
      psnr = 10 * np.log10(255**2 / square) if square else np.inf
      cards.append(wipe.Shown(name, f"PSNR {psnr:.2f} dB", picture[crop]))
    blocks.append(
      wipe.block(shown.name, cards, left=1, right=min(2, len(cards) - 1))
    )
  return blocks

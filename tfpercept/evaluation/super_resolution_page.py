"""The report page of super-resolution."""

from collections.abc import Mapping

import numpy as np

from tfpercept import files
from tfpercept.evaluation import report, scores, super_resolution

_HOW = (
  "PSNR in dB and SSIM of studio luma rounded to 8 bits, without a border of "
  "{scale} pixels. Larger is better; the best means are bold. Each picture was "
  "reduced {scale} times bicubically and enlarged again by each method; colour "
  "is enlarged bicubically."
)


def write(
  path: files.PathLike,
  table: scores.Table,
  *,
  pictures: Mapping[str, Mapping[str, np.ndarray]],
  upscalers: Mapping[str, super_resolution.Upscaler],
  scale: int,
  map_spec: str,
  curves: Mapping[str, tuple[np.ndarray, np.ndarray]],
  conditions: Mapping[str, object],
) -> None:
  """Writes scores, details, error maps, loss curves and conditions as a page.

  Args:
    path: The HTML file.
    table: What `super_resolution.evaluate` returned.
    pictures: The pictures to show, uint8 `[H, W, 1 or 3]`, by group and name
      as in the table.
    upscalers: The methods of the table.
    scale: Factor of super-resolution.
    map_spec: The distance of the error maps.
    curves: Steps and losses by title; may be empty.
    conditions: How the methods were trained and where, for the reader.
  """
  shown = [
    _comparison(table, group, name, picture, upscalers, scale, map_spec)
    for group, members in pictures.items()
    for name, picture in members.items()
  ]
  sections = [
    report.section(
      "Scores", report.paragraph(_HOW.format(scale=scale)), report.table(table)
    ),
    report.section(
      "Side by side",
      report.paragraph(
        "The detail of each picture with the most contrast, above its "
        f"{map_spec} error map on luma. All maps share one scale."
      ),
      report.comparisons(shown, map_name=f"{map_spec} error"),
    ),
  ]
  if curves:
    sections.append(report.section("Training", report.curves(curves)))
  sections.append(report.section("Conditions", report.facts(conditions)))
  report.Page(
    f"Super-resolution, {scale} times",
    f"{', '.join(table.methods[:-1])} and {table.methods[-1]} on pictures that "
    "were not trained on.",
    sections,
  ).write(path)


def _comparison(
  table: scores.Table,
  group: str,
  name: str,
  picture: np.ndarray,
  upscalers: Mapping[str, super_resolution.Upscaler],
  scale: int,
  map_spec: str,
) -> report.Comparison:
  original, images = super_resolution.reconstruct(
    picture, upscalers, scale=scale
  )
  captions = {}
  for method in upscalers:
    values = table.scores(group, name, method)
    captions[method] = ", ".join(
      f"{spec} {scores.number(spec, value)}" for spec, value in values.items()
    )
  maps = {
    method: super_resolution.luma_map(map_spec, original, image)
    for method, image in images.items()
  }
  return report.Comparison(name, original, images, maps, captions)

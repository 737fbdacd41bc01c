"""The report page of super-resolution."""

from collections.abc import Mapping, Sequence

import numpy as np

from tfpercept.evaluation.core import (
  score_table,
  score_table_html,
  training_curves,
)
from tfpercept.evaluation.super_resolution import measure
from tfpercept.io import files
from tfpercept.reports import page

_HOW = (
  "PSNR in dB and SSIM of studio luma rounded to 8 bits, without a border of "
  "{scale} pixels. Larger is better; the best means are bold. Each picture was "
  "reduced by {scale} bicubically and enlarged again by each method. Color is "
  "enlarged bicubically."
)

_SIDE_BY_SIDE = (
  "The detail of each picture with the most contrast, above its {spec} error "
  "map on luma. All maps share one scale."
)
_CURVES = {
  "{}: training loss": "train/loss",
  "{}: PSNR of a crop held out": "held_out/psnr",
}


def write(
  path: files.PathLike,
  *,
  pictures: Mapping[str, Mapping[str, np.ndarray]],
  upscalers: Mapping[str, measure.Upscaler],
  scale: int,
  map_spec: str,
  logs: Mapping[str, files.PathLike],
  conditions: Mapping[str, object],
  further: Sequence[str] = (),
) -> score_table.Table:
  """Evaluates upscalers and writes the results as a page.

  It has the scores, details side by side with error maps, the curves of the
  trainings, and the conditions.

  Args:
    path: Path of the HTML file.
    pictures: uint8 `[H, W, 1 or 3]`, by group and name.
    upscalers: The methods by name.
    scale: Factor of super-resolution.
    map_spec: Spec of the distance of the error maps.
    logs: TensorBoard folders of trainings by name; may be empty.
    conditions: Conditions of the trainings and the machine, for the reader.
    further: Sections that come before the conditions.

  Returns:
    The scores.

  Raises:
    ValueError: if a picture cannot be scored.
  """
  table = measure.evaluate(pictures, upscalers, scale=scale)
  for name, why in table.failures.items():
    raise ValueError(f"{name} cannot be scored: {why}")
  shown = [
    _comparison(table, group, name, picture, upscalers, scale, map_spec)
    for group, members in pictures.items()
    for name, picture in members.items()
  ]
  how = page.paragraph(_HOW.format(scale=scale))
  sections = [
    page.section("Scores", how, score_table_html.tables(table)),
    page.section(
      "Side by side",
      page.paragraph(_SIDE_BY_SIDE.format(spec=map_spec)),
      page.comparisons(shown, map_name=f"{map_spec} error"),
    ),
    *_training(logs),
    *further,
    page.section("Conditions", page.facts(conditions)),
  ]
  page.Page(
    f"Super-resolution, {scale} times",
    "Pictures that no network was trained on, enlarged by "
    f"{', '.join(table.methods[:-1])} and {table.methods[-1]}.",
    sections,
  ).write(path)
  return table


def _training(logs: Mapping[str, files.PathLike]) -> list[str]:
  """The section of the trainings' curves; none without logs."""
  curves = {
    title.format(name): training_curves.read(folder, tag)
    for title, tag in _CURVES.items()
    for name, folder in logs.items()
  }
  return [page.section("Training", page.curves(curves))] if curves else []


def _comparison(
  table: score_table.Table,
  group: str,
  name: str,
  picture: np.ndarray,
  upscalers: Mapping[str, measure.Upscaler],
  scale: int,
  map_spec: str,
) -> page.Comparison:
  original, images = measure.reconstruct(picture, upscalers, scale=scale)
  captions = {}
  for method in upscalers:
    values = table.scores(group, name, method)
    captions[method] = ", ".join(
      f"{spec} {score_table.number(spec, value)}"
      for spec, value in values.items()
    )
  maps = {
    method: measure.luma_map(map_spec, original, image)
    for method, image in images.items()
  }
  return page.Comparison(name, original, images, maps, captions)

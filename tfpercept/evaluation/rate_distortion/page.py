"""The page of rate-distortion curves."""

import dataclasses
import math
from collections.abc import Callable, Mapping, Sequence

import numpy as np

from tfpercept import distances
from tfpercept.codecs import Codec
from tfpercept.evaluation.core import machine
from tfpercept.evaluation.rate_distortion import (
  at_rate,
  bd_rate,
  charts,
  crops,
  published,
  standings,
  table,
)
from tfpercept.evaluation.rate_distortion.result import SPAN, Result
from tfpercept.io import files
from tfpercept.reports import markup, page, wipe

_SUMMARY = (
  "Rate, distances and speed of {codecs} codecs on {pictures} pictures, "
  "measured on real files."
)
_BD = (
  "Difference in rate to {anchor} at equal quality (BD-rate: PCHIP on ln(bpp), "
  "points from {low:g} to {high:g} bits per pixel; in small type the cubic "
  "fit). Negative values are fewer bits; the fewest of a column are bold."
)
_CURVES = (
  "Quality is -10 log10 of the distance, for each picture and then averaged: "
  "PSNR for psnr, MS-SSIM in decibels for ms_ssim. Curves farther up and to "
  "the left are better."
)
_BEHIND = (
  "Grey curves are published ones, means over all {all} Kodak pictures; ours "
  "are over the {count} at hand. The gap between pillow_jpeg420 and our jpeg, "
  "which are the same codec, shows the effect of that alone. The published "
  "MS-SSIM was averaged before its conversion to decibels{gap}."
)
_GAP = ", which gives {gap:.2f} dB less for {anchor}, on average over its curve"
_PLANE = (
  "Quality of each codec in {first} and in {others} at the same rates, "
  "interpolated on its curves. Grey lines join equal rates."
)
_SAME = (
  "{others} against {first} is not drawn: the two say the same of every codec."
)
_SIDE_BY_SIDE = (
  "Each picture in files of about {bpp:g} bits per pixel, by a search for the "
  "quality. Choose two, and move the slider with the mouse or its arrow keys. "
  "Error maps are of {spec}, on one color scale for each picture."
)


@dataclasses.dataclass(frozen=True)
class Options:
  """Options of a rate-distortion page.

  Attributes:
    anchor: Spec of the codec that BD-rates compare with.
    span: Lowest and highest rate of the points used for BD-rates, in bits per
      pixel.
    spans: Ranges of rates for the standings, in bits per pixel.
    at: Rates at which a table has every distance, in bits per pixel.
    shown: Number of pictures shown side by side, the first ones.
    bpp: Rate of the pictures shown, in bits per pixel.
    rates: Rates of the perception-distortion planes, in bits per pixel.
    pair: Specs of the two codecs shown over each other at first; None takes the
      anchor and the last codec.
  """

  anchor: str = "jpeg"
  span: tuple[float, float] = SPAN
  spans: tuple[tuple[float, float], ...] = standings.SPANS
  at: tuple[float, ...] = ()
  shown: int = 2
  bpp: float = 0.25
  rates: tuple[float, ...] = (0.15, 0.25, 0.4, 0.6)
  pair: tuple[str, str] | None = None


def write(
  path: files.PathLike,
  result: Result,
  pictures: Mapping[str, np.ndarray | files.PathLike],
  codecs: Sequence[Codec],
  metrics: Sequence[distances.Distance],
  options: Options | None = None,
  *,
  conditions: Mapping[str, object] | None = None,
  sheets: files.PathLike | None = None,
  progress: Callable[[int, str, int], None] = lambda done, what, of: None,
) -> None:
  """Writes the page.

  Args:
    path: Path of the HTML file.
    result: Measured points, from `measure.measure`.
    pictures: Pictures of the measurement by name, uint8 `[H, W, 1 or 3]` or
      paths.
    codecs: Codecs of the measurement.
    metrics: Distances of the measurement.
    options: Options of the page; None takes the defaults.
    conditions: Further facts for the reader, by name.
    sheets: Folder for a picture of the crops of each picture shown,
      `crops_NAME.png`; None writes none.
    progress: Function called while pictures are compressed with the number of
      files done, the name of the next and the number of all.

  Raises:
    ValueError: if the anchor is not among the codecs, or the pair is not two of
      them.
  """
  options = Options() if options is None else options
  shown = crops.blocks(
    result,
    pictures,
    codecs,
    metrics,
    pair=_pair(options, [codec.spec for codec in codecs]),
    bpp=options.bpp,
    count=options.shown,
    sheets=sheets,
    progress=progress,
  )
  sections = [
    _bd_section(result, options),
    _standings(result, options),
    *_at_rates(result, options),
    _curves(result, options),
    *_planes(result, options),
    *_side_by_side(shown, options, metrics[-1].spec),
    page.section("Speed and memory", _speed_table(result)),
  ]
  facts = {**(conditions or {}), **machine.facts()}
  sections += [*_remarks(result), page.section("Conditions", page.facts(facts))]
  summary = _SUMMARY.format(
    codecs=sum(bool(result.of(codec)) for codec in result.codecs),
    pictures=len({p.picture for p in result.points}),
  )
  page.Page("Rate and distortion", summary, sections).write(path)


def _bd_section(result: Result, options: Options) -> str:
  """Returns the section of BD-rates."""
  low, high = options.span
  bd = _BD.format(anchor=options.anchor, low=low, high=high)
  return page.section("BD-rate", page.paragraph(bd), _bd_table(result, options))


def _standings(result: Result, options: Options) -> str:
  """Returns the section of all codecs over several ranges of rates."""
  heads = [
    f"{spec}, {low:g} to {high:g} bpp"
    for spec in result.metrics
    for low, high in options.spans
  ]
  lines = standings.cells(result, options.anchor, options.spans)
  notes = standings.notes(result, options.anchor, options.spans)
  return page.section(
    "Over several ranges of rates",
    *map(page.paragraph, notes),
    page.grid([["codec", *heads], *lines]),
  )


def _at_rates(result: Result, options: Options) -> list[str]:
  """Returns the section of distances at single rates, if any is asked for."""
  if not options.at:
    return []
  rows = at_rate.of(result, options.anchor, options.at)
  return [
    page.section(
      "At equal rates",
      *map(page.paragraph, at_rate.notes(rows, options.anchor)),
      *(page.grid(at_rate.cells(rows, bpp)) for bpp in options.at),
    )
  ]


def _pair(options: Options, names: Sequence[str]) -> tuple[str, str]:
  """Returns the two codecs that are shown over each other at first."""
  if not options.pair:
    return options.anchor, names[-1]
  pair = {*options.pair}
  if not (len(pair) == 2 and pair <= {*names}):
    raise ValueError(
      f"a pair is two of the codecs, {', '.join(names)}; got "
      f"{' and '.join(options.pair)}"
    )
  return options.pair


def _remarks(result: Result) -> list[str]:
  """Sections on what is unusual; none if nothing is."""
  sections = []
  if result.warnings:
    items = map(page.paragraph, result.warnings)
    sections.append(page.section("Files above their estimates", *items))
  if result.failures:
    sections.append(page.section("Left out", page.facts(result.failures)))
  return sections


def _curves(result: Result, options: Options) -> str:
  blocks = [page.paragraph(_CURVES)]
  if charts.are_kodak(result):
    blocks.append(page.paragraph(_behind(result, options)))
  for spec in result.metrics:
    chart = charts.curves(result, spec, far=1.25 * options.span[1])
    blocks.append(f'<figure class="curves">{chart}</figure>')
  return page.section("Curves", *blocks)


def _behind(result: Result, options: Options) -> str:
  """Returns the text on published curves and their averaging."""
  gap = ""
  means = result.means(options.anchor, "ms_ssim") if (
    "ms_ssim" in result.metrics
  ) else []  # fmt: skip
  gaps = [
    m.decibels + 10 * math.log10(m.value)
    for m in means
    if m.value > 0 and math.isfinite(m.decibels)
  ]
  if gaps:
    gap = _GAP.format(gap=float(np.mean(gaps)), anchor=options.anchor)
  count = len({p.picture for p in result.points})
  return _BEHIND.format(all=published.PICTURES, count=count, gap=gap)


def _planes(result: Result, options: Options) -> list[str]:
  """A chart of each further distance against the first, if they differ."""
  first, *others = result.metrics
  same = [o for o in others if charts.agree(result, first, o)]
  drawn = {
    other: charts.plane(result, first, other, rates=options.rates)
    for other in others
    if other not in same
  }
  drawn = {other: chart for other, chart in drawn.items() if chart}
  blocks = []
  if drawn:
    text = _PLANE.format(first=first, others=" or ".join(drawn))
    blocks.append(page.paragraph(text))
  blocks += [f'<figure class="curves">{d}</figure>' for d in drawn.values()]
  if same:
    text = _SAME.format(first=first, others=" and ".join(same))
    blocks.append(page.paragraph(text))
  title = "Perception against distortion"
  return [page.section(title, *blocks)] if blocks else []


def _side_by_side(
  shown: Sequence[str], options: Options, spec: str
) -> list[str]:
  if not shown:
    return []
  text = page.paragraph(_SIDE_BY_SIDE.format(bpp=options.bpp, spec=spec))
  return [page.section("Side by side", wipe.ASSETS, text, *shown)]


def _bd_table(result: Result, options: Options) -> str:
  found, cubic = (
    table.bd_rates(result, options.anchor, options.span, method)
    for method in bd_rate.METHODS
  )
  heads = "".join(
    f'<th scope="col">{markup.escape(s)}</th>' for s in result.metrics
  )
  least = {
    spec: min(
      (row[spec].percent for row in found.values() if not row[spec].why),
      default=math.nan,
    )
    for spec in result.metrics
  }
  lines, notes = [], []
  for codec, row in found.items():
    cells = ""
    for spec, difference in row.items():
      text = markup.escape(difference)
      if difference.why:
        notes.append(f"{codec}, {spec}: undefined, as {difference.why}.")
      else:
        text += f" <small>{markup.escape(cubic[codec][spec])}</small>"
      if difference.percent == least[spec]:
        text = f"<strong>{text}</strong>"
      cells += f"<td>{text}</td>"
    lines.append(f'<tr><th scope="row">{markup.escape(codec)}</th>{cells}</tr>')
  grid = (
    '<div class="scroll"><table><thead><tr><th scope="row">codec</th>'
    f"{heads}</tr></thead><tbody>{''.join(lines)}</tbody></table></div>"
  )
  return "\n".join([grid, *map(page.paragraph, notes)])


def _speed_table(result: Result) -> str:
  heads = ("encode, MP/s", "decode, MP/s", "peak, MB", "parts, ms")
  lines = []
  for codec in result.codecs:
    if not result.of(codec):
      continue
    peak = result.peak(codec)
    parts = "<br>".join(
      f"{what}: "
      + ", ".join(f"{markup.escape(p)} {1000 * s:.1f}" for p, s in found)
      for what in ("encode", "decode")
      if (found := result.part_seconds(codec, what).items())
    )
    cells = [
      *(f"{result.speed(codec, what):.3g}" for what in ("encode", "decode")),
      "-" if peak is None else f"{peak / 1e6:.0f}",
    ]
    row = "".join(f"<td>{markup.escape(cell)}</td>" for cell in cells)
    row += f"<td>{parts or '-'}</td>"
    lines.append(f'<tr><th scope="row">{markup.escape(codec)}</th>{row}</tr>')
  head = "".join(f'<th scope="col">{name}</th>' for name in heads)
  return (
    page.paragraph(
      "Medians over all files. The peak is that of the whole process, "
      "including its libraries. A dash: the system does not report it, or the "
      "codec does not time its parts."
    )
    + '<div class="scroll"><table><thead><tr><th scope="row">codec</th>'
    f"{head}</tr></thead><tbody>{''.join(lines)}</tbody></table></div>"
  )

"""Tables of rate and distortion: text, CSV and JSON."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

from tfpercept.evaluation.core import score_table, text_tables
from tfpercept.evaluation.rate_distortion import at_rate, bd_rate, standings
from tfpercept.evaluation.rate_distortion.result import Point, Result, Run

_PARTS = ("encode", "decode")


def bd_rates(
  result: Result, anchor: str, span: tuple[float, float], method: str = "pchip"
) -> dict[str, dict[str, bd_rate.Difference]]:
  """Returns the BD-rate of every codec against an anchor, by codec and spec.

  Raises:
    ValueError: if the anchor is not among the codecs.
  """
  if anchor not in result.codecs:
    raise ValueError(
      f"the anchor is one of the codecs, {', '.join(result.codecs)}; got "
      f"{anchor!r}"
    )
  return {
    codec: {
      spec: result.bd_rate(codec, anchor, spec, span=span, method=method)
      for spec in result.metrics
    }
    for codec in result.codecs
    if result.of(codec)
  }


def to_text(result: Result, anchor: str, span: tuple[float, float]) -> str:
  """Formats BD-rates and speed for a terminal, a line for each codec."""
  found = bd_rates(result, anchor, span)
  heads = ["BD-rate", *result.metrics, "encode", "decode", "peak", "pictures"]
  units = ["", *("" for _ in result.metrics), "MP/s", "MP/s", "MB", ""]
  lines = [heads, units]
  for codec, row in found.items():
    lines.append(
      [
        codec,
        *(str(row[spec]) for spec in result.metrics),
        *(f"{result.speed(codec, what):.3g}" for what in _PARTS),
        _megabytes(result.peak(codec)),
        str(len({p.picture for p in result.of(codec)})),
      ]
    )
  notes = [
    f"Against {anchor}, from {span[0]:g} to {span[1]:g} bits per pixel, PCHIP; "
    "below 0 are fewer bits."
  ]
  notes += [
    f"{codec}, {spec}: undefined: {difference.why}"
    for codec, row in found.items()
    for spec, difference in row.items()
    if difference.why
  ]
  if any(result.peak(codec) is None for codec in found):
    notes.append("A dash: this system does not report peaks of memory.")
  return "\n".join([score_table.aligned(lines), "", *notes])


def points_csv(result: Result) -> str:
  """Formats all points as CSV in full precision, a line for each."""
  head = ["codec", "picture", "quality", "pixels", "bytes", "bpp"]
  head += ["estimated_bpp"]
  for spec in result.metrics:
    head += [f"{spec} value", f"{spec} score", f"{spec} dB"]
  for what in _PARTS:
    head += [f"{what}_seconds", f"{what}_peak_bytes"]
  lines = [_point_line(p, result.metrics) for p in result.points]
  return text_tables.csv_text([head, *lines])


def means_csv(result: Result) -> str:
  """Formats means over pictures as CSV: a line a codec, quality and spec."""
  head = ["codec", "quality", "metric", "bpp", "estimated_bpp", "dB", "score"]
  head += ["value", "pictures", "equal_pictures"]
  lines = []
  for codec in result.codecs:
    for spec in result.metrics:
      count = len(result.pictures(spec, codec))
      for m in result.means(codec, spec):
        numbers = m.bpp, m.estimated_bpp, m.decibels, m.score, m.value
        cells = [_cell(number) for number in numbers]
        lines.append([codec, f"{m.quality:g}", spec, *cells, count, m.infinite])
  return text_tables.csv_text([head, *lines])


def to_json(
  result: Result,
  anchor: str,
  span: tuple[float, float],
  conditions: Mapping[str, object],
  spans: Sequence[standings.Span] = standings.SPANS,
  rates: Sequence[float] = (),
) -> dict[str, Any]:
  """Returns all that was measured as JSON values.

  An undefined number is null, an infinite one the string "inf".

  Args:
    result: Measured points.
    anchor: Spec of the codec that BD-rates compare with.
    span: Lowest and highest rate for BD-rates, in bits per pixel.
    conditions: Further facts for the reader, by name.
    spans: Ranges of rates for the standings, in bits per pixel.
    rates: Rates at which all distances are interpolated, in bits per pixel.
  """
  differences = []
  for method in bd_rate.METHODS:
    for codec, row in bd_rates(result, anchor, span, method).items():
      for spec, found in row.items():
        differences.append(
          {
            "codec": codec,
            "metric": spec,
            "method": method,
            "percent": text_tables.json_number(found.percent),
            "why_undefined": found.why,
          }
        )
  return {
    "conditions": {key: str(value) for key, value in conditions.items()},
    "anchor": anchor,
    "span_bpp": list(span),
    "bd_rates": differences,
    "standings": standings.to_json(result, anchor, spans),
    "at_rates": at_rate.to_json(at_rate.of(result, anchor, rates)),
    "points": [_point_json(p) for p in result.points],
    "warnings": result.warnings,
    "failures": result.failures,
  }


def _point_line(point: Point, specs: Sequence[str]) -> list[Any]:
  line = [point.codec, point.picture, f"{point.quality:g}", point.pixels]
  line += [point.size, repr(point.bpp), _cell(point.estimated_bpp)]
  for spec in specs:
    if spec not in point.measured:
      line += ["", "", ""]
      continue
    measured = point.measured[spec]
    line += [repr(measured.value), repr(measured.score)]
    line.append(repr(point.decibels(spec)))
  for what in _PARTS:
    run = getattr(point, what)
    line += [repr(run.seconds), "" if run.peak is None else run.peak]
  return line


def _point_json(point: Point) -> dict[str, Any]:
  return {
    "codec": point.codec,
    "picture": point.picture,
    "quality": point.quality,
    "pixels": point.pixels,
    "bytes": point.size,
    "bpp": point.bpp,
    "estimated_bpp": text_tables.json_number(point.estimated_bpp),
    "distances": {
      spec: {
        "value": measured.value,
        "score": text_tables.json_number(measured.score),
        "decibels": text_tables.json_number(point.decibels(spec)),
      }
      for spec, measured in point.measured.items()
    },
    **{what: _run_json(getattr(point, what)) for what in _PARTS},
  }


def _run_json(run: Run) -> dict[str, Any]:
  return {
    "seconds": run.seconds,
    "parts": run.parts,
    "peak_bytes": run.peak,
  }


def _cell(number: float) -> str:
  return "" if math.isnan(number) else repr(number)


def _megabytes(count: int | None) -> str:
  return "-" if count is None else f"{count / 1e6:.0f}"

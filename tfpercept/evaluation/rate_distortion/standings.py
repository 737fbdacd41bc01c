"""Codecs in order of their BD-rates over several ranges of rates.

On Kodak's pictures, published codecs stand among ours.
"""

import dataclasses
import math
from collections.abc import Sequence
from typing import Any

from tfpercept.evaluation.core import score_table
from tfpercept.evaluation.core.settings import SPAN
from tfpercept.evaluation.rate_distortion import bd_rate, charts, published
from tfpercept.evaluation.rate_distortion.result import Result

Span = tuple[float, float]

SPANS: tuple[Span, ...] = (SPAN, (0.4, 1.25), (0.1, 2.2))
"""Usual ranges: what the web takes, fine pictures, and all of both."""

MIN_OVERLAP = 0.2
"""Least overlap of two curves, as a share of the shorter range of qualities.

It is lower than that of the BD-rates of one range: a good codec begins at a
quality which JPEG reaches late."""
_LEFT_OUT = ("jpeg420", "pillow_jpeg420", "pillow_webp")
"""Published curves of codecs that are measured here, and better there."""
_RULE = (
  "Curves are cut at the ends of a range by interpolation, and compared at the "
  "qualities that both have there; a dash: one has fewer than "
  f"{bd_rate.MIN_POINTS} points there, or they share less than "
  f"{MIN_OVERLAP:.0%} of the shorter one."
)
_PUBLISHED = (
  "Published codecs are means over all {all} Kodak pictures by their authors; "
  "their rates are compared with {theirs}. {ours} MS-SSIM is averaged before "
  "its conversion to decibels, as there."
)


@dataclasses.dataclass(frozen=True)
class Standing:
  """BD-rates of a codec.

  Attributes:
    codec: Spec of the codec, or the name of a published curve.
    is_published: Whether its points are published ones.
    differences: BD-rates by spec of the distance and range of rates.
  """

  codec: str
  is_published: bool
  differences: dict[tuple[str, Span], bd_rate.Difference]


def of(result: Result, anchor: str, spans: Sequence[Span]) -> list[Standing]:
  """Returns all codecs, the one with the fewest bits first.

  They are ordered by the first distance and range. Published codecs are among
  them if the pictures are Kodak's and the anchor is `jpeg`.

  Args:
    result: Measured points.
    anchor: Spec of the codec to compare with.
    spans: Ranges of rates, in bits per pixel.
  """
  shows_published = are_beside_published(result, anchor)
  found: dict[str, dict] = {c: {} for c in result.codecs if result.of(c)}
  theirs: dict[str, dict] = {}
  for spec in result.metrics:
    for codec, row in found.items():
      names = result.pictures(spec, anchor, codec)
      base, curve = (
        _curve(result, each, spec, names, shows_published)
        for each in (anchor, codec)
      )
      row |= {(spec, span): _difference(base, curve, span) for span in spans}
    if shows_published:
      base = _published_anchor(result, anchor, spec)
      for name, curve in published.curves(spec).items():
        if name not in _LEFT_OUT:
          theirs.setdefault(name, {}).update(
            {(spec, span): _difference(base, curve, span) for span in spans}
          )
  rows = [Standing(codec, False, row) for codec, row in found.items()]
  rows += [Standing(name, True, row) for name, row in theirs.items()]
  return sorted(rows, key=lambda r: _order(r, result.metrics, spans))


def to_text(result: Result, anchor: str, spans: Sequence[Span]) -> str:
  """Formats the standings for a terminal, a line for each codec."""
  lines = [
    ["BD-rate", *(spec for spec in result.metrics for _ in spans)],
    ["bits per pixel", *(_span(s) for _ in result.metrics for s in spans)],
    *cells(result, anchor, spans),
  ]
  return "\n".join(
    [score_table.aligned(lines), "", *notes(result, anchor, spans)]
  )


def cells(
  result: Result, anchor: str, spans: Sequence[Span]
) -> list[list[str]]:
  """Returns the texts of the table's lines, the name of the codec first."""
  keys = [(spec, span) for spec in result.metrics for span in spans]
  return [
    [
      f"published {row.codec}" if row.is_published else row.codec,
      *(_text(row.differences.get(key)) for key in keys),
    ]
    for row in of(result, anchor, spans)
  ]


def notes(result: Result, anchor: str, spans: Sequence[Span]) -> list[str]:
  """Returns sentences on how the standings were computed."""
  found = [f"Against {anchor}, below 0 are fewer bits. {_RULE}"]
  if are_beside_published(result, anchor):
    count = _count(result)
    ours = (
      "Ours are over the same pictures."
      if count == published.PICTURES
      else f"Ours are over {count} of them, so the two differ by the choice of "
      "pictures too."
    )
    theirs = (
      f"{anchor} as measured here"
      if count == published.PICTURES
      else "Pillow's JPEG over those pictures"
    )
    found.append(
      _PUBLISHED.format(all=published.PICTURES, theirs=theirs, ours=ours)
    )
  return found


def to_json(
  result: Result, anchor: str, spans: Sequence[Span]
) -> list[dict[str, Any]]:
  """Returns the standings as JSON values; what is undefined is null."""
  return [
    {
      "codec": row.codec,
      "is_published": row.is_published,
      "metric": spec,
      "span_bpp": list(span),
      "percent": None if found.why else found.percent,
      "low_dB": None if found.why else found.low,
      "high_dB": None if found.why else found.high,
      "why_undefined": found.why,
    }
    for row in of(result, anchor, spans)
    for (spec, span), found in row.differences.items()
  ]


def are_beside_published(result: Result, anchor: str) -> bool:
  """Whether published codecs are among the standings."""
  return anchor == "jpeg" and bool(result.points) and charts.are_kodak(result)


def _count(result: Result) -> int:
  return len({point.picture for point in result.points})


def _published_anchor(result: Result, anchor: str, spec: str) -> bd_rate.Curve:
  """The curve to compare published ones with, over all pictures of Kodak."""
  names = result.pictures(spec, anchor)
  if len(names) == published.PICTURES:
    return _curve(result, anchor, spec, names, True)
  return published.curves(spec).get("pillow_jpeg420", bd_rate.Curve([], []))


def _curve(
  result: Result,
  codec: str,
  spec: str,
  names: Sequence[str],
  is_as_published: bool,
) -> bd_rate.Curve:
  if not (is_as_published and spec == "ms_ssim"):
    return result.curve(codec, spec, names)
  means = [m for m in result.means(codec, spec, names) if m.value > 0]
  return bd_rate.Curve(
    [m.bpp for m in means], [-10 * math.log10(m.value) for m in means]
  )


def _difference(
  anchor: bd_rate.Curve, curve: bd_rate.Curve, span: Span
) -> bd_rate.Difference:
  return bd_rate.difference(
    anchor.cut(*span), curve.cut(*span), min_overlap=MIN_OVERLAP
  )


def _order(
  row: Standing, specs: Sequence[str], spans: Sequence[Span]
) -> tuple[float, ...]:
  """Sorts by the first range of the first distance that is defined."""
  found = [row.differences.get((s, span)) for s in specs for span in spans]
  return tuple(math.inf if d is None or d.why else d.percent for d in found)


def _text(found: bd_rate.Difference | None) -> str:
  return "-" if found is None or found.why else str(found)


def _span(span: Span) -> str:
  return f"{span[0]:g} to {span[1]:g}"

"""Distances of codecs at one rate, beside those of an anchor.

A BD-rate says how many bits a codec saves over a range of rates. This says how
much nearer its pictures are at one rate.
"""

import dataclasses
import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from tfpercept.evaluation.core import statistics, text_tables
from tfpercept.evaluation.rate_distortion import bd_rate
from tfpercept.evaluation.rate_distortion.result import Result

_RULE = (
  "At a rate of each picture: its distances are interpolated in decibels over "
  "ln(rate), by PCHIP, and averaged. After x: the ratio to {anchor}, over the "
  "pictures that both have at that rate, with its bootstrap interval of 95 % "
  "over pictures. Less is better; the value of psnr is the mean squared error. "
  "A dash: no picture has that rate, or its decoded picture is exact."
)
_FEWER = "{codec} at {bpp:g} bpp: {count} of {all} pictures"
_COMMON = ", {common} of them with {anchor}"


@dataclasses.dataclass(frozen=True)
class Row:
  """A distance of a codec at a rate.

  Attributes:
    codec: Spec of the codec.
    spec: Spec of the distance.
    bpp: Rate in bits per pixel.
    pictures: Number of the codec's pictures that have the rate.
    measured: Number of the codec's pictures that have the distance.
    value: Mean distance over `pictures`; NaN if there are none.
    common: Number of pictures that the anchor has at the rate, too.
    ratio: Ratio to the mean distance of the anchor over those pictures, with
      its interval; None for the anchor.
  """

  codec: str
  spec: str
  bpp: float
  pictures: int
  measured: int
  value: float
  common: int
  ratio: statistics.Estimate | None


def check(rates: Sequence[float]) -> tuple[float, ...]:
  """Returns the rates without repetition.

  Raises:
    ValueError: if a rate is not a finite number above 0.
  """
  for bpp in rates:
    if not 0 < bpp < math.inf:
      raise ValueError(f"a rate is above 0 bits per pixel; got {bpp:g}")
  return tuple(dict.fromkeys(rates))


def of(result: Result, anchor: str, rates: Sequence[float]) -> list[Row]:
  """Returns a row for each rate, codec and distance.

  Args:
    result: Measured points.
    anchor: Spec of the codec to compare with.
    rates: Rates in bits per pixel.

  Raises:
    ValueError: if a rate is not a finite number above 0.
  """
  rates = check(rates)
  values = {
    (codec, spec): _values(result, codec, spec, rates)
    for codec in result.codecs
    for spec in result.metrics
    if result.of(codec)
  }
  rows = []
  for bpp in rates:
    for (codec, spec), own in values.items():
      base = None
      if codec != anchor:
        base = values.get((anchor, spec), {}).get(bpp, {})
      rows.append(_row(codec, spec, bpp, own[bpp], base))
  return rows


def to_text(rows: Sequence[Row], anchor: str) -> str:
  """Formats the tables for a terminal, one for each rate.

  Args:
    rows: Rows that `of` returned.
    anchor: Spec of the codec that they compare with.
  """
  rates = dict.fromkeys(row.bpp for row in rows)
  tables = [text_tables.aligned(cells(rows, bpp)) for bpp in rates]
  return "\n\n".join([*tables, "\n".join(notes(rows, anchor))])


def cells(rows: Sequence[Row], bpp: float) -> list[list[str]]:
  """Returns the texts of the table of one rate, a line for each codec."""
  lines: dict[str, list[str]] = {}
  heads = [f"at {bpp:g} bits per pixel"]
  for row in rows:
    if row.bpp == bpp:
      heads += [] if row.spec in heads else [row.spec]
      lines.setdefault(row.codec, [row.codec]).append(_cell(row))
  return [heads, *lines.values()]


def notes(rows: Sequence[Row], anchor: str) -> list[str]:
  """Returns how the values were found, and where pictures are lacking."""
  found = [_RULE.format(anchor=anchor)]
  lacking: dict[str, list[str]] = {}
  if anchor not in {row.codec for row in rows}:
    found.append(f"There are no ratios: {anchor} has no points.")
  for row in rows:
    if row.pictures < row.measured or row.common < row.pictures:
      text = _FEWER.format(
        codec=row.codec, bpp=row.bpp, count=row.pictures, all=row.measured
      )
      if row.common < row.pictures:
        text += _COMMON.format(common=row.common, anchor=anchor)
      lacking.setdefault(text, []).append(row.spec)
  specs = len({row.spec for row in rows})
  for text, of in lacking.items():
    found.append(text if len(of) == specs else f"{text} ({', '.join(of)})")
  with_ratio = [row.common for row in rows if row.ratio and row.common]
  fewest = min(with_ratio, default=0)
  warned = fewest and statistics.warning(fewest, "pictures")
  return [*found, warned] if warned else found


def to_json(rows: Sequence[Row]) -> list[dict[str, Any]]:
  """Returns the rows as JSON values; what there is none of is null."""
  return [
    {
      "codec": row.codec,
      "metric": row.spec,
      "bpp": row.bpp,
      "pictures": row.pictures,
      "value": text_tables.json_number(row.value),
      "pictures_of_both": row.common,
      **_ratios(row),
    }
    for row in rows
  ]


def _values(
  result: Result, codec: str, spec: str, rates: Sequence[float]
) -> dict[float, dict[str, float]]:
  """Returns the distances of pictures by rate; NaN where one lacks the rate."""
  found: dict[float, dict[str, float]] = {bpp: {} for bpp in rates}
  for name in result.pictures(spec, codec):
    curve = result.curve(codec, spec, [name])
    for bpp in rates:
      found[bpp][name] = 10 ** (-bd_rate.quality_at(curve, bpp) / 10)
  return found


def _row(
  codec: str,
  spec: str,
  bpp: float,
  own: Mapping[str, float],
  base: Mapping[str, float] | None,
) -> Row:
  """Returns a row of distances by picture.

  Args:
    codec: Spec of the codec.
    spec: Spec of the distance.
    bpp: Rate in bits per pixel.
    own: Distances of the codec by picture; NaN where one lacks the rate.
    base: Distances of the anchor; None if the codec is the anchor.
  """
  there = {name: v for name, v in own.items() if math.isfinite(v)}
  value = float(np.mean([*there.values()])) if there else math.nan
  counts = len(there), len(own)
  if base is None:
    return Row(codec, spec, bpp, *counts, value, len(there), None)
  pairs = np.array(
    [
      (v, base[name])
      for name, v in there.items()
      if math.isfinite(base.get(name, math.nan))
    ]
  )
  if not len(pairs):
    ratio = statistics.Estimate(math.nan, why="no picture of both has the rate")
  elif len(pairs) == 1:
    why = "there is one picture, so no interval"
    ratio = statistics.Estimate(_ratio(pairs), why=why)
  else:
    ratio = statistics.bootstrap(_ratio, pairs)
  return Row(codec, spec, bpp, *counts, value, len(pairs), ratio)


def _ratio(pairs: np.ndarray) -> float:
  own, base = pairs.mean(axis=0)
  return float(own / base)


def _cell(row: Row) -> str:
  if not row.pictures:
    return "-"
  value, ratio = f"{row.value:.4g}", row.ratio
  if ratio is None or math.isnan(ratio.value):
    return value
  if math.isnan(ratio.low):
    return f"{value} x{ratio.value:.2f}"
  return f"{value} x{ratio.value:.2f} [{ratio.low:.2f}, {ratio.high:.2f}]"


def _ratios(row: Row) -> dict[str, float | str | None]:
  """Returns the ratio and the ends of its interval as JSON values."""
  found = row.ratio or statistics.Estimate(math.nan)
  return {
    "ratio": text_tables.json_number(found.value),
    "ratio_low": text_tables.json_number(found.low),
    "ratio_high": text_tables.json_number(found.high),
  }

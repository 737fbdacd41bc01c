"""Distances of codecs at one rate, beside those of an anchor.

A BD-rate says how many bits a codec saves over a range of rates. This says how
much nearer its pictures are at one rate.
"""

import dataclasses
import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from tfpercept.evaluation.core import statistics, text_tables
from tfpercept.evaluation.rate_distortion import bd_rate
from tfpercept.evaluation.rate_distortion.result import Result

_RULE = (
  "At a rate of each picture: its distances are interpolated in decibels over "
  "ln(rate), by PCHIP, and averaged over the pictures that both the codec and "
  "{anchor} have at that rate. After x: the ratio to {anchor} over the same "
  "pictures, with its bootstrap interval of 95 % over pictures. Less is "
  "better; the value of psnr is the mean squared error. A dash: no picture "
  "has that rate."
)
_FEWER = "{codec}, {spec} at {bpp:g} bpp: {count} of {all} pictures"


@dataclasses.dataclass(frozen=True)
class Row:
  """A distance of a codec at a rate.

  Attributes:
    codec: Spec of the codec.
    spec: Spec of the distance.
    bpp: Rate in bits per pixel.
    pictures: Number of pictures that the codec and the anchor both have there.
    value: Mean distance over those pictures; NaN if there are none.
    ratio: Ratio to the mean distance of the anchor, with its interval.
  """

  codec: str
  spec: str
  bpp: float
  pictures: int
  value: float
  ratio: statistics.Estimate


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
  for place, bpp in enumerate(rates):
    for (codec, spec), own in values.items():
      base = values.get((anchor, spec), {})
      pairs = [(own[n][place], base[n][place]) for n in own if n in base]
      finite = [pair for pair in pairs if all(map(math.isfinite, pair))]
      rows.append(_row(codec, spec, bpp, np.array(finite).reshape(-1, 2)))
  return rows


def to_text(result: Result, anchor: str, rates: Sequence[float]) -> str:
  """Formats the tables for a terminal, one for each rate."""
  rows = of(result, anchor, rates)
  tables = [
    text_tables.aligned(cells(rows, anchor, bpp)) for bpp in check(rates)
  ]
  return "\n\n".join([*tables, "\n".join(notes(result, rows, anchor))])


def cells(rows: Sequence[Row], anchor: str, bpp: float) -> list[list[str]]:
  """Returns the texts of the table of one rate, a line for each codec."""
  lines: dict[str, list[str]] = {}
  heads = [f"at {bpp:g} bits per pixel"]
  for row in rows:
    if row.bpp == bpp:
      heads += [] if row.spec in heads else [row.spec]
      cell = _cell(row, is_anchor=row.codec == anchor)
      lines.setdefault(row.codec, [row.codec]).append(cell)
  return [heads, *lines.values()]


def notes(result: Result, rows: Sequence[Row], anchor: str) -> list[str]:
  """Returns how the values were found, and where pictures are lacking."""
  found = [_RULE.format(anchor=anchor)]
  for row in rows:
    count = len(result.pictures(row.spec, row.codec, anchor))
    if row.pictures < count:
      found.append(
        _FEWER.format(
          codec=row.codec, spec=row.spec, bpp=row.bpp,
          count=row.pictures, all=count,
        )
      )  # fmt: skip
  return found


def to_json(rows: Sequence[Row]) -> list[dict[str, Any]]:
  """Returns the rows as JSON values; what there is none of is null."""
  return [
    {
      "codec": row.codec,
      "metric": row.spec,
      "bpp": row.bpp,
      "pictures": row.pictures,
      "value": _number(row.value),
      "ratio": _number(row.ratio.value),
      "ratio_low": _number(row.ratio.low),
      "ratio_high": _number(row.ratio.high),
    }
    for row in rows
  ]


def _values(
  result: Result, codec: str, spec: str, rates: Sequence[float]
) -> dict[str, list[float]]:
  """Returns the distances of each picture at the rates; NaN out of reach."""
  found = {}
  for name in result.pictures(spec, codec):
    curve = result.curve(codec, spec, [name])
    decibels = [bd_rate.quality_at(curve, bpp) for bpp in rates]
    found[name] = [10 ** (-d / 10) for d in decibels]
  return found


def _row(codec: str, spec: str, bpp: float, pairs: np.ndarray) -> Row:
  """Returns the row of distances `[pictures, 2]`, the anchor's last."""
  if not len(pairs):
    return Row(codec, spec, bpp, 0, math.nan, statistics.Estimate(math.nan))
  ratio = statistics.bootstrap(_ratio, pairs)
  if len(pairs) == 1:
    ratio = statistics.Estimate(ratio.value)
  return Row(codec, spec, bpp, len(pairs), float(pairs[:, 0].mean()), ratio)


def _ratio(pairs: np.ndarray) -> float:
  own, base = pairs.mean(axis=0)
  return float(own / base)


def _cell(row: Row, *, is_anchor: bool) -> str:
  if not row.pictures:
    return "-"
  value, ratio = f"{row.value:.4g}", row.ratio
  if is_anchor:
    return value
  if math.isnan(ratio.low):
    return f"{value} x{ratio.value:.2f}"
  return f"{value} x{ratio.value:.2f} [{ratio.low:.2f}, {ratio.high:.2f}]"


def _number(value: float) -> float | None:
  return None if math.isnan(value) else value

"""BD-rate: the difference in rate between two codecs at equal quality.

anchor = bd_rate.Curve(rates=[0.2, 0.4, 0.7, 1.1], qualities=[27, 29, 31, 33])
bd_rate.difference(anchor, curve).percent  # -20.0: a fifth fewer bits
"""

import dataclasses
import math
from collections.abc import Callable, Sequence

import numpy as np

from tfpercept import extras

METHODS = ("pchip", "cubic")
MIN_POINTS = 4
MIN_OVERLAP = 0.5
"""Least overlap, as a share of the shorter range of qualities."""


@dataclasses.dataclass(frozen=True)
class Curve:
  """Rate-distortion curve of a codec.

  Attributes:
    rates: Bits per pixel, above 0, `[n]`.
    qualities: Quality, larger is better, such as PSNR in dB, `[n]`.
  """

  rates: Sequence[float]
  qualities: Sequence[float]

  def __post_init__(self) -> None:
    if len(self.rates) != len(self.qualities):
      raise ValueError(
        f"a curve has a quality for each rate; got {len(self.rates)} rates and "
        f"{len(self.qualities)} qualities"
      )

  def between(self, low: float, high: float) -> "Curve":
    """Returns the points whose rate lies in [low, high]."""
    kept = [
      point
      for point in zip(self.rates, self.qualities, strict=True)
      if low <= point[0] <= high
    ]
    return Curve(*(list(zip(*kept, strict=True)) or ([], [])))

  def cut(self, low: float, high: float) -> "Curve":
    """Returns the rising part within [low, high], with points at its ends.

    The points at the ends are interpolated; a curve that begins or ends within
    the range is not continued.

    Args:
      low: Lowest rate, above 0.
      high: Highest rate.
    """
    whole = self.rising()
    inner = whole.between(low, high)
    rates, qualities = list(inner.rates), list(inner.qualities)
    for place, rate in ((0, low), (len(rates) + 1, high)):
      quality = quality_at(whole, rate)
      if rate not in rates and math.isfinite(quality):
        rates.insert(place, rate)
        qualities.insert(place, quality)
    return Curve(rates, qualities)

  def rising(self) -> "Curve":
    """Returns the points by quality that rise in both.

    Dropped is what is not finite, and each point that another reaches or
    surpasses in quality with as many bits or fewer.
    """
    points = sorted(
      (float(quality), float(rate))
      for rate, quality in zip(self.rates, self.qualities, strict=True)
      if math.isfinite(quality) and math.isfinite(rate) and rate > 0
    )
    kept: list[tuple[float, float]] = []
    for quality, rate in sorted(points, key=lambda p: (-p[0], p[1])):
      if not kept or (rate < kept[-1][1] and quality < kept[-1][0]):
        kept.append((quality, rate))
    kept.reverse()
    return Curve([rate for _, rate in kept], [quality for quality, _ in kept])


@dataclasses.dataclass(frozen=True)
class Difference:
  """BD-rate of a curve against an anchor.

  Attributes:
    percent: Mean difference of rate in percent, negative for fewer bits; NaN
      where it is undefined.
    why: Reason why the BD-rate is undefined; empty otherwise.
    low: The lowest common quality.
    high: The highest common quality.
  """

  percent: float
  why: str = ""
  low: float = math.nan
  high: float = math.nan

  def __str__(self) -> str:
    return "undefined" if self.why else f"{self.percent:+.1f} %"


def difference(
  anchor: Curve,
  curve: Curve,
  *,
  method: str = "pchip",
  min_overlap: float = MIN_OVERLAP,
) -> Difference:
  """Returns the BD-rate: the mean difference of rate at equal quality.

  ln(rate) is interpolated as a function of quality, integrated over the common
  qualities, and the mean difference made a ratio.

  Args:
    anchor: Curve of the codec to compare with.
    curve: Curve of the codec to compare.
    method: Interpolation: `"pchip"`, through all points without overshoot; or
      `"cubic"`, the original least-squares polynomial of degree 3.
    min_overlap: Least range of qualities that the curves share, as a share of
      the shorter one.

  Returns:
    The difference; undefined with fewer than four rising points in either
    curve, or where they share less than `min_overlap`, by default half of the
    shorter range of qualities.

  Raises:
    ValueError: if `method` is unknown, or SciPy is not installed.

  Source: Bjøntegaard, "Calculation of average PSNR differences between
  RD-curves", VCEG-M33, 2001; PCHIP as in JCTVC-B055 and later. Fritsch and
  Carlson, "Monotone piecewise cubic interpolation", 1980.
  """
  if method not in METHODS:
    raise ValueError(f"method is one of {', '.join(METHODS)}; got {method!r}")
  anchor, curve = anchor.rising(), curve.rising()
  for name, points in (("the anchor", anchor), ("the curve", curve)):
    if len(points.rates) < MIN_POINTS:
      return Difference(
        math.nan,
        f"{name} has {len(points.rates)} rising points; {MIN_POINTS} are "
        "needed",
      )
  ranges = [(c.qualities[0], c.qualities[-1]) for c in (anchor, curve)]
  low, high = max(r[0] for r in ranges), min(r[1] for r in ranges)
  shorter = min(r[1] - r[0] for r in ranges)
  if high - low < min_overlap * shorter:
    return Difference(
      math.nan,
      f"they share {max(0.0, high - low):.3g} of the {shorter:.3g} that the "
      f"shorter range of qualities spans; {min_overlap:.0%} are needed",
    )
  means = [_mean_log_rate(c, low, high, method) for c in (anchor, curve)]
  percent = 100 * math.expm1(means[1] - means[0])
  return Difference(percent, "", low, high)


def quality_at(curve: Curve, rate: float) -> float:
  """Returns the quality of a curve at a rate, by PCHIP on ln(rate).

  NaN outside the rates of the curve, or with fewer than two rising points.
  """
  curve = curve.rising()
  if len(curve.rates) < 2 or not curve.rates[0] <= rate <= curve.rates[-1]:
    return math.nan
  return float(_pchip()(np.log(curve.rates), curve.qualities)(math.log(rate)))


def _mean_log_rate(curve: Curve, low: float, high: float, method: str) -> float:
  at, logs = np.asarray(curve.qualities), np.log(curve.rates)
  if method == "pchip":
    total = _pchip()(at, logs).integrate(low, high)
  else:
    # Centred, for the conditioning of the fit.
    middle = (low + high) / 2
    integral = np.polynomial.Polynomial.fit(at - middle, logs, 3).integ()
    total = integral(high - middle) - integral(low - middle)
  return float(total) / (high - low)


def _pchip() -> Callable:
  with extras.needed("differences of rate"):
    from scipy import interpolate
  return interpolate.PchipInterpolator

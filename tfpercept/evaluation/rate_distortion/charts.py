"""Charts of rate and distortion, with published curves behind ours."""

from collections.abc import Sequence

import numpy as np

from tfpercept.evaluation.rate_distortion import bd_rate, published
from tfpercept.evaluation.rate_distortion.result import Result
from tfpercept.reports import charts

_ALIKE = 0.01  # decibels

# Published curves to draw, by distance; more would make the chart unreadable.
_BEHIND = {
  "psnr": ("pillow_jpeg420", "bpg444", "bmshj2018_mse",
           "mbt2018_meanscale_mse", "mlic_plus_plus_mse", "vtm"),
  "ms_ssim": ("bpg444", "bmshj2018_mse", "bmshj2018_msssim",
              "mbt2018_context_msssim", "vtm"),
}  # fmt: skip


def are_kodak(result: Result) -> bool:
  """Whether published curves are of the same pictures, or some of them.

  Pictures of Kodak's names but another size, reduced ones say, are others.
  """
  return all(
    p.pixels == published.PIXELS for p in result.points
  ) and published.are_kodak(p.picture for p in result.points)


def curves(result: Result, spec: str, *, far: float) -> str:
  """Draws the curves of all codecs in one distance, as SVG.

  Published curves are drawn behind where the pictures are Kodak's.

  Args:
    result: Measured points of codecs.
    spec: Spec of the distance on the vertical axis.
    far: Largest rate shown, in bits per pixel.
  """
  lines = []
  if are_kodak(result):
    theirs = published.curves(spec)
    for codec in _BEHIND.get(spec, ()):
      line = theirs[codec].between(0, far)
      lines.append(
        charts.Line(f"published {codec}", line.rates, line.qualities, True)
      )
  for codec in result.codecs:
    curve = _finite(result.curve(codec, spec))
    if curve.rates:
      lines.append(charts.Line(codec, curve.rates, curve.qualities))
  return charts.lines(
    lines,
    x="bits per pixel",
    y=f"{spec}, dB",
    title=f"{spec} over rate",
    span=(0, far),
  )


def agree(result: Result, first: str, other: str) -> bool:
  """Whether two distances differ by a constant in decibels at all points.

  `psnr` and `mse` of 8-bit pictures do, and so do a distance and a multiple of
  it. One against the other is then a straight line.
  """
  gaps = []
  for codec in result.codecs:
    pair = [result.curve(codec, spec) for spec in (first, other)]
    if pair[0].rates != pair[1].rates:
      return False
    both = np.array([curve.qualities for curve in pair]).reshape(2, -1)
    gaps += np.subtract(*both[:, np.isfinite(both).all(axis=0)]).tolist()
  return bool(gaps) and max(gaps) - min(gaps) < _ALIKE


def plane(
  result: Result, first: str, other: str, *, rates: Sequence[float]
) -> str:
  """Draws one distance against another at equal rates, as SVG.

  Each codec is a line through its rates, and each rate a faint line through the
  codecs; empty if no codec has both distances at one of the rates.

  Args:
    result: Measured points of codecs.
    first: Spec of the distance on the horizontal axis.
    other: Spec of the distance on the vertical axis.
    rates: Rates in bits per pixel; values are interpolated on the curves, never
      beyond their ends.
  """
  points = {}
  for codec in result.codecs:
    curves = [_finite(result.curve(codec, spec)) for spec in (first, other)]
    for rate in rates:
      point = [bd_rate.quality_at(curve, rate) for curve in curves]
      if np.isfinite(point).all():
        points[codec, rate] = point
  if not points:
    return ""
  drawn = []
  for rate in rates:
    # Faint lines run from left to right, not in the order of codecs.
    found = sorted(point for (_, r), point in points.items() if r == rate)
    if found:
      x, y = zip(*found, strict=True)
      drawn.append(charts.Line(f"all at {rate:g} bpp", x, y, is_behind=True))
  for codec in result.codecs:
    found = [point for (c, _), point in points.items() if c == codec]
    if found:
      x, y = zip(*found, strict=True)
      drawn.append(charts.Line(codec, x, y))
  return charts.lines(
    drawn,
    x=f"{first}, dB",
    y=f"{other}, dB",
    title=f"{other} against {first} at equal rates",
  )


def _finite(curve: bd_rate.Curve) -> bd_rate.Curve:
  kept = np.isfinite(curve.qualities)
  return bd_rate.Curve(
    np.asarray(curve.rates)[kept].tolist(),
    np.asarray(curve.qualities)[kept].tolist(),
  )

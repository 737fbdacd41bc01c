"""Results of codecs on pictures: points, their means and curves.

The quality of a curve is -10 log10 of the distance, in decibels. It is computed
for each picture and then averaged, in the same way for every distance. For
`psnr`, whose value is the MSE, that is PSNR; for `ms_ssim` it is MS-SSIM in
decibels.
"""

import collections
import dataclasses
import functools
import math
import statistics
from collections.abc import Sequence

from tfpercept.evaluation.core import tiled
from tfpercept.evaluation.core.settings import SPAN
from tfpercept.evaluation.rate_distortion import bd_rate

SLACK = (0.01, 32)
"""Allowed excess of a file over its estimate: a share, and bytes on top."""


@dataclasses.dataclass(frozen=True)
class Run:
  """Cost of encoding or decoding once.

  Attributes:
    seconds: Wall time in seconds, the median of several runs.
    parts: Seconds of the last run by part, if the codec measures its parts.
    peak: Largest memory of the whole process in bytes; None where the system
      does not report it.
  """

  seconds: float
  parts: dict[str, float] = dataclasses.field(default_factory=dict)
  peak: int | None = None


@dataclasses.dataclass(frozen=True)
class Point:
  """Measurement of one picture, one codec and one quality.

  Attributes:
    codec: Spec of the codec.
    picture: Name of the picture.
    quality: Quality given to the codec.
    pixels: Number of pixels of the picture.
    size: Size of the file in bytes.
    estimated_bits: Bits estimated by the codec's entropy model; None without
      one.
    measured: Distances between the picture and the decoded picture, by spec.
    encode: Cost of encoding.
    decode: Cost of decoding.
  """

  codec: str
  picture: str
  quality: float
  pixels: int
  size: int
  estimated_bits: float | None
  measured: dict[str, tiled.Measured]
  encode: Run
  decode: Run

  @property
  def bpp(self) -> float:
    """Bits of the file for each pixel."""
    return 8 * self.size / self.pixels

  @property
  def estimated_bpp(self) -> float:
    """Estimated bits per pixel; NaN without an entropy model."""
    bits = self.estimated_bits
    return math.nan if bits is None else bits / self.pixels

  @property
  def exceeds_estimate(self) -> bool:
    """Whether the file is larger than its estimate by more than `SLACK`."""
    return self.size > self.estimated_size * (1 + SLACK[0]) + SLACK[1]

  @property
  def estimated_size(self) -> float:
    """Bytes of the estimate; infinite where there is none."""
    bits = self.estimated_bits
    return math.inf if bits is None else bits / 8

  def decibels(self, spec: str) -> float:
    """Returns -10 log10 of a distance; infinite for equal pictures."""
    value = self.measured[spec].value
    return -10 * math.log10(value) if value > 0 else math.inf


@dataclasses.dataclass(frozen=True)
class Mean:
  """Means over pictures of one codec at one quality.

  Attributes:
    quality: Quality given to the codec.
    bpp: Mean rate of the files, in bits per pixel.
    estimated_bpp: Mean rate estimated by the entropy model, in bits per pixel;
      NaN without one.
    decibels: Mean quality in decibels over pictures that are not equal;
      infinite if all are.
    score: Mean score as papers print it, over finite scores; infinite if none
      is.
    value: Mean value of the distance over all pictures.
    infinite: Number of equal pictures.
  """

  quality: float
  bpp: float
  estimated_bpp: float
  decibels: float
  score: float
  value: float
  infinite: int


@dataclasses.dataclass(frozen=True)
class Result:
  """All measurements of codecs on pictures.

  Attributes:
    codecs: Specs of all codecs in the order given, including those that failed.
    metrics: Specs of the distances.
    points: Points in the order measured.
    failures: Reasons for missing points and values. The keys are a picture, a
      codec and a picture, or a picture and a distance.
  """

  codecs: tuple[str, ...]
  metrics: tuple[str, ...]
  points: tuple[Point, ...]
  failures: dict[str, str] = dataclasses.field(default_factory=dict)

  @functools.cached_property
  def _of(self) -> dict[str, dict[float, dict[str, Point]]]:
    """Points by codec, quality and picture."""
    found: dict[str, dict[float, dict[str, Point]]]
    found = collections.defaultdict(lambda: collections.defaultdict(dict))
    for point in self.points:
      found[point.codec][point.quality][point.picture] = point
    return found

  def of(self, codec: str) -> list[Point]:
    """Returns all points of a codec."""
    return [point for point in self.points if point.codec == codec]

  def pictures(self, spec: str, *codecs: str) -> tuple[str, ...]:
    """Returns the pictures with a distance's value for all of the codecs.

    A codec has no point of a picture on which it failed at one quality, so all
    means of a curve are over the same pictures.
    """
    names = dict.fromkeys(p.picture for codec in codecs for p in self.of(codec))
    for codec in codecs:
      has = {p.picture for p in self.of(codec) if spec in p.measured}
      names = {name: None for name in names if name in has}
    return tuple(names)

  def rates(self, codec: str, picture: str) -> dict[float, float]:
    """Returns bits per pixel by quality, of one picture."""
    return {p.quality: p.bpp for p in self.of(codec) if p.picture == picture}

  def judged(self, picture: str) -> tuple[str, ...]:
    """Returns the distances that a picture has values of."""
    found = [p.measured for p in self.points if p.picture == picture]
    return tuple(found[0]) if found else ()

  def means(
    self, codec: str, spec: str, pictures: Sequence[str] | None = None
  ) -> list[Mean]:
    """Returns a codec's means, one a quality in the order of its ladder.

    Args:
      codec: Spec of the codec.
      spec: Spec of the distance.
      pictures: Names of the pictures to average over; None takes all that the
        codec has.
    """
    names = self.pictures(spec, codec) if pictures is None else pictures
    if not names:
      return []
    return [
      _mean(quality, [found[name] for name in names], spec)
      for quality, found in self._of[codec].items()
    ]

  def curve(
    self, codec: str, spec: str, pictures: Sequence[str] | None = None
  ) -> bd_rate.Curve:
    """Returns mean rates and decibels; arguments are those of `means`."""
    means = self.means(codec, spec, pictures)
    return bd_rate.Curve([m.bpp for m in means], [m.decibels for m in means])

  def bd_rate(
    self,
    codec: str,
    anchor: str,
    spec: str,
    *,
    span: tuple[float, float] = SPAN,
    method: str = "pchip",
  ) -> bd_rate.Difference:
    """Returns the BD-rate of a codec against an anchor.

    Means are over the pictures that both have, and of them those count whose
    rate lies in the span.

    Args:
      codec: Spec of the codec.
      anchor: Spec of the codec to compare with.
      spec: Spec of the distance.
      span: Lowest and highest rate, in bits per pixel.
      method: Interpolation, as in `bd_rate.difference`.
    """
    names = self.pictures(spec, anchor, codec)
    curves = [
      self.curve(name, spec, names).between(*span) for name in (anchor, codec)
    ]
    return bd_rate.difference(*curves, method=method)

  def speed(self, codec: str, what: str) -> float:
    """Returns median megapixels a second of `"encode"` or `"decode"`."""
    return statistics.median(
      p.pixels / 1e6 / max(getattr(p, what).seconds, 1e-9)
      for p in self.of(codec)
    )

  def part_seconds(self, codec: str, what: str) -> dict[str, float]:
    """Returns median seconds of the parts of `"encode"` or `"decode"`."""
    found = collections.defaultdict(list)
    for point in self.of(codec):
      for part, seconds in getattr(point, what).parts.items():
        found[part].append(seconds)
    return {part: statistics.median(values) for part, values in found.items()}

  def peak(self, codec: str) -> int | None:
    """Returns the bytes that the process held at most with a codec."""
    peaks = [r.peak for p in self.of(codec) for r in (p.encode, p.decode)]
    return max((peak for peak in peaks if peak is not None), default=None)

  @property
  def warnings(self) -> list[str]:
    """Warnings about files that are larger than their estimates."""
    notes = []
    for codec in self.codecs:
      over = [p for p in self.of(codec) if p.exceeds_estimate]
      if over:
        worst = max(over, key=lambda p: p.size - p.estimated_size)
        notes.append(
          f"{codec}: {len(over)} of {len(self.of(codec))} files exceed their "
          f"estimate by more than {SLACK[0]:.0%} and {SLACK[1]} bytes; "
          f"{worst.picture} at quality {worst.quality:g} has {worst.size} "
          f"bytes, the estimate is {worst.estimated_size:.0f}"
        )
    return notes


def _mean(quality: float, points: Sequence[Point], spec: str) -> Mean:
  measured = [p.measured[spec] for p in points]
  decibels = [p.decibels(spec) for p in points]
  finite = [d for d in decibels if math.isfinite(d)]
  scores = [m.score for m in measured if math.isfinite(m.score)]
  return Mean(
    quality=quality,
    bpp=statistics.fmean(p.bpp for p in points),
    estimated_bpp=statistics.fmean(p.estimated_bpp for p in points),
    decibels=statistics.fmean(finite) if finite else math.inf,
    score=statistics.fmean(scores) if scores else math.inf,
    value=statistics.fmean(m.value for m in measured),
    infinite=len(decibels) - len(finite),
  )

"""Blocks of pictures by several codecs at about equal rate, to wipe between."""

import math
from collections.abc import Callable, Mapping, Sequence

import numpy as np

from tfpercept import distances
from tfpercept.codecs import Codec
from tfpercept.evaluation.core import tiled
from tfpercept.evaluation.rate_distortion import equal_rate, measure
from tfpercept.evaluation.rate_distortion.result import Result
from tfpercept.io import files, messages
from tfpercept.reports import charts, page, wipe

_WINDOW = 768  # largest side shown, in pixels
_MAP_QUANTILE = 0.995  # where a colour scale ends
_FAR = 1.25  # largest ratio of a file's rate to the wanted rate


def blocks(
  result: Result,
  pictures: Mapping[str, np.ndarray | files.PathLike],
  codecs: Sequence[Codec],
  metrics: Sequence[distances.Distance],
  *,
  pair: tuple[str, str],
  bpp: float,
  count: int,
  progress: Callable[[int, str, int], None] = lambda done, what, of: None,
) -> list[str]:
  """Returns a block for each of the first pictures, which needs `wipe.ASSETS`.

  A codec is left out if it fails on the picture, or if its smallest file is
  more than a quarter larger than wanted. The block says so.

  Args:
    result: Measured points, from `measure.measure`.
    pictures: Pictures of the measurement by name, uint8 `[H, W, 1 or 3]` or
      paths.
    codecs: Codecs of the measurement.
    metrics: Distances of the measurement; error maps are of the last one that
      suits the picture.
    pair: Specs of the codecs shown at the left and at the right at first.
    bpp: Wanted rate in bits per pixel.
    count: Number of pictures to show.
    progress: Function called with the number of files done, the name of the
      next and the number of all.
  """
  names = [n for n in pictures if result.judged(n)][:count]
  found, total = [], len(names) * len(codecs)
  for place, name in enumerate(names):
    picture = measure.read(pictures[name])
    suited = [j for j in metrics if j.spec in result.judged(name)]
    coded, missing = {}, {}
    for step, codec in enumerate(codecs):
      progress(place * len(codecs) + step, f"{name}: {codec.spec}", total)
      known = result.rates(codec.spec, name)
      if not known:
        missing[codec.spec] = "it failed on this picture"
        continue
      try:
        near = equal_rate.nearest(codec, picture, bpp, known=known)
      except measure.FAILURES as error:
        missing[codec.spec] = messages.first_line(error)
        continue
      if near.bpp <= _FAR * bpp:
        coded[codec.spec] = near
      else:
        missing[codec.spec] = f"its smallest file has {near.bpp:.3g} bpp"
    if coded:
      found.append(block(name, picture, coded, suited, pair=pair))
    found += [
      page.paragraph(f"{codec} is not shown: {why}.")
      for codec, why in missing.items()
    ]
  return found


def block(
  name: str,
  picture: np.ndarray,
  coded: Mapping[str, equal_rate.Coded],
  metrics: Sequence[distances.Distance],
  *,
  pair: tuple[str, str],
  side: int | None = None,
) -> str:
  """Returns one picture by several codecs, which needs `wipe.ASSETS`.

  Args:
    name: Name of the picture.
    picture: Original, uint8 `[H, W, 1 or 3]`.
    coded: Files of the picture by the spec of the codec; at least one.
    metrics: Distances that suit the picture; error maps are of the last.
    pair: Specs of the codecs shown at the left and at the right at first. If a
      codec is missing, the first or the last picture takes its place.
    side: Side in pixels of the square with the most contrast, which is then
      shown alone; None shows the middle of the picture.
  """
  window = _window(picture)
  if side is not None:
    window = page.busiest_square(picture, side)
  maps = {
    codec: _map(metrics[-1], picture, found.image)[window]
    for codec, found in coded.items()
  }
  limit = float(np.quantile(np.stack([*maps.values()]), _MAP_QUANTILE)) or 1.0
  shown = [wipe.Shown("original", "as given", _rgb(picture)[window])]
  for codec, found in coded.items():
    shown.append(
      wipe.Shown(
        codec,
        _caption(picture, found, metrics),
        _rgb(found.image)[window],
        charts.colored(maps[codec] / limit),
      )
    )
  names = [s.name for s in shown]
  left = names.index(pair[0]) if pair[0] in coded else 0
  right = names.index(pair[1]) if pair[1] in coded else len(names) - 1
  if left == right:
    left, right = right - 1, left
  return wipe.block(name, shown, left=left, right=right) + (
    page.color_bar(f"{metrics[-1].spec} error", limit)
  )


def _caption(
  picture: np.ndarray,
  found: equal_rate.Coded,
  metrics: Sequence[distances.Distance],
) -> str:
  said = measure.compare(metrics, picture, found.image)
  values = ", ".join(
    f"{spec} {-10 * math.log10(m.value):.2f} dB" if m.value else f"{spec} equal"
    for spec, m in said.items()
  )
  return f"{found.bpp:.3f} bpp, {found.size} bytes, {values}"


def _map(
  metric: distances.Distance, picture: np.ndarray, image: np.ndarray
) -> np.ndarray:
  """The error map `[H, W]`, enlarged again where it is one of squares."""
  values, square = tiled.error_map(metric, _rgb(picture), _rgb(image))
  values = values.repeat(square, axis=0).repeat(square, axis=1)
  return values[: picture.shape[0], : picture.shape[1]]


def _window(picture: np.ndarray) -> tuple[slice, slice]:
  """The middle of a picture, as much of it as is shown."""

  def middle(side: int) -> slice:
    start = max(0, (side - _WINDOW) // 2)
    return slice(start, start + min(side, _WINDOW))

  height, width = picture.shape[:2]
  return middle(height), middle(width)


def _rgb(image: np.ndarray) -> np.ndarray:
  return np.ascontiguousarray(np.broadcast_to(image, (*image.shape[:2], 3)))

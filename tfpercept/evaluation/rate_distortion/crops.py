"""Blocks of pictures by several codecs at about equal rate, to wipe between."""

import math
import pathlib
from collections.abc import Callable, Mapping, Sequence

import numpy as np

from tfpercept import distances, registry
from tfpercept.codecs import Codec
from tfpercept.evaluation.core import tiled
from tfpercept.evaluation.rate_distortion import equal_rate, measure
from tfpercept.evaluation.rate_distortion.result import Result
from tfpercept.io import files, messages
from tfpercept.reports import charts, page, wipe

_WINDOW = 768  # largest side shown, in pixels
_MAP_QUANTILE = 0.995  # where a colour scale ends
_SIDES = (512, 384, 320, 256, 192)  # squares shown where the whole is too much
_SHEET = 256  # side of the squares on a sheet, in pixels
BYTES = 2_000_000
"""Bytes of a page that one picture may take, where a square can be less."""
_PIXEL_BYTES = 0.6  # of a page for a pixel by a codec, at usual rates
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
  sheets: files.PathLike | None = None,
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
    sheets: Folder for a sheet of each picture, `crops_NAME.png`; None writes
      none.
    progress: Function called with the number of files done, the name of the
      next and the number of all.
  """
  names = [n for n in pictures if result.judged(n)][:count]
  parts = _file_parts(names)
  found, total = [], len(names) * len(codecs)
  for place, name in enumerate(names):
    picture = measure.read(pictures[name])
    suited = [j for j in metrics if j.spec in result.judged(name)]
    coded, missing = {}, {}
    for step, codec in enumerate(codecs):
      progress(place * len(codecs) + step, f"{name}: {codec.spec}", total)
      near = _near(codec, picture, bpp, result.rates(codec.spec, name))
      if isinstance(near, str):
        missing[codec.spec] = near
      else:
        coded[codec.spec] = near
    if coded:
      found.append(block(name, picture, coded, suited, pair=pair, limit=BYTES))
      if sheets is not None:
        path = pathlib.Path(sheets) / f"crops_{parts[name]}.png"
        files.write_image(path, sheet(name, picture, coded, suited))
    found += [
      page.paragraph(f"{codec} is not shown: {why}.")
      for codec, why in missing.items()
    ]
  return found


def _file_parts(names: Sequence[str]) -> dict[str, str]:
  """Returns a part of a file name for each picture: its stem, or else more."""
  stems = {name: pathlib.Path(name).stem for name in names}
  unlike = {stem.lower() for stem in stems.values()}
  return stems if len(unlike) == len(stems) else registry.file_names(names)


def _near(
  codec: Codec, picture: np.ndarray, bpp: float, known: Mapping[float, float]
) -> equal_rate.Coded | str:
  """Returns the file nearest to a rate, or why there is none to show."""
  if not known:
    return "it failed on this picture"
  try:
    near = equal_rate.nearest(codec, picture, bpp, known=known)
  except measure.FAILURES as error:
    return messages.first_line(error)
  if near.bpp > _FAR * bpp:
    return f"its smallest file has {near.bpp:.3g} bpp"
  return near


def sheet(
  name: str,
  picture: np.ndarray,
  coded: Mapping[str, equal_rate.Coded],
  metrics: Sequence[distances.Distance],
) -> np.ndarray:
  """Returns the busiest square by all codecs side by side, uint8 `[H, W, 3]`.

  Args:
    name: Name of the picture.
    picture: Original, uint8 `[H, W, 1 or 3]`.
    coded: Files of the picture by the spec of the codec; at least one.
    metrics: Distances that suit the picture, whose values are named.
  """
  window = page.busiest_square(picture, _SHEET)
  shown = {"original": picture[window]}
  for codec, found in coded.items():
    said = [
      f"{spec} {_decibels(measured.value)}"
      for spec, measured in measure.compare(
        metrics, picture, found.image
      ).items()
    ]
    text = "\n".join([codec, f"{found.size} bytes", ", ".join(said)])
    shown[text] = found.image[window]
  return charts.sheet(f"{name}: {_place(window)}", shown)


def block(
  name: str,
  picture: np.ndarray,
  coded: Mapping[str, equal_rate.Coded],
  metrics: Sequence[distances.Distance],
  *,
  pair: tuple[str, str],
  side: int | None = None,
  limit: int | None = None,
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
    limit: Bytes above which such a square is shown instead, smaller if need be;
      None has no limit.
  """
  maps = {
    codec: _map(metrics[-1], picture, found.image)
    for codec, found in coded.items()
  }
  captions = {c: _caption(picture, f, metrics) for c, f in coded.items()}
  fits = math.inf
  for square in _squares(picture, side, limit, len(coded)):
    if square is not None and fits < square > _SIDES[-1]:
      continue
    window, title = _window(picture), name
    if square is not None:
      window = page.busiest_square(picture, square)
      title = f"{name}: {_place(window)}"
    level = _level([m[window] for m in maps.values()])
    shown = [wipe.Shown("original", "as given", _rgb(picture)[window])]
    shown += [
      wipe.Shown(
        codec,
        captions[codec],
        _rgb(found.image)[window],
        charts.colored(maps[codec][window] / level),
      )
      for codec, found in coded.items()
    ]
    left, right = _sides([s.name for s in shown], pair)
    text = wipe.block(title, shown, left=left, right=right)
    if limit is None or len(text) <= limit:
      break
    fits = math.sqrt(shown[0].picture[..., 0].size * limit / len(text))
  return text + page.color_bar(f"{metrics[-1].spec} error", level)


def _squares(
  picture: np.ndarray, side: int | None, limit: int | None, codecs: int
) -> list[int | None]:
  """Returns sides to try one after the other, the largest first.

  Those that take far too much by a usual photograph are not tried, since each
  try takes seconds. The smallest always is.
  """
  if side is not None or limit is None:
    return [side]
  pixels = limit / (_PIXEL_BYTES * (1 + codecs))
  whole = np.prod([s.stop - s.start for s in _window(picture)])
  tried: list[int | None] = [None] if whole <= pixels else []
  return [*tried, *(s for s in _SIDES if s**2 <= pixels or s == _SIDES[-1])]


def _place(window: tuple[slice, slice]) -> str:
  """Says which part of a picture a square is."""
  rows, columns = window
  return (
    f"the {rows.stop - rows.start} pixels square with the most contrast, from "
    f"row {rows.start} and column {columns.start}"
  )


def _level(maps: Sequence[np.ndarray]) -> float:
  """Returns the error at which the color scale of a picture's maps ends."""
  return float(np.quantile(np.stack(maps), _MAP_QUANTILE)) or 1.0


def _sides(names: Sequence[str], pair: tuple[str, str]) -> tuple[int, int]:
  """Returns the places of the pictures at the left and at the right."""
  left = names.index(pair[0]) if pair[0] in names[1:] else 0
  right = names.index(pair[1]) if pair[1] in names[1:] else len(names) - 1
  return (right - 1, left) if left == right else (left, right)


def _caption(
  picture: np.ndarray,
  found: equal_rate.Coded,
  metrics: Sequence[distances.Distance],
) -> str:
  said = measure.compare(metrics, picture, found.image)
  values = ", ".join(f"{s} {_decibels(m.value)}" for s, m in said.items())
  return f"{found.bpp:.3f} bpp, {found.size} bytes, {values}"


def _decibels(value: float) -> str:
  return f"{-10 * math.log10(value):.2f} dB" if value else "equal"


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

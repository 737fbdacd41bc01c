"""Static report pages: one HTML file with pictures, curves and styles inside.

    scores = page.section("Scores", page.grid([["", "PSNR"], ["a", "30.1"]]))
    page.Page("SRCNN", "Three losses.", [scores]).write("runs/a/report.html")

A block is HTML that a function here returned; text given to these functions is
escaped. Pictures are embedded as PNG data URIs and curves as SVG, so that the
file can be moved or mailed; it fetches nothing, and runs no script but that of
`wipe`, where a page has such a block.
"""

import base64
import dataclasses
from collections.abc import Collection, Mapping, Sequence

import numpy as np

from tfpercept import extras
from tfpercept.io import files
from tfpercept.reports import charts, markup, small_png, small_webp, style

_CHARTS = 2  # in a row
_MARGIN = 16  # pixels between a detail and the border
_OVERVIEW = 300  # pixels of a whole picture, at most, whose place is shown


@dataclasses.dataclass(frozen=True)
class Page:
  """A report: a heading, a sentence and sections.

  Attributes:
    title: Heading, and title of the browser window.
    summary: Summary of the page, a sentence or two.
    sections: Sections as HTML, from `section`.
  """

  title: str
  summary: str
  sections: Sequence[str]

  def write(self, path: files.PathLike) -> None:
    """Writes the page whole or not at all."""
    files.write_text(
      path,
      style.TEMPLATE.substitute(
        title=markup.escape(self.title),
        summary=markup.escape(self.summary),
        style=style.CSS,
        body="\n".join(self.sections),
      ),
    )


@dataclasses.dataclass(frozen=True)
class Comparison:
  """One picture and the results of several methods.

  Attributes:
    name: Name of the picture.
    original: Undistorted picture, uint8 `[H, W, 1 or 3]`.
    images: Results, uint8, of the same shape, by method.
    maps: Error maps `[H, W]`, non-negative, by method.
    captions: Text below the heading of each method, such as its scores.
  """

  name: str
  original: np.ndarray
  images: Mapping[str, np.ndarray]
  maps: Mapping[str, np.ndarray]
  captions: Mapping[str, str]


def section(title: str, *blocks: str) -> str:
  """Returns a section of blocks under a heading."""
  body = "\n".join(blocks)
  return f"<section>\n<h2>{markup.escape(title)}</h2>\n{body}\n</section>"


def paragraph(text: str) -> str:
  """Returns a paragraph of plain text."""
  return f"<p>{markup.escape(text)}</p>"


def facts(values: Mapping[str, object]) -> str:
  """Returns names and values in two columns: the conditions of a run."""
  rows = "\n".join(
    f"<dt>{markup.escape(key)}</dt><dd>{markup.escape(value)}</dd>"
    for key, value in values.items()
  )
  return f'<dl class="facts">\n{rows}\n</dl>'


def grid(
  lines: Sequence[Sequence[str]],
  bold: Collection[tuple[int, int]] = frozenset(),
) -> str:
  """Returns cells as a table whose first line and first column are heads.

  Args:
    lines: Texts of the cells. An interval in brackets behind a value is set
      below it.
    bold: Places (line, column) of the bold cells, counted with the heads.
  """
  first, *others = lines
  heads = "".join(
    f'<th scope="col">{markup.escape(head)}</th>' if head else "<td></td>"
    for head in first
  )
  rows = []
  for r, (name, *cells) in enumerate(others, 1):
    shown = "".join(
      f"<td>{_value(cell, (r, c) in bold)}</td>"
      for c, cell in enumerate(cells, 1)
    )
    rows.append(f'<tr><th scope="row">{markup.escape(name)}</th>{shown}</tr>')
  body = "\n".join(rows)
  return (
    f'<div class="scroll"><table>\n<thead><tr>{heads}</tr></thead>\n'
    f"<tbody>\n{body}\n</tbody>\n</table></div>"
  )


def comparisons(
  pictures: Sequence[Comparison], *, map_name: str, side: int = 144
) -> str:
  """Returns details of pictures side by side, above their error maps.

  The detail is the square with the most contrast in the original, away from its
  border. All maps share one colour scale, which ends at the 99.5th percentile
  of the maps shown so that a few extreme pixels do not darken the rest.

  Args:
    pictures: Pictures to show.
    map_name: Name of the quantity in the maps, for the color bar.
    side: Side of the details in pixels; less where a picture is smaller.

  Raises:
    ValueError: if there is no picture.
  """
  if not pictures:
    raise ValueError("comparisons needs at least one picture")
  crops = [busiest_square(p.original, side) for p in pictures]
  shown = [
    m[crop].ravel()
    for p, crop in zip(pictures, crops, strict=True)
    for m in p.maps.values()
  ]
  limit = float(np.quantile(np.concatenate(shown), 0.995)) or 1.0
  rows = [
    _comparison(p, crop, limit, map_name)
    for p, crop in zip(pictures, crops, strict=True)
  ]
  return "\n".join([color_bar(map_name, limit), *rows])


def curves(series: Mapping[str, tuple[np.ndarray, np.ndarray]]) -> str:
  """Returns line charts, two in a row, each with its own vertical axis.

  Args:
    series: Steps `[S]` and values `[S]` by title.

  Raises:
    ValueError: if there is nothing to draw.
  """
  if not series:
    raise ValueError("curves needs at least one series")
  with charts.ink():
    svg = _draw(series)
  return f'<figure class="curves">{svg}</figure>'


def _draw(series: Mapping[str, tuple[np.ndarray, np.ndarray]]) -> str:
  # The object interface needs no display and leaves no figure behind.
  with extras.needed("pages"):
    from matplotlib import figure

  rows = -(-len(series) // _CHARTS)
  chart = figure.Figure(figsize=(5 * _CHARTS, 2.8 * rows), layout="constrained")
  for place, (title, (steps, values)) in enumerate(series.items(), 1):
    axis = chart.add_subplot(rows, _CHARTS, place)
    axis.plot(steps, values, color="#2f7ed8", linewidth=1.8)
    axis.set_title(title, fontsize=11)
    axis.set_xlabel("step")
    axis.grid(color="#888888", alpha=0.25)
    axis.ticklabel_format(axis="y", scilimits=(-2, 3))
  label = "Curves over optimizer steps: " + ", ".join(series)
  return charts.svg(chart, label)


def _value(text: str, is_bold: bool) -> str:
  value, bracket, rest = text.partition(" [")
  shown = markup.bold(markup.escape(value), is_bold)
  if not bracket:
    return shown
  interval = f"[{markup.escape(rest)}"
  return f'{shown}<br><small style="color:var(--soft)">{interval}</small>'


def _comparison(
  picture: Comparison, crop: tuple[slice, slice], limit: float, map_name: str
) -> str:
  methods = list(picture.images)
  heads = ["<b>original</b><span>detail, and where it lies</span>"]
  heads += [
    f"<b>{markup.escape(m)}</b>"
    f"<span>{markup.escape(picture.captions.get(m, ''))}</span>"
    for m in methods
  ]
  details = [image_tag(picture.original[crop], f"{picture.name}: original")]
  details += [
    image_tag(picture.images[m][crop], f"{picture.name}: {m}") for m in methods
  ]
  maps = [_whole(picture, crop)]
  maps += [
    image_tag(
      charts.colored(picture.maps[m][crop] / limit),
      f"{picture.name}: {map_name} of {m}",
    )
    for m in methods
  ]
  cells = "\n".join(
    [f'<div class="head">{h}</div>' for h in heads] + details + maps
  )
  return (
    f'<figure class="comparison">\n<figcaption>{markup.escape(picture.name)}'
    f'</figcaption>\n<div class="scroll"><div class="grid" '
    f'style="--columns:{len(heads)}">\n{cells}\n</div></div>\n</figure>'
  )


def _whole(picture: Comparison, crop: tuple[slice, slice]) -> str:
  """The whole original with a frame around the detail."""
  height, width = picture.original.shape[:2]
  rows, columns = crop
  frame = (
    f"top:{100 * rows.start / height:.2f}%;"
    f"left:{100 * columns.start / width:.2f}%;"
    f"height:{100 * (rows.stop - rows.start) / height:.2f}%;"
    f"width:{100 * (columns.stop - columns.start) / width:.2f}%"
  )
  times = -(-max(height, width) // _OVERVIEW)
  small = picture.original
  if times > 1:
    down, along = min(times, height), min(times, width)
    cut = small[: height // down * down, : width // along * along]
    cells = cut.reshape(height // down, down, width // along, along, -1)
    small = (cells.mean(axis=(1, 3)) + 0.5).astype(np.uint8)
  image = image_tag(small, f"{picture.name}: whole original")
  return f'<div class="whole"><div>{image}<i style="{frame}"></i></div></div>'


def color_bar(name: str, limit: float) -> str:
  """Returns the scale of `colored` from 0 to a limit."""
  stops = charts.colored(np.linspace(0, 1, 17)[None])[0]
  gradient = ",".join(f"rgb({r},{g},{b})" for r, g, b in stops)
  return (
    f'<div class="bar"><span>{markup.escape(name)}</span><span>0</span>'
    f'<i role="img" aria-label="Colour scale from 0 to {limit:.3g}" '
    f'style="background:linear-gradient(90deg,{gradient})"></i>'
    f"<span>{limit:.3g} and more</span></div>"
  )


def image_tag(image: np.ndarray, alt: str) -> str:
  """Returns uint8 `[H, W, 1 or 3]` as an element that holds its pixels."""
  return _tag("png", small_png.encode(image), image, alt)


def photo_tag(
  image: np.ndarray, alt: str, *, quality: int | None = None
) -> str:
  """Returns a photograph as an element, in fewer bytes than `image_tag`.

  Args:
    image: Picture, uint8 `[H, W, 1 or 3]`.
    alt: Text in place of the picture.
    quality: Quality of lossy WebP, from 0 to 100; None keeps the very pixels.
  """
  return _tag("webp", small_webp.encode(image, quality=quality), image, alt)


def _tag(kind: str, data: bytes, image: np.ndarray, alt: str) -> str:
  text = base64.b64encode(data).decode()
  height, width = image.shape[:2]
  return (
    f'<img src="data:image/{kind};base64,{text}" alt="{markup.escape(alt)}" '
    f'width="{width}" height="{height}">'
  )


def busiest_square(image: np.ndarray, side: int) -> tuple[slice, slice]:
  """Returns the square of pixels where neighbours differ most.

  It keeps away from the border where it can: many maps are 0 there.
  """
  gray = image.astype(np.float64).mean(axis=-1)
  side = min(side, *gray.shape)
  steps = np.abs(np.diff(gray, axis=0, append=gray[-1:]))
  steps += np.abs(np.diff(gray, axis=1, append=gray[:, -1:]))
  sums = np.pad(steps.cumsum(0).cumsum(1), [[1, 0], [1, 0]])
  squares = sums[side:, side:] - sums[:-side, side:]
  squares -= sums[side:, :-side] - sums[:-side, :-side]
  rows, columns = (min(_MARGIN, (n - 1) // 2) for n in squares.shape)
  inner = squares[
    rows : squares.shape[0] - rows, columns : squares.shape[1] - columns
  ]
  top, left = np.unravel_index(inner.argmax(), inner.shape)
  top, left = int(top) + rows, int(left) + columns
  return slice(top, top + side), slice(left, left + side)

"""Blocks of report pages that show many small pictures."""

import dataclasses
from collections.abc import Mapping, Sequence

import numpy as np

from tfpercept.reports import markup, page


@dataclasses.dataclass(frozen=True)
class Card:
  """A picture with a table below it.

  Attributes:
    title: Heading of the picture.
    picture: Picture, uint8 `[H, W, 1 or 3]`.
    rows: Lines of the table: cells by name.
    marked: Name of the line that stands out.
    note: Text below the title.
  """

  title: str
  picture: np.ndarray
  rows: Mapping[str, Sequence[str]] = dataclasses.field(default_factory=dict)
  marked: str = ""
  note: str = ""


def cards(shown: Sequence[Card]) -> str:
  """Returns cards side by side, as many as fit."""
  return f'<div class="cards">{"".join(map(_card, shown))}</div>'


def strip(
  title: str, heads: Sequence[str], rows: Mapping[str, Sequence[Card]]
) -> str:
  """Returns rows of pictures under common heads.

  Args:
    title: Caption of the whole.
    heads: One for each column.
    rows: A card for each column, by the name of the row; the title of a card
      stands below its picture.
  """
  cells = ["<div></div>"]
  cells += [
    f'<div class="head"><b>{markup.escape(head)}</b></div>' for head in heads
  ]
  for name, row in rows.items():
    cells.append(f'<div class="name">{markup.escape(name)}</div>')
    cells += [
      f"<div>{page.image_tag(card.picture, f'{name}: {head}')}"
      f"<span>{markup.escape(card.title)}</span></div>"
      for head, card in zip(heads, row, strict=True)
    ]
  return (
    f"<figure><figcaption>{markup.escape(title)}</figcaption>"
    f'<div class="scroll"><div class="strip" style="--columns:{len(heads)}">'
    f"{''.join(cells)}</div></div></figure>"
  )


def scored(
  title: str,
  original: np.ndarray,
  images: Mapping[str, np.ndarray],
  values: Mapping[str, Sequence[float]],
  *,
  note: str = "",
) -> str:
  """Returns a picture, the results of methods, and the distances of each.

  Pictures stand side by side, the original first; below each is a column of
  values, of which the smallest of a row stands out.

  Args:
    title: Name of the picture.
    original: Undistorted picture, uint8 `[H, W, 1 or 3]`.
    images: Results of the same shape and dtype, by method.
    values: Distances of the results by spec, one for each method; smaller is
      better.
    note: Text behind the title.
  """
  shown = {"original": original, **images}
  heads = "".join(
    f"<td>{page.image_tag(image, f'{title}: {name}')}</td>"
    for name, image in shown.items()
  )
  names = "".join(f'<th scope="col">{_breakable(name)}</th>' for name in shown)
  lines = []
  for spec, row in values.items():
    least = f"{min(row):.3g}"  # those that look the same are equally good
    texts = [f"{value:.3g}" for value in row]
    cells = "".join(
      f'<td class="best">{text}</td>' if text == least else f"<td>{text}</td>"
      for text in texts
    )
    head = f'<th scope="row">{_breakable(spec)}</th>'
    lines.append(f"<tr>{head}{cells}</tr>")
  return (
    f"<figure><figcaption>{markup.escape(title)} "
    f"<small>{markup.escape(note)}</small></figcaption>"
    f'<div class="scroll"><table class="judged" '
    f'style="--columns:{len(shown)}"><thead><tr>{heads}</tr>'
    f"<tr>{names}</tr></thead><tbody>{''.join(lines)}</tbody></table></div>"
    "</figure>"
  )


def _breakable(spec: str) -> str:
  """A spec that may go on in the next line where its options begin."""
  return markup.escape(spec).replace("(", "(<wbr>").replace(", ", ", <wbr>")


def _card(card: Card) -> str:
  lines = []
  for name, cells in card.rows.items():
    kind = ' class="marked"' if name == card.marked else ""
    numbers = "".join(f"<td>{markup.escape(cell)}</td>" for cell in cells)
    head = f'<th scope="row">{markup.escape(name)}</th>'
    lines.append(f"<tr{kind}>{head}{numbers}</tr>")
  image = page.image_tag(card.picture, card.title)
  note = f"<br><small>{markup.escape(card.note)}</small>" if card.note else ""
  return (
    f"<figure><figcaption>{markup.escape(card.title)}{note}</figcaption>{image}"
    f"<table>{''.join(lines)}</table></figure>"
  )

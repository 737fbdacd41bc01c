"""The page of agreement: tables, and where distances and people part."""

from collections.abc import Sequence

import numpy as np

from tfpercept.evaluation.agreement import disagreements, table
from tfpercept.evaluation.core import machine
from tfpercept.io import files
from tfpercept.reports import gallery, page

_SUMMARY = (
  "How well distances agree with people, and the questions on which the best "
  "of them does not."
)
_MATRIX = (
  "The {count} questions on which {best}, the distance with the best score, "
  "and people part most. A cell says whether a distance chose with the people "
  "(yes) or against them (no)."
)
_SIDE = 160  # pixels of a detail on the page
_SMALL_SIDE, _GAP, _ACROSS = 96, 4, 4  # of the sheet; _ACROSS questions a row
_PICTURES = (
  "Each row shows the place at which its two images differ most, with the "
  "value of the distance below them."
)


def write(path: files.PathLike, blocks: Sequence[table.Block]) -> None:
  """Writes the page.

  Args:
    path: Path of the HTML file.
    blocks: Measured data sets. Those of forced choices get a matrix and
      pictures.
  """
  sections = []
  for block in blocks:
    sections.append(page.section(block.data.name, *_table(block)))
    best = best_of(block) if block.data.kind == "2afc" else None
    if best is not None:
      sections += _parted(block, best)
  sections.append(page.section("Conditions", page.facts(machine.facts())))
  page.Page("Agreement with people", _SUMMARY, sections).write(path)


def sheet(blocks: Sequence[table.Block]) -> np.ndarray:
  """Returns the details of the page's questions as one picture.

  Questions are in the order of the matrix, four in a row, each with the
  original, the image that people found nearer, and the one that the distance
  with the best score chose.

  Args:
    blocks: Measured data sets, of which the first of forced choices is shown.

  Returns:
    The picture, uint8 `[H, W, 3]`.

  Raises:
    ValueError: if there is no question on which people and distance part.
  """
  for block in blocks:
    best = best_of(block) if block.data.kind == "2afc" else None
    found = best and disagreements.worst(block.data, block.values[best])
    if found:
      break
  else:
    raise ValueError(
      "there is no question of two alternatives on which the best distance and "
      "people part, so there is no sheet"
    )
  trios = []
  for question in found:
    pictures, crop = _details(question, _SMALL_SIDE)
    trios.append(np.concatenate([p[crop] for p in pictures], axis=1))
  height, width = np.max([trio.shape[:2] for trio in trios], axis=0) + _GAP
  rows = -(-len(trios) // _ACROSS)
  across = min(_ACROSS, len(trios))
  whole = np.full((rows * height, across * width, 3), 255, np.uint8)
  for i, trio in enumerate(trios):
    top, left = i // _ACROSS * height, i % _ACROSS * width
    whole[top : top + trio.shape[0], left : left + trio.shape[1]] = trio
  return whole[:-_GAP, :-_GAP]


def best_of(block: table.Block) -> str | None:
  """Returns the distance with the best score on forced choices, or None.

  Args:
    block: A measured set of forced choices.
  """
  rows = [row for row in block.rows if row.measure in block.values]
  if not rows:
    return None
  return max(rows, key=lambda row: row.scores["2afc"].value).measure


def _table(block: table.Block) -> list[str]:
  lines, footnotes = table.cells(block)
  notes = [*footnotes, block.conditions, block.data.note, block.warning]
  return [page.grid(lines), *(page.paragraph(n) for n in notes if n)]


def _parted(block: table.Block, best: str) -> list[str]:
  found = disagreements.worst(block.data, block.values[best])
  if not found:
    return []
  names = [f"{i}" for i in range(1, len(found) + 1)]
  rows = []
  for name, question in zip(names, found, strict=True):
    chosen = [question.chosen(values) for values in block.values.values()]
    cells = [
      "" if c is None else "yes" if c == question.nearer else "no"
      for c in chosen
    ]
    people = _percent(question)
    if block.data.is_single:  # else a judgement is the share of many people
      people += f" of {question.answers}"
    rows.append([name, question.item.content, people, *cells])
  head = ["", "content", "people", *block.values]
  intro = _MATRIX.format(count=len(found), best=best)
  strips = [
    _strip(name, question, best, block)
    for name, question in zip(names, found, strict=True)
  ]
  return [
    page.section(
      f"Where {best} and people part: {block.data.name}",
      page.paragraph(intro),
      page.grid([head, *rows]),
      page.paragraph(_PICTURES),
      *strips,
    )
  ]


def _percent(question: disagreements.Question) -> str:
  return f"{100 * max(question.share, 1 - question.share):.0f} %"


def _strip(
  name: str, question: disagreements.Question, best: str, block: table.Block
) -> str:
  """Returns the original and both images in one row."""
  item, values = question.item, block.values[best]
  shown, crop = _details(question, _SIDE)
  judged = [item.images[i] for i in (question.nearer, 1 - question.nearer)]
  texts = [
    f"{_short(p.key)}, {values[item.reference.key, p.key]:.4g}" for p in judged
  ]
  cards = [
    gallery.Card(text, picture[crop])
    for text, picture in zip(["", *texts], shown, strict=True)
  ]
  heads = ["original", f"{_percent(question)} found nearer", f"{best} chose"]
  return gallery.strip(f"{name}. {item.content}", heads, {"": cards})


def _details(
  question: disagreements.Question, side: int
) -> tuple[list[np.ndarray], tuple[slice, slice]]:
  """Returns original, nearer and other image, and where these two differ."""
  item = question.item
  chosen = [item.images[i] for i in (question.nearer, 1 - question.nearer)]
  pictures = [p.read() for p in (item.reference, *chosen)]
  return pictures, place(*pictures, side=side)


def _short(key: str) -> str:
  """Returns the end of a path, which tells two pictures of a set apart."""
  return "/".join(key.replace("\\", "/").split("/")[-2:])


def place(
  reference: np.ndarray,
  first: np.ndarray,
  second: np.ndarray,
  *,
  side: int = _SIDE,
) -> tuple[slice, slice]:
  """Returns the square at which two images differ most from each other.

  Args:
    reference: The undistorted picture, uint8 `[H, W, 3]`.
    first: The first image, of the same shape.
    second: The second image, of the same shape.
    side: Side of the square in pixels; smaller pictures are taken whole, as far
      as they are square.
  """
  side = min(side, *reference.shape[:2])
  gap = np.square(first.astype(np.float64) - second).sum(-1)
  sums = np.pad(gap.cumsum(0).cumsum(1), [[1, 0], [1, 0]])
  squares = sums[side:, side:] - sums[:-side, side:]
  squares = squares - sums[side:, :-side] + sums[:-side, :-side]
  top, left = np.unravel_index(squares.argmax(), squares.shape)
  return slice(int(top), int(top) + side), slice(int(left), int(left) + side)

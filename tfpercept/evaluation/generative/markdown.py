"""The comparison of VAEs as tables, for Markdown and pages alike."""

import dataclasses
from collections.abc import Mapping, Sequence

import numpy as np

from tfpercept.evaluation.generative import claims as generation_answers
from tfpercept.evaluation.generative import table as generation_table
from tfpercept.evaluation.generative.table import Table

_HELD_OUT = (
  "Mean of each distance (row) between held-out pictures and their "
  "reconstructions, by the loss of the training (column). Smaller is better; "
  "the smallest of a row is bold. Brackets hold {brackets}."
)
_QUALITY = (
  "Sharpness is gradient energy over that of the training pictures: 1 is as "
  "sharp, and noise counts as sharpness. Junk in the outer 6 pixels counts, "
  "too, and so does contrast: the next two lines leave these out. A share of "
  "gradient energy in the border above that of pictures held out is junk."
)
_JUDGED = (
  " Samples have no label, so accuracy is that on reconstructions of labelled "
  "pictures. The metrics of samples are the entropy of the classifier's "
  "posterior (0 is certain, 2.3 is uniform), its largest probability, the "
  "entropy of the histogram of classes (2.3: all equally often), and the "
  "Fréchet distance in the classifier's features, which compares only within "
  "this table. Haze is the share of faint pixels, 0.03 to 0.25. The column of "
  "held-out pictures is the best possible. Brackets "
  "hold {brackets}; for the Fréchet distance of one training, the extremes "
  "over {draws} draws."
)
_COST = (
  "Cost of the loss alone: value and gradient of one batch of {shape}, without "
  "the network, on the CPU in a process of its own. Memory is the most that a "
  "step allocates, and the parameters."
)
_PUBLISHED = "sharpness of the authors' samples, of CelebA"
_PUBLISHED_OTHERS = (
  " The authors' samples with losses that have no column here: {listed}."
)
_OF_PICTURES = "the 95 % bootstrap interval over pictures"
_OF_SEEDS = (
  "the extremes over trainings, and no interval over pictures; where there is "
  "one training, and for pictures held out, " + _OF_PICTURES
)
_SEEDS = (
  "Figures of {count} trainings from different seeds are means, with the "
  "extremes over them in brackets."
)
_SINGLE = (
  " Of {names} there is one training, and brackets cover pictures alone."
)
_UNBALANCED = (
  " The latents of some networks carry more nats than those of others "
  "({nats}). This changes reconstructions and samples too, so the tables "
  "compare both effects together."
)
_UNEQUAL = (
  " The trainings have different numbers of steps ({steps}), so that "
  "differences between them may be those of the steps and not of the losses."
)
_BALANCED = 1.25  # ratio of the largest KL to the smallest
_ONE = "One training of each loss: the intervals do not cover other seeds."


@dataclasses.dataclass(frozen=True)
class Block:
  """One table of the comparison.

  Attributes:
    title: Heading of the table.
    note: Sentence on the contents of the table.
    heads: Heads of all columns, including the first.
    rows: Cells of the lines; the first cell names the row.
    bold: Places (row, column) of the best cells.
  """

  title: str
  note: str
  heads: Sequence[str]
  rows: Sequence[Sequence[str]]
  bold: frozenset[tuple[int, int]] = frozenset()


def blocks(
  table: Table,
  claims: Sequence[str],
  shape: tuple[int, ...],
  *,
  published: Mapping[str, float] | None = None,
  told_apart: str = "",
) -> list[Block]:
  """Returns the checked claims and the tables.

  Args:
    table: Measured networks and losses.
    claims: Names of claims, keys of `claims.CLAIMS`.
    shape: Shape of the batch on which costs were measured, `(N, H, W, C)`.
    published: Sharpness of published samples by the name of the loss; gets a
      line where there is any.
    told_apart: Nats that tell the training pictures apart, for the name of the
      line of the KL; empty if not known.
  """
  answers = generation_answers.answers(table, claims)
  note = _seeds(table)
  return [
    Block(
      "What holds here",
      note + _unequal(table) + _unbalanced(table),
      ["claim", "here", "figures"],
      [[claim, *answer] for claim, answer in answers.items()],
    ),
    _held_out(table),
    _quality(table, published or {}, told_apart),
    *([_costs(table, shape)] if table.costs else []),
  ]  # fmt: skip


def markdown(shown: Sequence[Block]) -> str:
  """Formats tables as Markdown."""
  parts = []
  for block in shown:
    lines = [f"## {block.title}", "", block.note, ""]
    lines.append(_line(block.heads))
    lines.append(_line(["---", *["---:"] * (len(block.heads) - 1)]))
    for r, row in enumerate(block.rows):
      cells = [
        f"**{cell}**" if (r, c) in block.bold else cell
        for c, cell in enumerate(row)
      ]
      lines.append(_line(cells))
    parts.append("\n".join(lines))
  return "\n\n".join(parts) + "\n"


def _seeds(table: Table) -> str:
  """Returns what intervals cover: pictures, or trainings."""
  count = max((row.trainings for row in table.rows.values()), default=1)
  if count == 1:
    return _ONE
  single = [name for name, row in table.rows.items() if row.trainings == 1]
  note = _SEEDS.format(count=count)
  return note + (_SINGLE.format(names=", ".join(single)) if single else "")


def _unequal(table: Table) -> str:
  if len(set(table.steps.values())) < 2:
    return ""
  listed = ", ".join(f"{name} {n:,}" for name, n in table.steps.items())
  return _UNEQUAL.format(steps=listed)


def _unbalanced(table: Table) -> str:
  nats = {
    name: row.quality["kl"].value
    for name, row in table.rows.items()
    if "kl" in row.quality
  }
  if not nats or max(nats.values()) <= _BALANCED * min(nats.values()):
    return ""
  listed = ", ".join(
    f"{name} {generation_table.number(value)} nats"
    for name, value in nats.items()
  )
  return _UNBALANCED.format(nats=listed)


def _held_out(table: Table) -> Block:
  names = list(table.rows)
  specs = list(
    dict.fromkeys(s for r in table.rows.values() for s in r.held_out)
  )
  bold = {
    (i, 1 + int(np.argmin([table.rows[n].held_out[s].value for n in names])))
    for i, s in enumerate(specs)
  }
  rows = [
    [s, *(generation_table.interval(table.rows[n].held_out[s]) for n in names)]
    for s in specs
  ]
  return Block(
    "Held-out distances",
    _HELD_OUT.format(brackets=_brackets(table)),
    ["distance", *names],
    rows,
    frozenset(bold),
  )


def _brackets(table: Table) -> str:
  """Returns what brackets hold."""
  many = any(row.trainings > 1 for row in table.rows.values())
  return _OF_SEEDS if many else _OF_PICTURES


def _quality(
  table: Table, published: Mapping[str, float], told_apart: str
) -> Block:
  shown = {"held out": table.reference} | {
    name: row.quality for name, row in table.rows.items()
  }
  keys = [
    key
    for key in generation_table.QUALITY
    if any(key in row.quality for row in table.rows.values())
  ]
  rows = [
    [
      _name(key, told_apart),
      *(
        generation_table.interval(found[key]) if key in found else ""
        for found in shown.values()
      ),
    ]
    for key in keys
  ]
  if published:
    cells = [f"{published[n]:.3f}" if n in published else "" for n in shown]
    rows.append([_PUBLISHED, *cells])
  note = _QUALITY
  others = [f"{n} {published[n]:.3f}" for n in published if n not in shown]
  if others:
    note += _PUBLISHED_OTHERS.format(listed=", ".join(others))
  if "frechet" in keys:
    note += _JUDGED.format(
      brackets=_brackets(table), draws=generation_table.DRAWS
    )
  return Block("Samples and reconstructions", note, ["measure", *shown], rows)


def _name(key: str, told_apart: str) -> str:
  """Returns the name of a line, that of the KL with what it stands beside."""
  name = generation_table.QUALITY[key]
  # The mean KL of what was trained on is at most this, and the distance of all
  # latents from the prior.
  is_bound = key == "trained_kl" and told_apart
  return f"{name} ({told_apart})" if is_bound else name


def _costs(table: Table, shape: tuple[int, ...]) -> Block:
  rows = []
  for name, cost in table.costs.items():
    cells = ["not measured"] * 4
    if cost:
      cells = [
        generation_table.milliseconds(cost.seconds),
        generation_table.milliseconds(cost.fastest),
        generation_table.mebibytes(cost.peak_bytes),
        generation_table.mebibytes(cost.weight_bytes),
      ]
    rows.append([name, *cells])
  heads = ["loss", "median, ms", "fastest, ms", "peak, MiB", "weights, MiB"]
  batch = "x".join(map(str, shape))
  return Block("What the loss costs", _COST.format(shape=batch), heads, rows)


def _line(cells: Sequence[str]) -> str:
  return f"| {' | '.join(cells)} |"

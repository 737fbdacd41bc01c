"""The report page that compares VAEs: answers, pictures, tables."""

import dataclasses
import html
from collections.abc import Mapping, Sequence

import numpy as np

from tfpercept import files
from tfpercept.evaluation import (
  gallery,
  generation_pictures,
  report,
)
from tfpercept.evaluation.generation_blocks import Block

_SHOWN = 8  # tiles beside each other
_REMADE = 6  # pictures above their reconstructions; as many as fit the page
_WAYS = 5  # rows of interpolations
_MANIFOLD = 14  # tiles along a side
_TILE = 96  # pixels; smaller pictures are enlarged to about that
_SUMMARY = (
  "Variational autoencoders that differ in the loss of their reconstructions "
  "alone, and in the weight of the KL, which was calibrated for each."
)


@dataclasses.dataclass(frozen=True)
class Exhibits:
  """What pictures are made of.

  Attributes:
    networks: By the name of the loss, all of one latent width.
    planes: Networks of two latents, by the name of the loss; may be empty.
    unseen: Pictures to reconstruct, float32 `[N, H, W, C]`, of which the first
      are shown.
    seed: Of the samples.
  """

  networks: Mapping[str, generation_pictures.Network]
  unseen: np.ndarray
  planes: Mapping[str, generation_pictures.Network] = dataclasses.field(
    default_factory=dict
  )
  seed: int = 0


def write(
  path: files.PathLike,
  title: str,
  shown: Sequence[Block],
  exhibits: Exhibits,
  *,
  logs: Mapping[str, files.PathLike],
  missing: Mapping[str, str],
  conditions: Mapping[str, object],
) -> None:
  """Writes the page: answers, pictures side by side, tables, conditions.

  Args:
    path: The HTML file.
    title: Its heading.
    shown: See `generation_blocks`; the first stands above the pictures.
    exhibits: What the pictures are made of.
    logs: TensorBoard folders of the trainings, by the name of the loss.
    missing: What is left out, and why.
    conditions: What else the reader should know.
  """
  curves = {
    f"{name}: KL, nats an image": curve
    for name, folder in logs.items()
    if len((curve := report.read_curve(folder, "train/kl"))[0])
  }
  sections = [_answers(shown[0]), *_pictures(exhibits)]
  sections += [_section(block) for block in shown[1:]]
  if curves:
    sections.append(report.section("Training", report.curves(curves)))
  if missing:
    sections.append(report.section("Left out", report.facts(missing)))
  facts = {**conditions, **report.machine()}
  sections.append(report.section("Conditions", report.facts(facts)))
  report.Page(title, _SUMMARY, sections).write(path)


def _pictures(exhibits: Exhibits) -> list[str]:
  networks, unseen = exhibits.networks, exhibits.unseen
  latent = next(iter(networks.values())).latent
  z = generation_pictures.latents(_SHOWN**2, latent, seed=exhibits.seed)
  few = unseen[:_REMADE]
  real = generation_pictures.sheet(unseen[: _SHOWN**2], _SHOWN)
  samples = {"pictures held out": real} | {
    name: generation_pictures.samples(network, z, columns=_SHOWN)
    for name, network in networks.items()
  }
  ways = {
    name: generation_pictures.interpolations(
      network, unseen[:_WAYS], unseen[_WAYS : 2 * _WAYS], steps=_SHOWN
    )
    for name, network in networks.items()
  }
  planes = {
    name: generation_pictures.manifold(network, side=_MANIFOLD)
    for name, network in exhibits.planes.items()
  }
  sections = [
    report.section(
      "Samples",
      report.paragraph(
        "Latents drawn from the prior, the same for all losses, and pictures "
        "held out beside them."
      ),
      _cards(samples),
    ),
    report.section(
      "Reconstructions",
      report.paragraph("Of pictures that were not trained on."),
      _reconstructions(networks, few),
    ),
    report.section(
      "From one picture to another",
      report.paragraph(
        "Along the arc between the means of their latents; the first and the "
        "last tile of a row are the reconstructions of two pictures held out."
      ),
      _cards(ways),
    ),
  ]
  if planes:
    sections.append(
      report.section(
        "The plane of two latents",
        report.paragraph(
          "Networks with two latents, of their own trainings. Tiles are at the "
          "quantiles of the prior, each for an equal share of it."
        ),
        _cards(planes),
      )
    )
  return sections


def _cards(sheets: Mapping[str, np.ndarray]) -> str:
  return gallery.cards(
    [gallery.Card(name, enlarged(sheet, 500)) for name, sheet in sheets.items()]
  )


def _reconstructions(
  networks: Mapping[str, generation_pictures.Network], few: np.ndarray
) -> str:
  rows = {"original": few} | {
    name: generation_pictures.reconstructed(network, few)
    for name, network in networks.items()
  }
  return gallery.strip(
    "",
    [""] * len(few),
    {
      name: [
        gallery.Card(
          "", enlarged(generation_pictures.sheet(image[None], 1), _TILE)
        )
        for image in images
      ]
      for name, images in rows.items()
    },
  )


def enlarged(sheet: np.ndarray, side: int) -> np.ndarray:
  """Repeats pixels of `[H, W, C]` so that it is about `side` wide or more.

  A browser would blur what it enlarges.
  """
  times = max(1, round(side / sheet.shape[1]))
  return sheet.repeat(times, axis=0).repeat(times, axis=1)


def _answers(block: Block) -> str:
  """Sentences are no table."""
  claims = {
    claim: ". ".join(filter(None, [verdict, figures]))
    for claim, verdict, figures in block.rows
  }
  return report.section(
    block.title, report.paragraph(block.note), report.facts(claims)
  )


def _section(block: Block) -> str:
  heads = "".join(
    f'<th scope="col">{_text(head)}</th>' for head in block.heads[1:]
  )
  lines = []
  for r, row in enumerate(block.rows):
    cells = "".join(
      f"<td>{_cell(cell, (r, c) in block.bold)}</td>"
      for c, cell in enumerate(row[1:], 1)
    )
    lines.append(f'<tr><th scope="row">{_text(row[0])}</th>{cells}</tr>')
  body = "\n".join(lines)
  return report.section(
    block.title,
    report.paragraph(block.note),
    f'<div class="scroll"><table>\n<thead><tr><td></td>{heads}</tr></thead>\n'
    f"<tbody>\n{body}\n</tbody>\n</table></div>",
  )


def _cell(text: str, is_bold: bool) -> str:
  """A value, with its interval below, which is wider."""
  value, bracket, rest = text.partition(" [")
  shown = f"<strong>{_text(value)}</strong>" if is_bold else _text(value)
  if not bracket:
    return shown
  return f'{shown}<br><small style="color:var(--soft)">[{_text(rest)}</small>'


def _text(value: object) -> str:
  return html.escape(str(value))

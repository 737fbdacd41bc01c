"""The report page that compares VAEs: claims, pictures and tables."""

import dataclasses
from collections.abc import Mapping, Sequence

import numpy as np

from tfpercept.evaluation.core import machine, training_curves
from tfpercept.evaluation.generative import samples
from tfpercept.evaluation.generative.markdown import Block
from tfpercept.io import files
from tfpercept.reports import charts, gallery, page

_SHOWN = 8  # tiles beside each other
_REMADE = 6  # pictures above their reconstructions; as many as fit the page
_WAYS = 5  # rows of interpolations
_MANIFOLD = 14  # tiles along a side
_TILE = 96  # pixels; smaller pictures are enlarged to about that
_SUMMARY = (
  "Variational autoencoders that differ in the loss of their reconstructions "
  "alone, and in the weight of the KL, which goes with the loss."
)


@dataclasses.dataclass(frozen=True)
class Exhibits:
  """Networks and pictures that a page shows.

  Attributes:
    networks: Networks by the name of the loss, all of one latent width.
    planes: Networks with two latents, by the name of the loss; may be empty.
    unseen: Held-out pictures, float32 `[N, H, W, C]` in [0, 1]; the first ones
      are shown.
    seed: Seed of the samples.
  """

  networks: Mapping[str, samples.Network]
  unseen: np.ndarray
  planes: Mapping[str, samples.Network] = dataclasses.field(
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
  """Writes the page: claims, pictures side by side, tables, conditions.

  Args:
    path: Path of the HTML file.
    title: Heading of the page.
    shown: Tables of `markdown.blocks`; the first stands above the pictures.
    exhibits: Networks and pictures to show.
    logs: TensorBoard folders of the trainings, by the name of the loss.
    missing: Reasons for what is left out, by name.
    conditions: Further facts for the reader, by name.
  """
  curves = {
    f"{name}: KL, nats an image": curve
    for name, folder in logs.items()
    if len((curve := training_curves.read(folder, "train/kl"))[0])
  }
  sections = [_answers(shown[0]), *_pictures(exhibits)]
  sections += [_section(block) for block in shown[1:]]
  if curves:
    sections.append(page.section("Training", page.curves(curves)))
  if missing:
    sections.append(page.section("Left out", page.facts(missing)))
  facts = {**conditions, **machine.facts()}
  sections.append(page.section("Conditions", page.facts(facts)))
  page.Page(title, _SUMMARY, sections).write(path)


def _pictures(exhibits: Exhibits) -> list[str]:
  sections = [_samples(exhibits), _remade(exhibits), _ways(exhibits)]
  if exhibits.planes:
    sections.append(_planes(exhibits))
  return sections


def sheets(exhibits: Exhibits) -> dict[str, np.ndarray]:
  """Returns samples, and planes if any, of all networks side by side.

  Args:
    exhibits: Networks and pictures to show.

  Returns:
    Pictures, uint8 `[H, W, 3]`, by a word for what they show.

  Raises:
    ValueError: if matplotlib is not installed.
  """
  found = {"samples": charts.sheet("Samples", _sampled(exhibits))}
  if exhibits.planes:
    title = "The plane of two latents"
    found["plane"] = charts.sheet(title, _planes_of(exhibits))
  return found


def _sampled(exhibits: Exhibits) -> dict[str, np.ndarray]:
  """Returns a sheet of samples of each network, and as many pictures."""
  networks, real = exhibits.networks, exhibits.unseen[: _SHOWN**2]
  latent = next(iter(networks.values())).latent
  z = samples.latents(len(real), latent, seed=exhibits.seed)
  return {"pictures held out": samples.sheet(real, _SHOWN)} | {
    name: samples.samples(network, z, columns=_SHOWN)
    for name, network in networks.items()
  }


def _samples(exhibits: Exhibits) -> str:
  text = (
    "Latents drawn from the prior, the same for all losses, and pictures held "
    "out beside them."
  )
  return page.section(
    "Samples", page.paragraph(text), _cards(_sampled(exhibits))
  )


def _remade(exhibits: Exhibits) -> str:
  few = exhibits.unseen[:_REMADE]
  rows = {"original": few} | {
    name: samples.reconstructed(network, few)
    for name, network in exhibits.networks.items()
  }
  strip = gallery.strip(
    "",
    [""] * len(few),
    {
      name: [
        gallery.Card("", enlarged(samples.sheet(image[None], 1), _TILE))
        for image in images
      ]
      for name, images in rows.items()
    },
  )
  text = "Of pictures that were not trained on."
  return page.section("Reconstructions", page.paragraph(text), strip)


def _ways(exhibits: Exhibits) -> str:
  unseen = exhibits.unseen
  first, second = unseen[:_WAYS], unseen[_WAYS : 2 * _WAYS]
  drawn = {
    name: samples.interpolations(network, first, second, steps=_SHOWN)
    for name, network in exhibits.networks.items()
  }
  text = (
    "Along the arc between the means of their latents; the first and the last "
    "tile of a row are the reconstructions of two pictures held out."
  )
  return page.section(
    "From one picture to another", page.paragraph(text), _cards(drawn)
  )


def _planes_of(exhibits: Exhibits) -> dict[str, np.ndarray]:
  """Returns the plane of each network of two latents."""
  return {
    name: samples.manifold(network, side=_MANIFOLD)
    for name, network in exhibits.planes.items()
  }


def _planes(exhibits: Exhibits) -> str:
  text = (
    "Networks with two latents. Tiles are at the quantiles of the prior, each "
    "for an equal share of it."
  )
  return page.section(
    "The plane of two latents",
    page.paragraph(text),
    _cards(_planes_of(exhibits)),
  )


def _cards(shown: Mapping[str, np.ndarray]) -> str:
  return gallery.cards(
    [gallery.Card(name, enlarged(sheet, 500)) for name, sheet in shown.items()]
  )


def enlarged(sheet: np.ndarray, side: int) -> np.ndarray:
  """Repeats pixels of `[H, W, C]` so that it is about `side` wide or more.

  A browser would blur what it enlarges.
  """
  times = max(1, round(side / sheet.shape[1]))
  return sheet.repeat(times, axis=0).repeat(times, axis=1)


def _answers(block: Block) -> str:
  """Claims are sentences and do not fit a table."""
  claims = {
    claim: ". ".join(filter(None, [verdict, figures]))
    for claim, verdict, figures in block.rows
  }
  return page.section(
    block.title, page.paragraph(block.note), page.facts(claims)
  )


def _section(block: Block) -> str:
  return page.section(
    block.title,
    page.paragraph(block.note),
    page.grid(
      [["", *block.heads[1:]], *block.rows],
      bold={(row + 1, column) for row, column in block.bold},
    ),
  )

"""Prints the table of codecs of small pictures, on seen and unseen ones.

    python -m trainers.inversion_table --data=emoji.npz --channels=3 \
        --models="KLT generator=runs/emoji" --out=runs/inversion_table

PNG, K-means of four colors, JPEG at qualities 10 and 1, `photo_ms_ssim`, PCA
and generators that `trainers.gan` trained stand beside the published figures of
an inversion codec. PCA is computed here, from the pictures of the part `train`,
with as many components as the first generator has latents. Every method is at
the best quality of at most `--bpp` on unseen pictures. The tables go to
`table.md`, and with pictures to `report.html`.
"""

import dataclasses
import pathlib
from collections.abc import Mapping

import numpy as np

from programs import derived_flags, program
from tfpercept import codecs, models, settings
from tfpercept.codecs.inversion import (
  inversion_codec,
  model_writer,
  residual_layer,
)
from tfpercept.data import examples
from tfpercept.evaluation.inversion import measure, methods, page, table
from tfpercept.io import files, folders, npz_reader
from tfpercept.reports import gallery

PCA = "PCA"
_TEST = "test"  # part of the pictures that nothing learns from
_COLORS = 4
_TRIED, _SEARCHED = 64, 8  # pictures that a quality is chosen by


@dataclasses.dataclass(frozen=True, kw_only=True)
class Job(settings.Settings):
  """The table to print.

  Attributes:
    data: Pictures with the parts `train` and `test`, or without.
    models: Generators, each as NAME=RUN.
    out: Folder of the table and the page.
    side: Side of the pictures.
    channels: Number of channels.
    latent: Number of components of PCA; None for as many as the first model.
    pictures: Number of pictures of each part.
    bpp: Most bits per pixel.
    steps: Steps of a search for further rows; 0 for no such rows. Generators
      without an encoder are always searched, with 300 steps by default.
    objective: Distance of all searches; None for that of the codec.
    residuals: Quantizer steps of residual layers for further rows, in levels of
      255, of PCA and of each generator without a search.
    kept: Steps of a search whose pictures are shown; empty for no search.
    photo: Name of the codec of photographs in the table; empty for none.
  """

  data: str = settings.option(settings.REQUIRED, "File of pictures, .npz.")
  models: tuple[str, ...] = settings.option(
    (), "Generator as NAME=RUN; may be repeated.", repeated=True
  )
  out: str = settings.option("runs/inversion_table", "Folder of the table.")
  side: int = settings.option(
    64, "Side of the pictures.", choices=(32, 64, 128)
  )
  channels: int = settings.option(3, "Number of channels.", choices=(1, 3))
  latent: int | None = settings.option(
    None, "Number of components of PCA.", least=1
  )
  pictures: int = settings.option(
    200, "Number of pictures of each part.", least=2
  )
  bpp: float = settings.option(table.RATE, "Most bits per pixel.", least=0.0)
  steps: int = settings.option(
    0,
    "Steps of a search for further rows, of PCA and of each generator.",
    least=0,
  )
  objective: str | None = settings.option(
    None, "Spec of the distance that is searched by."
  )
  residuals: tuple[float, ...] = settings.option(
    (),
    "Quantizer steps of residual layers for further rows, 8 to 256 each, with "
    "the codec of photographs at the rate of the last generator's.",
  )
  kept: tuple[int, ...] = settings.option(
    (), "Steps of a search of one picture that are shown, such as 100,1000."
  )
  photo: str = settings.option(
    "photo_ms_ssim", "Model of photographs in the table; empty for none."
  )

  def check(self) -> None:
    if not all("=" in item for item in self.models):
      raise ValueError(f"--models takes NAME=RUN; got {self.models}")
    for step in self.residuals:
      residual_layer.nearest(step)

  @property
  def named(self) -> dict[str, str]:
    """The folders of the generators, by name."""
    return {k: v for k, _, v in (m.partition("=") for m in self.models)}


_FLAGS = derived_flags.Flags(Job)


def main() -> None:
  """Measures all methods and writes the table."""
  job = _FLAGS.read()
  out = pathlib.Path(job.out)
  folders.require(out)
  train, test = _parts(job)
  coders = _coders(job, out, train)
  parts = {
    "Unseen pictures": _chosen(test, job.pictures),
    "Seen pictures": _chosen(train, job.pictures),
  }
  tried = _methods(job, coders, parts["Unseen pictures"])
  rows: dict[str, dict[str, measure.Row]] = {}
  shown = {}
  for name, images in parts.items():
    judge = measure.Judge(images)
    coded = {method: apply(images) for method, apply in tried.items()}
    rows[name] = {method: judge.row(found) for method, found in coded.items()}
    shown[name] = images, coded
  counts = {name: len(images) for name, images in parts.items()}
  notes = _notes(job, counts, rows, list(coders))
  text = "\n\n".join(
    [*notes, *(table.markdown(name, found) for name, found in rows.items())]
  )
  files.write_text(out / "table.md", text + "\n")
  page.write(
    str(out / "report.html"), "A generator's latent as the file", rows, shown,
    notes, _trajectory(job, parts["Unseen pictures"]),
  )  # fmt: skip
  print(text)


def _parts(job: Job) -> tuple[np.ndarray, np.ndarray]:
  """Returns pictures that were trained on and others, uint8.

  Raises:
    ValueError: if the file has no test part and there are generators, each of
      which held out pictures of its own choice.
  """
  is_whole = f"x_{_TEST}" not in npz_reader.read(job.data, numbers_only=True)
  if is_whole and job.models:
    raise ValueError(
      f"{job.data} has no part {_TEST!r}, so that pictures which no generator "
      "has learned from are not known; write x_train and x_test into it, and "
      "train the generators on it"
    )

  def read(split: str) -> examples.Examples:
    return examples.load(
      [job.data], side=job.side, channels=job.channels, split=split
    )

  train = read("train")
  unseen = None if is_whole else read(_TEST)
  if unseen is None:
    train, unseen = examples.hold_out(train, 0.1, seed=0)
  return train.images, unseen.images


def _chosen(images: np.ndarray, count: int) -> np.ndarray:
  """Returns so many pictures, evenly over all."""
  places = np.linspace(0, len(images) - 1, min(count, len(images)))
  return images[places.astype(int)]


def _coders(
  job: Job, out: pathlib.Path, train: np.ndarray
) -> dict[str, inversion_codec.Inversion]:
  """Returns the codecs of PCA and of the generators, by name."""
  found = {
    name: inversion_codec.Inversion(
      model=program.home(run), objective=job.objective
    )
    for name, run in job.named.items()
  }
  latent = job.latent
  if latent is None:
    latent = next((codec.latent for codec in found.values()), 192)
  network = models.PCA(side=job.side, channels=job.channels, latent=latent)
  network.basis.fit(train)
  model_writer.save(network, out / "pca", images=train, dtype="float16")
  found = {PCA: inversion_codec.Inversion(model=str(out / "pca")), **found}
  if job.steps:
    found |= {
      f"{name}, {job.steps} steps": inversion_codec.Inversion(
        model=codec.model, steps=job.steps, objective=job.objective, restarts=1
      )
      for name, codec in found.items()
    }
  return found


def _methods(
  job: Job, coders: Mapping[str, inversion_codec.Inversion], unseen: np.ndarray
) -> dict[str, methods.Method]:
  found = {
    "PNG": methods.of_codec(codecs.get("png")),
    f"K-means, {_COLORS} colors, as PNG": methods.k_means(_COLORS),
    "JPEG, quality 10": methods.of_codec(codecs.get("jpeg"), 10),
    "JPEG, quality 1": methods.of_codec(codecs.get("jpeg"), 1),
  }
  found |= _photo(job, unseen, job.bpp)
  qualities = {}
  for name, codec in coders.items():
    tried = _SEARCHED if codec.searches else _TRIED
    quality = methods.quality_at(codec, list(unseen), job.bpp, tried=tried)
    found[name] = methods.of_codec(codec, quality)
    qualities[name] = quality
  for step in job.residuals:
    for name, codec in coders.items():
      if not codec.searches:
        layered = inversion_codec.Inversion(model=codec.model, residual=step)
        last = methods.of_codec(layered, qualities[name])
        found[f"{name}, residual {step:g}"] = last
    bits = 8 * float(last(unseen).sizes.mean())
    found |= _photo(job, unseen, bits / job.side**2)
  return found


def _photo(
  job: Job, unseen: np.ndarray, bpp: float
) -> dict[str, methods.Method]:
  """Returns the codec of photographs at a rate, by name, if it is wanted."""
  if not job.photo:
    return {}
  photo = codecs.get(f"hyperprior(model={job.photo!r})")
  quality = methods.quality_at(photo, list(unseen), bpp)
  return {f"{job.photo}, quality {quality:g}": methods.of_codec(photo, quality)}


def _notes(
  job: Job,
  counts: Mapping[str, int],
  rows: Mapping[str, Mapping[str, measure.Row]],
  names: list[str],
) -> list[str]:
  """Returns paragraphs: the conditions, and whether the marks are reached."""
  unseen = rows["Unseen pictures"]
  row = unseen[PCA]
  smallest = unseen["JPEG, quality 1"].bytes
  what = " and ".join(f"{n} {name.lower()}" for name, n in counts.items())
  said = [
    f"{what} of {job.side}x{job.side}, of {pathlib.Path(job.data).name}. The "
    f"Fréchet distances are over {row.patches[0]} and {row.patches[1]} patches "
    "of the unseen part; they compare with each other alone.",
    table.HEADER_NOTE.format(least=smallest, share=8 * smallest / job.side**2),
  ]
  said += [table.mark(name, unseen[name]) for name in names]
  said += [
    table.beside(name, unseen[name], PCA, row) for name in names if name != PCA
  ]
  return said


def _trajectory(job: Job, unseen: np.ndarray) -> dict[str, list[gallery.Card]]:
  """Returns pictures of a search for each generator that is searched."""
  found: dict[str, list[gallery.Card]] = {}
  steps = tuple(int(step) for step in job.kept)
  if not steps:
    return found
  for name, run in job.named.items():
    codec = inversion_codec.Inversion(
      model=program.home(run), steps=max(steps), objective=job.objective
    )
    original = unseen[len(unseen) // 2]
    seen = codec.trajectory(original, at=steps)
    found[name] = [gallery.Card("original", page.enlarged(original))]
    for step, picture in sorted(seen.pictures.items()):
      image = np.round(255 * picture).astype(np.uint8)
      title = f"{step} steps, {seen.values[step - 1]:.3f}"
      found[name].append(gallery.Card(title, page.enlarged(image)))
  return found


if __name__ == "__main__":
  program.start(main)

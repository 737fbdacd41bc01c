"""Prints what a realism head does to pictures, and the bars it is held to.

    python -m trainers.realism_bars --data=KODAK

Each picture is coded once; the file is decoded at five strengths. The table has
distances of pairs, distances of sets of patches, and the test for grids, of
`tfpercept.evaluation.realism`; below it stand the bars and published decoders.
"""

import dataclasses
import pathlib

from absl import logging

from programs import derived_flags, program
from tfpercept import offers, settings, weights
from tfpercept.codecs.learned import learned_codec
from tfpercept.evaluation.realism import bars, measure, table
from tfpercept.io import files

_SPECS = ("mse", "ms_ssim", "lpips", "pim")
_DEEP = "dists"  # whose network may not be at hand


@dataclasses.dataclass(frozen=True, kw_only=True)
class Job(settings.Settings):
  """The pictures and the decoders.

  Attributes:
    data: Folders of pictures.
    model: Name or folder of the codec.
    head: Folder of the head; empty for that of the package.
    quality: Quality of the files.
    strengths: Strengths of the head, rising.
    out: File that gets the table, too, or None.
  """

  data: tuple[str, ...] = settings.option(
    settings.REQUIRED, "Folder of pictures; may be repeated.", repeated=True
  )
  model: str = settings.option(offers.MODEL, "Codec.")
  head: str = settings.option(
    "", "Folder of the head; by default that of the package."
  )
  quality: float = settings.option(
    2.0, "Quality of the files; 2 is 0.14 bits per pixel on Kodak.", least=1.0
  )
  strengths: tuple[float, ...] = settings.option(
    (0.25, 0.5, 0.75, 1.0), "Strengths of the head above 0, rising."
  )
  out: str | None = settings.option(None, "File that gets the table, too.")

  def check(self) -> None:
    if list(self.strengths) != sorted(self.strengths) or not self.strengths:
      raise ValueError(
        f"--strengths rise; got {','.join(map(str, self.strengths))}"
      )


_FLAGS = derived_flags.Flags(Job)


def main() -> None:
  job = _FLAGS.read()
  specs = [*_SPECS]
  try:
    collector = measure.Judge([*specs, _DEEP])
  except weights.MissingWeights as error:
    logging.info("without %s: %s", _DEEP, error)
    collector = measure.Judge(specs)
  decoders = {
    f"t={t:g}": learned_codec.Hyperprior(
      model=job.model, realism=t, head=job.head, check=False
    )
    for t in (0.0, *job.strengths)
  }
  size = pixels = 0
  for path in (p for folder in job.data for p in files.list_images(folder)):
    picture = files.read_image(path)
    data = decoders["t=0"].compress(picture, quality=job.quality)
    decoded = {name: each.decompress(data) for name, each in decoders.items()}
    collector.add(path.name, picture, decoded)
    size, pixels = (
      size + len(data),
      pixels + picture.shape[0] * picture.shape[1],
    )
  rows = collector.rows()
  text = (
    f"{job.model} at quality {job.quality:g}: {8 * size / pixels:.4f} bits per "
    f"pixel, the same files\n\n{table.to_text(rows)}\n\n{bars.to_text(rows)}"
  )
  print(text)
  if job.out:
    files.write_text(pathlib.Path(job.out), text + "\n")


if __name__ == "__main__":
  program.start(main)

"""Prints what drawings and photographs take without loss and by the model.

    python -m tests.codecs.lossless.rates
    python -m tests.codecs.lossless.rates FOLDER

For each picture, made here or of a folder: the share by which drawings are
told, the rate without loss, and at some qualities the bytes without loss over
those of the model, with the model's PSNR.
"""

import math
import sys

import numpy as np

from tests.codecs.lossless import pictures
from tfpercept import codecs
from tfpercept.codecs.lossless import choice, drawings, lossless_codec
from tfpercept.data import packaged
from tfpercept.io import files

QUALITIES = (1, 2.75, 4.5, 8)


def made() -> dict[str, np.ndarray]:
  """Returns drawings, pictures that are none, and photographs, by name."""
  size = 512, 768
  return {
    "text of 10 points": pictures.text(*size, size=10),
    "text of 16 points": pictures.text(*size, size=16),
    "chart": pictures.chart(*size),
    "line art": pictures.line_art(*size),
    "gradient": pictures.gradient(*size),
    "noise": pictures.noise(*size),
    **packaged.test(),
  }


def row(name: str, picture: np.ndarray, codec: codecs.Codec) -> str:
  """Returns the line of a picture in a table of Markdown."""
  pixels = picture.shape[0] * picture.shape[1]
  exact = len(lossless_codec.Lossless().compress(picture))
  cells = [
    name,
    f"{drawings.repeating_share(picture):.2f}",
    f"{8 * exact / pixels:.2f}",
  ]
  for quality in QUALITIES:
    data = codec.compress(picture, quality=quality)
    error = np.square(codec.decompress(data).astype(float) - picture).mean()
    psnr = 10 * math.log10(255**2 / error) if error else math.inf
    is_exact = lossless_codec.is_lossless(choice.better(picture, data))
    times = f"{exact / len(data):.2f} ({psnr:.1f} dB)"
    cells.append(f"**{times}**" if is_exact else times)
  return f"| {' | '.join(cells)} |"


def main() -> None:
  found = made()
  if len(sys.argv) > 1:
    paths = files.list_images(sys.argv[1])
    found = {path.stem: files.read_image(path) for path in paths}
  codec = codecs.get("learned")
  heads = ["picture", "share", "bpp without loss"]
  heads += [f"quality {quality:g}" for quality in QUALITIES]
  print(f"| {' | '.join(heads)} |")
  print("|" + " --- |" * len(heads))
  for name, picture in found.items():
    print(row(name, picture, codec), flush=True)


if __name__ == "__main__":
  main()

"""A small set of forced choices, as people make them."""

import pathlib

import numpy as np

from tfpercept.data import judgement_layouts
from tfpercept.io import files


def write(
  folder: pathlib.Path, size: tuple[int, int] = (24, 32)
) -> pathlib.Path:
  """Writes choices on three contents between noise and more brightness.

  Args:
    folder: Folder to write to.
    size: Height and width of the pictures in pixels.

  Returns:
    The folder.
  """
  random = np.random.default_rng(0)
  lines = ["reference,first,second,share"]
  for name in "abc":
    base = random.integers(60, 190, (*size, 3))
    made = {
      "reference": base,
      "noise": base + random.normal(0, 8, base.shape),
      "light": base + 8,
    }
    for role, image in made.items():
      files.write_image(
        folder / f"{name}_{role}.png", image.clip(0, 255).astype(np.uint8)
      )
    lines += [
      f"{name}_reference.png,{name}_noise.png,{name}_light.png,0.9",
      f"{name}_reference.png,{name}_light.png,{name}_noise.png,0.2",
    ]
  (folder / judgement_layouts.CHOICES).write_text("\n".join(lines))
  return folder

"""Pictures in files of two codecs of about the same size."""

import pathlib
from collections.abc import Mapping, Sequence

import numpy as np

from tfpercept import distances
from tfpercept.codecs import Codec
from tfpercept.evaluation.rate_distortion import crops, equal_rate
from tfpercept.io import files
from tfpercept.reports import page, wipe

_HOW = (
  "Each picture in a file of {left} and in one of {right} with about the same "
  "rate. The square of {side} pixels with the most contrast is shown. Move the "
  "slider with the mouse or its arrow keys. Decibels of {specs} are -10 log10 "
  "of the distance; for psnr that is PSNR. Error maps are of {map}, on one "
  "color scale for each picture."
)


def make(
  folder: files.PathLike,
  pictures: Mapping[str, np.ndarray],
  codec: Codec,
  other: Codec,
  *,
  quality: float,
) -> None:
  """Writes two files for each picture, all of them or none.

  Args:
    folder: Folder to write; an existing one is replaced.
    pictures: uint8 `[H, W, 1 or 3]`, by name.
    codec: Codec of the first file of each picture.
    other: Codec of the second file, whose size is the nearest to the first.
    quality: Quality of the first file.
  """
  with files.atomic(folder) as temporary:
    for name, picture in pictures.items():
      data = codec.compress(picture, quality=quality)
      bpp = 8 * len(data) / (picture.shape[0] * picture.shape[1])
      near = equal_rate.nearest(other, picture, bpp)
      files.write_bytes(_path(temporary, name, codec), data)
      files.write_bytes(_path(temporary, name, other), near.data)


def section(
  title: str,
  folder: files.PathLike,
  pictures: Mapping[str, np.ndarray],
  codecs: tuple[Codec, Codec],
  metrics: Sequence[distances.Distance],
  *,
  side: int = 256,
) -> str:
  """Returns the section of a page that shows what `make` wrote.

  Args:
    title: Heading of the section.
    folder: Folder of the files, which are decoded.
    pictures: Originals by name, uint8 `[H, W, 1 or 3]`.
    codecs: Codecs of the files; the first is shown at the right at first.
    metrics: Distances that suit the pictures; error maps are of the last.
    side: Side in pixels of the part of each picture that is shown; whole
      pictures would make a page of many megabytes.

  Raises:
    CorruptStream: if a file is damaged.
    OSError: if it is missing.
  """
  codec, other = codecs
  blocks = []
  for name, picture in pictures.items():
    coded = {}
    for each in codecs:
      data = _path(folder, name, each).read_bytes()
      coded[each.spec] = equal_rate.Coded(data, each.decompress(data))
    blocks.append(
      crops.block(
        name, picture, coded, metrics, pair=(other.spec, codec.spec), side=side
      )
    )
  specs = [metric.spec for metric in metrics]
  how = _HOW.format(
    left=other.spec,
    right=codec.spec,
    specs=" and ".join(specs),
    map=specs[-1],
    side=side,
  )
  return page.section(title, wipe.ASSETS, page.paragraph(how), *blocks)


def _path(folder: files.PathLike, name: str, codec: Codec) -> pathlib.Path:
  return pathlib.Path(folder) / f"{name}{codec.suffix}"

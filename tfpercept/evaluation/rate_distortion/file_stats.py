"""Statistics of compressed files: size, distances and seconds."""

import dataclasses
import math
import statistics
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from tfpercept.evaluation.core import text_tables
from tfpercept.evaluation.rate_distortion import file_scores


@dataclasses.dataclass(frozen=True)
class Row:
  """Statistics of one picture and its file.

  Attributes:
    file: Name of the file in tables.
    width: Width of the picture in pixels.
    height: Height of the picture in pixels.
    size: Size of the file in bytes.
    seconds: Wall time of encoding, or of decoding.
    quality: Quality of the encoding; None if it is not known.
    psnr: PSNR in dB of 8-bit pixels; infinite if nothing was lost, None without
      the original.
    ms_ssim: MS-SSIM in [0, 1]; None without the original, or if the picture is
      too small.
    is_lossless: Whether the file holds the picture without loss, at no quality.
  """

  file: str
  width: int
  height: int
  size: int
  seconds: float
  quality: float | None = None
  psnr: float | None = None
  ms_ssim: float | None = None
  is_lossless: bool = False

  @property
  def bpp(self) -> float:
    """Bits of the file for each pixel."""
    return 8 * self.size / (self.width * self.height)

  @property
  def ms_ssim_db(self) -> float | None:
    """MS-SSIM in decibels, -10 log10(1 - ms_ssim)."""
    if self.ms_ssim is None:
      return None
    return -10 * math.log10(1 - self.ms_ssim) if self.ms_ssim < 1 else math.inf

  def why(self, name: str) -> str:
    """Returns why a value is None, or nothing where it is not."""
    if getattr(self, name) is not None:
      return ""
    if name == "quality" and self.is_lossless:
      return "the file is lossless"
    if name == "quality":
      return "the file does not say its quality"
    if self.psnr is None:
      return "the original is not at hand"
    return "the picture is too small for ms_ssim"

  @property
  def speed(self) -> float:
    """Millions of pixels per second."""
    return self.width * self.height / max(self.seconds, 1e-9) / 1e6


def scored(row: Row, picture: np.ndarray, image: np.ndarray) -> Row:
  """Returns a row with the distances of a decoded picture.

  Args:
    row: Row without distances.
    picture: The original, uint8 `[H, W, 1 or 3]`.
    image: Decoded picture of the same size.

  Raises:
    ValueError: if the sizes differ.
  """
  if image.shape[:2] != picture.shape[:2] or image.dtype != np.uint8:
    raise ValueError(
      f"it was decoded to {image.dtype} {list(image.shape)}; the picture is "
      f"uint8 {list(picture.shape)}"
    )
  return dataclasses.replace(
    row,
    psnr=file_scores.psnr(picture, image),
    ms_ssim=file_scores.ms_ssim(picture, image),
  )


@dataclasses.dataclass(frozen=True)
class _Column:
  name: str
  head: str
  text: Callable[[Any], str]


_COLUMNS = (
  _Column("width", "width", str),
  _Column("height", "height", str),
  _Column("quality", "quality", "{:g}".format),
  _Column("size", "bytes", str),
  _Column("bpp", "bpp", "{:.3f}".format),
  _Column("psnr", "psnr", "{:.2f}".format),
  _Column("ms_ssim", "ms_ssim", "{:.4f}".format),
  _Column("ms_ssim_db", "dB", "{:.2f}".format),
  _Column("seconds", "seconds", "{:.2f}".format),
  _Column("speed", "MP/s", "{:.2f}".format),
)
_MEANS = ("psnr", "ms_ssim", "ms_ssim_db")


def to_text(rows: Sequence[Row]) -> str:
  """Formats rows for a terminal, with totals and means below if many.

  Means leave out what is infinite. A column that no row fills is left out.
  """
  columns = [
    column
    for column in _COLUMNS
    if any(getattr(row, column.name) is not None for row in rows)
  ]
  lines = [["file", *(column.head for column in columns)]]
  footnotes = text_tables.Footnotes()
  lines += [
    [row.file, *(_cell(c, row, footnotes) for c in columns)] for row in rows
  ]
  if len(rows) > 1:
    total = _total(rows)
    cells = (
      "" if total.get(c.name) is None else c.text(total[c.name])
      for c in columns
    )
    lines.append(["all", *cells])
  return "\n".join([text_tables.aligned(lines), *footnotes.lines])


def to_csv(rows: Sequence[Row]) -> str:
  """Formats rows as CSV in full precision."""
  names = [column.name for column in _COLUMNS]
  lines = [["file", *names, "why"]]
  for row in rows:
    values = [getattr(row, name) for name in names]
    cells = ["" if v is None else v for v in values]
    lines.append([row.file, *cells, "; ".join(_whys(row))])
  return text_tables.csv_text(lines).rstrip("\n")


def to_json(rows: Sequence[Row]) -> list[dict[str, Any]]:
  """Returns rows as JSON values; an infinite number is the string "inf"."""
  return [
    {
      "file": row.file,
      **{
        c.name: text_tables.json_number(getattr(row, c.name)) for c in _COLUMNS
      },
      "why": "; ".join(_whys(row)),
    }
    for row in rows
  ]


def _whys(row: Row) -> list[str]:
  """Returns why values are not there, each reason once."""
  whys = (row.why(column.name) for column in _COLUMNS)
  return list(dict.fromkeys(filter(None, whys)))


def _cell(column: _Column, row: Row, footnotes: text_tables.Footnotes) -> str:
  value = getattr(row, column.name)
  if value is None:
    return footnotes.dash(row.why(column.name))
  return column.text(value)


def _total(rows: Sequence[Row]) -> dict[str, float]:
  """Returns sums of bytes and seconds, their rates, and means of the rest.

  The rate is all bits over all pixels, so a small picture counts for little.
  Means are of what is finite.
  """
  seconds = sum(row.seconds for row in rows)
  pixels = sum(row.width * row.height for row in rows)
  size = sum(row.size for row in rows)
  total = {
    "size": size,
    "bpp": 8 * size / pixels,
    "seconds": seconds,
    "speed": pixels / max(seconds, 1e-9) / 1e6,
  }
  for name in _MEANS:
    values = [getattr(row, name) for row in rows]
    finite = [v for v in values if v is not None and math.isfinite(v)]
    if finite:
      total[name] = statistics.fmean(finite)
  return total

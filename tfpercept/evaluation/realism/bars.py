"""The bars that realism heads are held to, and published decoders beside them.

The bars are ratios to the faithful decoder of the same files, at about 0.14
bits per pixel on photographs of Kodak.
"""

import dataclasses
import itertools
import math
from collections.abc import Sequence

from tfpercept.evaluation.core import text_tables
from tfpercept.evaluation.realism import measure

BARS = {
  "lpips": 0.6,
  "pim": 0.45,
  "patch_frechet_alex": 0.55,
  "patch_frechet_pim": 0.55,
}
"""Largest ratio to the faithful decoder at full strength, by measure."""
LOSS = 0.8
"""Largest loss of PSNR at full strength, in dB."""


@dataclasses.dataclass(frozen=True)
class Anchor:
  """A published decoder.

  Attributes:
    name: Name of the method.
    bpp: Rate in bits per pixel, in words.
    scores: Published numbers in words.
  """

  name: str
  bpp: str
  scores: str


ANCHORS = (
  Anchor(
    "CRDR, beta 0 -> 3.84",
    "0.150",
    "29.15 -> 28.52 dB, LPIPS .219 -> .076, DISTS .175 -> .089",
  ),
  Anchor(
    "MS-ILLM",
    "0.153",
    "27.53 dB, LPIPS .073, DISTS .081; realism by its decoder alone",
  ),
  Anchor("HiFiC", "-", "as liked as BPG at 2.1 times its rate"),
)
_FOOT = """\
The published numbers are those that the papers print of Kodak. Their codecs,
their training pictures and their LPIPS networks are others than ours, so only
the order of magnitude compares. Ours keeps the files and the analysis of a
codec that was trained for distortion alone, at a rate where that has lost more.
No decoder of ours was trained on Kodak."""


@dataclasses.dataclass(frozen=True)
class Verdict:
  """Whether a bar is reached.

  Attributes:
    name: The name of the measure, in words.
    value: The value at full strength; NaN where there is none.
    bound: The largest value allowed, in words.
    is_reached: Whether the value is within the bound.
  """

  name: str
  value: float
  bound: str
  is_reached: bool


def verdicts(rows: Sequence[measure.Row]) -> list[Verdict]:
  """Returns a verdict for each bar.

  Args:
    rows: The faithful decoder, and heads by rising strength, full strength
      last, of the same files.

  Raises:
    ValueError: if there are fewer than two rows.
  """
  if len(rows) < 2:
    raise ValueError(
      f"bars compare the faithful decoder with a head; got {len(rows)} decoder"
    )
  faithful, full = rows[0], rows[-1]
  found = []
  for name in (name for name in BARS if _has(full, name)):
    ratio = full.value(name) / faithful.value(name)
    found.append(
      Verdict(f"{name}, ratio", ratio, f"{BARS[name]}", ratio <= BARS[name])
    )
  if _has(full, "psnr"):
    loss = faithful.value("psnr") - full.value("psnr")
    found.append(Verdict("loss in dB", loss, f"{LOSS}", loss <= LOSS))
  for name in (name for name in BARS if _has(full, name)):
    values = [row.value(name) for row in rows]
    rise = max(b - a for a, b in itertools.pairwise(values))
    share = rise / values[0]
    found.append(
      Verdict(
        f"{name}, largest rise from strength to strength over the first",
        share,
        "0",
        share <= 0,
      )
    )
  grid = full.grid
  found.append(
    Verdict(
      f"grid of flat patches in dB, period {grid.period}",
      grid.decibels,
      "none is found",
      grid.is_judged and not grid.is_found,
    )
  )
  return found


def to_text(rows: Sequence[measure.Row]) -> str:
  """Returns a table of the bars, and published decoders beside them."""
  lines = [["bar", "found", "at most", "reached"]]
  for verdict in verdicts(rows):
    value = "-" if math.isnan(verdict.value) else f"{verdict.value:.3f}"
    reached = "yes" if verdict.is_reached else "no"
    lines.append([verdict.name, value, verdict.bound, reached])
  anchors = [["published", "bpp", ""]]
  anchors += [[each.name, each.bpp, each.scores] for each in ANCHORS]
  return "\n\n".join(
    [text_tables.aligned(lines), text_tables.aligned(anchors), _FOOT]
  )


def _has(row: measure.Row, name: str) -> bool:
  return name in row.fidelity or name in row.realism

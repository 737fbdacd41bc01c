"""Published rate-distortion points of codecs on the Kodak pictures.

Each is a mean over all 24 pictures at one setting, RGB. MS-SSIM was averaged
before it is turned into decibels; means of decibels lie above that.

Sources: numbers only, no code, thinned to steps of 15 % in rate where denser.
`vtm`, `elic2022_mse` and `bmshj2018_vbr_one_model` are from
`results/image/kodak` of CompressAI (BSD-3-Clause-Clear); `pillow_*` are ours,
by Pillow 13: JPEG 4:2:0 with `optimize`, WebP with `method=4`; the others are
from `results/image_compression/kodak` of TensorFlow Compression (Apache-2.0).

The published JPEG spends 0.08 bits per pixel that an ordinary encoder does not:
it is 13 % weaker than Pillow's by BD-rate, and the published WebP 6 % weaker.
"""

import csv
import math
import pathlib
import re
from collections.abc import Iterable

from tfpercept.evaluation.rate_distortion import bd_rate

_FILE = pathlib.Path(__file__).with_name("kodak_published.csv")
_KODAK = re.compile(r"kodim\d\d")
_DECIBELS = {
  "psnr": lambda score: score,
  "ms_ssim": lambda score: -10 * math.log10(1 - score),
}
PICTURES = 24
PIXELS = 768 * 512


def are_kodak(names: Iterable[str]) -> bool:
  """Whether all pictures have names of the Kodak set: kodim01 and so on."""
  return all(_KODAK.fullmatch(pathlib.Path(name).stem) for name in names)


def curves(spec: str) -> dict[str, bd_rate.Curve]:
  """Returns rates and decibels by codec; none for most distances.

  Args:
    spec: Spec of the distance; `"psnr"` and `"ms_ssim"` have curves.
  """
  if spec not in _DECIBELS:
    return {}
  found: dict[str, tuple[list[float], list[float]]] = {}
  with open(_FILE, newline="") as file:
    for row in csv.DictReader(file):
      if row["metric"] == spec:
        rates, qualities = found.setdefault(row["codec"], ([], []))
        rates.append(float(row["bpp"]))
        qualities.append(_DECIBELS[spec](float(row["score"])))
  return {codec: bd_rate.Curve(*points) for codec, points in found.items()}

"""Published rate-distortion points of codecs on the Kodak pictures.

Each is a mean over all 24 pictures at one setting, RGB. MS-SSIM was averaged
before it is turned into decibels; means of decibels lie above that.

Sources: numbers only, no code, thinned to steps of 15 % in rate where denser.

- `mlic_plus_plus_mse`: `results/kodak/mlicplusplus_mse.json` of
  JiangWeibeta/MLIC at commit 4aa9d2a512 (Apache-2.0).
- `tcm_large_mse`: `RD_data.md` of jmliu206/LIC_TCM at commit 6c6d7a3648 (MIT),
  "Large", "Kodak"; rates have three digits there.
- `vtm`, `elic2022_mse` and `*_vbr_one_model`: `results/image/kodak` of
  InterDigitalInc/CompressAI (BSD-3-Clause-Clear), in `vtm.json`,
  `paper-elic2022_mse.json` and `*-vbr-ans.json`. Its
  `paper-elic2022_ms-ssim.json` is left out: it names a network trained for
  MS-SSIM, but has the rates of the one for MSE, and 2 dB less than others.
- `pillow_*`: ours, by Pillow 13: JPEG 4:2:0 with `optimize`, WebP with
  `method=4`. MS-SSIM is that of `rate-distortion` on all pictures.
- The others: `results/image_compression/kodak` of tensorflow/compression
  (Apache-2.0).

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

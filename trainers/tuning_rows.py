"""The distances that are tuned, each with its preset."""

import dataclasses

FOLDS = 5
"""Parts of the contents, each judged by a training without it."""


@dataclasses.dataclass(frozen=True)
class Row:
  """A distance that is tuned.

  Attributes:
    spec: Spec of the distance before it is tuned.
    preset: Name of the preset.
    more: Flags that come after those of the preset.
  """

  spec: str
  preset: str
  more: tuple[str, ...] = ()


# The cosine form begins with thresholds of people, and so near its end; in the
# Fourier form they are equal at first.
_DCT = ("--learning_rate=1e-2", "--pull=3e-4")
# The weights of the sum give each term the same mean over mucped23.
ROWS = {
  "watson_dft": Row("watson_dft", "judged_jpeg"),
  "watson_dct": Row("watson_dct", "judged_jpeg", _DCT),
  "watson_dft_gray": Row("watson_dft(channels=1)", "judged_jpeg"),
  "watson_dct_gray": Row("watson_dct(channels=1)", "judged_jpeg", _DCT),
  "lpips": Row("lpips", "judged_jpeg_linear"),
  "sum": Row(
    "3000.0*mse + 97.0*mae + 22.0*ssim + 111.0*ms_ssim + 23.0*nlpd",
    "judged_jpeg_linear",
  ),
}
JOINT = ("watson_dft", "lpips", "sum")
"""Rows whose tuned distances, each divided by its mean, are also added up."""

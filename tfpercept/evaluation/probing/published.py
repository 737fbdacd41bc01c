"""Published errors of probes, to be printed beside ours.

Source: Snell, Ridgeway, Liao, Roads, Mozer, Zemel, "Learning to generate images
with perceptual similarity metrics", 2017, on Extended Yale B at 48x48.
"""

from tfpercept.evaluation.probing import probe

SNELL = {
  "mse": {probe.IDENTITY: 5.60, "azimuth": 277.46, "elevation": 51.46},
  "mae": {probe.IDENTITY: 5.60, "azimuth": 325.19, "elevation": 50.23},
  "ms_ssim": {probe.IDENTITY: 3.53, "azimuth": 234.32, "elevation": 35.60},
}
"""Errors by the name of the loss: % wrong, and squared degrees."""

"""Codecs of which everything is known, for tests of what compares codecs."""

import numpy as np

from tfpercept import codecs


class Coarse(codecs.Codec):
  """Rounds to multiples of a step; its files have bytes to a plan.

  Args:
    spec: Name of the codec in specs.
    excess: Bytes more than the plan, as a share.
    fails: A quality that it raises at.
    loses: Number of columns that the picture loses.
  """

  qualities = (1, 2, 3, 4, 5)
  spec = ""

  def __init__(
    self,
    spec: str = "coarse",
    *,
    excess: float = 0.0,
    fails: int = 0,
    loses: int = 0,
  ):
    self.spec = spec
    self.excess = excess
    self.fails = fails
    self.loses = loses
    self.calls = []

  def compress(self, image, *, quality=None):
    self.calls.append(("compress", quality))
    if quality == self.fails:
      raise RuntimeError("the coder gave up\nat length")
    step = 2 ** (6 - int(quality))
    size = int(self._planned(image, quality) * (1 + self.excess))
    # The file holds no picture; this does.
    self._decoded = image // step * step + step // 2
    return bytes(size)

  def decompress(self, data):
    self.calls.append(("decompress", len(data)))
    return self._decoded[:, self.loses :]

  def timed_compress(self, image, *, quality=None):
    parts = {"transforms": 0.25, "coder": 0.5}
    return self.compress(image, quality=quality), parts

  def estimated_bits(self, image, *, quality=None):
    return 8.0 * self._planned(image, quality)

  def _planned(self, image, quality):
    # A fifth of a bit more for each pixel and quality.
    return image.shape[0] * image.shape[1] * quality // 40


def ramp(height=32, width=64, channels=3):
  """A picture that has every value once a row or so."""
  values = np.arange(height * width * channels) * 7 % 251
  return values.reshape(height, width, channels).astype(np.uint8)

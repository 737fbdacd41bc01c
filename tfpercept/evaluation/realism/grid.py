"""A test for grids: spectral peaks in the flat patches of decoded pictures.

A decoder that enlarges its features step by step may leave a pattern that
repeats every 2, 4, 8 or 16 pixels. It is seen first where the picture is flat.
There the spectrum of a natural picture is smooth, and that of a grid has a peak
at its frequency.
"""

import dataclasses
import math
from collections.abc import Iterator, Sequence

import numpy as np

PERIODS = (2, 4, 8, 16)
"""Periods in pixels at which a grid is looked for."""
SIDE = 64
"""Side of a patch in pixels, a multiple of twice each period."""
FLAT = 4.0
"""Largest standard deviation of the original in a flat patch, in levels of 255
about the plane that fits it best."""
FEWEST = 8
"""Fewest flat patches of which a spectrum is judged."""
DECIBELS = 6.0
"""Power over its surroundings, beyond that of the original, that is a grid."""
LEVELS = 0.25
"""Amplitude in levels of 255 below which a grid is not seen on any display."""

_STEP = SIDE // 2  # pixels from patch to patch
_NEAR, _FAR = 2, 6  # surroundings of a peak in bins; a Hann window spreads by 1
_ROUNDING = 1 / 12  # variance of rounding to levels


@dataclasses.dataclass(frozen=True)
class Grid:
  """The strongest peak of a decoded picture over that of its original.

  Attributes:
    period: Period of the peak in pixels, one of `PERIODS`; 0 if not judged.
    decibels: Power of the peak over the median of its surroundings, less the
      same of the original where that is positive; NaN if not judged.
    amplitude: Amplitude of the wave in levels of 255, root mean square over
      patches; NaN if not judged.
    patches: Number of flat patches.
  """

  period: int
  decibels: float
  amplitude: float
  patches: int

  @property
  def is_judged(self) -> bool:
    """False if there are fewer than `FEWEST` flat patches."""
    return self.patches >= FEWEST

  @property
  def is_found(self) -> bool:
    """True if there is a grid that may be seen."""
    return self.decibels > DECIBELS and self.amplitude > LEVELS

  def __str__(self) -> str:
    if not self.is_judged:
      return f"not judged: {self.patches} flat patches, {FEWEST} needed"
    found = "grid" if self.is_found else "no grid"
    return (
      f"{found}: {self.decibels:.1f} dB, {self.amplitude:.2f} levels at period "
      f"{self.period}, {self.patches} flat patches"
    )


def test(
  originals: Sequence[np.ndarray], decoded: Sequence[np.ndarray]
) -> Grid:
  """Looks for a grid in the luma of decoded pictures.

  Patches that are flat in the original are windowed, and their power spectra
  averaged. A peak is the largest power at (f, 0), (0, f) and (f, +-f) for a
  frequency f of one of `PERIODS`. It counts by how far it exceeds the median of
  the bins around it, in the decoded pictures more than in the originals.

  Args:
    originals: Originals, uint8 `[H, W, 1 or 3]`.
    decoded: The same pictures decoded, uint8 of the same shapes, in that order.

  Raises:
    ValueError: if the pictures do not pair up.
  """
  shapes = [[p.shape for p in side] for side in (originals, decoded)]
  if shapes[0] != shapes[1]:
    raise ValueError(
      "expected each original and the same picture decoded; got pictures of "
      f"{shapes[0]} and of {shapes[1]}"
    )
  spectra = np.zeros([2, SIDE, SIDE])
  count = 0
  for pair in zip(originals, decoded, strict=True):
    lumas = [_luma(picture) for picture in pair]
    for place in _flat(lumas[0]):
      spectra += [_spectrum(luma[place]) for luma in lumas]
      count += 1
  if count < FEWEST:
    return Grid(0, math.nan, math.nan, count)
  before, after = (_peaks(s / count) for s in spectra)
  found = [
    Grid(
      period,
      float(after[period][0] - max(before[period][0], 0.0)),
      float(after[period][1]),
      count,
    )
    for period in PERIODS
  ]
  return max(found, key=lambda grid: (grid.is_found, grid.decibels))


def _luma(picture: np.ndarray) -> np.ndarray:
  """Returns levels of the full-range luma of BT.601, `[H, W]`."""
  if picture.shape[-1] == 1:
    return picture[..., 0].astype(np.float64)
  return np.asarray(picture @ np.array([0.299, 0.587, 0.114]))


def _flat(luma: np.ndarray) -> Iterator[tuple[slice, slice]]:
  """Yields the places of the flat patches of an original."""
  for top in range(0, luma.shape[0] - SIDE + 1, _STEP):
    for left in range(0, luma.shape[1] - SIDE + 1, _STEP):
      place = slice(top, top + SIDE), slice(left, left + SIDE)
      if _leveled(luma[place]).std() <= FLAT:
        yield place


def _leveled(patch: np.ndarray) -> np.ndarray:
  """Subtracts the plane that fits a patch best."""
  along = (np.arange(SIDE) - (SIDE - 1) / 2) / SIDE
  scale = SIDE * (along**2).sum()
  rows, columns = along[:, None], along[None]
  patch = patch - patch.mean()
  slopes = [(patch * axis).sum() / scale for axis in (rows, columns)]
  return np.asarray(patch - slopes[0] * rows - slopes[1] * columns)


def _window() -> np.ndarray:
  # Periodic, so that a wave of a whole number of periods spreads by one bin.
  hann = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(SIDE) / SIDE)
  return np.outer(hann, hann)


def _spectrum(patch: np.ndarray) -> np.ndarray:
  """Returns the power of a patch by frequency, `[SIDE, SIDE]`."""
  return np.abs(np.fft.fft2(_leveled(patch) * _window())) ** 2


def _peaks(power: np.ndarray) -> dict[int, tuple[float, float]]:
  """Returns decibels and amplitude of the largest peak of each period."""
  window = _window()
  floor = _ROUNDING * np.square(window).sum()
  found = {}
  for period in PERIODS:
    bin = SIDE // period
    ratios = []
    for place in ((bin, 0), (0, bin), (bin, bin), (bin, -bin)):
      here = power[place]
      around = max(_around(power, place), floor)
      # A wave of amplitude a has power (a / 2 * sum of the window)^2 in its
      # bin, and (a * sum)^2 at half the sampling rate.
      is_folded = all(2 * abs(k) % SIDE == 0 for k in place)
      full = window.sum() / (1 if is_folded else 2)
      excess = math.sqrt(max(here - around, 0.0)) / full
      ratios.append((10 * math.log10(max(here, floor) / around), excess))
    found[period] = max(ratios)
  return found


def _around(power: np.ndarray, place: tuple[int, int]) -> float:
  """Returns the median power around a peak, without bins of other peaks."""
  step = SIDE // max(PERIODS)
  reach = range(-_FAR, _FAR + 1)
  near = [
    power[(place[0] + i) % SIDE, (place[1] + j) % SIDE]
    for i in reach
    for j in reach
    if max(abs(i), abs(j)) >= _NEAR
    and not (_is_peak(place[0] + i, step) and _is_peak(place[1] + j, step))
  ]
  return float(np.median(near))


def _is_peak(bin: int, step: int) -> bool:
  """Returns True within a bin of a multiple of `step`."""
  return min(bin % step, -bin % step) <= 1

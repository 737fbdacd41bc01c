"""Coding gains of orthogonal transforms on an autoregressive source.

Blocks of M samples of a normal process with variance 1 and correlation rho^|d|
are transformed, and each coefficient is coded on its own. All here follows from
the variances of the coefficients.

Source: Jayant, Noll, "Digital coding of waveforms", 1984, chapter 12; reverse
water-filling: Cover, Thomas, "Elements of information theory", 2006, section
10.3.3.
"""

import dataclasses
import math
from collections.abc import Callable

import numpy as np

from tfpercept.ops import dct

_FREQUENCIES = 4096  # of the spectrum, for blocks without end
_REACH = 9.0  # deviations; the tails beyond have a probability below 1e-18


@dataclasses.dataclass(frozen=True)
class Curve:
  """Rates and distortions of one method.

  Attributes:
    rate: Bits a sample, `[n]`.
    distortion: Mean squared error, `[n]`, where the source has variance 1.
  """

  rate: np.ndarray
  distortion: np.ndarray

  @property
  def snr(self) -> np.ndarray:
    """Signal to noise ratio in dB, `[n]`."""
    return -10 * np.log10(self.distortion)


def covariance(size: int, rho: float) -> np.ndarray:
  """Returns `rho^|i - j|`, `[size, size]`.

  Raises:
    ValueError: if `rho` is not in (-1, 1), or the size not a power of 2, which
      some of the transforms need.
  """
  if not -1 < rho < 1:
    raise ValueError(f"a correlation lies between -1 and 1; got {rho}")
  if size < 2 or size & (size - 1):
    raise ValueError(f"blocks have 2, 4, 8, ... samples; got {size}")
  place = np.arange(size)
  return float(rho) ** np.abs(place[:, None] - place)


def klt(matrix: np.ndarray) -> np.ndarray:
  """Returns the eigenvectors of a covariance as rows, by falling variance."""
  return np.linalg.eigh(matrix)[1].T[::-1]


def hadamard(size: int) -> np.ndarray:
  """Returns the Walsh-Hadamard transform, rows by rising number of changes."""
  rows = np.ones([1, 1])
  while len(rows) < size:
    rows = np.block([[rows, rows], [rows, -rows]]) / math.sqrt(2)
  return rows[np.argsort((np.diff(np.sign(rows), axis=1) != 0).sum(axis=1))]


def haar(size: int) -> np.ndarray:
  """Returns the Haar wavelets, rows from coarse to fine."""
  rows = np.ones([1, 1])
  while len(rows) < size:
    sums = np.kron(rows, [1, 1])
    steps = np.kron(np.eye(len(rows)), [1, -1])
    rows = np.concatenate([sums, steps]) / math.sqrt(2)
  return rows


def fourier(size: int) -> np.ndarray:
  """Returns the real discrete Fourier transform, rows by rising frequency."""
  turn = 2 * np.pi * np.arange(size) / size
  rows = [np.ones(size) / math.sqrt(size)]
  for k in range(1, size // 2):
    rows += [f(k * turn) * math.sqrt(2 / size) for f in (np.cos, np.sin)]
  return np.stack([*rows, np.cos(size // 2 * turn) / math.sqrt(size)])


TRANSFORMS: dict[str, Callable[[np.ndarray], np.ndarray]] = {
  "identity": lambda matrix: np.eye(len(matrix)),
  "Haar": lambda matrix: haar(len(matrix)),
  "Walsh-Hadamard": lambda matrix: hadamard(len(matrix)),
  "DFT": lambda matrix: fourier(len(matrix)),
  "DCT": lambda matrix: dct.dct_matrix(len(matrix)),
  "KLT": klt,
}
"""Orthogonal `[M, M]`, whose rows are the basis, of a covariance `[M, M]`."""


def variances(name: str, matrix: np.ndarray) -> np.ndarray:
  """Returns the variances `[M]` of the coefficients of a transform."""
  rows = TRANSFORMS[name](matrix)
  return np.einsum("ki,ij,kj->k", rows, matrix, rows)


def spectrum(rho: float) -> np.ndarray:
  """Returns the power spectrum at frequencies evenly spaced over a period.

  They are the variances of blocks without end.
  """
  covariance(2, rho)  # checks it
  frequency = 2 * np.pi * (np.arange(_FREQUENCIES) + 0.5) / _FREQUENCIES
  return (1 - rho**2) / (1 - 2 * rho * np.cos(frequency) + rho**2)


def coding_gain(values: np.ndarray) -> float:
  """Returns arithmetic over geometric mean of variances, in dB.

  By so much less distortion the transform reaches at high rates than coding
  sample by sample.
  """
  return 10 * math.log10(values.mean()) - 10 * np.log10(values).mean()


def ideal(values: np.ndarray, *, levels: np.ndarray) -> Curve:
  """Returns the least rates of normal coefficients by reverse water-filling.

  Args:
    values: Variances of the coefficients, `[M]`.
    levels: Distortions of coefficients that are coded at all, `[n]`.
  """
  rate = np.maximum(0.5 * np.log2(values / levels[:, None]), 0)
  return Curve(
    rate.mean(axis=1), np.minimum(values, levels[:, None]).mean(axis=1)
  )


def quantized(values: np.ndarray, *, steps: np.ndarray) -> Curve:
  """Returns the curve of uniform quantization with ideal entropy coding.

  Each cell of a coefficient is decoded to its mean, and each coefficient has an
  entropy code of its own.

  Args:
    values: Variances of the normal coefficients, `[M]`.
    steps: Widths of the cells, `[n]`; one cell is centred at 0.
  """
  points = [
    np.mean([_rounded(step / math.sqrt(v)) * [1, v] for v in values], axis=0)
    for step in steps
  ]
  return Curve(*np.transpose(points))


def _rounded(step: float) -> np.ndarray:
  """Entropy in bits, and error, of the standard normal in cells of a width."""
  count = math.ceil(_REACH / step)
  edges = (np.arange(-count, count + 2) - 0.5) * step
  edges[0], edges[-1] = -np.inf, np.inf
  below = np.array([0.5 * math.erfc(-e / math.sqrt(2)) for e in edges])
  density = np.exp(-(edges**2) / 2) / math.sqrt(2 * math.pi)
  mass, moment = np.diff(below), -np.diff(density)
  mass, moment = mass[mass > 0], moment[mass > 0]
  entropy = -np.sum(mass * np.log2(mass))
  return np.array([entropy, 1 - np.sum(moment**2 / mass)])

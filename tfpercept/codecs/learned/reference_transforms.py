"""The synthesis and the convolutions of the reference decoder, in NumPy."""

import itertools
from collections.abc import Mapping

import numpy as np

STRIDE = 16
"""Pixels per latent."""
_PEDESTAL = 2.0**-18  # of the roots that GDN keeps
_LINEAR_UNIT = np.float32(2.0**-4)


def synthesis(
  y_hat: np.ndarray,
  deviation: np.ndarray,
  level: float,
  w: Mapping[str, np.ndarray],
  *,
  blocks: int,
) -> np.ndarray:
  """Returns float32 `[16 h, 16 w, 3]`, not clipped.

  Args:
    y_hat: Decoded latents, float32 `[h, w, latents]`.
    deviation: Standard deviations of the latents, float32 `[latents]`.
    level: Quality, 1 or more.
    w: Weights of the synthesis, by name.
    blocks: Number of residual blocks.
  """
  features = y_hat / deviation
  for i in (1, 2, 3):
    features = upsampled(features, w[f"conv{i}/kernel"])
    features += w[f"conv{i}/bias"]
    beta, gamma = w[f"gdn{i}/beta_root"], w[f"gdn{i}/gamma_root"]
    features *= _inverse_norm(features, beta, gamma)
    features *= 1 + at_level(w[f"quality{i}/scale"], level)
    features += at_level(w[f"quality{i}/offset"], level)
    for j in range(1, blocks + 1) if i == 1 else ():
      first, second = f"block{j}/conv1", f"block{j}/conv2"
      inner = convolved(features, w[f"{first}/kernel"]) + w[f"{first}/bias"]
      inner = np.maximum(inner, np.float32(0.2) * inner)
      features = features + convolved(inner, w[f"{second}/kernel"])
      features += w[f"{second}/bias"]
  height, width, _ = y_hat.shape
  colors = y_hat @ w["linear/kernel"][0, 0] + w["linear/bias"]
  straight = (
    (_LINEAR_UNIT * colors)
    .reshape(height, width, STRIDE, STRIDE, 3)
    .swapaxes(1, 2)
    .reshape(height * STRIDE, width * STRIDE, 3)
  )
  return straight + upsampled(features, w["last/kernel"]) + w["last/bias"]


def at_level(table: np.ndarray, level: float) -> np.ndarray:
  """Returns `[C]` of float32 `[levels, C]`, linear between whole levels.

  The first row is that of level 1.
  """
  low = max(min(int(level), len(table) - 1), 1) - 1
  share = np.float32(level - 1 - low)
  return (1 - share) * table[low] + share * table[min(low + 1, len(table) - 1)]


def convolved(x: np.ndarray, kernel: np.ndarray) -> np.ndarray:
  """Returns the convolution, `[h, w, out]`, zeros around the border.

  Args:
    x: `[h, w, in]`.
    kernel: `[k, k, in, out]`, k odd.
  """
  height, width, _ = x.shape
  size = len(kernel)
  around = np.pad(x, ((size // 2,) * 2, (size // 2,) * 2, (0, 0)))
  return sum(
    around[i : i + height, j : j + width] @ kernel[i, j]
    for i, j in itertools.product(range(size), repeat=2)
  )


def upsampled(x: np.ndarray, kernel: np.ndarray) -> np.ndarray:
  """Returns the transposed convolution of stride 2, `[2h, 2w, out]`.

  Each input adds its kernel around twice its place; of what that makes, the
  first row and column and the last two of each fall away.

  Args:
    x: `[h, w, in]`.
    kernel: `[5, 5, out, in]`.
  """
  height, width, _ = x.shape
  size = len(kernel)
  made = np.zeros(
    (2 * height + size - 2, 2 * width + size - 2, kernel.shape[2]), x.dtype
  )
  for i, j in itertools.product(range(size), repeat=2):
    made[i : i + 2 * height : 2, j : j + 2 * width : 2] += x @ kernel[i, j].T
  return made[1 : 2 * height + 1, 1 : 2 * width + 1]


def _inverse_norm(
  x: np.ndarray, beta: np.ndarray, gamma: np.ndarray
) -> np.ndarray:
  """Returns what the inverse GDN multiplies by, of the roots of its weights."""
  beta = np.maximum(beta, np.float32((1e-6 + _PEDESTAL) ** 0.5)) ** 2
  gamma = np.maximum(gamma, np.float32(_PEDESTAL**0.5)) ** 2
  pedestal = np.float32(_PEDESTAL)
  return np.abs(x) @ (gamma - pedestal) + (beta - pedestal)

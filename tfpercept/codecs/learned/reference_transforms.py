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
  straight = _straight(y_hat, w)
  return straight + upsampled(features, w["last/kernel"]) + w["last/bias"]


def _straight(y_hat: np.ndarray, w: Mapping[str, np.ndarray]) -> np.ndarray:
  """Returns the blocks of 16x16 that a linear transform makes of latents."""
  height, width, _ = y_hat.shape
  colors = y_hat @ w["linear/kernel"][0, 0] + w["linear/bias"]
  return (
    (_LINEAR_UNIT * colors)
    .reshape(height, width, STRIDE, STRIDE, 3)
    .swapaxes(1, 2)
    .reshape(height * STRIDE, width * STRIDE, 3)
  )


def generator(
  y_hat: np.ndarray,
  deviation: np.ndarray,
  w: Mapping[str, np.ndarray],
  *,
  blocks: int,
) -> np.ndarray:
  """Returns what the generator of HiFiC makes, `[16 h, 16 w, 3]`, not clipped.

  Args:
    y_hat: Decoded latents, float32 `[h, w, latents]`.
    deviation: Standard deviations of the latents, float32 `[latents]`.
    w: Weights of the generator, by name.
    blocks: Number of residual blocks.
  """

  def made(x: np.ndarray, name: str) -> np.ndarray:
    transform = upsampled if name.startswith("up") else convolved
    x = transform(x, w[f"{name}/kernel"]) + w[f"{name}/bias"]
    return _channel_norm(x, w, f"{name}_norm")

  head = features = made(_channel_norm(y_hat / deviation, w, "norm"), "head")
  for i in range(1, blocks + 1):
    inner = np.maximum(made(features, f"block{i}/conv1"), 0)
    features = features + made(inner, f"block{i}/conv2")
  features = features + head
  for i in range(1, 5):
    features = np.maximum(made(features, f"up{i}"), 0)
  x_hat = convolved(features, w["last/kernel"]) + w["last/bias"]
  if "linear/kernel" not in w:
    return x_hat + np.float32(0.5)
  return x_hat + _straight(y_hat, w)


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

  Each input adds its kernel around twice its place. Of what that makes, the
  ends fall away: of a kernel of 5x5 the first row and column and the last two
  of each, of one of 3x3 the last row and column.

  Args:
    x: `[h, w, in]`.
    kernel: `[k, k, out, in]`, k of 3 or 5.
  """
  height, width, _ = x.shape
  size = len(kernel)
  made = np.zeros(
    (2 * height + size - 2, 2 * width + size - 2, kernel.shape[2]), x.dtype
  )
  for i, j in itertools.product(range(size), repeat=2):
    made[i : i + 2 * height : 2, j : j + 2 * width : 2] += x @ kernel[i, j].T
  first = (size - 2) // 2
  return made[first : 2 * height + first, first : 2 * width + first]


def _channel_norm(
  x: np.ndarray, w: Mapping[str, np.ndarray], name: str
) -> np.ndarray:
  """Returns each position with mean 0 and variance 1, scaled and shifted."""
  centred = x - x.mean(axis=-1, keepdims=True)
  variance = (centred**2).sum(axis=-1, keepdims=True) / (x.shape[-1] - 1)
  normal = centred / np.sqrt(variance + np.float32(1e-3))
  return normal * w[f"{name}/scale"] + w[f"{name}/offset"]


def _inverse_norm(
  x: np.ndarray, beta: np.ndarray, gamma: np.ndarray
) -> np.ndarray:
  """Returns what the inverse GDN multiplies by, of the roots of its weights."""
  beta = np.maximum(beta, np.float32((1e-6 + _PEDESTAL) ** 0.5)) ** 2
  gamma = np.maximum(gamma, np.float32(_PEDESTAL**0.5)) ** 2
  pedestal = np.float32(_PEDESTAL)
  return np.abs(x) @ (gamma - pedestal) + (beta - pedestal)

"""The linear path of the transforms: where training starts, and what it gains.

Source: Goyal, "Theoretical foundations of transform coding", 2001 (the
Karhunen-Loève transform).
"""

import numpy as np

from tfpercept.models.compression import transforms
from tfpercept.ops import codec_constants

_UNIT = np.float32(codec_constants.LINEAR_UNIT)


def karhunen_loeve(
  blocks: np.ndarray, count: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
  """Returns the Karhunen-Loève transform of blocks of pictures.

  Args:
    blocks: Float `[K, 16, 16, 3]` in [0, 1].
    count: Number of vectors to keep of its 768, those of largest variance.

  Returns:
    The orthonormal vectors `[768, count]`, the mean block `[768]` and the
    deviations `[count]` of the coefficients, all float32. The values of a block
    come row by row, the channels of a pixel together.
  """
  flat = blocks.reshape(len(blocks), -1).astype(np.float64)
  mean = flat.mean(axis=0)
  variances, vectors = np.linalg.eigh(np.cov(flat - mean, rowvar=False))
  order = np.argsort(-variances)[:count]
  return (
    vectors[:, order].astype(np.float32),
    mean.astype(np.float32),
    np.sqrt(np.maximum(variances[order], 1e-12)).astype(np.float32),
  )


def start(
  analysis: transforms.Analysis,
  synthesis: transforms.Synthesis,
  blocks: np.ndarray,
  unit: float,
) -> np.ndarray:
  """Makes the linear paths the Karhunen-Loève transform and its inverse.

  Args:
    analysis: Built analysis; a unit of its latents becomes `unit` of the
      transform.
    synthesis: Built synthesis.
    blocks: Float `[K, 16, 16, 3]` in [0, 1].
    unit: Unit of latents, in pixel values.

  Returns:
    The deviations `[latents]` of the latents.
  """
  kernel, _ = analysis.linear.get_weights()
  vectors, mean, deviations = karhunen_loeve(blocks, kernel.shape[-1])
  step = np.float32(unit)
  analysis.linear.set_weights(
    [vectors[None, None] / step, -mean @ vectors / step]
  )
  unit_here = step / _UNIT
  synthesis.linear.set_weights(
    [
      vectors.T[None, None] * unit_here,
      mean / np.float32(codec_constants.LINEAR_UNIT),
    ]
  )
  return deviations / step


def extend(
  analysis: transforms.Analysis,
  synthesis: transforms.Synthesis,
  vectors: np.ndarray,
  values: np.ndarray,
  unit: float,
) -> None:
  """Gives the last latents a linear path, without any part of the network.

  Args:
    analysis: Built analysis; takes the inner products of blocks with `vectors`.
    synthesis: Built synthesis; adds `values` times those.
    vectors: Float32 `[768, count]`.
    values: Float32 `[count, 768]`, in pixel values.
    unit: Unit of latents, in pixel values.
  """
  count = vectors.shape[-1]
  kernel, bias = analysis.linear.get_weights()
  kernel[..., -count:] = vectors / unit
  bias[-count:] = -0.5 * vectors.sum(axis=0) / unit
  analysis.linear.set_weights([kernel, bias])
  kernel, bias = synthesis.linear.get_weights()
  kernel[..., -count:, :] = values * (unit / codec_constants.LINEAR_UNIT)
  synthesis.linear.set_weights([kernel, bias])

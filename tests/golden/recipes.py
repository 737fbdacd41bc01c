"""Weights of golden cases that are not stored, since a seed gives them."""

from collections.abc import Sequence

import numpy as np


def pim_weights(
  shapes: Sequence[tuple[int, ...]], seed: int
) -> list[np.ndarray]:
  """Returns float32 weights of PIM in their order; see README.md."""
  random = np.random.default_rng(seed)
  weights = []
  for shape in shapes:
    scale = 0.05 if len(shape) == 1 else np.sqrt(2 / np.prod(shape[:-1]))
    weights.append(np.float32(scale * random.standard_normal(shape)))
  return weights

"""The orthonormal discrete cosine transform as a matrix."""

import functools

import numpy as np


@functools.lru_cache(maxsize=16)
def dct_matrix(n: int) -> np.ndarray:
  """Returns the orthonormal DCT-II of length `n`, float64 `[n, n]`, read-only.

  Row k is sqrt(2 / n) cos((2 i + 1) k pi / (2 n)) over i, the first one divided
  by sqrt(2). So `a @ x` transforms the columns of x, `a @ x @ a.T` a picture,
  and the transpose is the inverse.

  Raises:
    ValueError: if `n` < 1.
  """
  if n < 1:
    raise ValueError(f"a DCT needs a length of at least 1; got {n}")
  k, i = np.mgrid[:n, :n]
  matrix = np.sqrt(2 / n) * np.cos((2 * i + 1) * k * np.pi / (2 * n))
  matrix[0] /= np.sqrt(2)
  matrix.flags.writeable = False  # callers share it through the cache
  return matrix

"""Distances between two sets of features, each set a sample of pictures.

They compare distributions, not pairs: two sets may be near although no picture
of one is near to one of the other. A value has the unit of its features, so it
compares with values in the same features and of equal numbers only. Published
FID and KID are in features of Inception and compare with none of these.
"""

import numpy as np

DEGREE = 3
"""Degree of the kernel of `polynomial_kernel`."""


def frechet(features: np.ndarray, others: np.ndarray) -> float:
  """Returns the Fréchet distance of the normals fitted to two sets.

      |m1 - m2|^2 + tr(C1 + C2 - 2 (C1 C2)^(1/2))

  0 for equal means and covariances, whatever else differs. Of finite sets it is
  too large, the more so the fewer there are.

  Args:
    features: Features of the first set, `[N, D]`, N at least 2.
    others: Features of the second set, `[M, D]`, M at least 2.

  Source: Heusel, Ramsauer, Unterthiner, Nessler, Hochreiter, "GANs trained by a
  two time-scale update rule ...", 2017, equation 6.
  """
  return frechet_of_moments(*map(moments, (features, others)))


def moments(features: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
  """Returns the mean `[D]` and the covariance `[D, D]` of `[N, D]`."""
  covariance = np.atleast_2d(np.cov(features, rowvar=False))
  return features.mean(axis=0, dtype=np.float64), covariance


def frechet_of_moments(
  first: tuple[np.ndarray, np.ndarray], second: tuple[np.ndarray, np.ndarray]
) -> float:
  """Returns the Fréchet distance of two normals, given by their moments.

  The trace of the root is computed from the eigenvalues of
  C1^(1/2) C2 C1^(1/2), which is symmetric, so that it is real and stable where
  a covariance is singular.
  """
  (mean, covariance), (other_mean, other) = first, second
  values, vectors = np.linalg.eigh(covariance)
  root = (vectors * np.sqrt(np.maximum(values, 0))) @ vectors.T
  products = np.linalg.eigvalsh(root @ other @ root)
  gap = mean - other_mean
  found = (
    gap @ gap
    + np.trace(covariance)
    + np.trace(other)
    - 2 * np.sqrt(np.maximum(products, 0)).sum()
  )
  return max(float(found), 0.0)  # of equal normals rounding may leave less


def polynomial_kernel(features: np.ndarray, others: np.ndarray) -> np.ndarray:
  """Returns (x y / D + 1)^3 of each pair, `[N, M]`, for `[N, D]`, `[M, D]`.

  Source: Bińkowski, Sutherland, Arbel, Gretton, "Demystifying MMD GANs", 2018,
  section 3.
  """
  size = features.shape[1]
  return (features @ others.T / size + 1) ** DEGREE

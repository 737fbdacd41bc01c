"""Support vector machines on the codes of pictures, by scikit-learn.

The kernel is computed here rather than in libsvm: by a matrix product, once for
all machines that share it.
"""

import dataclasses
from collections.abc import Iterable, Mapping

import numpy as np

from tfpercept import extras
from tfpercept.evaluation.probing import folds

Choice = tuple[float, float]
"""C, and gamma in the units of `folds.Protocol`."""


@dataclasses.dataclass(frozen=True)
class Part:
  """Pictures to fit on and pictures to count errors on, by their distances.

  Attributes:
    train: Indices of the pictures to fit on, `[n]`.
    test: Indices of the pictures to count errors on, `[m]`.
    within: Squared distances of codes among `train`, `[n, n]`.
    across: Squared distances from `test` to `train`, `[m, n]`.
    variance: Variance of a code, summed over its dimensions.
  """

  train: np.ndarray
  test: np.ndarray
  within: np.ndarray
  across: np.ndarray
  variance: float

  def kernels(self, scale: float) -> tuple[np.ndarray, np.ndarray]:
    """Returns exp(-gamma d) of both, gamma being `scale / variance`."""
    gamma = scale / self.variance
    return np.exp(-gamma * self.within), np.exp(-gamma * self.across)

  def only(self, train: np.ndarray, test: np.ndarray) -> "Part":
    """Returns the part of some of the pictures, standardised as it was.

    Args:
      train: Indices of pictures that `self.train` has.
      test: Indices that either `self.train` or `self.test` has.
    """
    place = {picture: at for at, picture in enumerate(self.train)}
    columns = [place[picture] for picture in train]
    if test[0] in place:
      rows = self.within[[place[picture] for picture in test]]
    else:
      place = {picture: at for at, picture in enumerate(self.test)}
      rows = self.across[[place[picture] for picture in test]]
    return Part(
      train,
      test,
      within=self.within[np.ix_(columns, columns)],
      across=rows[:, columns],
      variance=self.variance,
    )


def measure(
  codes: np.ndarray,
  train: np.ndarray,
  test: np.ndarray,
  *,
  pca: int | None = None,
) -> Part:
  """Standardises codes, as `train` has them, and measures their distances.

  Args:
    codes: Codes of all pictures, `[N, D]`.
    train: Indices of the pictures that means, deviations and components come
      from.
    test: Indices of the pictures to count errors on.
    pca: Number of principal components that replace the codes; None keeps them.

  Raises:
    ValueError: if there are not as many components.
  """
  with extras.needed("probes"):
    from sklearn import decomposition, metrics, pipeline, preprocessing

  steps = [preprocessing.StandardScaler()]
  if pca:
    if min(len(train), codes.shape[1]) < pca:
      raise ValueError(
        f"{pca} principal components need as many pictures and dimensions; a "
        f"training part has {len(train)} pictures of {codes.shape[1]}"
      )
    # An exact decomposition takes ten times as long; the seed makes it repeat.
    reduce = decomposition.PCA(pca, svd_solver="randomized", random_state=0)
    steps.insert(0, reduce)
  features = pipeline.make_pipeline(*steps)
  fitted = features.fit_transform(codes[train])
  squared = metrics.pairwise.euclidean_distances
  return Part(
    train,
    test,
    within=squared(fitted, squared=True),
    across=squared(features.transform(codes[test]), fitted, squared=True),
    # The number of dimensions, less the constant ones; 1 if all are.
    variance=float(fitted.var(axis=0).sum()) or 1.0,
  )


def choose(
  parts: Iterable[Part],
  targets: Mapping[str, np.ndarray],
  protocol: folds.Protocol,
) -> dict[str, Choice]:
  """Returns C and gamma of the least mean error over parts, by target.

  For labels all pairs are tried. For numbers gamma is chosen first, with the
  middle one of the penalties, then C with that gamma: regression with a large C
  takes longest, and its error depends on the two nearly apart. Where two err
  equally it is the smaller gamma, then C.

  Args:
    parts: Folds within the training pictures.
    targets: Labels of all pictures, `[N]` each, by name.
    protocol: Settings with the values to choose from.
  """
  parts = list(parts)
  scales, penalties = sorted(protocol.scales), sorted(protocol.penalties)
  middle = penalties[len(penalties) // 2]
  chosen = {}
  for name, target in targets.items():
    tried: dict[Choice, float] = {}

    def best(
      pairs: Iterable[Choice],
      target: np.ndarray = target,
      tried: dict[Choice, float] = tried,
    ) -> Choice:
      for penalty, scale in pairs:
        if (penalty, scale) not in tried:
          tried[penalty, scale] = _mean_error(
            parts, target, penalty, scale, epsilon=protocol.epsilon
          )
      return min(tried, key=lambda pair: (tried[pair], pair[1], pair[0]))

    if target.dtype.kind in "iu":
      chosen[name] = best((p, s) for s in scales for p in penalties)
    else:
      _, scale = best((middle, s) for s in scales)
      chosen[name] = best((p, scale) for p in penalties)
  return chosen


def _mean_error(
  parts: Iterable[Part],
  target: np.ndarray,
  penalty: float,
  scale: float,
  *,
  epsilon: float,
) -> float:
  return float(
    np.mean(
      [
        error(part, part.kernels(scale), target, penalty, epsilon=epsilon)
        for part in parts
      ]
    )
  )


def error(
  part: Part,
  kernels: tuple[np.ndarray, np.ndarray],
  target: np.ndarray,
  penalty: float,
  *,
  epsilon: float,
) -> float:
  """Fits a machine on `part.train` and returns its error on `part.test`.

  Args:
    part: Training and test pictures.
    kernels: Kernel matrices, from `part.kernels`.
    target: Integers, which are labels, or numbers, `[N]`.
    penalty: Value of C.
    epsilon: Half-width of the tube in which an error of a number costs nothing,
      in standard deviations of `train`.

  Returns:
    Wrong labels in percent, or the mean squared error of a number.
  """
  with extras.needed("probes"):
    from sklearn import compose, preprocessing, svm

  within, across = kernels
  known, wanted = target[part.train], target[part.test]
  if target.dtype.kind in "iu":
    machine = svm.SVC(C=penalty, kernel="precomputed")
    guessed = machine.fit(within, known).predict(across)
    return float(100 * np.mean(guessed != wanted))
  machine = compose.TransformedTargetRegressor(
    svm.SVR(C=penalty, kernel="precomputed", epsilon=epsilon),
    transformer=preprocessing.StandardScaler(),
  )
  guessed = machine.fit(within, known).predict(across)
  return float(np.mean((guessed - wanted) ** 2))

"""Distances between the patches of original and of decoded pictures.

Every number comes with its sample: how many patches of how many pictures. The
patches of one picture are not independent, so intervals are over pictures.

Each function takes features of patches, one array `[P, D]` for each picture,
the originals first and the decoded pictures in the same order.
"""

import dataclasses
import math
from collections.abc import Callable, Sequence

import numpy as np

from tfpercept.evaluation.core import set_distances, statistics
from tfpercept.evaluation.core.settings import RESAMPLES
from tfpercept.evaluation.core.statistics import Estimate

Features = Sequence[np.ndarray]

_NORMAL = 1.96  # half width of 95 % of a normal, in standard deviations
_FOLDS = 8  # of the linear critic
_RIDGE = 0.01  # added to variances of 1, for features that depend on others


@dataclasses.dataclass(frozen=True)
class SetScore:
  """A number about two sets of patches.

  Attributes:
    estimate: The number and its interval of 95 % over pictures.
    patches: Number of patches of each set.
    pictures: Number of pictures that the patches of each set come from.
  """

  estimate: Estimate
  patches: int
  pictures: int

  def __str__(self) -> str:
    found = self.estimate
    interval = ""
    if not math.isnan(found.low):
      interval = f" [{found.low:.4g}, {found.high:.4g}]"
    return (
      f"{found.value:.4g}{interval} of {self.patches} patches of "
      f"{self.pictures} pictures"
    )


def patch_frechet(originals: Features, decoded: Features) -> SetScore:
  """Returns the Fréchet distance of the patches of two sets of pictures.

  It is 0 if each decoded picture is the original. Of finite sets it is too
  large: compare values of the same pictures and patches only. The interval is
  that of the jackknife, which leaves out one picture at a time.

  Raises:
    ValueError: if the pictures do not pair up, or there are fewer than two
      patches.

  Source: see `set_distances.frechet`; Efron and Tibshirani, "An introduction to
  the bootstrap", 1993, section 11.5 (the jackknife).
  """
  _check(originals, decoded)
  sums = [list(map(_sums, side)) for side in (originals, decoded)]

  def without(left_out: int) -> float:
    kept = [[s for i, s in enumerate(side) if i != left_out] for side in sums]
    return set_distances.frechet_of_moments(*map(_moments, kept))

  value = without(-1)
  values = [without(i) for i in range(len(originals))]
  return _scored(value, _jackknife(value, values), originals)


def patch_mmd(originals: Features, decoded: Features) -> SetScore:
  """Returns the unbiased squared MMD of the patches, with KID's kernel.

  Only patches of different pictures meet in the kernel. So the patches that do
  are independent, and the expectation is 0 where original and decoded pictures
  come from one distribution, whatever their number; it may be negative.

  Raises:
    ValueError: if the pictures do not pair up, or there are fewer than two.

  Source: Gretton, Borgwardt, Rasch, Schölkopf, Smola, "A kernel two-sample
  test", 2012, lemma 6, with a picture as the observation; Bińkowski,
  Sutherland, Arbel, Gretton, "Demystifying MMD GANs", 2018 (the kernel).
  """
  _check(originals, decoded)
  count = len(originals)
  if count < 2:
    raise ValueError("an MMD over pictures needs two or more; got one")
  terms = _mmd_terms(originals, decoded)
  apart = ~np.eye(count, dtype=bool)

  def of(drawn: np.ndarray) -> float:
    grid = np.ix_(drawn, drawn)
    # A picture that is drawn twice is no pair of different pictures.
    kept = apart[grid]
    return float(terms[grid][kept].mean()) if kept.any() else math.nan

  random = np.random.default_rng(0)
  values = [of(random.integers(count, size=count)) for _ in range(RESAMPLES)]
  low, high = np.nanquantile(values, statistics.TAILS)
  if statistics.is_point(low, high):  # of two pictures there is one pair
    low = high = math.nan
  return _scored(of(np.arange(count)), (low, high), originals)


def linear_critic(originals: Features, decoded: Features) -> SetScore:
  """Returns the share of held-out patches that a linear critic tells apart.

  0.5 means that it cannot, 1 that it always can. The critic is fitted by least
  squares to all pictures but those of a fold. It sees no picture of its fold,
  neither the original nor the decoded one.

  Raises:
    ValueError: if the pictures do not pair up, or there are fewer than two.

  Source: Lopez-Paz and Oquab, "Revisiting classifier two-sample tests", 2017,
  section 3.
  """
  _check(originals, decoded)
  count = len(originals)
  if count < 2:
    raise ValueError("a critic needs two or more pictures; got one")
  folds = min(_FOLDS, count)
  right, size = np.zeros(count), np.zeros(count)
  for fold in range(folds):
    held = [i for i in range(count) if i % folds == fold]
    kept = [i for i in range(count) if i % folds != fold]
    score = _fit([originals[i] for i in kept], [decoded[i] for i in kept])
    for i in held:
      right[i] = (score(originals[i]) > 0).sum()
      right[i] += (score(decoded[i]) < 0).sum()
      size[i] = len(originals[i]) + len(decoded[i])
  # Both numbers of a picture are drawn together: pictures differ in size.
  found = statistics.bootstrap(
    lambda drawn: float(drawn[:, 0].sum() / drawn[:, 1].sum()),
    np.stack([right, size], axis=1),
  )
  interval = found.low, found.high
  if statistics.is_point(*interval):
    interval = statistics.unanimous(found.value, count, 0.0, 1.0)
  return _scored(found.value, interval, originals)


SCORES: dict[str, Callable[[Features, Features], SetScore]] = {
  "patch_frechet": patch_frechet,
  "patch_mmd": patch_mmd,
  "linear_critic": linear_critic,
}
"""Numbers about two sets of patches, by name."""


def _check(originals: Features, decoded: Features) -> None:
  shapes = [[f.shape for f in side] for side in (originals, decoded)]
  if not shapes[0] or shapes[0] != shapes[1]:
    raise ValueError(
      "expected features of each original and of the same picture decoded; got "
      f"{len(originals)} and {len(decoded)} pictures, of shapes {shapes[0]} "
      f"and {shapes[1]}"
    )
  if sum(map(len, originals)) < 2:
    raise ValueError("expected two patches or more; got one")


def _scored(
  value: float, interval: tuple[float, float], originals: Features
) -> SetScore:
  low, high = map(float, interval)
  patches = sum(map(len, originals))
  return SetScore(Estimate(value, low, high), patches, len(originals))


def _sums(features: np.ndarray) -> tuple[int, np.ndarray, np.ndarray]:
  """Returns number, sum `[D]` and sum of products `[D, D]` of patches."""
  features = features.astype(np.float64)
  return len(features), features.sum(axis=0), features.T @ features


def _moments(
  sums: Sequence[tuple[int, np.ndarray, np.ndarray]],
) -> tuple[np.ndarray, np.ndarray]:
  count = sum(n for n, _, _ in sums)
  mean = np.sum([s for _, s, _ in sums], axis=0) / count
  products = np.sum([p for _, _, p in sums], axis=0)
  centered = products - count * np.outer(mean, mean)
  return mean, centered / max(count - 1, 1)


def _jackknife(value: float, values: Sequence[float]) -> tuple[float, float]:
  """Returns the interval of a distance from those that leave one picture out.

  The estimate of the bias is not used, so the interval is that of the number as
  it is printed.
  """
  if len(values) < 2:
    return math.nan, math.nan
  error = _NORMAL * math.sqrt((len(values) - 1) * float(np.var(values)))
  return max(value - error, 0.0), value + error


def _mmd_terms(originals: Features, decoded: Features) -> np.ndarray:
  """Returns h(i, j) of each pair of pictures, `[pictures, pictures]`."""
  sides = [np.concatenate(side) for side in (originals, decoded)]
  starts = np.cumsum([0, *map(len, originals)])[:-1]
  lengths = np.array([len(f) for f in originals])
  area = np.outer(lengths, lengths)

  def mean(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    kernel = set_distances.polynomial_kernel(first, second)
    blocks = np.add.reduceat(np.add.reduceat(kernel, starts, 0), starts, 1)
    return np.asarray(blocks / area)

  across = mean(sides[0], sides[1])
  return mean(sides[0], sides[0]) + mean(sides[1], sides[1]) - across - across.T


def _fit(
  originals: Features, decoded: Features
) -> Callable[[np.ndarray], np.ndarray]:
  """Returns a function that is positive for patches like the originals."""
  stacked = np.concatenate([*originals, *decoded])
  mean, scale = stacked.mean(axis=0), stacked.std(axis=0)
  scale = np.where(scale > 0, scale, 1.0)

  def scaled(features: np.ndarray) -> np.ndarray:
    return np.asarray((features - mean) / scale)

  count = sum(map(len, originals))
  labels = np.concatenate([np.ones(count), -np.ones(len(stacked) - count)])
  x = scaled(stacked)
  variance = x.T @ x / len(x) + _RIDGE * np.eye(x.shape[1])
  weights = np.linalg.solve(variance, x.T @ labels / len(x))
  return lambda features: np.asarray(scaled(features) @ weights)

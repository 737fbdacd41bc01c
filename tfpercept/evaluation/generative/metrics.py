"""Quality of a generator's pictures, by metrics that need no people.

No metric here is what people see: each function states what it measures and
what it does not. Intervals are of 95 %: percentile bootstrap over pictures
(Efron and Tibshirani, "An introduction to the bootstrap", 1993, section 13.3).
They do not cover other trainings of the same network.
"""

import dataclasses
import math
from collections.abc import Sequence

import numpy as np
import tensorflow as tf

from tfpercept import models
from tfpercept.evaluation.core import set_distances, statistics
from tfpercept.evaluation.core.statistics import Estimate

FEWEST = 5000
"""Fewest pictures of each kind that `frechet` takes: the estimate of a
covariance of 64 features is good to some percent then, and its bias small."""
_BATCH = 500  # pictures at once


@dataclasses.dataclass(frozen=True)
class Judged:
  """Output of a classifier for pictures.

  Attributes:
    posterior: Probability of each class, float64 `[N, K]`.
    features: Features before the last layer, float64 `[N, D]`.
  """

  posterior: np.ndarray
  features: np.ndarray

  @property
  def classes(self) -> np.ndarray:
    """The most likely class of each picture, int64 `[N]`."""
    return self.posterior.argmax(axis=1)


@dataclasses.dataclass(frozen=True)
class Judgement:
  """Metrics of unlabelled samples, by a classifier of digits.

  Samples have no true class, so accuracy is not defined. In its place:

  Attributes:
    entropy: Mean entropy of the posterior in nats, 0 to ln 10 = 2.303. High
      where samples look like no digit or like several; low also where all are
      the same good digit, or a shape the classifier is wrongly sure of.
    confidence: Mean of the largest probability, 0.1 to 1; says nearly the same.
    coverage: Entropy in nats of the histogram of the most likely classes: 2.303
      where all ten are drawn equally often, 0 where one is. It does not see
      whether the digits of one class differ.
    frechet: See `frechet`; `low` and `high` are the extremes over draws.
  """

  entropy: Estimate
  confidence: Estimate
  coverage: Estimate
  frechet: Estimate


def judge(network: models.DigitClassifier, images: np.ndarray) -> Judged:
  """Runs a classifier on pictures.

  Args:
    network: Classifier with a method `features(x)` and a layer `head`.
    images: Pictures, float32 `[N, H, W, C]` in [0, 1], N > 0.
  """

  def see(x: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    features = network.features(x)
    logits = tf.cast(network.head(features), tf.float64)
    return tf.nn.softmax(logits), tf.cast(features, tf.float64)

  parts = [
    see(tf.constant(images[i : i + _BATCH]))
    for i in range(0, len(images), _BATCH)
  ]
  posterior, features = (
    np.concatenate([part.numpy() for part in column])
    for column in zip(*parts, strict=True)
  )
  return Judged(posterior, features)


def accuracy(judged: Judged, labels: np.ndarray) -> Estimate:
  """Returns the share of pictures whose most likely class is their label.

  On reconstructions of labelled pictures: how often the digit is still the one
  that it was. It does not apply to samples, and errors of the classifier on
  the pictures themselves count too.
  """
  right = (judged.classes == labels).astype(np.float64)
  found = statistics.bootstrap(np.mean, right)
  if not statistics.is_point(found.low, found.high):
    return found
  return Estimate(
    found.value, *statistics.unanimous(found.value, len(right), 0.0, 1.0)
  )


def judgement(draws: Sequence[Judged], data: Judged) -> Judgement:
  """Returns the metrics of samples, beside real pictures.

  Args:
    draws: Classifier outputs for independent draws of samples, all of equal
      size. The bootstrap uses the first draw; the Fréchet distance is the mean
      over draws.
    data: Classifier output for real pictures, those of the training.
  """
  posterior = draws[0].posterior
  distances = [frechet(d.features, data.features) for d in draws]
  return Judgement(
    entropy=statistics.bootstrap(np.mean, entropy(posterior)),
    confidence=statistics.bootstrap(np.mean, posterior.max(axis=1)),
    coverage=statistics.bootstrap(
      lambda c: _coverage(c, posterior.shape[1]), draws[0].classes
    ),
    frechet=Estimate(
      float(np.mean(distances)),
      *(
        (min(distances), max(distances))
        if len(distances) > 1
        else (math.nan, math.nan)
      ),
    ),
  )


def entropy(posterior: np.ndarray) -> np.ndarray:
  """Returns the entropy in nats of each distribution of `[..., K]`."""
  logarithm = np.log(np.where(posterior > 0, posterior, 1.0))
  return -np.sum(posterior * logarithm, axis=-1)


def frechet(features: np.ndarray, others: np.ndarray) -> float:
  """Returns the Frechet distance of the normals fitted to two sets.

      |m1 - m2|^2 + tr(C1 + C2 - 2 (C1 C2)^(1/2))

  0 for equal means and covariances, whatever else differs; its unit is that of
  the features, so values in the features of one network compare with each other
  and with nothing else: not with published FIDs, which are in Inception's. Of
  finite sets it is too large, the more so the fewer there are: compare values
  of equal numbers, and with that of real pictures held out, which is the floor.

  Args:
    features: Features of the first set, `[N, D]`, N at least `FEWEST`.
    others: Features of the second set, `[M, D]`, M at least `FEWEST`.

  Raises:
    ValueError: if there are too few.

  Source: Heusel, Ramsauer, Unterthiner, Nessler, Hochreiter, "GANs trained by a
  two time-scale update rule ...", 2017, equation 6.
  """
  fewest = min(len(features), len(others))
  if fewest < FEWEST:
    raise ValueError(
      f"a Frechet distance needs {FEWEST} pictures of each kind; got {fewest}"
    )
  return set_distances.frechet(features, others)


def _coverage(classes: np.ndarray, count: int) -> float:
  shares = np.bincount(classes, minlength=count) / len(classes)
  return float(entropy(shares))

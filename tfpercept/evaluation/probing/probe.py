"""Probes: support vector machines that predict labels from codes.

    known = probing.Known(identity, {"azimuth": azimuth})
    scores = probing.probe(codes, known)
    scores["identity"].mean, scores["azimuth, new people"].mean

The encoder is frozen: it has made the codes and is not at hand. Everything that
is fitted (means and deviations, principal components, machines, their C and
gamma) is fitted on training folds; a test fold serves to count errors, once.

- Each dimension of a code is standardised. The kernel is exp(-gamma |a - b|^2),
  the machine SVC for identity and SVR for angles, which are standardised too.
- C and gamma have the least error in a cross-validation within the training
  folds, anew for each outer fold and question (nested cross-validation).
- Identity is predicted in folds stratified by person. Angles are predicted in
  random folds, where the machine knows the person from other pictures, and in
  folds that leave whole people out, inside and outside.
- The folds follow from the protocol alone, so all codes meet the same.

Source of the experiment: Snell, Ridgeway, Liao, Roads, Mozer, Zemel, "Learning
to generate images with perceptual similarity metrics", 2017. Their folds, grid
and standardisation are not known to us.
"""

import concurrent.futures
import dataclasses
import warnings
from collections.abc import Mapping, Sequence

import numpy as np

from tfpercept.evaluation.probing import folds as probing_folds
from tfpercept.evaluation.probing import svm
from tfpercept.evaluation.probing.folds import (
  IDENTITY,
  NEW_PEOPLE,
  Known,
  Protocol,
)

__all__ = [
  "IDENTITY", "NEW_PEOPLE", "Known", "Protocol", "Scores", "chance",
  "label_budget", "probe",
]  # fmt: skip

# A machine with one picture of each person answers the same for any C and
# gamma, so fewer labels than these leave nothing to choose by.
_TO_CHOOSE = 3
_UNCHOSEN = (10.0, 1.0)

_Answer = tuple[float, tuple[float, ...]]


@dataclasses.dataclass(frozen=True)
class Scores:
  """Errors of the probes of one encoder on one target.

  Attributes:
    folds: Error of each outer fold: wrong labels in percent, or the mean
      squared error of an angle in its unit squared.
    chosen: C, and gamma in units of the protocol, of each outer fold; empty
      where nothing was chosen.
  """

  folds: tuple[float, ...]
  chosen: tuple[tuple[float, ...], ...] = ()

  @property
  def mean(self) -> float:
    """Mean over folds."""
    return float(np.mean(self.folds))


def probe(
  codes: np.ndarray,
  known: Known,
  protocol: Protocol | None = None,
  *,
  pca: int | None = None,
  workers: int = 1,
) -> dict[str, Scores]:
  """Predicts all targets from the codes of one encoder.

  Args:
    codes: Codes, real numbers `[N, D]`; computed with in float64.
    known: Labels of the same pictures.
    protocol: Settings of the probes; None takes the defaults.
    pca: Number of principal components of each training part that replace the
      codes, the linear baseline of codes of that width; None keeps the codes.
    workers: Number of threads, which do not change the result.

  Returns:
    Errors by question, in the order of `known.questions`.

  Raises:
    ValueError: if codes are not finite or do not fit `known`; if there are too
      few people, pictures of one, or components; if scikit-learn is missing.
  """
  protocol = Protocol() if protocol is None else protocol
  codes = _checked(codes, known, pca)
  jobs = [
    (kind, split)
    for kind, found in probing_folds.outer(known, protocol).items()
    for split in found
  ]

  def run(job: tuple[str, probing_folds.Split]) -> dict[str, _Answer]:
    return _outer_fold(codes, known, protocol, *job, pca=pca)

  # libsvm and the products of matrices let go of Python's lock.
  with concurrent.futures.ThreadPoolExecutor(workers) as pool:
    return _gathered(known.questions, list(pool.map(run, jobs)))


def chance(known: Known, protocol: Protocol | None = None) -> dict[str, Scores]:
  """Returns the errors of a predictor that sees no code, in the same folds.

  The answer is the most frequent label of the training folds, or the mean of
  their angles.
  """
  protocol = Protocol() if protocol is None else protocol
  answers = []
  for kind, found in probing_folds.outer(known, protocol).items():
    for train, test in found:
      answer = {}
      for question, target in known.targets(kind).items():
        if question == IDENTITY:
          people, counts = np.unique(target[train], return_counts=True)
          error = 100 * np.mean(target[test] != people[counts.argmax()])
        else:
          error = np.mean((target[test] - target[train].mean()) ** 2)
        answer[question] = float(error), ()
      answers.append(answer)
  return _gathered(known.questions, answers)


def label_budget(
  codes: np.ndarray,
  known: Known,
  protocol: Protocol | None = None,
  *,
  labels: Sequence[int] = (1, 2, 5, 10, 20, 30),
  pca: int | None = None,
) -> dict[int, Scores]:
  """Returns the error of identity by the number of labels of each person.

  Labelled pictures are drawn from the training folds of `probe`, those of a
  small budget among those of a larger one; the test folds are the same. It is a
  budget of labels, not of pictures: standardisation and principal components,
  as the encoder, have all training pictures. C and gamma are chosen among the
  labelled; they are 10 and 1 where there are one or two a person, or fewer than
  inner folds.

  Raises:
    ValueError: as `probe`; if a person has fewer pictures to fit on.
  """
  protocol = Protocol() if protocol is None else protocol
  codes = _checked(codes, known, pca)
  answers: dict[int, list[_Answer]] = {count: [] for count in labels}
  folds = probing_folds.outer(known, protocol)[IDENTITY]
  for number, (train, test) in enumerate(folds):
    order = np.random.default_rng([protocol.seed, number]).permutation(train)
    chosen = {n: _first_of_each(known.identity, order, n) for n in labels}
    whole = svm.measure(codes, train, test, pca=pca)
    for count, few in chosen.items():
      answers[count].append(_with_labels(whole, few, known, protocol))
  return {
    count: Scores(tuple(e for e, _ in found), tuple(c for _, c in found))
    for count, found in answers.items()
  }


def _outer_fold(
  codes: np.ndarray,
  known: Known,
  protocol: Protocol,
  kind: str,
  split: probing_folds.Split,
  *,
  pca: int | None,
) -> dict[str, _Answer]:
  """Chooses C and gamma within the training part, then counts errors once."""
  train, test = split
  targets = known.targets(kind)
  inner = probing_folds.cut(
    kind, known.identity[train], protocol.inner, protocol.seed
  )
  chosen = svm.choose(
    (
      svm.measure(codes, train[fit], train[count], pca=pca)
      for fit, count in inner
    ),
    targets,
    protocol,
  )
  part = svm.measure(codes, train, test, pca=pca)
  return {
    question: (
      svm.error(
        part,
        part.kernels(chosen[question][1]),
        target,
        chosen[question][0],
        epsilon=protocol.epsilon,
      ),
      chosen[question],
    )
    for question, target in targets.items()
  }


def _with_labels(
  whole: svm.Part,
  few: np.ndarray,
  known: Known,
  protocol: Protocol,
) -> _Answer:
  """Probes identity with the labels of few of the training pictures."""
  part = whole.only(few, whole.test)
  identity = known.identity
  count = np.unique(identity[few], return_counts=True)[1][0]
  with warnings.catch_warnings():
    # scikit-learn takes labels for numbers where nearly all differ.
    warnings.filterwarnings("ignore", "The number of unique classes")
    choice = _UNCHOSEN
    if count >= max(_TO_CHOOSE, protocol.inner):
      inner = probing_folds.cut(
        IDENTITY, identity[few], protocol.inner, protocol.seed
      )
      parts = (whole.only(few[fit], few[held]) for fit, held in inner)
      targets = {IDENTITY: identity}
      choice = svm.choose(parts, targets, protocol)[IDENTITY]
    penalty, scale = choice
    kernels = part.kernels(scale)
    error = svm.error(
      part, kernels, identity, penalty, epsilon=protocol.epsilon
    )
  return error, choice


def _first_of_each(
  identity: np.ndarray, order: np.ndarray, count: int
) -> np.ndarray:
  """Returns so many pictures of each person, the first in an order."""
  chosen = []
  for person in np.unique(identity):
    own = order[identity[order] == person]
    if not 1 <= count <= len(own):
      raise ValueError(
        f"{count} labels a person cannot be had: person {person} has "
        f"{len(own)} pictures to fit on"
      )
    chosen.append(own[:count])
  return np.sort(np.concatenate(chosen))


def _gathered(
  questions: Sequence[str], answers: Sequence[Mapping[str, _Answer]]
) -> dict[str, Scores]:
  """Turns answers by fold into scores by question."""
  found = {q: [a[q] for a in answers if q in a] for q in questions}
  return {
    question: Scores(
      tuple(error for error, _ in given),
      tuple(choice for _, choice in given if choice),
    )
    for question, given in found.items()
  }


def _checked(codes: np.ndarray, known: Known, pca: int | None) -> np.ndarray:
  codes = np.asarray(codes, np.float64)
  if codes.ndim != 2 or len(codes) != len(known.identity) or not codes.size:
    raise ValueError(
      f"codes are [N, D] for {len(known.identity)} pictures; got "
      f"{list(codes.shape)}"
    )
  bad = np.count_nonzero(~np.isfinite(codes))
  if bad:
    raise ValueError(
      f"codes must be finite; {bad} of {codes.size} values are not"
    )
  if pca is not None and pca < 1:
    raise ValueError(f"pca is a number of components; got {pca}")
  return codes

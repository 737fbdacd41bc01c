"""Targets of probes, and the folds of their cross-validation."""

import dataclasses
from collections.abc import Callable, Mapping
from types import ModuleType

import numpy as np

from tfpercept import extras

IDENTITY = "identity"
NEW_PEOPLE = ", new people"
"""Suffix of an angle's name in folds that leave whole people out."""

Split = tuple[np.ndarray, np.ndarray]
"""Indices of pictures to fit on, and of those to count errors on."""


@dataclasses.dataclass(frozen=True)
class Protocol:
  """Settings of the probes.

  Attributes:
    folds: Number of outer folds, whose errors are reported; at least 2.
    inner: Number of folds within the outer training folds, by which C and gamma
      are chosen; at least 2.
    penalties: Values of C.
    scales: Values of gamma, in units of one over the summed variance of the
      standardised dimensions: scikit-learn's `gamma="scale"` is 1.
    epsilon: Half-width of the tube in which an error of an angle costs nothing,
      in standard deviations of the angle.
    seed: Seed of the folds.
  """

  folds: int = 5
  inner: int = 3
  penalties: tuple[float, ...] = (1.0, 10.0, 100.0)
  scales: tuple[float, ...] = (0.1, 0.3, 1.0, 3.0)
  epsilon: float = 0.1
  seed: int = 0

  def __post_init__(self) -> None:
    for name in ("folds", "inner"):
      if getattr(self, name) < 2:
        raise ValueError(f"{name} is at least 2; got {getattr(self, name)}")
    for name in ("penalties", "scales"):
      values = getattr(self, name)
      if not values or min(values) <= 0:
        raise ValueError(f"{name} are numbers above 0; got {values}")
    if self.epsilon < 0:
      raise ValueError(f"epsilon is at least 0; got {self.epsilon}")


@dataclasses.dataclass(frozen=True)
class Known:
  """Labels of each picture.

  Attributes:
    identity: Number of the person shown, integers `[N]`.
    angles: Numbers to predict from the code, `[N]` each, by name.

  Raises:
    ValueError: if shapes or types are others, or a number is not finite.
  """

  identity: np.ndarray
  angles: Mapping[str, np.ndarray] = dataclasses.field(default_factory=dict)

  def __post_init__(self) -> None:
    identity = np.asarray(self.identity)
    if identity.ndim != 1 or identity.dtype.kind not in "iu":
      raise ValueError(
        "identity is a whole number for each picture, [N]; got "
        f"{identity.dtype} {list(identity.shape)}"
      )
    angles = {k: np.asarray(v, np.float64) for k, v in self.angles.items()}
    for name, values in angles.items():
      bad = np.count_nonzero(~np.isfinite(values))
      if values.shape != identity.shape or bad:
        raise ValueError(
          f"{name} is a finite number for each of {len(identity)} pictures; "
          f"got {list(values.shape)}, of which {bad} are not finite"
        )
    object.__setattr__(self, "identity", identity)
    object.__setattr__(self, "angles", angles)

  @property
  def questions(self) -> tuple[str, ...]:
    """Names of the targets of probes, in the order of columns."""
    kinds = ("", NEW_PEOPLE)
    return (IDENTITY, *(name + kind for kind in kinds for name in self.angles))

  def targets(self, kind: str) -> dict[str, np.ndarray]:
    """Returns the targets in folds of a kind, by question."""
    if kind == IDENTITY:
      return {IDENTITY: self.identity}
    suffix = NEW_PEOPLE if kind == "people" else ""
    return {name + suffix: values for name, values in self.angles.items()}


def outer(known: Known, protocol: Protocol) -> dict[str, list[Split]]:
  """Returns the outer folds by kind: `identity`, `random` and `people`.

  Raises:
    ValueError: if there are too few people, or pictures of one; if scikit-learn
      is not installed.
  """
  _require_enough(known, protocol)
  kinds = (IDENTITY, "random", "people") if known.angles else (IDENTITY,)
  return {
    kind: cut(kind, known.identity, protocol.folds, protocol.seed)
    for kind in kinds
  }


def cut(kind: str, identity: np.ndarray, folds: int, seed: int) -> list[Split]:
  """Cuts pictures into folds, shuffled by the seed.

  Args:
    kind: `identity` for folds with the same share of each person, `people` for
      folds that have no person in common, else `random`.
    identity: Number of the person in each picture, integers `[N]`.
    folds: Number of folds.
    seed: Seed of the shuffle.
  """
  selection = _model_selection()
  makers: dict[str, Callable] = {
    IDENTITY: selection.StratifiedKFold,
    "random": selection.KFold,
    "people": selection.GroupKFold,
  }
  maker = makers[kind](folds, shuffle=True, random_state=seed)
  groups = identity if kind == "people" else None
  return list(maker.split(np.zeros((len(identity), 1)), identity, groups))


def _require_enough(known: Known, protocol: Protocol) -> None:
  people, counts = np.unique(known.identity, return_counts=True)
  wanted = f"{protocol.folds} folds with {protocol.inner} folds inside"
  if len(people) < 2:
    raise ValueError(f"identity needs at least 2 people; got {len(people)}")
  short = people[_left(counts, protocol) < protocol.inner]
  if len(short):
    raise ValueError(
      f"{wanted} need more pictures of each person; person {short[0]} has "
      f"{counts[people == short[0]][0]}"
    )
  if known.angles and _left(np.array(len(people)), protocol) < protocol.inner:
    raise ValueError(
      f"{wanted}, which leave people out, need more people; got {len(people)}"
    )


def _left(counts: np.ndarray, protocol: Protocol) -> np.ndarray:
  """Returns the items outside the largest outer fold; 0 if a fold is empty."""
  left = counts - -(-counts // protocol.folds)
  return np.where(counts < protocol.folds, 0, left)


def _model_selection() -> ModuleType:
  with extras.needed("probes"):
    from sklearn import model_selection
  return model_selection

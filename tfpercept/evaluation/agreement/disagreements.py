"""The questions on which a distance and people part."""

import dataclasses
from collections.abc import Mapping

import numpy as np

from tfpercept.data import judgements

COUNT = 20  # questions that are shown


@dataclasses.dataclass(frozen=True)
class Question:
  """A question about two pictures, with all answers of people to it.

  Attributes:
    item: The first judgement with these pictures.
    share: Share of people who found the second picture of `item` nearer.
    answers: Number of judgements that were merged.
  """

  item: judgements.Judgement
  share: float
  answers: int

  @property
  def nearer(self) -> int:
    """Index of the picture that more people found nearer."""
    return int(self.share > 0.5)

  def chosen(self, values: Mapping[judgements.PairKey, float]) -> int | None:
    """Returns the index of the picture that a distance finds nearer.

    Args:
      values: Distances by the keys of reference and image.

    Returns:
      0 or 1; None if both are equally far, or have no value.
    """
    pairs = [(self.item.reference.key, p.key) for p in self.item.images]
    if not all(pair in values for pair in pairs):
      return None
    first, second = (values[pair] for pair in pairs)
    return None if first == second else int(second < first)

  def against(self, values: Mapping[judgements.PairKey, float]) -> float:
    """Returns the share of people who chose otherwise than a distance.

    A half where the distance does not choose.
    """
    chosen = self.chosen(values)
    if chosen is None:
      return 0.5
    return 1 - self.share if chosen else self.share


def questions(data: judgements.Judgements) -> list[Question]:
  """Returns what people were asked, each question once.

  Args:
    data: Forced choices. The same two pictures may be shown in either order.
  """
  asked: dict[frozenset[str], list[tuple[judgements.Judgement, float]]] = {}
  for item in data.items:
    key = frozenset(p.key for p in (item.reference, *item.images))
    first = asked.setdefault(key, [(item, item.answer)])[0][0]
    if item is first:
      continue
    is_turned = item.images[0] != first.images[0]
    share = 1 - item.answer if is_turned else item.answer
    asked[key].append((item, share))
  return [
    Question(found[0][0], float(np.mean([s for _, s in found])), len(found))
    for found in asked.values()
  ]


def worst(
  data: judgements.Judgements,
  values: Mapping[judgements.PairKey, float],
  count: int = COUNT,
) -> list[Question]:
  """Returns the questions on which a distance and people part most.

  First come those with the largest surplus of people who chose otherwise: of
  two that all answered alike, the one with more answers. Among equals come
  those in which the distance is surer, by the ratio of its two values.

  Args:
    data: Forced choices.
    values: Distances by the keys of reference and image.
    count: Largest number of questions returned.
  """

  def rank(question: Question) -> tuple[float, float]:
    against = question.against(values)
    pair = [
      values[question.item.reference.key, p.key] for p in question.item.images
    ]
    sure = max(pair) / min(pair) if min(pair) > 0 else float("inf")
    return -question.answers * (2 * against - 1), -sure

  parted = [q for q in questions(data) if q.against(values) > 0.5]
  return sorted(parted, key=rank)[:count]

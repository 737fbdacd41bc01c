"""Answers of people as numbers, and draws of people or pictures from them."""

import dataclasses
from collections.abc import Iterator, Sequence

import numpy as np

from tfpercept.evaluation.ranking import results

_SHUFFLES = 4  # shuffled orders of each answer, among which draws choose


@dataclasses.dataclass(frozen=True)
class Answers:
  """Answers as numbers.

  Attributes:
    orders: Indices of methods of each answer, the best first.
    places: Rank of each method in each answer, 0 if it was not shown, `[n, M]`.
    people: Index of the person of each answer, `[n]`.
    pictures: Index of the picture of each answer, `[n]`.
  """

  orders: list[tuple[int, ...]]
  places: np.ndarray
  people: np.ndarray
  pictures: np.ndarray

  @classmethod
  def of(
    cls,
    people: Sequence[results.Person],
    key: results.Key,
  ) -> "Answers":
    """Returns the answers of people to one page."""
    index = {method: i for i, method in enumerate(key.methods)}
    pictures: dict[str, int] = {}
    orders, who, what = [], [], []
    for number, person in enumerate(people):
      for answer in person.answers:
        orders.append(tuple(index[method] for method in answer.order))
        who.append(number)
        what.append(pictures.setdefault(answer.picture, len(pictures)))
    places = _places(orders, len(index))
    return cls(orders, places, np.array(who), np.array(what))

  @property
  def methods(self) -> int:
    """Number of methods on the page."""
    return self.places.shape[1]

  def drawn_from(self, over: str) -> list[np.ndarray]:
    """Returns the units that the bootstrap draws for a value of `OVER`."""
    return {
      "people": [self.people],
      "pictures": [self.pictures],
      "both": [self.people, self.pictures],
    }[over]

  def with_others(self, seed: int) -> "Answers":
    """Returns the answers, their opposites, and `_SHUFFLES` times any order."""
    random = np.random.default_rng(seed)
    orders = self.orders + [order[::-1] for order in self.orders]
    for _ in range(_SHUFFLES):
      orders += [tuple(random.permutation(o).tolist()) for o in self.orders]
    parts = 2 + _SHUFFLES
    return Answers(
      orders,
      _places(orders, self.methods),
      np.tile(self.people, parts),
      np.tile(self.pictures, parts),
    )

  def ranks(self) -> np.ndarray:
    """Returns the counts of ranks, `[methods, ranks]`."""
    shown = range(1, self.places.max() + 1)
    return np.stack([np.sum(self.places == r, axis=0) for r in shown], axis=1)

  def wins(self) -> np.ndarray:
    """Returns how often one (row) was put before another, `[M, M]`."""
    row, column = self.places[:, :, None], self.places[:, None, :]
    return np.sum((row > 0) & (row < column), axis=0)


def _places(orders: Sequence[Sequence[int]], methods: int) -> np.ndarray:
  places = np.zeros((len(orders), methods), np.int64)
  for row, order in zip(places, orders, strict=True):
    row[list(order)] = range(1, len(order) + 1)
  return places


def resamples(
  data: Answers, over: str, count: int, seed: int
) -> Iterator[np.ndarray]:
  """Yields indices of answers of people and pictures drawn with replacement."""
  random = np.random.default_rng(seed)
  for _ in range(count):
    times = np.ones(len(data.orders), np.int64)
    for owners in data.drawn_from(over):
      times *= _times(owners, random)[owners]
    yield np.repeat(np.arange(len(times)), times)


def dissenting(
  data: Answers, over: str, count: int, seed: int
) -> Iterator[np.ndarray]:
  """Yields draws as `resamples` does, in which some units dissent.

  Units are people or pictures, whichever are fewer. Each dissents with a chance
  that is drawn from Beta(1/2, n + 1/2). In half of the draws dissenters give
  the opposite order, in the others a random one. Indices are those of
  `with_others`.
  """
  random = np.random.default_rng(seed)
  turning, *others = sorted(data.drawn_from(over), key=lambda o: o.max())
  answers = np.arange(len(data.orders))
  for _ in range(count):
    times = _times(turning, random)
    share = random.beta(0.5, len(times) + 0.5)
    turned = random.binomial(times, share)
    both = [(times - turned)[turning], turned[turning]]
    for owners in others:
      both = [part * _times(owners, random)[owners] for part in both]
    part = np.ones(len(answers), np.int64)
    if random.integers(2):
      part = random.integers(2, 2 + _SHUFFLES, size=len(answers))
    said = answers + len(answers) * part
    yield np.concatenate(
      [np.repeat(answers, both[0]), np.repeat(said, both[1])]
    )


def _times(owners: np.ndarray, random: np.random.Generator) -> np.ndarray:
  """Returns how often each of the owners of answers is drawn."""
  count = owners.max() + 1
  return np.bincount(random.integers(count, size=count), minlength=count)

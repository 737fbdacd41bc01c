"""Agreement between people who ranked the same pictures."""

import collections
import dataclasses
import itertools
import math
from collections.abc import Sequence

import numpy as np

from tfpercept.evaluation.ranking import results


@dataclasses.dataclass(frozen=True)
class Raters:
  """Agreement between people on the pictures that they share.

  Attributes:
    share: Share of cases decided alike, where a case is two people who compared
      the same two results of a picture; NaN without any. Kendall's tau between
      two people is 2 * share - 1.
    cases: Number of such cases.
    alpha: Krippendorff's alpha of the ranks with the interval metric: 1 for
      perfect agreement, 0 for chance; NaN where it is not defined.
    concordance: Kendall's W, its mean over pictures with three or more results
      that two or more people ranked; NaN without any.
    pictures: Number of such pictures.
  """

  share: float
  cases: int
  alpha: float
  concordance: float
  pictures: int


def compare(people: Sequence[results.Person]) -> Raters:
  """Compares people on what two or more of them judged."""
  answers = collections.defaultdict(list)  # orders, by what was asked
  for person in people:
    for answer in person.answers:
      asked = answer.picture, tuple(sorted(answer.order))
      answers[asked].append(answer.order)
  shared = {asked: o for asked, o in answers.items() if len(o) > 1}
  alike = cases = 0
  for (_, methods), orders in shared.items():
    for first, second in itertools.combinations(methods, 2):
      ahead = sum(o.index(first) < o.index(second) for o in orders)
      behind = len(orders) - ahead
      alike += math.comb(ahead, 2) + math.comb(behind, 2)
      cases += math.comb(len(orders), 2)
  units = [
    [order.index(method) for order in orders]
    for (_, methods), orders in shared.items()
    for method in methods
  ]
  concordances = [
    _concordance(o) for (_, methods), o in shared.items() if len(methods) > 2
  ]
  return Raters(
    alike / cases if cases else math.nan,
    cases,
    krippendorff(units),
    float(np.mean(concordances)) if concordances else math.nan,
    len(concordances),
  )


def krippendorff(units: Sequence[Sequence[float]]) -> float:
  """Returns Krippendorff's alpha with the interval metric.

  Args:
    units: Values that people gave to each unit; units with one value do not
      count.

  Returns:
    1 - observed / expected disagreement; NaN where nothing was said twice or
    all values are the same.

  Source: Krippendorff, "Computing Krippendorff's alpha-reliability", 2011,
  section D.
  """
  repeated = [np.asarray(unit, np.float64) for unit in units if len(unit) > 1]
  if not repeated:
    return math.nan
  values = np.concatenate(repeated)
  expected = _spread(values) / (len(values) - 1)
  observed = sum(_spread(unit) / (len(unit) - 1) for unit in repeated)
  return float(1 - observed / expected) if expected else math.nan


def _spread(values: np.ndarray) -> float:
  """Sum of squared differences of all pairs of values, either way round."""
  return 2 * len(values) * float(np.sum((values - values.mean()) ** 2))


def _concordance(orders: Sequence[Sequence[str]]) -> float:
  """Kendall's W of complete rankings without ties."""
  people, items = len(orders), len(orders[0])
  sums = [sum(order.index(item) for order in orders) for item in orders[0]]
  return 12 * items * float(np.var(sums)) / (people**2 * (items**3 - items))

"""What rankings by people say: ranks, strengths, and how far people agree."""

import dataclasses
import math
from collections.abc import Callable, Iterator, Sequence

import numpy as np

from tfpercept import extras
from tfpercept.evaluation import ranking_raters, ranking_results, settings
from tfpercept.evaluation.agreement import Estimate
from tfpercept.evaluation.settings import Analysis as Options

OVER = settings.OVER
PRIOR = 0.1
"""`alpha` of choix, which keeps the strength of what always wins finite."""
_MAX_STEPS = 10_000  # of the fit; it takes ten where nothing always wins
# The last step of strengths, of which a fit is much nearer to its limit than
# that; from a start nearby, 1e-4 leaves an error near 1e-8.
_EXACT, _NEAR = 1e-8, 1e-4


@dataclasses.dataclass(frozen=True)
class Analysis:
  """What `analyse` returns. Arrays go by the methods of the key.

  Attributes:
    key: Of the page.
    people: Whose answers count.
    left_out: Why those of others do not, by name.
    ranks: How often a method got a rank, `[methods, ranks]`.
    wins: How often a method (row) was put before another, `[methods, methods]`.
    mean_ranks: Mean rank of each method; 1 is best.
    strengths: Of each method: log-strengths with mean 0.
    raters: How far people agree.
    over: What the bootstrap drew.
    options: As given.
  """

  key: ranking_results.Key
  people: list[ranking_results.Person]
  left_out: dict[str, str]
  ranks: np.ndarray
  wins: np.ndarray
  mean_ranks: list[Estimate]
  strengths: list[Estimate]
  raters: ranking_raters.Raters
  over: str
  options: Options

  @property
  def order(self) -> list[int]:
    """Methods from the strongest to the weakest, as indices."""
    values = [-strength.value for strength in self.strengths]
    return np.argsort(values, kind="stable").tolist()

  @property
  def count(self) -> int:
    """How many rankings, or choices, count."""
    return sum(len(person.answers) for person in self.people)


def analyse(
  people: Sequence[ranking_results.Person],
  key: ranking_results.Key,
  options: Options | None = None,
  *,
  progress: Callable[[int, str], None] = lambda done, what: None,
) -> Analysis:
  """Analyses the answers of people to one page.

  Strengths are those of Plackett and Luce, which for two items are those of
  Bradley and Terry: the chance of a method to be put before all others of a set
  is its share of exp(strength) in it. They maximise the likelihood less
  PRIOR * k * sum(exp(s) - s), s scaled so that exp(s) has mean 1: a gamma prior
  that leaves what always wins finite and, where all are alike, weighs as much
  as 4 * PRIOR * k comparisons of each method. A drawn set of people keeps all
  their answers together, so that those of one need not be independent.

  Args:
    people: Of `ranking_results.read`.
    key: Of the page.
    options: How; the defaults if None.
    progress: Called before each fit with the number done and what it is.

  Raises:
    ValueError: if choix is not installed, or nobody's answers can be used.

  Source: Plackett, "The analysis of permutations", 1975; Caron and Doucet,
  "Efficient Bayesian inference for generalized Bradley-Terry models", 2012,
  section 2 (prior); Maystre and Grossglauser, "Fast and accurate inference of
  Plackett-Luce models", 2015 (the algorithm, by choix); Efron and Tibshirani,
  "An introduction to the bootstrap", 1993, section 13.3; Hesterberg, "What
  teachers should know about the bootstrap", 2015 (the expanded percentile
  interval).
  """
  options = Options() if options is None else options
  used, left_out = _attentive(people, options)
  if not used:
    why = "; ".join(f"{name}: {text}" for name, text in left_out.items())
    raise ValueError(f"no answers that can be used: {why or 'no file'}")
  data = _Data.of(used, key)
  over = options.over
  if over == "people" and len(used) == 1:
    over = "pictures"
  everything = np.arange(len(data.orders))
  fitted, ranked = _fit(data, everything), _mean_ranks(data, everything)
  drawn_fits, drawn_ranks = [], []
  for done, drawn in enumerate(_resamples(data, over, options)):
    progress(done, "bootstrap")
    drawn_fits.append(_fit(data, drawn, fitted))
    drawn_ranks.append(_mean_ranks(data, drawn))
  tail = _tail(data, over)
  return Analysis(
    key,
    used,
    left_out,
    data.ranks(),
    data.wins(),
    _estimates(ranked, drawn_ranks, tail),
    _estimates(fitted, drawn_fits, tail),
    ranking_raters.compare(used),
    over,
    options,
  )


@dataclasses.dataclass(frozen=True)
class _Data:
  """Answers as numbers.

  Attributes:
    orders: Indices of methods, the best first.
    places: Rank of each method in each answer, 0 if it was not shown, `[n, M]`.
    people: Index of the person, `[n]`.
    pictures: Index of the picture, `[n]`.
  """

  orders: list[tuple[int, ...]]
  places: np.ndarray
  people: np.ndarray
  pictures: np.ndarray

  @classmethod
  def of(
    cls,
    people: Sequence[ranking_results.Person],
    key: ranking_results.Key,
  ) -> "_Data":
    index = {method: i for i, method in enumerate(key.methods)}
    pictures: dict[str, int] = {}
    orders, who, what = [], [], []
    for number, person in enumerate(people):
      for answer in person.answers:
        orders.append(tuple(index[method] for method in answer.order))
        who.append(number)
        what.append(pictures.setdefault(answer.picture, len(pictures)))
    places = np.zeros((len(orders), len(index)), np.int64)
    for row, order in zip(places, orders, strict=True):
      row[list(order)] = range(1, len(order) + 1)
    return cls(orders, places, np.array(who), np.array(what))

  @property
  def methods(self) -> int:
    return self.places.shape[1]

  def drawn_from(self, over: str) -> list[np.ndarray]:
    """Returns what the bootstrap draws, as one of `OVER` says."""
    return {
      "people": [self.people],
      "pictures": [self.pictures],
      "both": [self.people, self.pictures],
    }[over]

  def ranks(self) -> np.ndarray:
    """Returns counts `[methods, ranks]`."""
    shown = range(1, self.places.max() + 1)
    return np.stack([np.sum(self.places == r, axis=0) for r in shown], axis=1)

  def wins(self) -> np.ndarray:
    """Returns how often one (row) was put before another, `[M, M]`."""
    row, column = self.places[:, :, None], self.places[:, None, :]
    return np.sum((row > 0) & (row < column), axis=0)


def _attentive(
  people: Sequence[ranking_results.Person], options: Options
) -> tuple[list[ranking_results.Person], dict[str, str]]:
  """Parts those who passed enough checks, and answered, from the others."""
  used, left_out = [], {}
  for person in people:
    if person.failed > options.max_failed * len(person.checks):
      left_out[person.name] = (
        f"failed {person.failed} of {len(person.checks)} attention checks"
      )
    elif not person.answers:
      left_out[person.name] = "answered nothing"
    else:
      used.append(person)
  return used, left_out


def _fit(
  data: _Data, drawn: np.ndarray, start: np.ndarray | None = None
) -> np.ndarray:
  """Returns strengths `[methods]` with mean 0; NaN of what nobody saw.

  Args:
    data: The answers.
    drawn: Indices of those to fit.
    start: Strengths near which to look; fewer steps do then.
  """
  with extras.needed("strengths of methods"):
    import choix
  options = {
    "alpha": PRIOR,
    "max_iter": _MAX_STEPS,
    "tol": _EXACT if start is None else _NEAR,
    "initial_params": start if start is None else np.nan_to_num(start),
  }
  places = data.places[drawn]
  try:
    if data.places.max() == 2:  # the same fit, much faster
      wins = (places == 1).T.astype(np.float64) @ (places == 2)
      fitted = choix.ilsr_pairwise_dense(wins, **options)
    else:
      orders = [data.orders[i] for i in drawn]
      fitted = choix.ilsr_rankings(data.methods, orders, **options)
  except RuntimeError as error:
    raise ValueError(f"strengths could not be fitted: {error}") from error
  return np.where(np.any(places, axis=0), fitted, np.nan)


def _mean_ranks(data: _Data, drawn: np.ndarray) -> np.ndarray:
  """Returns mean ranks `[methods]`; NaN of what nobody saw."""
  places = data.places[drawn]
  counts = np.count_nonzero(places, axis=0)
  with np.errstate(invalid="ignore"):
    return places.sum(axis=0) / counts


def _resamples(
  data: _Data, over: str, options: Options
) -> Iterator[np.ndarray]:
  """Yields indices of answers of people and pictures drawn with replacement."""
  random = np.random.default_rng(options.seed)
  for _ in range(options.resamples):
    times = np.ones(len(data.orders), np.int64)
    for owners in data.drawn_from(over):
      count = owners.max() + 1
      drawn = random.integers(count, size=count)
      times *= np.bincount(drawn, minlength=count)[owners]
    yield np.repeat(np.arange(len(times)), times)


def _tail(data: _Data, over: str) -> float:
  """Returns the share of draws to leave out at either end of an interval.

  That of the expanded percentile interval, which is as wide as Student's for a
  mean: of few people the plain 2.5 % would leave out too many. NaN for one.
  """
  with extras.needed("intervals of strengths"):
    from scipy import stats

  count = min(owners.max() + 1 for owners in data.drawn_from(over))
  if count == 1:
    return math.nan
  wider = math.sqrt(count / (count - 1)) * stats.t.ppf(0.975, count - 1)
  return float(stats.norm.cdf(-wider))


def _estimates(
  values: np.ndarray, drawn: Sequence[np.ndarray], tail: float
) -> list[Estimate]:
  """Returns values with their intervals; draws without one are skipped."""
  found = []
  for value, samples in zip(values, np.transpose(drawn), strict=True):
    finite = samples[np.isfinite(samples)]
    limits = ()
    if finite.size and math.isfinite(tail):
      limits = np.quantile(finite, (tail, 1 - tail))
    found.append(Estimate(float(value), *map(float, limits)))
  return found

"""Ranks and strengths of methods, from the rankings of people."""

import dataclasses
import math
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np

from tfpercept import extras
from tfpercept.evaluation.core import settings, statistics
from tfpercept.evaluation.core.settings import Analysis as Options
from tfpercept.evaluation.core.statistics import Estimate
from tfpercept.evaluation.ranking import draws, raters, results

OVER = settings.OVER
PRIOR = 0.1
"""`alpha` of choix; it keeps the strength of what always wins finite."""
_MAX_STEPS = 10_000  # of the fit; it takes ten where nothing always wins
# Size of the last step at which a fit stops; its error is much smaller. From a
# start nearby, 1e-4 leaves an error near 1e-8.
_EXACT, _NEAR = 1e-8, 1e-4
_POINT = 1e-6  # width of the interval of draws that are alike


@dataclasses.dataclass(frozen=True)
class Analysis:
  """Result of `analyse`. Arrays are in the order of the key's methods.

  Attributes:
    key: Key of the page.
    people: People whose answers count.
    left_out: Reasons why other people are left out, by name.
    ranks: Counts of the ranks that each method got, `[methods, ranks]`.
    wins: Counts of how often a method (row) was put before another (column),
      `[methods, methods]`.
    mean_ranks: Mean rank of each method; 1 is best.
    strengths: Log-strength of each method, with mean 0.
    raters: Agreement of people with one another.
    over: Unit that the bootstrap drew; one of `OVER`.
    options: Settings of the analysis.
    unanimous: Methods on which nobody differed; their intervals allow for
      people who would say the opposite.
  """

  key: results.Key
  people: list[results.Person]
  left_out: dict[str, str]
  ranks: np.ndarray
  wins: np.ndarray
  mean_ranks: list[Estimate]
  strengths: list[Estimate]
  raters: raters.Raters
  over: str
  options: Options
  unanimous: tuple[str, ...] = ()

  @property
  def order(self) -> list[int]:
    """Methods from the strongest to the weakest, as indices."""
    values = [-strength.value for strength in self.strengths]
    return np.argsort(values, kind="stable").tolist()

  @property
  def count(self) -> int:
    """Number of rankings, or choices, that count."""
    return sum(len(person.answers) for person in self.people)


def analyse(
  people: Sequence[results.Person],
  key: results.Key,
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
    people: People's answers, from `results.read`.
    key: Key of the page.
    options: Settings of the analysis; None takes the defaults.
    progress: Function called before each fit with the number of fits done and
      the name of the phase.

  Raises:
    ValueError: if choix is not installed, or nobody's answers can be used.

  Source: Plackett, "The analysis of permutations", 1975; Caron and Doucet,
  "Efficient Bayesian inference for generalized Bradley-Terry models", 2012,
  section 2 (prior); Maystre and Grossglauser, "Fast and accurate inference of
  Plackett-Luce models", 2015 (the algorithm, by choix); Efron and Tibshirani,
  "An introduction to the bootstrap", 1993, section 13.3; Hesterberg, "What
  teachers should know about the bootstrap", 2015 (the expanded percentile
  interval); Brown, Cai and DasGupta, "Interval estimation for a binomial
  proportion", 2001 (Jeffreys' posterior).
  """
  options = Options() if options is None else options
  used, left_out = _attentive(people, options)
  if not used:
    why = "; ".join(f"{name}: {text}" for name, text in left_out.items())
    raise ValueError(f"no answers that can be used: {why or 'no file'}")
  data = draws.Answers.of(used, key)
  over = options.over
  if over == "people" and len(used) == 1:
    over = "pictures"
  (mean_ranks, strengths), unanimous = _intervals(data, over, options, progress)
  return Analysis(
    key,
    used,
    left_out,
    data.ranks(),
    data.wins(),
    mean_ranks,
    strengths,
    raters.compare(used),
    over,
    options,
    tuple(m for m, is_so in zip(key.methods, unanimous, strict=True) if is_so),
  )


def _intervals(
  data: draws.Answers,
  over: str,
  options: Options,
  progress: Callable[[int, str], None],
) -> tuple[list[list[Estimate]], list[bool]]:
  """Returns mean ranks and strengths, and of whom draws show no chance.

  Of a method that always wins, or never, and where all who are drawn said the
  same, draws show nothing of how far that is chance. In other draws each who is
  drawn then says something else, with a chance from Jeffreys' posterior of n
  who all agreed, Beta(1/2, n + 1/2), and the interval covers those, too.
  """
  everything = np.arange(len(data.orders))
  values = _mean_ranks(data, everything), _fit(data, everything)

  def estimated(
    data: draws.Answers, sets: Iterable[np.ndarray]
  ) -> list[list[Estimate]]:
    drawn_ranks, drawn_fits = [], []
    for done, drawn in enumerate(sets):
      progress(done, "bootstrap")
      drawn_ranks.append(_mean_ranks(data, drawn))
      drawn_fits.append(_fit(data, drawn, values[1]))
    tail = _tail(data, over)
    return [
      _estimates(value, drawn, tail)
      for value, drawn in zip(values, (drawn_ranks, drawn_fits), strict=True)
    ]

  how = over, options.resamples, options.seed
  found = estimated(data, draws.resamples(data, *how))
  unanimous = _unanimous(data, *found)
  if not any(unanimous):
    return found, unanimous
  others = data.with_others(options.seed)
  wider = estimated(others, draws.dissenting(data, *how))
  found = [
    [
      _covering(*pair) if is_unanimous else pair[0]
      for *pair, is_unanimous in zip(plain, other, unanimous, strict=True)
    ]
    for plain, other in zip(found, wider, strict=True)
  ]
  return found, unanimous


def _attentive(
  people: Sequence[results.Person], options: Options
) -> tuple[list[results.Person], dict[str, str]]:
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
  data: draws.Answers,
  drawn: np.ndarray,
  start: np.ndarray | None = None,
) -> np.ndarray:
  """Returns strengths `[methods]` with mean 0; NaN of what nobody saw.

  Args:
    data: All answers.
    drawn: Indices of the answers to fit.
    start: Strengths near the solution, which save steps; None starts from zero.
  """
  with extras.needed("strengths of methods"):
    import choix
  options: dict[str, Any] = {
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


def _mean_ranks(data: draws.Answers, drawn: np.ndarray) -> np.ndarray:
  """Returns mean ranks `[methods]`; NaN of what nobody saw."""
  places = data.places[drawn]
  counts = np.count_nonzero(places, axis=0)
  with np.errstate(invalid="ignore"):
    return places.sum(axis=0) / counts


def _unanimous(
  data: draws.Answers,
  ranked: Sequence[Estimate],
  fitted: Sequence[Estimate],
) -> list[bool]:
  """Returns of which methods the draws do not show how they could differ."""
  wins = data.wins()
  met = (wins + wins.T) > 0
  one_way = ((wins == 0) | ~met).all(axis=1) | ((wins.T == 0) | ~met).all(
    axis=1
  )
  points = [
    any(e.high - e.low <= _POINT for e in pair)
    for pair in zip(ranked, fitted, strict=True)
  ]
  return (met.any(axis=1) & (one_way | np.array(points))).tolist()


def _covering(first: Estimate, second: Estimate) -> Estimate:
  """Returns the first with an interval that covers both."""
  if not math.isfinite(first.low):
    return first
  ends = first.value, first.low, first.high, second.low, second.high
  return dataclasses.replace(first, low=min(ends), high=max(ends))


def _tail(data: draws.Answers, over: str) -> float:
  """Returns the share of draws to leave out at either end of an interval."""
  count = min(owners.max() + 1 for owners in data.drawn_from(over))
  return statistics.expanded_tail(count)


def _estimates(
  values: np.ndarray, drawn: Sequence[np.ndarray], tail: float
) -> list[Estimate]:
  """Returns values with their intervals; draws without one are skipped."""
  found = []
  for value, samples in zip(values, np.transpose(drawn), strict=True):
    finite = samples[np.isfinite(samples)]
    if not math.isfinite(value):
      found.append(Estimate(math.nan, why="nobody saw a result of it"))
    elif not finite.size or not math.isfinite(tail):
      found.append(Estimate(float(value), why="it takes two to draw from"))
    else:
      low, high = np.quantile(finite, (tail, 1 - tail))
      found.append(Estimate(float(value), float(low), float(high)))
  return found

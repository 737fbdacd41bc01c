"""Agreement of distances with people: scores and their intervals."""

import dataclasses
import functools
import math
from collections.abc import Callable, Mapping, Sequence

import numpy as np

from tfpercept.data import judgements
from tfpercept.evaluation.agreement import content_draws
from tfpercept.evaluation.core import correlation, statistics
from tfpercept.evaluation.core.settings import RESAMPLES
from tfpercept.evaluation.core.statistics import Estimate


def two_afc(
  first: np.ndarray, second: np.ndarray, share: np.ndarray
) -> np.ndarray:
  """Returns the 2AFC score of each triplet, `[n]`.

  The share of people who agree with the distance about which image is nearer;
  a half where both are equally far.

  Args:
    first: Distance of the first image to the reference, `[n]`.
    second: Distance of the second image to the reference, `[n]`.
    share: Share of people who found the second image nearer, `[n]` in [0, 1].
  """
  agreed = np.where(first < second, 1.0 - share, share)
  return np.where(first == second, 0.5, agreed)


def jnd_map(values: np.ndarray, same: np.ndarray) -> float:
  """Returns the area under precision over recall of "people see no difference".

  Pairs are taken in the order of their distance. Those of equal distance are
  taken together, as one point of the curve; the reference program takes them
  one by one, in any order.

  Args:
    values: Distance of each pair, `[n]`.
    same: Share of people who saw no difference, `[n]` in [0, 1].

  Returns:
    The area; NaN if nobody found anything the same.
  """
  if not np.sum(same) > 0:
    return math.nan
  order = np.argsort(values, kind="stable")
  values, same = values[order], same[order]
  ends = np.append(values[1:] != values[:-1], True)
  true, false = np.cumsum(same)[ends], np.cumsum(1.0 - same)[ends]
  precision = np.concatenate([[0.0], true / (true + false), [0.0]])
  recall = np.concatenate([[0.0], true / np.sum(same), [1.0]])
  precision = np.maximum.accumulate(precision[::-1])[::-1]
  return float(np.sum(np.diff(recall) * precision[1:]))


def people(
  data: judgements.Judgements, *, resamples: int = RESAMPLES, seed: int = 0
) -> dict[str, dict[str, Estimate]]:
  """Returns the scores of people themselves on forced choices.

  `majority` is the ceiling: no distance can agree with more people than the
  answer of most of them does. `one another` is how often one person agrees with
  another, h^2 + (1-h)^2, which papers call human performance.

  Where each item is the answer of one person, there is no majority to speak of.
  `one another` is then the mean, over the questions that two or more answered,
  of how often two of them agree.

  Returns:
    Scores by row and column.
  """
  if data.is_single:
    asked, agreed = _asked_twice(data)
    if not asked.items:
      return {}
    found = _estimates(
      asked, {"2afc": _share_of(agreed)}, resamples=resamples, seed=seed
    )
    return {"people, one another": found}
  rows = {
    "people, majority": lambda h: np.maximum(h, 1.0 - h),
    "people, one another": lambda h: h**2 + (1.0 - h) ** 2,
  }
  share = np.array([item.answer for item in data.items])
  return {
    name: _estimates(
      data, {"2afc": _share_of(score(share))}, resamples=resamples, seed=seed
    )
    for name, score in rows.items()
  }


def _asked_twice(
  data: judgements.Judgements,
) -> tuple[judgements.Judgements, np.ndarray]:
  """Returns the questions with two answers or more, and how often two agree.

  The second result is `[n]`: the share of pairs of people who agree.
  """
  answers: dict[frozenset[str], list[int]] = {}
  first: dict[frozenset[str], judgements.Judgement] = {}
  for item in data.items:
    # The same two pictures may be shown in either order.
    question = frozenset(p.key for p in (item.reference, *item.images))
    first.setdefault(question, item)
    nearer = item.images[int(item.answer)].key
    answers.setdefault(question, []).append(
      int(nearer == first[question].images[1].key)
    )
  twice = {q: a for q, a in answers.items() if len(a) > 1}
  agreed = []
  for given in twice.values():
    people, second = len(given), sum(given)
    other = people - second
    pairs = second * (second - 1) + other * (other - 1)
    agreed.append(pairs / (people * (people - 1)))
  items = tuple(first[question] for question in twice)
  return dataclasses.replace(data, items=items), np.array(agreed)


def agreement(
  data: judgements.Judgements,
  values: Mapping[judgements.PairKey, float],
  *,
  resamples: int = RESAMPLES,
  seed: int = 0,
  parameters: int = 4,
) -> dict[str, Estimate]:
  """Returns the agreement of a distance with people, by the name of the score.

  `2afc` for forced choices, `jnd` (mean average precision) for just noticeable
  differences; `srcc`, `krcc` and `plcc` for opinions, positive where a larger
  distance goes with a worse opinion. If there are several subsets, each has a
  column of its own, which where there are several scores names both, and the
  score is their unweighted mean.

  The interval of 95 % is the percentile bootstrap over contents, since answers
  on one picture are not independent, in whatever subsets they are; there is
  none for a single content. Where
  all contents say the same, that of a share is `statistics.unanimous`, and
  other scores have none. Whatever is NaN says why.

  Args:
    data: Judgements of people.
    values: Distances of all pairs of `data`, by the keys of reference and
      image.
    resamples: Number of bootstrap samples.
    seed: Seed of the bootstrap.
    parameters: Number of parameters of the logistic curve of `plcc`, 4 or 5.
  """
  judged = _judged(data, values)
  answer = np.array([item.answer for item in data.items])
  if data.kind == "2afc":
    each = two_afc(judged[:, 0], judged[:, 1], answer)
    # A distance that sees no difference anywhere scores a half on any triplet.
    is_blind = bool(np.all(judged[:, 0] == judged[:, 1]))
    measures = {"2afc": _share_of(each, is_certain=is_blind)}
  elif data.kind == "jnd":
    measures = {
      "jnd": _Statistic(
        lambda i: jnd_map(judged[i, 0], answer[i]),
        lambda i: "nobody found two pictures the same",
      )
    }
  else:
    measures = _correlations(-judged[:, 0], answer, parameters)
  return _estimates(data, measures, resamples=resamples, seed=seed)


@dataclasses.dataclass(frozen=True)
class _Statistic:
  """A score that can be computed on any selection of the items.

  Attributes:
    of: Function of the indices of items, each as often as it counts.
    why: Function that returns why the score is NaN for given indices.
    bounds: Smallest and largest score of an item, if the score is a mean of
      items; else None.
    is_certain: Whether other items could not have led to another score.
  """

  of: Callable[[np.ndarray], float]
  why: Callable[[np.ndarray], str] = lambda index: "it is not defined"
  bounds: tuple[float, float] | None = None
  is_certain: bool = False


def _share_of(each: np.ndarray, *, is_certain: bool = False) -> _Statistic:
  return _Statistic(_mean_of(each), bounds=(0.0, 1.0), is_certain=is_certain)


def _correlations(
  near: np.ndarray, answer: np.ndarray, parameters: int
) -> dict[str, _Statistic]:
  """Returns correlations of quality, as a distance has it, and opinions."""
  found = {}
  for name in ("srcc", "krcc", "plcc"):
    least, options = 2, {}
    if name == "plcc":
      least, options = 3 * parameters, {"parameters": parameters}
    score = functools.partial(getattr(correlation, name), **options)
    found[name] = _of_pair(score, near, answer, least)
  return found


def _of_pair(
  score: Callable[..., float], near: np.ndarray, answer: np.ndarray, least: int
) -> _Statistic:
  """Returns a correlation of `near` and `answer`, for `least` items or more."""
  return _Statistic(
    lambda index: score(near[index], answer[index]),
    lambda index: correlation.why_undefined(near[index], answer[index], least),
  )


def gain(
  data: judgements.Judgements,
  before: Mapping[judgements.PairKey, float],
  after: Mapping[judgements.PairKey, float],
  *,
  resamples: int = RESAMPLES,
  seed: int = 0,
) -> Estimate:
  """Returns by how much the score of `after` is above that of `before`.

  The score is 2AFC for forced choices, and Spearman's rank correlation for
  opinions. Both are scored on the same resamples, so that what the contents
  have in common does not widen the interval.

  Raises:
    ValueError: for just noticeable differences.
  """
  answer = np.array([item.answer for item in data.items])
  pair = [_judged(data, values) for values in (before, after)]
  if data.kind == "mos":
    was, is_now = (
      _correlations(-judged[:, 0], answer, 4)["srcc"] for judged in pair
    )
    gained = dataclasses.replace(
      is_now,
      of=lambda index: is_now.of(index) - was.of(index),
      why=lambda index: (is_now if math.isnan(is_now.of(index)) else was).why(
        index
      ),
      is_certain=before == after,
    )
  elif data.kind == "2afc":
    was_right, is_right = (two_afc(j[:, 0], j[:, 1], answer) for j in pair)
    gained = _Statistic(
      _mean_of(is_right - was_right),
      bounds=(-1.0, 1.0),
      is_certain=before == after,
    )
  else:
    raise ValueError(f"there is no gain of judgements of the kind {data.kind}")
  return _estimates(data, {"gain": gained}, resamples=resamples, seed=seed)[
    "gain"
  ]


def _judged(
  data: judgements.Judgements, values: Mapping[judgements.PairKey, float]
) -> np.ndarray:
  """Returns the distances of each judgement's images, `[n, images]`."""
  return np.array(
    [[values[i.reference.key, p.key] for p in i.images] for i in data.items]
  )


def _mean_of(each: np.ndarray) -> Callable[[np.ndarray], float]:
  return lambda index: float(np.mean(each[index]))


def _samples(statistic: _Statistic, draws: Sequence[np.ndarray]) -> np.ndarray:
  """Returns the statistic of each draw; NaN for one without items."""
  found = [statistic.of(i) if i.size else math.nan for i in draws]
  return np.array(found or [math.nan])


def _estimates(
  data: judgements.Judgements,
  measures: Mapping[str, _Statistic],
  *,
  resamples: int,
  seed: int,
) -> dict[str, Estimate]:
  """Evaluates statistics of indices on each subset and their mean."""
  parts = {s: content_draws.by_content(data, s) for s in data.subsets}
  random = np.random.default_rng(seed)
  drawn = content_draws.drawn(parts, resamples, random)
  result = {}
  for name, statistic in measures.items():
    samples = {s: _samples(statistic, drawn[s]) for s in parts}
    found = {
      s: _estimate(
        statistic, np.concatenate([*groups.values()]), samples[s], len(groups)
      )
      for s, groups in parts.items()
    }
    if len(parts) == 1:
      (result[name],) = found.values()
      continue
    columns = {s: _column(s, name, len(measures)) for s in parts}
    result |= {columns[s]: estimate for s, estimate in found.items()}
    result[name] = _mean_estimate(
      {columns[s]: estimate for s, estimate in found.items()},
      np.mean(np.broadcast_arrays(*samples.values()), axis=0),
    )
  return result


def _column(subset: str, score: str, scores: int) -> str:
  """Returns the name of a subset's column, which is no other's."""
  subset = subset or "no subset"
  return f"{subset} {score}" if scores > 1 or subset == score else subset


def _estimate(
  statistic: _Statistic, index: np.ndarray, samples: np.ndarray, contents: int
) -> Estimate:
  """Returns the score of some items with its interval, or why it has none."""
  value = float(statistic.of(index))
  if not math.isfinite(value):
    return Estimate(math.nan, why=statistic.why(index))
  finite = samples[np.isfinite(samples)]
  if contents == 1:
    return Estimate(value, why="there is one content, so no interval")
  if not finite.size:
    return Estimate(value, why="no draw of contents has a value")
  low, high = map(float, np.quantile(finite, statistics.TAILS))
  if statistic.is_certain or not statistics.is_point(low, high):
    return Estimate(value, low, high)
  if statistic.bounds is None:
    return Estimate(value, why="every draw of contents gives this value")
  return Estimate(
    value, *statistics.unanimous(value, contents, *statistic.bounds)
  )


def _mean_estimate(
  found: Mapping[str, Estimate], samples: np.ndarray
) -> Estimate:
  """Returns the mean of subsets; `samples` are its draws."""
  value = float(np.mean([estimate.value for estimate in found.values()]))
  without = [
    f"{column}: {estimate.why}"
    for column, estimate in found.items()
    if not math.isfinite(estimate.low)
  ]
  if without:
    return Estimate(value, why="; ".join(without))
  finite = samples[np.isfinite(samples)]
  low, high = (
    np.quantile(finite, statistics.TAILS) if finite.size else (0.0, 0.0)
  )
  if statistics.is_point(low, high):
    # As if subsets erred together, which is the worst that they can do.
    low, high = np.mean([(e.low, e.high) for e in found.values()], axis=0)
  return Estimate(value, float(low), float(high))

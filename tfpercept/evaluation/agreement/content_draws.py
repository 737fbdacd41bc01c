"""Draws of contents, the units of the bootstrap of agreement with people."""

from collections.abc import Mapping, Sequence

import numpy as np

from tfpercept.data import judgements

Groups = Mapping[str, np.ndarray]
"""Indices of the items of each content, `[n]`."""


def by_content(
  data: judgements.Judgements, subset: str
) -> dict[str, np.ndarray]:
  """Returns the indices of the items of each content in a subset."""
  found: dict[str, list[int]] = {}
  for i, item in enumerate(data.items):
    if item.subset == subset:
      found.setdefault(item.content, []).append(i)
  return {content: np.array(indices) for content, indices in found.items()}


def drawn(
  parts: Mapping[str, Groups], resamples: int, random: np.random.Generator
) -> dict[str, list[np.ndarray]]:
  """Draws contents with replacement, as many as there are.

  If a content is in several subsets, all subsets have the same draws, since
  what a content does to a score it does to it in each. Otherwise each subset
  has draws of its own. A subset of one content has none.

  Args:
    parts: Contents by subset.
    resamples: Number of draws.
    random: Generator of random numbers.

  Returns:
    Indices of the items of each draw, by subset. A draw may have no item of a
    subset that lacks its contents.
  """
  contents = [*dict.fromkeys(c for groups in parts.values() for c in groups)]
  if len(contents) == sum(map(len, parts.values())):
    return {
      subset: _draws([*groups.values()], resamples, random)
      for subset, groups in parts.items()
    }
  nothing = np.array([], np.intp)
  choices = random.integers(len(contents), size=(resamples, len(contents)))
  return {
    subset: [
      _joined([groups.get(content, nothing) for content in contents], choice)
      for choice in (choices if len(groups) > 1 else ())
    ]
    for subset, groups in parts.items()
  }


def _draws(
  groups: Sequence[np.ndarray], resamples: int, random: np.random.Generator
) -> list[np.ndarray]:
  count = len(groups)
  if count < 2:
    return []
  choices = (random.integers(count, size=count) for _ in range(resamples))
  if len({len(group) for group in groups}) == 1:
    stacked = np.stack(groups)  # one gather instead of a loop over contents
    return [stacked[choice].ravel() for choice in choices]
  return [_joined(groups, choice) for choice in choices]


def _joined(groups: Sequence[np.ndarray], choice: np.ndarray) -> np.ndarray:
  return np.concatenate([groups[i] for i in choice])

"""Agreement of distances with people who ranked results."""

import collections
import dataclasses
import itertools
import pathlib
from collections.abc import Callable, Mapping, Sequence

from tfpercept import distances
from tfpercept.data import judgements
from tfpercept.evaluation.agreement import table as agreement_table
from tfpercept.evaluation.ranking import study_config
from tfpercept.evaluation.ranking.analysis import Analysis


def judged(
  analysis: Analysis, groups: Sequence[study_config.Group]
) -> judgements.Judgements:
  """Returns the answers as choices between two results of a picture.

  A ranking of k results is k (k - 1) / 2 choices. Choices of several people
  between the same two are one judgement, whose answer is the share of people.

  Args:
    analysis: Analysis whose answers are used.
    groups: Pictures with originals, from `study_config.find`.

  Raises:
    ValueError: if a picture that people judged is not among them, or has no
      original or not the methods of the study.
  """
  by_name = {group.name: group for group in groups}
  votes = collections.defaultdict(list)  # whether the second was put first
  for person in analysis.people:
    for answer in person.answers:
      for two in itertools.combinations(answer.order, 2):
        first, second = sorted(two)
        votes[answer.picture, first, second].append(two[0] == second)
  items = []
  for (picture, first, second), said in sorted(votes.items()):
    original, results = _found(by_name, picture, analysis.key.methods)
    items.append(
      judgements.Judgement(
        f"{picture}: {first}, {second}",
        picture,
        judgements.picture(original),
        tuple(judgements.picture(results[m]) for m in (first, second)),
        sum(said) / len(said),
      )
    )
  return judgements.Judgements("people's rankings", "2afc", tuple(items))


def measure(
  analysis: Analysis,
  groups: Sequence[study_config.Group],
  metrics: Mapping[str, distances.Distance],
  *,
  progress: Callable[[str, int, int], None] = lambda spec, done, of: None,
) -> agreement_table.Block:
  """Returns the share of people's choices that each distance agrees with.

  Intervals are bootstrapped over pictures. Rows are sorted, the best first.

  Args:
    analysis: Analysis of people's answers.
    groups: Pictures with originals, from `study_config.find`.
    metrics: Distances by spec.
    progress: Function called with the spec, the number of pairs done and the
      number of all.

  Raises:
    ValueError: as `judged`.
  """
  options = agreement_table.Options(
    resamples=analysis.options.resamples, seed=analysis.options.seed
  )
  data = judged(analysis, groups)
  block = agreement_table.block(data, metrics, options, progress=progress)
  # The agreement of people with one another is part of the analysis itself,
  # which leaves out pictures that only one person judged.
  rows = [row for row in block.rows if row.measure in metrics]
  rows.sort(key=lambda row: -row.scores["2afc"].value)
  return dataclasses.replace(block, rows=tuple(rows))


def _found(
  groups: Mapping[str, study_config.Group], picture: str, methods: Sequence[str]
) -> tuple[pathlib.Path, Mapping[str, pathlib.Path]]:
  """Returns the original of a picture and the results of the methods."""
  group = groups.get(picture)
  if group is None:
    raise ValueError(f"the folders have no picture {picture!r} as people saw")
  if group.original is None:
    raise ValueError("agreement with distances needs the originals")
  if set(group.results) != set(methods):
    raise ValueError(
      f"the page shows {', '.join(methods)}; the folders are "
      f"{', '.join(group.results)}. Name them as for the page, as in "
      f"{methods[0]}=FOLDER"
    )
  return group.original, group.results

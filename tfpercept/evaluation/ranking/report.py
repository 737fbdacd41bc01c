"""Results of a ranking study as text, JSON values and a page."""

import dataclasses
import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from tfpercept.evaluation.agreement import table as agreement_table
from tfpercept.evaluation.core import machine, score_table
from tfpercept.evaluation.core.statistics import Estimate
from tfpercept.evaluation.ranking import charts, results
from tfpercept.evaluation.ranking.analysis import PRIOR, Analysis
from tfpercept.io import files
from tfpercept.reports import page


@dataclasses.dataclass(frozen=True)
class Findings:
  """All results of a study.

  Attributes:
    analysis: Analysis of people's answers.
    distances: Agreement of distances with people; None if it was not measured.
    failures: Reasons why files or distances are left out, by name.
  """

  analysis: Analysis
  distances: agreement_table.Block | None
  failures: Mapping[str, str]


def to_text(found: Findings) -> str:
  """Formats findings for a terminal."""
  analysis = found.analysis
  blocks = [
    "\n".join(
      [
        *_conditions(analysis),
        "",
        score_table.aligned(_methods(analysis)),
        *_unseen(analysis),
      ]
    ),
    "How often row was put before column (-: the two were never compared):\n"
    + score_table.aligned(_versus(analysis)),
    "\n".join(_raters(analysis)),
    score_table.aligned(_people(analysis)),
  ]
  if found.distances is not None:
    blocks.append(agreement_table.to_text([found.distances]))
  return "\n\n".join(blocks)


def to_json(found: Findings) -> dict[str, Any]:
  """Returns findings as JSON values; what is not defined is null."""
  analysis = found.analysis
  distances = None
  if found.distances is not None:
    (distances,) = agreement_table.to_json([found.distances])
  return {
    "page": analysis.key.page,
    "mode": analysis.key.mode,
    "answers": analysis.count,
    "bootstrap": analysis.over,
    "options": dataclasses.asdict(analysis.options),
    "prior": PRIOR,
    "unanimous": list(analysis.unanimous),
    "methods": [_method(analysis, i) for i in analysis.order],
    "raters": {
      name: _defined(value)
      for name, value in dataclasses.asdict(analysis.raters).items()
    },
    "people": [
      {
        "person": person.name,
        "answers": len(person.answers),
        "complete": person.is_complete,
        "checks": len(person.checks),
        "failed": person.failed,
        "median_seconds": _median_seconds(person),
      }
      for person in analysis.people
    ],
    "left_out": {**analysis.left_out, **found.failures},
    "distances": distances,
  }


def _method(analysis: Analysis, index: int) -> dict[str, Any]:
  methods = analysis.key.methods
  wins = analysis.wins[index].tolist()
  return {
    "method": methods[index],
    "mean_rank": _estimate(analysis.mean_ranks[index]),
    "strength": _estimate(analysis.strengths[index]),
    "ranks": analysis.ranks[index].tolist(),
    "before": dict(zip(methods, wins, strict=True)),
  }


def write_page(
  path: files.PathLike, found: Findings, *, title: str = "What people prefer"
) -> None:
  """Writes the page of the findings.

  Args:
    path: Path of the HTML file.
    found: Results to show.
    title: Heading of the page.
  """
  analysis = found.analysis
  sections = [
    *_of_methods(analysis),
    page.section(
      "People",
      *map(page.paragraph, _raters(analysis)),
      page.grid(_people(analysis)),
    ),
  ]
  if found.distances is not None:
    sections.append(_distances(found.distances))
  left_out = {**analysis.left_out, **found.failures}
  if left_out:
    sections.append(page.section("Left out", page.facts(left_out)))
  settings = {
    "Page": analysis.key.page,
    "Mode": analysis.key.mode,
    "Bootstrap": f"over {_over(analysis)}, {analysis.options.resamples} "
    f"samples, seed {analysis.options.seed}",
    "Prior": f"alpha = {PRIOR} of choix",
    **machine.facts(),
  }
  sections.append(page.section("Settings", page.facts(settings)))
  page.Page(title, " ".join(_conditions(analysis)), sections).write(path)


def _of_methods(analysis: Analysis) -> list[str]:
  """The sections on methods, the strongest first."""
  names = [analysis.key.methods[i] for i in analysis.order]
  counted = (
    "How often each method got each rank; 1 is best."
    if analysis.key.mode == "rank"
    else "How often each method was chosen, 1, or the other one, 2."
  )
  return [
    page.section(
      "Ranks",
      page.paragraph(counted),
      charts.ranks(names, analysis.ranks[analysis.order]),
      page.grid(_methods(analysis)),
      *map(page.paragraph, _unseen(analysis)),
    ),
    page.section(
      "Strengths",
      page.paragraph(_model(analysis)),
      charts.intervals(names, [analysis.strengths[i] for i in analysis.order]),
    ),
    page.section(
      "One against another",
      page.paragraph(
        "How often the method of the row was put before that of the column; a "
        "dash where the two were never compared."
      ),
      page.grid(_versus(analysis)),
    ),
  ]


def _conditions(analysis: Analysis) -> list[str]:
  """Returns the conditions of the analysis, a sentence each."""
  people = len(analysis.people)
  partial = [p.name for p in analysis.people if not p.is_complete]
  pictures = {a.picture for p in analysis.people for a in p.answers}
  what = "rankings" if analysis.key.mode == "rank" else "choices"
  lines = [
    f"{analysis.count} {what} of {len(analysis.key.methods)} methods by "
    f"{people} {'person' if people == 1 else 'people'} on {len(pictures)} "
    "pictures.",
    f"Intervals: 95 %, bootstrap over {_over(analysis)}, "
    f"{analysis.options.resamples} samples, seed {analysis.options.seed}.",
  ]
  if analysis.over != analysis.options.over:
    lines.append("There is one person, so nothing is said of other people.")
  if analysis.unanimous:
    lines.append(
      f"Nobody differed on {', '.join(analysis.unanimous)}; the interval "
      "allows for people who would (Jeffreys' prior)."
    )
  if partial:
    lines.append(f"Not finished, but used: {', '.join(partial)}.")
  if analysis.left_out:
    lines.append(
      "Left out: "
      + "; ".join(f"{name}: {why}" for name, why in analysis.left_out.items())
      + "."
    )
  return lines


def _unseen(analysis: Analysis) -> list[str]:
  """Returns the reasons of dashes in the tables."""
  whys = {e.why for e in analysis.mean_ranks if not math.isfinite(e.value)}
  return [f"A dash: {why}." for why in sorted(whys)]


def _over(analysis: Analysis) -> str:
  return {"both": "people and pictures"}.get(analysis.over, analysis.over)


def _model(analysis: Analysis) -> str:
  law = "Plackett-Luce" if analysis.key.mode == "rank" else "Bradley-Terry"
  return (
    f"{law}: the chance of a method to be put before all others of a set is "
    "its share of exp(strength) in it. Strengths have mean 0; a difference of "
    "1 is a chance of 73 % between two. A weak prior keeps the strength of "
    "what always wins finite."
  )


def _methods(analysis: Analysis) -> list[list[str]]:
  places = analysis.ranks.shape[1]
  head = ["method", "strength", "mean rank"]
  lines = [[*head, *(f"rank {place + 1}" for place in range(places))]]
  for i in analysis.order:
    count = analysis.ranks[i]
    shares = count / max(1, count.sum())
    lines.append(
      [
        analysis.key.methods[i],
        charts.interval(analysis.strengths[i], 2),
        charts.interval(analysis.mean_ranks[i], 2),
        *(f"{c} ({s:.0%})" for c, s in zip(count, shares, strict=True)),
      ]
    )
  return lines


def _versus(analysis: Analysis) -> list[list[str]]:
  order = analysis.order
  lines = [["", *(analysis.key.methods[i] for i in order)]]
  for row in order:
    cells = []
    for column in order:
      won = int(analysis.wins[row, column])
      met = won + int(analysis.wins[column, row])
      cells.append(f"{won} of {met} ({won / met:.0%})" if met else "-")
    lines.append([analysis.key.methods[row], *cells])
  return lines


def _raters(analysis: Analysis) -> list[str]:
  raters = analysis.raters
  if not raters.cases:
    return [
      "Agreement between people: undefined, as no two of them judged the same "
      "picture; make the page with --shared."
    ]
  lines = [
    f"Two people who compared the same two results decided alike in "
    f"{raters.share:.1%} of {raters.cases} cases (Kendall's tau "
    f"{2 * raters.share - 1:.2f}).",
    f"Krippendorff's alpha of the ranks (interval): {_number(raters.alpha)}.",
  ]
  if raters.pictures:
    lines.append(
      f"Kendall's W: {_number(raters.concordance)}, the mean over "
      f"{raters.pictures} pictures that two or more people ranked."
    )
  return lines


def _people(analysis: Analysis) -> list[list[str]]:
  lines = [["person", "answers", "trials", "checks failed", "median time"]]
  for person in analysis.people:
    seconds = _median_seconds(person)
    lines.append(
      [
        person.name,
        str(len(person.answers)),
        f"{len(person.answers) + len(person.checks)} of {person.trials}",
        f"{person.failed} of {len(person.checks)}",
        f"{seconds:.1f} s",
      ]
    )
  return lines


def _median_seconds(person: results.Person) -> float:
  return float(np.median([answer.seconds for answer in person.answers]))


def _distances(block: agreement_table.Block) -> str:
  rows = [row for row in block.rows if math.isfinite(row.scores["2afc"].value)]
  lines = [["distance", "agrees with people in", "on", "note"]]
  lines += [
    [
      row.measure,
      charts.interval(row.scores["2afc"], 3),
      f"{row.items} pairs",
      row.note,
    ]
    for row in rows
  ]
  return page.section(
    "Distances",
    page.paragraph(
      "The share of people's choices between two results of a picture that a "
      f"distance from the original agrees with. {block.conditions}."
    ),
    page.grid(lines),
  )


def _number(value: float) -> str:
  return f"{value:.2f}" if math.isfinite(value) else "undefined"


def _defined(value: float) -> float | None:
  return value if math.isfinite(value) else None


def _estimate(value: Estimate) -> dict[str, float | str | None]:
  numbers = {k: getattr(value, k) for k in ("value", "low", "high")}
  return {**{k: _defined(v) for k, v in numbers.items()}, "why": value.why}

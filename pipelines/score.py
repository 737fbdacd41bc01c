r"""Scores pictures in bulk, by all cores or by a Spark cluster.

    python -m pipelines.score --input=decoded --reference=originals \
        --metric=psnr --metric=ms_ssim --output=scores

Each picture goes through the function of `tfpercept score`, beside the
reference of the same name without suffix. The scores are written to
`OUTPUT/scores.csv`, and what cannot be scored to `OUTPUT/_job/failed.jsonl`.
The exit status is 0 if nothing failed, 1 if some did, 2 if all did.
"""

import dataclasses
import math
import pathlib
import sys

import numpy as np

from pipelines import inputs, jobs, options, work
from programs import derived_flags, program
from tfpercept import distances, offers, settings
from tfpercept.cli import output
from tfpercept.evaluation.core import statistics, text_tables
from tfpercept.io import files

SCORES = "scores.csv"
_SHOWN = 5  # pictures that are printed; all are in the table


@dataclasses.dataclass(frozen=True, kw_only=True)
class Score(options.Bulk):
  """Bulk scoring.

  Attributes:
    reference: Folders, pictures, globs and lists of the references.
    metric: Specs of distances.
    alpha: Rule for transparency.
  """

  reference: tuple[str, ...] = settings.option(
    settings.REQUIRED,
    "References, named as in --input; may be repeated.",
    repeated=True,
  )
  metric: tuple[str, ...] = settings.option(
    ("psnr", "ssim"),
    "Spec of a distance, such as ms_ssim; may be repeated.",
    repeated=True,
  )
  alpha: str = settings.option(
    "white", "Rule for transparency.", choices=offers.ALPHA
  )


_FLAGS = derived_flags.Flags(Score)


def main() -> None:
  """Scores what is missing, writes the table, and prints the means."""
  asked = _FLAGS.read()
  metrics = [distances.get(spec) for spec in dict.fromkeys(asked.metric)]
  told = {"metrics": [m.spec for m in metrics], "alpha": asked.alpha}
  references = {
    inputs.stem(item.name): item.path for item in inputs.find(asked.reference)
  }
  items = [
    item._replace(reference=references.get(inputs.stem(item.name), ""))
    for item in options.found(asked)
  ]
  specs = told["metrics"]
  with options.carried_out(asked, items, work.scorer, told) as (job, summary):
    lines = [line for line in jobs.outcomes(job) if "scores" in line]
    rows = [
      [line["name"], *(line["scores"].get(spec, math.nan) for spec in specs)]
      for line in lines
    ]
    path = pathlib.Path(asked.output) / SCORES
    table = [["picture", *specs], *rows]
    files.write_text(path, text_tables.csv_text(table))
  print(f"{summary['done']} of {summary['pictures']} pictures scored")
  for place, spec in enumerate(specs, 1):
    values = np.array([row[place] for row in rows if math.isfinite(row[place])])
    if len(values):
      mean = statistics.mean(values)
      ends = f" [{mean.low:.5g}, {mean.high:.5g}]" if not mean.why else ""
      print(f"{spec}: {mean.value:.5g}{ends}")
  partly = [line for line in lines if "unscored" in line]
  for line in partly[:_SHOWN]:
    print(f"{line['name']}: {'; '.join(line['unscored'])}", file=sys.stderr)
  if partly:
    print(
      f"{len(partly)} of {summary['pictures']} lack a score; {path} has nan "
      "there",
      file=sys.stderr,
    )
  failures = summary["failed"] + len(partly)
  sys.exit(output.status(failures=failures, results=summary["done"]))


if __name__ == "__main__":
  program.start(main)

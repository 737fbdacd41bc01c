"""The claims of the paper on Watson's loss, and whether they hold here.

Source: Czolbe, Krause, Cox, Igel, "A loss function for generative neural
networks based on Watson's perceptual model", 2020, sections 4.2 and 4.3.
"""

import math
from collections.abc import Sequence

from tfpercept.evaluation.core.statistics import Estimate
from tfpercept.evaluation.generative.table import (
  QUALITY,
  Table,
  interval,
  mebibytes,
  milliseconds,
)

DFT, VGG = "Watson-DFT", "LPIPS-VGG"
HOLDS, FAILS, UNKNOWN = "holds", "does not hold", "not measured"
PARTLY = "holds by"  # so many measures of all
UNEQUAL = ", after unequal steps"  # which may be all that is found


def answers(table: Table, claims: Sequence[str]) -> dict[str, tuple[str, str]]:
  """Returns a verdict and its figures for each claim.

  Args:
    table: Measured networks and losses.
    claims: Names of claims, keys of `CLAIMS`.
  """
  return {CLAIMS[name][0]: CLAIMS[name][1](table) for name in claims}


SHARPER = ("sharpness", "sharpness_inside", "sharpness_per_contrast")
"""Measures by which samples have to be sharper, each of them that there is."""
WORSE = ("haze", "border", "entropy")
"""Measures by which samples of a deep loss have to be worse, all of them."""


def _sharper(table: Table) -> tuple[str, str]:
  others = [n for n in table.rows if n in ("MSE", "Adaptive", "SSIM")]
  return _by_all(table, SHARPER, others, larger=True)


def _deep_do_worse(table: Table) -> tuple[str, str]:
  # A Fréchet distance in features of a classifier is no judge: by it the
  # pictures that the authors released contradict their paper.
  others = [n for n in table.rows if n.startswith("LPIPS")]
  return _by_all(table, WORSE, others, larger=False)


def _by_all(
  table: Table, keys: Sequence[str], others: Sequence[str], *, larger: bool
) -> tuple[str, str]:
  """Whether Watson-DFT is better than each of some by each measure there is."""
  found = [_beats(table, key, others, larger=larger) for key in keys]
  verdicts = [verdict for verdict, _ in found if verdict != UNKNOWN]
  figures = "; ".join(
    f"{figures} ({verdict})" if len(verdicts) > 1 else figures
    for verdict, figures in found
    if figures
  )
  if not verdicts:
    return UNKNOWN, figures
  steps = {
    count
    for name, count in table.steps.items()  # "NAME" or "NAME, seed SEED"
    if name.split(", seed ")[0] in (DFT, *others)
  }
  unequal = UNEQUAL if len(steps) > 1 else ""
  held = verdicts.count(HOLDS)
  if held == len(verdicts):
    return f"{HOLDS}{unequal}", figures
  partly = f"{PARTLY} {held} of {len(verdicts)}" if held else FAILS
  return f"{partly}{unequal}", figures


def _beats(
  table: Table, key: str, others: Sequence[str], *, larger: bool
) -> tuple[str, str]:
  """Whether Watson-DFT is better than each of some, intervals apart."""
  shown = [n for n in (DFT, *others) if n in table.rows]
  figures = ", ".join(
    f"{n} {interval(table.rows[n].quality[key])}"
    for n in shown
    if key in table.rows[n].quality
  )
  if DFT not in shown or len(shown) < 2 or not figures:
    return UNKNOWN, figures
  dft = table.rows[DFT].quality[key]
  rest = [table.rows[n].quality[key] for n in shown[1:]]
  if larger:
    better = all(_low(dft) > _high(other) for other in rest)
  else:
    better = all(_high(dft) < _low(other) for other in rest)
  name = QUALITY[key][0].upper() + QUALITY[key][1:]
  return HOLDS if better else FAILS, f"{name}: {figures}"


def _cheaper(table: Table) -> tuple[str, str]:
  dft, vgg = (table.costs.get(name) for name in (DFT, VGG))
  if not dft or not vgg:
    return UNKNOWN, table.missing.get(VGG, "")
  figures = ", ".join(
    f"{name} {milliseconds(cost.seconds)} ms and {mebibytes(cost.bytes)} MiB"
    for name, cost in ((DFT, dft), (VGG, vgg))
  )
  memories = [dft.bytes, vgg.bytes]
  if any(math.isnan(memory) for memory in memories):
    return UNKNOWN, figures
  cheaper = dft.seconds < vgg.seconds and memories[0] < memories[1]
  return HOLDS if cheaper else FAILS, figures


CLAIMS = {
  "sharper": (
    "Watson-DFT samples are sharper than those of SSIM, MSE and adaptive loss",
    _sharper,
  ),
  "deep": (
    "On MNIST samples of the deep loss, LPIPS, are worse than Watson-DFT's",
    _deep_do_worse,
  ),
  "cheaper": (
    "Watson-DFT costs less memory and time than LPIPS with VGG",
    _cheaper,
  ),
}
"""Statements of the paper and what decides them, by name."""


def _low(estimate: Estimate) -> float:
  return estimate.value if math.isnan(estimate.low) else estimate.low


def _high(estimate: Estimate) -> float:
  return estimate.value if math.isnan(estimate.high) else estimate.high

"""Comparison of a distance with the numbers of reference programs.

The cases of a distance follow from its name and options: `RULES` states for
each file of reference values the spec that its cases belong to.
"""

import dataclasses
import fnmatch
import pathlib
import re
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from tfpercept import distances, registry
from tfpercept.conformance import golden_cases
from tfpercept.conformance.assertions import (
  ConformanceError,
  Factory,
  NotApplicable,
)
from tfpercept.conformance.golden_cases import Case

Options = dict[str, Any]


@dataclasses.dataclass(frozen=True)
class Rule:
  """The distance that some cases of a file belong to, with its tolerance.

  Args:
    file: Name of the file without suffix.
    cases: Regular expression that matches the names of the cases.
    distance: Registered name of the distance.
    relative: Tolerance as a share of the value.
    absolute: Tolerance that is added to the relative one.
    options: Function from a case to the options that it was computed with.
    value: Function from a case to the expected value of the distance, `[N]`.
  """

  file: str
  cases: str
  distance: str
  relative: float = 0.0
  absolute: float = 0.0
  options: Callable[[Case], Options] = lambda case: {}
  value: Callable[[Case], np.ndarray] = lambda case: case.arrays["value"]


def _similarity(case: Case) -> np.ndarray:
  return 1 - case.arrays["value"]


def _mean_of_channels(case: Case) -> np.ndarray:
  return case.arrays["value"].mean(-1)


def _renamed(**names: str) -> Callable[[Case], Options]:
  """Returns a function from a case to options, with settings renamed.

  Args:
    **names: Name of the option by the name of the setting.
  """
  return lambda case: {
    ours: case.settings[theirs]
    for theirs, ours in names.items()
    if theirs in case.settings
  }


def _watson(case: Case) -> Options:
  """Returns options of `watson_dct` and `watson_dft` for a case.

  They follow from its name, such as `rgb_released/shift`, and its settings.
  """
  planes, parameters = case.name.split("/")[0].split("_")
  color = {"rgb": 3, "gray": 1}[planes]
  options: Options = {"reference": True, "channels": color}
  if parameters == "released":
    options["weights"] = f"{{}}_{planes}"  # filled with the distance's name
  if "blocksize" in case.settings:
    options["blocks"] = case.settings["blocksize"]
  if "shift_rows" in case.settings:
    options["shift"] = (
      case.settings["shift_rows"],
      case.settings["shift_cols"],
    )
  return options


_SSIM = _renamed(
  filter_size="window",
  filter_sigma="sigma",
  power_factors="weights",
  k1="k1",
  k2="k2",
)
_NLPD = _renamed(num_levels="levels", cdm_min="cd_min", cdm_max="cd_max")

RULES = (
  Rule("pixel", "mse", "mse", relative=1e-6),
  Rule("pixel", "mae", "mae", relative=1e-6),
  Rule(
    *("ssim", "ssim/.*", "ssim"),
    absolute=2e-6,
    options=_SSIM,
    value=_similarity,
  ),
  Rule(
    *("ssim", "msssim/.*", "ms_ssim"),
    absolute=2e-6,
    options=_SSIM,
    value=_similarity,
  ),
  Rule(
    *("ssim_zeropad", ".*", "ssim"),
    absolute=5e-6,
    options=lambda case: {"border": "zero"},
  ),
  Rule(
    *("nlpd", "nlpd/.*", "nlpd"),
    relative=2e-5,
    options=_NLPD,
    value=_mean_of_channels,
  ),
  Rule(
    *("nlpd", "nlpd_fast/.*", "nlpd"),
    relative=2e-5,
    options=lambda case: {**_NLPD(case), "fast": True},
    value=_mean_of_channels,
  ),
  Rule("lpips", "alex/.*", "lpips", relative=1e-4),
  Rule(
    *("lpips", "vgg/.*", "lpips"),
    relative=2e-4,
    options=lambda case: {"net": "vgg"},
  ),
  Rule("dists", "authors/.*", "dists", relative=2e-4, absolute=1e-7),
  Rule(
    *("watson_dct", "(rgb|gray)_(default|released)/(?!param).*", "watson_dct"),
    relative=2e-6,
    options=_watson,
  ),
  Rule(
    *("watson_dft", "(rgb|gray)_(default|released)/(?!param).*", "watson_dft"),
    relative=5e-6,
    options=_watson,
  ),
  Rule(
    *("watson_vgg", "watson_vgg_default", "watson_vgg"),
    relative=1e-4,
    options=lambda case: {"reference": True},
  ),
)
"""Rules with the bounds in the README of tests/golden.

There the numbers of `robust` are log densities, and those of `pim` come from
weights that a recipe draws. No spec has them, so the tests of these two
distances compare them.
"""


def of_spec(
  folder: pathlib.Path, spec: str
) -> Iterator[tuple[str, Case, Rule]]:
  """Yields name, case and rule of each case of a spec in a folder.

  Raises:
    NotApplicable: if there is no such case.
  """
  terms = registry.parse_spec(spec)
  name, own = terms[0].name, terms[0].options
  found, others = False, set()
  for rule in RULES:
    if rule.distance != name or len(terms) > 1:
      continue
    for case, options in cases_of(folder, rule):
      if options == _canonical(name, own):
        found = True
        yield f"{rule.file}/{case.name}", case, rule
      else:
        others.add(str(registry.Term(name, options)))
  if not found:
    of_others = f"; there are of {', '.join(sorted(others))}" if others else ""
    raise NotApplicable(f"{folder} has no case of {spec}{of_others}")


def cases_of(
  folder: pathlib.Path, rule: Rule
) -> Iterator[tuple[Case, Options]]:
  """Yields the cases of a rule with the options of their distance."""
  if not (folder / f"{rule.file}.npz").is_file():
    return
  for case in golden_cases.read(folder, rule.file):
    if re.fullmatch(rule.cases, case.name) and "value" in case.arrays:
      yield case, _canonical(rule.distance, rule.options(case))


def _canonical(name: str, options: Options) -> Options:
  """Returns options without defaults and with tuples in place of lists."""
  defaults = distances.DISTANCES.options(name)
  plain: Options = {
    key: tuple(value) if isinstance(value, list) else value
    for key, value in options.items()
  }
  weights = plain.get("weights")
  if isinstance(weights, str):
    plain["weights"] = weights.format(name)
  return {k: v for k, v in plain.items() if v != defaults[k]}


def matching(
  folder: pathlib.Path, pattern: str, *, relative: float
) -> Iterator[tuple[str, Case, Rule]]:
  """Yields the cases whose `<file>/<case>` matches a pattern such as `own/*`.

  This serves losses that have no rule; they should return `value`.

  Args:
    folder: Path of the folder with `images.npz`.
    pattern: Shell pattern of `<file>/<case>`.
    relative: Tolerance as a share of the value.

  Raises:
    NotApplicable: if no case matches.
  """
  found = False
  for file in golden_cases.files(folder):
    for case in golden_cases.read(folder, file):
      name = f"{file}/{case.name}"
      if fnmatch.fnmatchcase(name, pattern) and "value" in case.arrays:
        found = True
        yield name, case, Rule(file, "", "", relative=relative)
  if not found:
    raise NotApplicable(f"{folder} has no case that matches {pattern!r}")


def compare(factory: Factory, case: Case, rule: Rule) -> str:
  """Compares values with a case and returns the difference in words.

  It computes in float64 if the loss can, as the reference programs did. The
  error of float32 is another question; for some formulas, on flat blocks, it is
  large.

  Raises:
    ConformanceError: if values differ by more than the rule allows.
  """
  try:
    found = _values(factory, case, np.float64)
  except NotApplicable:
    found = _values(factory, case, np.float32)
  expected = rule.value(case)
  gap = np.abs(found - expected)
  allowed = rule.relative * np.abs(expected) + rule.absolute
  worst = int(np.argmax(gap - allowed))
  if gap[worst] > allowed[worst]:
    raise ConformanceError(
      f"{found[worst]:.9g} instead of {expected[worst]:.9g}, off by "
      f"{gap[worst]:.2g} where {allowed[worst]:.2g} is allowed"
    )
  return (
    f"{found[worst]:.6g}, off by {gap[worst]:.2g} where {allowed[worst]:.2g} "
    "is allowed"
  )


def _values(
  factory: Factory, case: Case, dtype: type[np.floating]
) -> np.ndarray:
  distance = factory(dtype=np.dtype(dtype).name)
  pair = [x.astype(dtype) for x in (case.reference, case.image)]
  if "one image per batch" not in case.settings.get("note", ""):
    return np.asarray(distance(*pair))
  values = [distance(r[None], i[None]) for r, i in zip(*pair, strict=True)]
  return np.concatenate(values)

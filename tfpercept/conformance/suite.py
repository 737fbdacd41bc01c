"""The contract of all distances, as checks that run on any of them.

    report = suite.run(distances.MSE)
    assert report.passed, report

A check takes a factory: a callable that makes the distance with its default
options and accepts `dtype`. It returns when the distance conforms, raises
`NotApplicable` where there is nothing to check, and otherwise raises
`ConformanceError` or lets the distance's own error through.
"""

import dataclasses
from collections.abc import Callable, Collection

from tfpercept import weights
from tfpercept.conformance import contract_checks, edge_checks, value_checks
from tfpercept.conformance.assertions import (
  Check,
  ConformanceError,
  Factory,
  NotApplicable,
)

__all__ = [
  "CHECKS",
  "Check",
  "ConformanceError",
  "Factory",
  "Finding",
  "NotApplicable",
  "Report",
  "run",
]

CHECKS: dict[str, Check] = {
  check.__name__: check
  for check in (
    *value_checks.CHECKS,
    *edge_checks.CHECKS,
    *contract_checks.CHECKS,
  )
}
"""All checks by name."""

PASSED, FAILED, NOT_APPLICABLE = "passed", "failed", "not applicable"


@dataclasses.dataclass(frozen=True)
class Finding:
  """The outcome of one check."""

  check: str
  outcome: str
  """`"passed"`, `"failed"` or `"not applicable"`."""
  message: str = ""
  """Measurement, fault, or reason why the check does not apply."""


@dataclasses.dataclass(frozen=True)
class Report:
  """The outcomes of all checks, in their order."""

  findings: tuple[Finding, ...]

  @property
  def failures(self) -> dict[str, str]:
    """Message of each check that failed, by name."""
    return {f.check: f.message for f in self.findings if f.outcome == FAILED}

  @property
  def passed(self) -> bool:
    """True if no check failed."""
    return not self.failures

  def __str__(self) -> str:
    lines = [f"{name}: {why}" for name, why in self.failures.items()]
    count = sum(f.outcome == PASSED for f in self.findings)
    rest = len(self.findings) - count
    return "\n".join(lines) or f"passed {count} checks, {rest} not applicable"


def run(factory: Factory, checks: Collection[str] = tuple(CHECKS)) -> Report:
  """Runs checks on a distance, by default all, and returns their outcomes."""
  return Report(tuple(examine(factory, name) for name in checks))


def examine(factory: Factory, name: str) -> Finding:
  """Runs one check by name."""
  return finding(name, lambda: CHECKS[name](factory))


def finding(name: str, check: Callable[[], str | None]) -> Finding:
  """Calls a check and returns its outcome as a finding.

  Any error of a distance is a failed check, except missing weights: then there
  is no distance to check.

  Raises:
    weights.MissingWeights: if the weights of the distance cannot be found.
  """
  try:
    return Finding(name, PASSED, check() or "")
  except NotApplicable as reason:
    return Finding(name, NOT_APPLICABLE, str(reason))
  except weights.MissingWeights:
    raise
  except Exception as error:  # noqa: BLE001 - whatever it is, it is found
    return Finding(name, FAILED, summary(error))


def summary(error: Exception) -> str:
  """Returns the message of an error without the traces of Keras and graphs."""
  if isinstance(error, ConformanceError):
    return str(error)
  # The error of a traced function quotes the code and ends with the cause. That
  # of a Keras layer adds the arguments of the call after it.
  text = str(error).split("Call arguments received")[0]
  lines = [line.strip() for line in text.splitlines() if line.strip()]
  kind, last = type(error).__name__, lines[-1] if lines else ""
  return last if last.startswith(kind) else f"{kind}: {last}"

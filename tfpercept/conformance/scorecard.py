"""A scorecard of any loss: its conformance, precision and speed.

    card = scorecard.examine("watson_dft")
    card = scorecard.examine(my_keras_loss)
    print(scorecard.to_text(card))

In addition to the checks of `conformance.suite` it measures speed, and compares
values with those of reference programs, where there are any.
"""

import dataclasses
import functools
import os
import pathlib
import statistics
import time
from collections.abc import Callable, Collection, Iterable, Iterator
from typing import Any

import numpy as np
import tensorflow as tf

from tfpercept import distances
from tfpercept.conformance import adapters, goldens, suite, test_images
from tfpercept.conformance.suite import FAILED, NOT_APPLICABLE, PASSED, Finding

NAMES = (*suite.CHECKS, "speed", "goldens")
"""Names of all checks."""
MEASURED = "measured"
SPEED_SIDE = 256  # side of the images that speed is measured on, in pixels
SPEED_ROUNDS = 5
GOLDEN_BOUND = 1e-5  # relative tolerance where there is no rule


@dataclasses.dataclass(frozen=True)
class Scorecard:
  """The findings on one loss."""

  subject: str
  findings: tuple[Finding, ...]

  @property
  def passed(self) -> bool:
    """True if no check failed."""
    return self.count(FAILED) == 0

  def count(self, outcome: str) -> int:
    """Returns the number of findings with this outcome."""
    return sum(f.outcome == outcome for f in self.findings)


def examine(
  subject: Any,
  *,
  min_size: int = 1,
  size_multiple: int = 1,
  channels: int = 3,
  checks: Collection[str] | None = None,
  golden_folder: str | os.PathLike | None = None,
  golden_cases: str | None = None,
  each: Callable[[Finding], None] | None = None,
) -> Scorecard:
  """Examines a distance or a loss.

  Args:
    subject: A spec, a `Distance`, a Keras loss, a function of (y_true, y_pred),
      a class of those, or `"package.module:name"` of one, which is imported.
    min_size: Smallest side of images that a loss takes, in pixels; a `Distance`
      states its own.
    size_multiple: Number of pixels of which the sides of images must be
      multiples, for a loss.
    channels: Number of channels of images, for a loss.
    checks: Names of checks to run: conformance checks, `"speed"` and
      `"goldens"`; by default all that apply.
    golden_folder: Path of a folder with values of reference programs, in the
      layout of `golden_cases`. `goldens.RULES` states the cases of a subject.
    golden_cases: Pattern of `<file>/<case>`, such as `"mine/*"`, that replaces
      those rules. The subject should have these values to 1e-5.
    each: Function called with each finding when it is made.

  Raises:
    ValueError: if there is no such subject or check.
  """
  for name in checks or ():
    if name not in NAMES:
      raise ValueError(
        f"there is no check {name!r}; there are {', '.join(NAMES)}"
      )
  found = adapters.find(
    subject, min_size=min_size, size_multiple=size_multiple, channels=channels
  )
  findings = []
  for finding in _findings(found, checks or NAMES, golden_folder, golden_cases):
    findings.append(finding)
    if each:
      each(finding)
  return Scorecard(found.name, tuple(findings))


def _findings(
  subject: adapters.Subject,
  names: Iterable[str],
  golden_folder: str | os.PathLike | None,
  golden_cases: str | None,
) -> Iterator[Finding]:
  for name in names:
    if name in subject.lacks:
      yield Finding(name, NOT_APPLICABLE, subject.lacks[name])
    elif name == "speed":
      yield _speed(subject)
    elif name == "goldens":
      yield from _goldens(subject, golden_folder, golden_cases)
    else:
      yield suite.examine(subject.factory, name)


def _goldens(
  subject: adapters.Subject,
  folder: str | os.PathLike | None,
  pattern: str | None,
) -> Iterator[Finding]:
  if folder is None:
    yield Finding("goldens", NOT_APPLICABLE, "no folder of them was given")
    return
  folder = pathlib.Path(folder)
  if not (folder / "images.npz").is_file():
    raise ValueError(f"expected a folder with images.npz; {folder} has none")
  if pattern is None and not subject.spec:
    yield Finding("goldens", NOT_APPLICABLE, "which cases are its own?")
    return
  if pattern is None:
    cases = goldens.of_spec(folder, subject.spec)
  else:
    cases = goldens.matching(folder, pattern, relative=GOLDEN_BOUND)
  try:
    for name, case, rule in cases:
      yield suite.finding(
        name, functools.partial(goldens.compare, subject.factory, case, rule)
      )
  except suite.NotApplicable as reason:
    yield Finding("goldens", NOT_APPLICABLE, str(reason))


def _speed(subject: adapters.Subject) -> Finding:
  """Compares seconds with those of MS-SSIM.

  Both are traced but not compiled, and called in turns, so that other load of
  the computer affects both.
  """
  distance, peer = subject.factory(), distances.get("ms_ssim")
  side = SPEED_SIDE
  if side < distance.min_size or side % distance.size_multiple:
    return Finding(
      "speed", NOT_APPLICABLE, f"images of {side}x{side} are not allowed"
    )
  scene = test_images.scene(1, side, test_images.channels(distance))
  reference, image = tf.constant(scene), tf.constant(scene[:, ::-1].copy())
  try:
    seconds = {}
    for way, wrap in (("forward", _forward), ("with gradient", _backward)):
      both = [wrap(distance), wrap(peer)]
      seconds[way] = _medians(
        [functools.partial(f, reference, image) for f in both]
      )
  except (ValueError, TypeError, tf.errors.OpError) as error:
    return Finding("speed", FAILED, suite.summary(error))
  parts = [
    f"{own / other:.2g} times ms_ssim {way} ({1e3 * own:.3g} ms)"
    for way, (own, other) in seconds.items()
  ]
  shape = "x".join(map(str, scene.shape))
  return Finding("speed", MEASURED, f"{', '.join(parts)} at {shape}")


def _forward(distance: Any) -> Callable[[tf.Tensor, tf.Tensor], Any]:
  return tf.function(lambda reference, image: distance(reference, image))


def _backward(distance: Any) -> Callable[[tf.Tensor, tf.Tensor], Any]:
  @tf.function
  def gradient(reference: tf.Tensor, image: tf.Tensor) -> tf.Tensor:
    with tf.GradientTape() as tape:
      tape.watch(image)
      value = distance(reference, image)
    return tape.gradient(value, image, unconnected_gradients="zero")

  return gradient


def _medians(functions: list[Callable[[], tf.Tensor]]) -> list[float]:
  """Returns median seconds of functions that are called in turns.

  The first call of each traces and is not counted.
  """
  seconds: list[list[float]] = [[] for _ in functions]
  for turn in range(SPEED_ROUNDS + 1):
    for times, function in zip(seconds, functions, strict=True):
      start = time.perf_counter()
      np.asarray(function())  # waits for the result
      if turn:
        times.append(time.perf_counter() - start)
  return [statistics.median(times) for times in seconds]


def line(finding: Finding) -> str:
  """Returns one line of the table."""
  return f"{finding.outcome:16}{finding.check:34}  {finding.message}".rstrip()


def totals(card: Scorecard) -> str:
  """Returns the last line of the table, with the counts."""
  return (
    f"{card.subject}: {card.count(PASSED)} passed, {card.count(FAILED)} "
    f"failed, {card.count(NOT_APPLICABLE)} not applicable"
  )


def to_text(card: Scorecard) -> str:
  """Returns the scorecard as a table."""
  return "\n".join([*map(line, card.findings), totals(card)])


def to_json(card: Scorecard) -> dict[str, Any]:
  """Returns the scorecard as a JSON value."""
  return {
    "subject": card.subject,
    "passed": card.passed,
    "findings": [dataclasses.asdict(finding) for finding in card.findings],
  }

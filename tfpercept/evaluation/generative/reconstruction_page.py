"""The page of reconstructions of the same pictures by several methods."""

import dataclasses
import itertools
import math
from collections.abc import Mapping

import numpy as np

from tfpercept import distances
from tfpercept.evaluation.core import (
  machine,
  runner,
  statistics,
  training_curves,
)
from tfpercept.evaluation.core.statistics import Estimate
from tfpercept.evaluation.generative import held_out
from tfpercept.io import files
from tfpercept.reports import gallery, page

_SUMMARY = (
  "Reconstructions of the same pictures by networks with different losses, and "
  "their distances to the originals."
)
_VALUES = (
  "Below each reconstruction are its distances to the original, by every "
  "distance that suits the size. The smallest of a row is marked."
)
_DIFFER = (
  "The {count} of {total} pictures whose reconstructions are furthest from one "
  "another: by the mean of {spec} over pairs of them, which is given."
)
_SAMPLE = "{count} of {total} pictures, drawn with seed {seed}."
_MEANS = (
  "Mean distance between original and reconstruction over {total} pictures, "
  "with its 95 % bootstrap interval over pictures. The smallest of a row is "
  "bold."
)

_TAGS = {"train/loss": "loss", "held_out/psnr": "PSNR, held out"}


@dataclasses.dataclass(frozen=True)
class Options:
  """Options of a page of reconstructions.

  Attributes:
    differing: Number of pictures whose reconstructions differ most.
    sampled: Number of pictures drawn at random from the others.
    spread: Spec of the distance that ranks pictures by how far their
      reconstructions differ.
    seed: Seed of the random pictures.
    metrics: Names of the distances below each picture; None takes all
      registered ones that suit the size.
  """

  differing: int = 6
  sampled: int = 6
  spread: str = "mse"
  seed: int = 0
  metrics: tuple[str, ...] | None = None

  def __post_init__(self) -> None:
    if min(self.differing, self.sampled) < 0:
      raise ValueError(
        "numbers of pictures are at least 0; got "
        f"{self.differing} and {self.sampled}"
      )


def write(
  path: files.PathLike,
  title: str,
  images: np.ndarray,
  reconstructions: Mapping[str, np.ndarray],
  options: Options | None = None,
  *,
  logs: Mapping[str, files.PathLike] | None = None,
  conditions: Mapping[str, object] | None = None,
) -> dict[str, dict[str, Estimate]]:
  """Writes the page.

  The page measures the pictures that it shows: reconstructions are clipped to
  [0, 1] and rounded to 8 bits.

  Args:
    path: Path of the HTML file.
    title: Heading of the page.
    images: Originals, `[N, H, W, 1 or 3]`, uint8, or floats in [0, 1].
    reconstructions: Reconstructions of the same shape and dtype, by method; at
      least one method.
    options: Options of the page; None takes the defaults.
    logs: TensorBoard folders of the trainings, by method.
    conditions: Further facts for the reader, by name.

  Returns:
    Mean distance over all pictures, by spec and method.

  Raises:
    ValueError: if shapes differ, values are not finite, there is nothing to
      show, or the spec of the spread is wrong or does not suit the size.
  """
  options = Options() if options is None else options
  x = _rounded("images", images)
  if not reconstructions:
    raise ValueError("a page needs the reconstructions of one method or more")
  made = {
    name: _rounded(name, given, like=x)
    for name, given in reconstructions.items()
  }
  distances.get(options.spread).validate(*x.shape[1:3])
  values, missing = _values(x, made, options)
  means = {
    spec: {name: statistics.mean(v) for name, v in row.items()}
    for spec, row in values.items()
  }
  shown = _Shown(x, made, values)
  sections = [*_pictures(shown, options), _means(means, len(x))]
  curves = _curves(logs or {})
  if curves:
    sections.append(page.section("Training", page.curves(curves)))
  if missing:
    sections.append(page.section("Left out", page.facts(missing)))
  facts = {**(conditions or {}), **machine.facts()}
  sections.append(page.section("Conditions", page.facts(facts)))
  page.Page(title, _SUMMARY, sections).write(path)
  return means


def _values(
  x: np.ndarray, made: Mapping[str, np.ndarray], options: Options
) -> tuple[dict[str, dict[str, np.ndarray]], dict[str, str]]:
  """Returns values by spec and method, and why other distances have none."""
  metrics, missing = held_out.metrics(x.shape[1:], options.metrics)
  if not metrics:
    reasons = "; ".join(f"{name}: {why}" for name, why in missing.items())
    raise ValueError(f"no distance can serve: {reasons}")
  values = {
    spec: {
      name: held_out.values(metric, _floats(x), _floats(x_hat))
      for name, x_hat in made.items()
    }
    for spec, metric in metrics.items()
  }
  return values, missing


def spreads(
  reconstructions: Mapping[str, np.ndarray], spread: distances.Distance
) -> np.ndarray:
  """Returns how far reconstructions of each picture are apart, float64 `[N]`.

  It is the mean distance over pairs of methods; 0 where there is one method.

  Args:
    reconstructions: float32 `[N, H, W, C]` in [0, 1], by method.
    spread: Distance between reconstructions.
  """
  pairs = list(itertools.combinations(reconstructions.values(), 2))
  if not pairs:
    return np.zeros(len(next(iter(reconstructions.values()))))
  metric = runner.Compiled(spread)
  apart = [held_out.values(metric, first, other) for first, other in pairs]
  return np.mean(apart, axis=0)


@dataclasses.dataclass(frozen=True)
class _Shown:
  """Originals, reconstructions by method, values by spec and method."""

  x: np.ndarray
  made: Mapping[str, np.ndarray]
  values: Mapping[str, Mapping[str, np.ndarray]]

  def picture(self, index: int, note: str = "") -> str:
    return gallery.scored(
      f"Picture {index}",
      self.x[index],
      {name: x_hat[index] for name, x_hat in self.made.items()},
      {
        spec: [by_method[index] for by_method in row.values()]
        for spec, row in self.values.items()
      },
      note=note,
    )


def _pictures(shown: _Shown, options: Options) -> list[str]:
  """Pictures that methods disagree on, then others at random."""
  total = len(shown.x)
  spread = distances.get(options.spread)
  apart = spreads({n: _floats(x) for n, x in shown.made.items()}, spread)
  order = np.argsort(-apart, kind="stable")
  differing = options.differing if len(shown.made) > 1 else 0
  first, rest = np.split(order, [differing])
  random = np.random.default_rng(options.seed)
  drawn = random.choice(rest, min(options.sampled, len(rest)), replace=False)
  sections = []
  if len(first):
    text = _DIFFER.format(count=len(first), total=total, spec=spread.spec)
    figures = [
      shown.picture(i, f"{spread.spec} {apart[i]:.3g} apart") for i in first
    ]
    heading = "Where reconstructions differ most"
    sections.append(_section(heading, f"{text} {_VALUES}", figures))
  if len(drawn):
    text = _SAMPLE.format(count=len(drawn), total=total, seed=options.seed)
    figures = [shown.picture(i) for i in np.sort(drawn)]
    sections.append(_section("At random", f"{text} {_VALUES}", figures))
  return sections


def _section(title: str, text: str, figures: list[str]) -> str:
  return page.section(title, page.paragraph(text), *figures)


def _means(means: Mapping[str, Mapping[str, Estimate]], total: int) -> str:
  methods = list(next(iter(means.values())))
  lines, bold = [["distance", *methods]], set()
  for place, (spec, row) in enumerate(means.items(), 1):
    lines.append([spec, *map(_interval, row.values())])
    values = [estimate.value for estimate in row.values()]
    bold |= {(place, c) for c, v in enumerate(values, 1) if v == min(values)}
  return page.section(
    "All pictures",
    page.paragraph(_MEANS.format(total=total)),
    page.grid(lines, bold),
  )


def _interval(estimate: Estimate) -> str:
  if math.isnan(estimate.low):
    return f"{estimate.value:.4g}"
  return f"{estimate.value:.4g} [{estimate.low:.4g}, {estimate.high:.4g}]"


def _curves(
  logs: Mapping[str, files.PathLike],
) -> dict[str, tuple[np.ndarray, np.ndarray]]:
  """Loss, and PSNR of pictures held out, of each training that logged them."""
  found = {}
  for name, folder in logs.items():
    for tag, title in _TAGS.items():
      steps, values = training_curves.read(folder, tag)
      if len(steps):
        found[f"{name}: {title}"] = steps, values
  return found


def _rounded(
  name: str, given: np.ndarray, *, like: np.ndarray | None = None
) -> np.ndarray:
  """Returns pictures as uint8; refuses other arrays."""
  given = np.asarray(given)
  if given.ndim != 4 or given.shape[-1] not in (1, 3) or not given.size:
    raise ValueError(
      f"{name}: expected pictures [N, H, W, 1 or 3]; got {list(given.shape)}"
    )
  if like is not None and given.shape != like.shape:
    raise ValueError(
      f"{name}: expected reconstructions {list(like.shape)}; got "
      f"{list(given.shape)}"
    )
  if given.dtype == np.uint8:
    return given
  if given.dtype.kind != "f" or not np.isfinite(given).all():
    raise ValueError(
      f"{name}: expected uint8 or finite floats; got {given.dtype}"
    )
  if like is None and (given.min() < 0 or given.max() > 1):
    raise ValueError(
      f"{name}: floats are in [0, 1]; got {given.min():.3g} to "
      f"{given.max():.3g}"
    )
  return np.round(given.clip(0, 1) * 255).astype(np.uint8)


def _floats(pictures: np.ndarray) -> np.ndarray:
  return pictures / np.float32(255)

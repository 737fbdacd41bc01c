"""Variational autoencoders with several losses, measured by one protocol."""

import dataclasses
import functools
import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from tfpercept import models
from tfpercept.evaluation.core import runner, statistics
from tfpercept.evaluation.core.statistics import Estimate
from tfpercept.evaluation.generative import (
  held_out,
  loss_cost,
  metrics,
  sharpness,
)
from tfpercept.evaluation.generative import samples as generation_pictures
from tfpercept.ops import divergences

DRAWS = 3
"""Independent draws of samples that a Frechet distance is averaged over."""
QUALITY = {
  "trained_kl": "KL of training pictures, nats",
  "kl": "KL of pictures held out, nats",
  "sharpness": "sharpness of samples",
  "sharpness_inside": "the same without the border",
  "sharpness_per_contrast": "the same without the border, per contrast",
  "border": "share of gradient energy in the border",
  "reconstructed_sharpness": "sharpness of reconstructions",
  "haze": "haze of samples",
  "entropy": "entropy of samples, nats",
  "confidence": "confidence in samples",
  "coverage": "coverage of classes, nats",
  "frechet": "Fréchet distance of samples",
  "accuracy": "accuracy on reconstructions",
}
"""Lines of the second table by key. From haze on they are of digits, and are
measured with a classifier. Pictures without an inside lack the three lines that
name the border."""


@dataclasses.dataclass(frozen=True)
class Evidence:
  """Pictures and metrics with which trained networks are measured.

  Attributes:
    unseen: Pictures held out, float32 `[N, H, W, C]` in [0, 1].
    train: Training pictures, of the same shape; samples are compared with them.
    distances: Compiled distances by spec.
    compared: Number of pictures of `unseen` on which distances are measured,
      and of either kind of which the KL is.
    samples: Number of samples drawn from each network.
    classifier: Classifier of digits; None leaves its metrics out.
    labels: Labels of `unseen`, `[N]`; only needed with a classifier.
    seed: Seed of the latents of the samples, the same for all networks.
  """

  unseen: np.ndarray
  train: np.ndarray
  distances: Mapping[str, runner.Compiled]
  compared: int = 1000
  samples: int = 10_000
  classifier: models.DigitClassifier | None = None
  labels: np.ndarray | None = None
  seed: int = 0

  def judge(self, pictures: np.ndarray) -> metrics.Judged:
    """Returns what the classifier says of pictures."""
    assert self.classifier is not None  # where `real` is not None
    return metrics.judge(self.classifier, pictures)

  def accuracy(self, judged: metrics.Judged) -> Estimate:
    """Returns how often the classifier finds the labels of `unseen`."""
    assert self.labels is not None  # which a classifier needs
    return metrics.accuracy(judged, self.labels)

  @functools.cached_property
  def real(self) -> metrics.Judged | None:
    """Classifier output for the training pictures, or None."""
    if self.classifier is None:
      return None
    return metrics.judge(self.classifier, self.train)


@dataclasses.dataclass(frozen=True)
class Row:
  """Measurements of the networks trained with one loss.

  Attributes:
    spec: Spec of the loss.
    held_out: Mean distance of reconstructions, by the spec of the distance.
    quality: Metrics by the keys of `QUALITY`.
    trainings: Number of trainings averaged. With more than one, `low` and
      `high` are the extremes over them, else those of a bootstrap over
      pictures.
  """

  spec: str
  held_out: dict[str, Estimate]
  quality: dict[str, Estimate]
  trainings: int = 1


@dataclasses.dataclass(frozen=True)
class Table:
  """All measurements of the comparison.

  Attributes:
    rows: Measurements by the name of the loss.
    reference: `quality` of real held-out pictures, the best value possible.
    costs: Costs by the name of the loss, also of losses without a trained
      network; None where a cost could not be measured.
    missing: Reasons why distances or losses are left out, by name.
    steps: Number of steps of the training, by the name of the loss, or by
      `"NAME, seed SEED"` where seeds differ; empty where it is not known.
  """

  rows: dict[str, Row]
  reference: dict[str, Estimate]
  costs: dict[str, loss_cost.Cost | None]
  missing: dict[str, str] = dataclasses.field(default_factory=dict)
  steps: dict[str, int] = dataclasses.field(default_factory=dict)


def measure(
  network: generation_pictures.Network, spec: str, evidence: Evidence
) -> Row:
  """Measures one trained network.

  Args:
    network: Trained variational autoencoder.
    spec: Spec of the loss of its training.
    evidence: Pictures and metrics to measure it with.
  """
  real = evidence.real
  few = evidence.unseen[: evidence.compared]
  x_hat = generation_pictures.reconstructed(network, few)
  draws = [
    generation_pictures.decoded(
      network,
      generation_pictures.latents(
        evidence.samples, network.latent, seed=evidence.seed + i
      ),
    )
    for i in range(DRAWS if real else 1)
  ]
  trained = evidence.train[: evidence.compared]
  quality = {
    "trained_kl": statistics.mean(_nats(network, trained)),
    "kl": statistics.mean(_nats(network, few)),
    **_sharpness(draws[0], evidence),
    "reconstructed_sharpness": sharpness.sharpness(x_hat, few),
  }
  if real:
    judged = [evidence.judge(d) for d in draws]
    quality |= vars(metrics.judgement(judged, real))
    remade = evidence.judge(
      generation_pictures.reconstructed(network, evidence.unseen)
    )
    quality["accuracy"] = evidence.accuracy(remade)
  return Row(spec, held_out.means(evidence.distances, few, x_hat), quality)


def _sharpness(pictures: np.ndarray, evidence: Evidence) -> dict[str, Estimate]:
  """Returns the measures of samples that need their pixels alone."""
  data = evidence.train[: evidence.samples]
  found = {"sharpness": sharpness.sharpness(pictures, data)}
  if sharpness.has_inside(min(pictures.shape[1:3])):
    inner = sharpness.inside(pictures), sharpness.inside(data)
    found["sharpness_inside"] = sharpness.sharpness(*inner)
    found["sharpness_per_contrast"] = sharpness.per_contrast(*inner)
    found["border"] = sharpness.border_share(pictures)
  if evidence.real:
    found["haze"] = sharpness.haze(pictures)
  return found


def _nats(network: generation_pictures.Network, x: np.ndarray) -> np.ndarray:
  """Returns the KL of each picture's latents in nats, `[N]`."""
  nats = divergences.normal_to_standard(*network.encode(tf.constant(x)))
  return tf.reduce_sum(nats, axis=-1).numpy().astype(np.float64)


def reference(evidence: Evidence) -> dict[str, Estimate]:
  """Returns the quality of pictures held out, in place of samples.

  Their Frechet distance to the pictures trained on is the floor for as many
  samples.
  """
  quality = _sharpness(evidence.unseen, evidence)
  if evidence.real:
    judged = evidence.judge(evidence.unseen)
    quality |= vars(metrics.judgement([judged], evidence.real))
    quality["accuracy"] = evidence.accuracy(judged)
  return quality


def pooled(rows: Sequence[Row]) -> Row:
  """Averages trainings of one loss from several seeds.

  Raises:
    ValueError: if they are of several losses.
  """
  specs = {row.spec for row in rows}
  if len(specs) != 1:
    raise ValueError(f"one loss can be pooled; got {', '.join(sorted(specs))}")
  if len(rows) == 1:
    return rows[0]
  return Row(
    rows[0].spec,
    _over_each([row.held_out for row in rows]),
    _over_each([row.quality for row in rows]),
    trainings=len(rows),
  )


def _over_each(parts: Sequence[dict[str, Estimate]]) -> dict[str, Estimate]:
  return {key: _over([part[key] for part in parts]) for key in parts[0]}


def _over(estimates: Sequence[Estimate]) -> Estimate:
  values = [e.value for e in estimates]
  return Estimate(float(np.mean(values)), min(values), max(values))


def interval(estimate: Estimate) -> str:
  """Formats an estimate with its interval, if it has one."""
  if math.isnan(estimate.low):
    return number(estimate.value)
  low, high = number(estimate.low), number(estimate.high)
  return f"{number(estimate.value)} [{low}, {high}]"


def number(value: float) -> str:
  """Formats a figure: three digits, or whole where it is large."""
  return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:#.3g}".rstrip(".")


def milliseconds(seconds: float) -> str:
  """Formats a time."""
  return number(1e3 * seconds)


def mebibytes(size: float) -> str:
  """Formats a number of bytes."""
  return number(size / 2**20)


def to_json(table: Table) -> dict[str, Any]:
  """Returns the table as JSON values; NaN is null."""
  return {
    "rows": {
      name: {
        "spec": row.spec,
        "trainings": row.trainings,
        "held_out": _json(row.held_out),
        "quality": _json(row.quality),
      }
      for name, row in table.rows.items()
    },
    "reference": _json(table.reference),
    "costs": {
      name: None if cost is None else {
        k: None if math.isnan(v) else v
        for k, v in dataclasses.asdict(cost).items()
      }
      for name, cost in table.costs.items()
    },
    "missing": table.missing,
    "steps": table.steps,
  }  # fmt: skip


def _json(estimates: Mapping[str, Estimate]) -> dict[str, list[float | None]]:
  return {
    name: [None if math.isnan(v) else v for v in (e.value, e.low, e.high)]
    for name, e in estimates.items()
  }

"""The comparison of VAEs: figures, pooling, answers, tables."""

import dataclasses
import json
import math

import numpy as np
import pytest

from tfpercept import models
from tfpercept.evaluation.core.statistics import Estimate
from tfpercept.evaluation.generative import held_out, loss_cost
from tfpercept.evaluation.generative import metrics as generation
from tfpercept.evaluation.generative import table as generation_table


@pytest.fixture(scope="module")
def network():
  made = models.VAE(latent=3, widths=(2, 2))
  made.build()
  return made


@pytest.fixture(scope="module")
def evidence():
  random = np.random.default_rng(0)
  pictures = random.uniform(size=(30, 32, 32, 1)).astype(np.float32)
  metrics, _ = held_out.metrics((32, 32, 1), ["mse", "ssim"])
  classifier = models.DigitClassifier(filters=(2, 2, 2, 3, 3), width=4)
  classifier.build()
  return generation_table.Evidence(
    pictures[:10],
    pictures[10:],
    metrics,
    compared=5,
    samples=20,
    classifier=classifier,
    labels=np.arange(10),
  )


def test_a_network_is_measured_by_all_there_is(network, evidence, monkeypatch):
  monkeypatch.setattr(generation, "FEWEST", 10)
  row = generation_table.measure(network, "mae", evidence)
  assert row.spec == "mae"
  assert list(row.held_out) == ["mse", "ssim"]
  assert set(row.quality) == set(generation_table.QUALITY)
  found = generation_table.reference(evidence)
  assert set(found) == set(generation_table.QUALITY) - {
    "trained_kl",
    "kl",
    "reconstructed_sharpness",
  }
  few = evidence.unseen[:5]
  for key, pictures in (("kl", few), ("trained_kl", evidence.train[:5])):
    mean, log_variance = (part.numpy() for part in network.encode(pictures))
    nats = 0.5 * (mean**2 + np.exp(log_variance) - 1 - log_variance)
    assert row.quality[key].value == pytest.approx(
      nats.sum(axis=-1).mean(), rel=1e-4
    )
  x_hat = network(few)
  expected = np.mean(np.square(few - x_hat))
  # Float32.
  assert row.held_out["mse"].value == pytest.approx(expected, rel=1e-4)
  assert generation_table.measure(network, "mae", evidence) == row


def test_without_a_classifier_there_is_sharpness_alone(network, evidence):
  evidence = dataclasses.replace(evidence, classifier=None)
  row = generation_table.measure(network, "mae", evidence)
  pixels = {
    "sharpness", "sharpness_inside", "sharpness_per_contrast", "border"
  }  # fmt: skip
  assert set(row.quality) == {
    "trained_kl", "kl", "reconstructed_sharpness", *pixels
  }  # fmt: skip
  found = generation_table.reference(evidence)
  assert set(found) == pixels
  # Noise is as sharp as noise.
  assert found["sharpness"].value == pytest.approx(1, abs=0.1)


def row(spec="mse", trainings=1, **quality):
  quality = {k: Estimate(*v) for k, v in quality.items()}
  return generation_table.Row(
    spec, {"mae": Estimate(1.0, 0.5, 1.5)}, quality, trainings
  )


def test_trainings_are_pooled_to_their_mean_and_extremes():
  rows = [row(sharpness=(v, 0.0, 9.0)) for v in (0.2, 0.6, 0.4)]
  found = generation_table.pooled(rows)
  assert found.trainings == 3
  assert found.quality["sharpness"] == Estimate(pytest.approx(0.4), 0.2, 0.6)
  assert generation_table.pooled(rows[:1]) is rows[0]
  with pytest.raises(ValueError, match="got mae, mse"):
    generation_table.pooled([row(), row("mae")])


@pytest.mark.parametrize(
  ("value", "shown"),
  [(0.5, "0.500"), (839.7, "840"), (4087.3, "4,087"), (0.00634, "0.00634")],
)
def test_figures_have_three_digits(value, shown):
  assert generation_table.number(value) == shown


def test_json_holds_figures_and_no_nan():
  rows = {
    "MSE": row(sharpness=(0.5, 0.4, 0.6)),
    "SSIM": row(sharpness=(0.7, math.nan, math.nan)),
  }
  costs = {"MSE": loss_cost.Cost(2e-3, 1e-3, 2**20, 2**19), "SSIM": None}
  table = generation_table.Table(rows, {}, costs, {"pim": "why"})
  found = json.loads(
    json.dumps(generation_table.to_json(table), allow_nan=False)
  )
  assert found["rows"]["SSIM"]["quality"]["sharpness"] == [0.7, None, None]
  assert found["costs"]["MSE"]["peak_bytes"] == 2**20
  assert found["costs"]["SSIM"] is None

"""VAEs are trained at the rate that the settings ask for."""

import pathlib

import numpy as np
import pytest

from tfpercept import training
from tfpercept.data import examples
from trainers import variational


def _rate(step, **settings):
  run = training.Run(
    pathlib.Path("out"),
    steps=100,
    loss="mse",
    learning_rate=0.5,
    settings=variational.Settings(**settings),
  )
  optimizer = variational._optimizer(run)
  return None if optimizer is None else float(optimizer._learning_rate(step))


def test_the_rate_falls_to_the_share_that_is_asked_for():
  assert _rate(0, final_rate=0.16) == pytest.approx(0.5)
  assert _rate(50, final_rate=0.16) == pytest.approx(0.5 * 0.4)
  assert _rate(100, final_rate=0.16) == pytest.approx(0.5 * 0.16)


def test_without_a_share_the_rate_is_that_of_all_trainers():
  assert _rate(0) is None
  assert variational.Settings().to_json().get("final_rate") is None


def test_free_nats_are_a_part_of_those_that_are_wanted():
  own = variational.Settings(beta="auto", nats_per_latent=1.0, free_nats=0.5)
  assert own.free_nats == 0.5
  with pytest.raises(ValueError, match="leads to 1 nats a latent, of which"):
    variational.Settings(beta="auto", nats_per_latent=1.0, free_nats=1.0)
  assert variational.Settings(beta=2.0, free_nats=3.0).nats_per_latent is None


def test_the_warm_up_of_the_kl_is_that_of_the_settings(tmp_path, monkeypatch):
  """It holds for the weight, and for when a collapse is spoken of."""

  class StopError(Exception):
    pass

  seen = {}

  def fit(task, data, run, *, guards, **options):
    seen.update(task=task, guard=guards[0])
    raise StopError

  monkeypatch.setattr(training, "fit", fit)
  own = variational.Settings(
    model=variational.Layers(widths=(4,), latent=2), side=32, batch=4,
    kl_warmup=7, beta=1.0,
  )  # fmt: skip
  run = training.Run(tmp_path, steps=2, loss="mse", settings=own)
  pictures = examples.Examples(np.zeros((4, 32, 32, 1), np.uint8))
  with pytest.raises(StopError):
    variational.train(run, pictures, pictures)
  assert seen["task"]._warmup == seen["guard"]._warmup == 7

"""VAEs are trained at the rate that the settings ask for."""

import pathlib

import pytest

from tfpercept import training
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
